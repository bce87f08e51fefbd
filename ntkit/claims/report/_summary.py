"""What the report adds up to: how many claims, at which tier, and their verdicts per kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ntkit.claims._claim import KINDS, TIERS
from ntkit.claims.report._entry import WORDS, Entry
from ntkit.claims.report._html import Child, Html, join, tag
from ntkit.claims.report._page import table

MEANING = {
    "theorem": "a theorem, as the paper states it",
    "corollary": "follows from one, and the paper says so",
    "derived": "derived by whoever checks it",
    "reading": "a verbal claim, made quantitative by whoever checks it",
    "trend": "an empirical trend that the paper reports",
}


def summary(entries: Sequence[Entry]) -> Html:
    """How many claims there are, which tier they show, and how many verdicts are a surprise."""
    tiers = Counter(entry.record.tier for entry in entries if entry.record)
    shown = " and ".join(f"{tiers[tier]} at tier {tier}" for tier in reversed(TIERS) if tiers[tier]) or "none yet"
    text = (
        f"{_count(len(entries), 'claim')}. Each shows its newest result at tier full where there is one, else quick: {shown}."
    )
    against = [entry for entry in entries if not entry.as_recorded]
    note = f" {_count(len(against), 'verdict')} not as recorded." if against else ""
    return tag("p", text, note)


def totals(entries: Sequence[Entry]) -> Html:
    """Verdicts per kind, and the refuted theorems, which only a text that was checked can give."""
    words = [word for word in WORDS if any(entry.word == word for entry in entries)]
    rows: list[tuple[Child, ...]] = []
    for kind in KINDS:
        counts = Counter(entry.word for entry in entries if entry.claim.kind == kind)
        if counts:
            name = tag("span", kind, title=MEANING[kind])
            rows.append((name, *(counts[word] or "" for word in words), counts.total()))
    theorems = [entry for entry in entries if entry.refuted_theorem]
    links = join((tag("a", entry.claim.name, href=entry.page) for entry in theorems), ", ")
    sentence = tag("p", tag("strong", f"Refuted theorems: {len(theorems)}"), [" (", links, ")"] if theorems else None, ". ")
    return tag(
        "section",
        table(("kind", *words, "all"), rows),
        sentence,
        tag("p", "Only a statement of kind theorem that was checked against the paper's text can be one.", class_="note"),
        class_="totals",
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
