"""The tables of a claim's page: its controls and how far they are from going unnoticed, its parts, and its first run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ntkit.claims._claim import REPAIRED
from ntkit.claims.figures._words import Judged, interval_words, number, region_words, variant_words
from ntkit.claims.report._entry import Entry
from ntkit.claims.report._html import Child, Html, tag
from ntkit.claims.report._page import badge, table


def judgement_tables(entry: Entry) -> Html:
    """Controls (declared ones, where there is no result yet), parts, and what came before a repeat."""
    verdict: Mapping[str, Any] = entry.record.verdict if entry.record else {}
    return tag(
        "section",
        tag("h2", "Controls"),
        tag("p", "Each is the same measurement with one thing made wrong; the claim's rule has to refute it.", class_="note"),
        _controls(entry, verdict),
        _parts(entry, verdict) if verdict.get("parts") else None,
        _first(verdict) if verdict.get("first") else None,
    )


def statistic(judged: Judged) -> str:
    """The statistic with its interval; empty where there was nothing to judge."""
    if judged["statistic"] is None:
        return ""
    return f"{number(judged['statistic'])} {interval_words(judged['interval'])}".strip()


def distance(judged: Judged) -> str:
    """How far the whole interval lies beyond the refuting edge, in units of the statistic."""
    gap = judged.get("distance")
    if gap is None or judged["statistic"] is None:
        return ""
    return f"{number(abs(gap))} {'beyond' if gap > 0 else 'short of'} it"


def _controls(entry: Entry, verdict: Mapping[str, Any]) -> Html:
    claim = entry.claim
    judged: dict[str, Judged | None] = {name: verdict.get("controls", {}).get(name) for name in claim.controls}
    about = {name: _through(control.description, control.parts) for name, control in claim.controls.items()}
    if claim.repaired:
        judged[REPAIRED], about[REPAIRED] = verdict.get("repaired"), claim.repaired
    if not verdict:
        return table(("control", "what is made wrong"), list(about.items()))
    rows = [(name, about[name], *(_cells(result) if result else ("", "", "", ""))) for name, result in judged.items()]
    return table(("control", "what is made wrong", "verdict", "statistic", "refuting edge", "in words"), rows)


def _cells(judged: Judged) -> tuple[Child, ...]:
    return badge(judged["verdict"]), statistic(judged), distance(judged), judged["sentence"]


def _through(description: str, parts: tuple[str, ...]) -> str:
    return f"{description} (must be noticed by {', '.join(parts)})" if parts else description


def _parts(entry: Entry, verdict: Mapping[str, Any]) -> Html:
    """Each part of the claim, and under it the same part of every control."""
    rows: list[tuple[Child, ...]] = []
    for part, judged in verdict["parts"].items():
        rows.append((part, "claim", *_part_cells(judged)))
        others = {**verdict["controls"], REPAIRED: verdict["repaired"]}
        for name, control in others.items():
            if control and part in control["parts"]:
                rows.append(("", variant_words(name), *_part_cells(control["parts"][part])))
    return table(("part", "of", "verdict", "statistic", "allowed"), rows, caption="Parts")


def _part_cells(judged: Judged) -> tuple[Child, ...]:
    allowed = "" if judged["statistic"] is None else region_words(judged["regions"]["supported"])
    return badge(judged["verdict"]), statistic(judged), allowed


def _first(verdict: Mapping[str, Any]) -> Html:
    caption = "The first run was a surprise; this is what it said before everything was repeated with four times the repeats"
    rows = [(name, badge(judged["verdict"]), judged["sentence"]) for name, judged in verdict["first"].items()]
    return table(("trial", "verdict", "in words"), rows, caption=caption)
