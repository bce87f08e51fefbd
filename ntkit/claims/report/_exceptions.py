"""The page of everything that did not come out supported, or not as recorded, and why."""

from __future__ import annotations

from collections.abc import Sequence

from ntkit.claims.report._entry import Entry
from ntkit.claims.report._html import Child, Html, tag
from ntkit.claims.report._page import badge, definitions, page

SECTIONS = {
    "refuted": "The interval, or the error, lies wholly beyond the region that the claim allows.",
    "inconclusive": "The measurement decides neither way, or the claim's assumptions were not met.",
    "toothless": "A control that had to be refuted was not: the check could not have failed.",
    "failed": "The measurement raised, ran out of time, ended its process, or returned what its rule cannot judge.",
    "flaky": "One trial gave two different outcomes.",
}


def exceptions_page(entries: Sequence[Entry]) -> bytes:
    """What was refuted, inconclusive, toothless, failed or flaky, and why."""
    sections = [_section(word, text, [e for e in entries if e.word == word]) for word, text in SECTIONS.items()]
    better = [e for e in entries if e.word == "supported" and not e.as_recorded]
    return page(
        "What did not hold",
        tag("h1", "What did not hold"),
        sections if any(sections) else tag("p", "Every result is supported."),
        _section("supported", "Supported, though the record expects something else.", better),
    )


def _section(word: str, text: str, chosen: Sequence[Entry]) -> Html | None:
    if not chosen:
        return None
    chosen = sorted(chosen, key=lambda entry: not entry.refuted_theorem)
    return tag("section", tag("h2", badge(word), f" {len(chosen)}"), tag("p", text, class_="note"), map(_item, chosen))


def _item(entry: Entry) -> Html:
    assert entry.record is not None
    claim, verdict = entry.claim, entry.record.verdict
    repaired: Child = None
    if claim.repaired:
        repaired = [claim.repaired, " ", badge(verdict["repaired"]["verdict"]) if verdict["repaired"] else None]
    return tag(
        "article",
        tag("h3", tag("a", claim.name, href=entry.page)),
        tag("p", verdict["sentence"]),
        definitions(
            ("source", f"{claim.where} ({claim.kind}, checked against: {claim.checked}, tier {entry.record.tier})"),
            ("standing", standing(entry)),
            ("because", claim.because),
            ("repaired", repaired),
        ),
    )


def standing(entry: Entry) -> str | None:
    """What a verdict means for the paper and for the record; None where it is as recorded and needs no caution."""
    assert entry.record is not None
    claim = entry.claim
    said = []
    if entry.refuted_theorem:
        said.append("A refuted theorem: the statement was checked against the paper's text.")
    elif entry.word == "refuted" and claim.kind == "theorem":
        said.append(f"Not a refuted theorem: the statement was checked against {claim.checked}, not against the paper's text.")
    if not entry.as_recorded:
        said.append(f"Against the record, which says {claim.recorded[entry.record.verdict['tier']]}.")
    elif entry.word != "supported":
        said.append("As recorded.")
    return " ".join(said) or None
