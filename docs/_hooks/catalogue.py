"""The page of the catalogue: what every claim declares, read by the index of `ntkit list`. Nothing is measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ntkit.claims import All, Citation, Claim
from ntkit.claims._claim import KINDS, RECORDED, TIERS
from ntkit.claims._index import read_catalogue
from ntkit.claims.report._html import Html, tag
from ntkit.claims.report._mathml import mathematics
from ntkit.claims.rules import Rule

PAGE, MARK = "catalogue.md", "<!-- the claims -->"
CLAIMS = Path(__file__).resolve().parents[2] / "paper_checks"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the claims into their page."""
    if page.file.src_uri != PAGE:
        return markdown
    found = read_catalogue(CLAIMS)
    if found.errors:
        raise ValueError(found.errors[0])
    return markdown.replace(MARK, "\n\n".join([_totals(found.claims), *_papers(found.claims)]))


def _totals(claims: Sequence[Claim]) -> str:
    """How many claims of each kind have which verdict on record, at the quick tier."""
    counts: Counter[tuple[str, str]] = Counter((claim.kind, claim.recorded["quick"]) for claim in claims)
    rows = [[kind, *(str(counts[kind, word] or "") for word in RECORDED)] for kind in KINDS]
    rows.append(["all", *(str(sum(counts[kind, word] for kind in KINDS)) for word in RECORDED)])
    return "\n".join(f"| {' | '.join(row)} |" for row in [["kind", *RECORDED], ["---"] * (1 + len(RECORDED)), *rows])


def _papers(claims: Sequence[Claim]) -> Iterator[str]:
    """A heading for each paper, and its claims as HTML, without blank lines, which would end it."""
    for paper, group in groupby(claims, key=lambda claim: claim.paper):
        yield f"## {paper.key} {{ #{paper.key} }}"
        yield tag("div", tag("p", _source(paper)), [_claim(claim) for claim in group])


def _source(paper: Citation) -> list[object]:
    address, number = f"https://arxiv.org/abs/{quote(paper.arxiv or '')}", f"arXiv:{paper.arxiv}"
    link = [" ", tag("a", number, href=address, rel="noreferrer"), "."] if paper.arxiv else None
    return [f"{paper.authors} ({paper.year}). ", tag("cite", paper.title), ".", link]


def _claim(claim: Claim) -> Html:
    verdicts = dict.fromkeys(claim.recorded[tier] for tier in TIERS)
    tiers = [None] if len(verdicts) == 1 else [f" ({tier})" for tier in TIERS]
    badges = [(tag("span", word, class_=f"verdict {word}"), tier) for word, tier in zip(verdicts, tiers, strict=True)]
    return tag(
        "div",
        tag("h3", claim.slug, " ", badges, id=claim.name),
        tag("p", f"{claim.where} · {claim.kind} · checked against: {claim.checked}", class_="note"),
        tag("div", mathematics(claim.mathml, claim.statement), class_="formula"),
        _rule(claim.rule),
        tag("p", claim.because) if claim.because else None,
        tag("p", "Repaired: ", claim.repaired) if claim.repaired else None,
        class_="claim",
    )


def _rule(rule: Rule) -> Html:
    if isinstance(rule, All):
        return tag("ul", [tag("li", name, ": ", _words(part)) for name, part in rule.rules.items()], class_="note")
    return tag("p", _words(rule), class_="note")


def _words(rule: Rule) -> list[object]:
    return [tag("code", str(rule)), " ", rule.text()]
