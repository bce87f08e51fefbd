"""The first page: what was checked, how it came out, and every claim, to be filtered by verdict, kind, tier and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ntkit.claims._claim import KINDS, TIERS, Citation
from ntkit.claims._record import Record
from ntkit.claims.figures._words import allowed_words, rule_name, statistic_words
from ntkit.claims.report._entry import NO_RESULT, TARGET_SECONDS, Entry
from ntkit.claims.report._html import Html, join, tag
from ntkit.claims.report._page import badge, page
from ntkit.claims.report._summary import summary, totals

ORDER = ("failed", "flaky", "toothless", "refuted", "inconclusive", "supported", NO_RESULT)  # what needs a look comes first


def index_page(entries: Sequence[Entry]) -> bytes:
    """The first page of the report."""
    papers: dict[str, list[Entry]] = {}
    for entry in entries:
        papers.setdefault(entry.claim.paper.key, []).append(entry)
    return page(
        "Claims and verdicts",
        tag("h1", "Claims and verdicts"),
        summary(entries),
        totals(entries),
        _filters(entries),
        [_paper(group[0].claim.paper, group) for group in papers.values()],
        _slow(entries),
        _without_result(entries),
    )


def _filters(entries: Sequence[Entry]) -> Html:
    """The form stays hidden where scripts do not run: then the page shows everything, and nothing seems broken."""
    words = [word for word in ORDER if any(entry.word == word for entry in entries)]
    boxes = [tag("label", tag("input", type="checkbox", name="verdict", value=w, checked=True), badge(w)) for w in words]
    kinds = [kind for kind in KINDS if any(entry.claim.kind == kind for entry in entries)]
    return tag(
        "form",
        tag("fieldset", tag("legend", "verdict"), boxes),
        _choice("kind", kinds),
        _choice("tier", TIERS),
        tag("label", "search ", tag("input", type="search", name="words", placeholder="name, source, statement")),
        tag("output", name="count"),
        id="filters",
        hidden=True,
    )


def _choice(name: str, options: Sequence[str]) -> Html:
    every = tag("option", "any", value="")
    return tag(
        "label", f"{name} ", tag("select", every, [tag("option", option, value=option) for option in options], name=name)
    )


def _paper(paper: Citation, group: Sequence[Entry]) -> Html:
    counts = Counter(entry.word for entry in group)
    claims = sorted(group, key=lambda entry: ORDER.index(entry.word))
    return tag(
        "section",
        tag("h2", paper.title),
        tag("p", f"{paper.authors} ({paper.year}). ", tag("code", paper.key), class_="note"),
        tag("p", join((f"{counts[word]} {word}" for word in ORDER if counts[word]), ", ")),
        tag("ul", [_row(entry) for entry in claims], class_="claims"),
        class_="paper",
    )


def _row(entry: Entry) -> Html:
    claim, record = entry.claim, entry.record
    first_line = claim.notes.strip().partition("\n")[0]
    number, allowed = _numbers(record) if record else ("", "")
    surprise = "" if entry.as_recorded else f"recorded: {claim.recorded[record.verdict['tier']]}" if record else ""
    return tag(
        "li",
        tag("div", badge(entry.word), tag("span", surprise, class_="against") if surprise else None, class_="verdict"),
        tag(
            "div",
            tag("a", claim.slug, href=entry.page),
            tag("span", f"{claim.where} · {claim.kind} · {record.tier if record else 'not run'}", class_="note"),
            tag("span", first_line, class_="purpose") if first_line else None,
        ),
        tag("div", tag("span", number), tag("span", allowed, class_="note"), class_="statistic"),
        data_verdict=entry.word,
        data_kind=claim.kind,
        data_tier=record.tier if record else "",
        data_words=" ".join((claim.name, claim.where, claim.statement, claim.notes)).lower(),
    )


def _numbers(record: Record) -> tuple[str, str]:
    """The statistic and what is allowed; of several parts, how many there are and how they came out."""
    parts = record.verdict["parts"]
    if not parts:
        return statistic_words(record.verdict, rule_name(record.claim.rule_data)), allowed_words(record.verdict)
    counts = Counter(part["verdict"] for part in parts.values())
    return f"{len(parts)} parts", ", ".join(f"{counts[word]} {word}" for word in ORDER if counts[word])


def _slow(entries: Sequence[Entry]) -> Html | None:
    slow = [(e.quick_seconds, e) for e in entries if e.quick_seconds and e.quick_seconds > TARGET_SECONDS]
    items = [_item(entry, f" {seconds:.0f} s") for seconds, entry in sorted(slow, key=lambda pair: -pair[0])]
    return _list(f"Slower than {TARGET_SECONDS:.0f} CPU seconds at the quick tier", items)


def _without_result(entries: Sequence[Entry]) -> Html | None:
    return _list("Without a result", [_item(entry) for entry in entries if entry.record is None])


def _item(entry: Entry, more: str = "") -> Html:
    return tag("li", tag("a", entry.claim.name, href=entry.page), more)


def _list(title: str, items: Sequence[Html]) -> Html | None:
    return tag("section", tag("h2", title), tag("ul", items)) if items else None
