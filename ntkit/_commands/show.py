"""`ntkit show`: everything that was declared about a claim, and where its last verdict stands."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ntkit._commands._words import number, region_words
from ntkit.claims._claim import TIERS, Claim
from ntkit.claims._index import read_catalogue
from ntkit.claims._places import catalogue_folder
from ntkit.claims._power import PowerFile, power_age, stored_evidence
from ntkit.claims._record import latest_records
from ntkit.claims._sources import SourceReader
from ntkit.claims._store import Store

WIDTH = 80


def run(options: argparse.Namespace) -> int:
    """Print the claim; its verdict too, if the store has one."""
    claim = read_catalogue(catalogue_folder(options.path)).one(options.claim)
    print(claim.name)
    print(f"{claim.paper.authors} ({claim.paper.year}). {claim.paper.title}\n")
    _field("source", claim.where)
    _field("statement", claim.statement)
    _field("kind", f"{claim.kind}, checked against: {claim.checked}")
    _field("rule", f"{claim.rule_shown}: {claim.rule_text}")
    for name, control in claim.controls.items():
        through = f" (through {', '.join(control.parts)})" if control.parts else ""
        _field("control", f"{name}{through}: {control.description}")
    if claim.repaired:
        _field("repaired", claim.repaired)
    _field("recorded", ", ".join(f"{claim.recorded[tier]} ({tier})" for tier in TIERS))
    if claim.because:
        _field("because", claim.because)
    _field("measured by", f"{claim.function} in {claim.file}, line {claim.line}, returns {claim.returns}")
    _field("power", _power(claim, Path(options.store)))
    if claim.notes:
        print(f"\n{textwrap.indent(claim.notes, '  ')}")
    _show_verdict(claim, Path(options.store))
    return 0


def _field(name: str, text: str) -> None:
    print(
        textwrap.fill(
            text,
            WIDTH,
            initial_indent=f"{name + ':' if name else '':<13}",
            subsequent_indent=" " * 13,
            break_long_words=False,
        )
    )


def _power(claim: Claim, folder: Path) -> str:
    reader = SourceReader()
    sources = reader.read(Path(claim.file))
    reader.save()
    file = PowerFile(Path(claim.file).parent)
    tier = next((tier for tier in TIERS if file.of(claim, sources, tier, None)), None)
    if tier is None:
        return "not measured; `ntkit power` does"
    evidence = None
    if _is_store(folder):
        store = Store(folder, write=False)
        evidence = stored_evidence(claim, sources, tier, store)
        store.close()
    entry = file.of(claim, sources, tier, evidence)
    assert entry is not None
    controls = ", ".join(f"{name} refuted in {count}" for name, count in entry["controls"].items())
    return (
        f"as recorded in {entry['as_recorded']} of {entry['seeds']} seeds at tier {entry['tier']}; {controls}{power_age(entry)}"
    )


def _is_store(folder: Path) -> bool:
    return (folder / "results.sqlite").is_file()


def _show_verdict(claim: Claim, folder: Path) -> None:
    if not _is_store(folder):
        return
    store = Store(folder, write=False)
    for record in latest_records([claim], store):
        verdict = record.verdict
        print()
        _field("verdict", f"{verdict['verdict']} ({record.tier}, seed {verdict['seed']}, {record.created[:19]} UTC)")
        if record.outdated:
            _field("", "out of date: the claim was declared otherwise then; run `ntkit verify`")
        _field("", verdict["sentence"])
        for name, control in verdict["controls"].items():
            _field("control", f"{name} {control['verdict']}{_distance(control)}")
    store.close()


def _distance(control: Mapping[str, Any]) -> str:
    """How far a control lies from the edge beyond which it is refuted: how nearly it would have gone unnoticed."""
    if control["distance"] is None or control["statistic"] is None:
        return f": {control['sentence']}"
    side = "beyond" if control["distance"] > 0 else "short of"
    how_far = f"{number(abs(control['distance']))} {side} the refuting edge"
    edge = region_words(control["regions"]["not_refuted"])
    return f": statistic {number(control['statistic'])}, {how_far} (refuted when not {edge})"
