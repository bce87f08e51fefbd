"""From a record to panels: which view draws which part of the evidence, and for which variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ntkit.claims._errors import EvidenceError, StoreError
from ntkit.claims._evidence import (
    Bounds,
    Counts,
    Crossings,
    Estimates,
    Evidence,
    Integers,
    Pairs,
    Series,
    Sides,
)
from ntkit.claims._record import Record
from ntkit.claims.figures._diagonals import BOUNDS, INTEGERS
from ntkit.claims.figures._exactly import SIDES
from ntkit.claims.figures._look import looks
from ntkit.claims.figures._means import COUNTS, ESTIMATES, PAIRS
from ntkit.claims.figures._slopes import CROSSINGS, SERIES
from ntkit.claims.figures._table import Rows, rows_of
from ntkit.claims.figures._view import Variant, View, tables_of
from ntkit.claims.figures._words import Judged, variant_words
from ntkit.claims.rules import All, Rule

VIEWS: Mapping[type, tuple[View, ...]] = {
    Bounds: BOUNDS, Counts: COUNTS, Crossings: CROSSINGS, Estimates: ESTIMATES,
    Integers: INTEGERS, Pairs: PAIRS, Series: SERIES, Sides: SIDES,
}  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """One view of one part.

    Attributes:
        part: name of the part, empty for a claim without parts.
        rule: what judges it.
        variants: controls first, the claim last, so that it is drawn on top.
        first: whether it is the part's first panel.
    """

    part: str
    view: View
    rule: Rule
    variants: tuple[Variant, ...]
    first: bool

    def rows(self) -> Rows:
        """Everything it draws."""
        return [
            row
            for variant in reversed(self.variants)
            for table in variant.tables
            for row in rows_of(table, self.part, variant.name or "")
        ]


def judgement(record: Record, name: str | None, part: str = "") -> Judged:
    """The rule's judgement on a variant, or on one part of it."""
    verdict = record.verdict
    judged = verdict if name is None else verdict["controls"].get(name) or verdict["repaired"]
    return judged["parts"][part] if part else judged


def panels(record: Record) -> tuple[list[Panel], list[str]]:
    """The panels of a record, and what could not be drawn, in words."""
    missing: list[str] = []
    found = {name: _parts(record, name, missing) for name in record.claim.variants}
    drawn = [panel for part, rule in _rules(record).items() for panel in _part_panels(record, part, rule, found)]
    return drawn, missing


def _parts(record: Record, name: str | None, missing: list[str]) -> Mapping[str, Evidence]:
    """The evidence of a variant by part; nothing, and a reason, where it cannot be drawn."""
    try:
        measured = record.measurement(name)
        if measured is None:
            raise EvidenceError(_reason(record, name))
        parts = measured if isinstance(measured, Mapping) else {"": measured}
        for part, rule in _rules(record).items():
            _require_judgeable(rule, parts.get(part))
    except (EvidenceError, StoreError) as error:
        missing.append(f"{variant_words(name)}: {error}")
        return {}
    return parts


def _require_judgeable(rule: Rule, evidence: Evidence | None) -> None:
    """Refuse what the rule would refuse: a failed claim may hold anything."""
    if evidence is None or not isinstance(evidence, rule.accepts):
        raise EvidenceError(f"{type(rule).__name__} cannot judge {type(evidence).__name__}")
    if evidence.unmet is None:
        rule.check(evidence)


def _reason(record: Record, name: str | None) -> str:
    """Why a trial left nothing behind."""
    sentence = str(judgement(record, name)["sentence"])
    return sentence if name is not None else sentence.removeprefix("the claim ")


def _rules(record: Record) -> Mapping[str, Rule]:
    rule = record.claim.rule
    return rule.rules if isinstance(rule, All) else {"": rule}


def _part_panels(record: Record, part: str, rule: Rule, found: Mapping[str | None, Mapping[str, Evidence]]) -> Iterator[Panel]:
    with_it = {name: parts[part] for name, parts in found.items() if part in parts}
    if not with_it:
        return
    kind = type(next(iter(with_it.values())))
    chosen = looks(record.claim)
    for place, view in enumerate(VIEWS[kind]):
        variants = []
        for name, evidence in reversed(with_it.items()):
            judged = _judged_part(record, name, part)
            if type(evidence) is kind:
                tables = tables_of(view, evidence, rule, judged)
                variants.append(Variant(name, chosen[name], evidence, judged, tables))
        yield Panel(part, view, rule, tuple(variants), place == 0)


def _judged_part(record: Record, name: str | None, part: str) -> Judged:
    """The judgement on a part; that on the whole where unmet assumptions left the parts without one."""
    whole = judgement(record, name)
    parts: Mapping[str, Any] = whole["parts"]
    return parts[part] if part and part in parts else whole
