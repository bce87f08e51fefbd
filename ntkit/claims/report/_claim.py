"""The page of one claim: what is claimed, how it came out, beside which controls, and how to see it for yourself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ntkit.claims._claim import TIERS, Citation
from ntkit.claims._power import power_age
from ntkit.claims.figures._words import region_words
from ntkit.claims.report._entry import Entry
from ntkit.claims.report._evidence import Files, evidence_section
from ntkit.claims.report._exceptions import standing
from ntkit.claims.report._html import Child, Html, join, tag
from ntkit.claims.report._judgements import judgement_tables, statistic
from ntkit.claims.report._mathml import mathematics
from ntkit.claims.report._page import badge, definitions, page


def claim_page(entry: Entry, files: Files) -> bytes:
    """The page of a claim; one without a result says how to get it."""
    claim, record = entry.claim, entry.record
    missing = (
        "No result yet: the claim was declared otherwise when it was verified last." if entry.outdated else "No result yet."
    )
    result = _result(entry) if record else tag("p", missing)
    return page(
        claim.name,
        tag("p", _paper(claim.paper), class_="note"),
        tag("h1", claim.slug, " ", badge(entry.word)),
        tag("div", mathematics(claim.mathml, claim.statement), class_="statement"),
        tag("details", tag("summary", "LaTeX"), tag("pre", claim.statement)),
        result,
        evidence_section(entry, files),
        judgement_tables(entry),
        _declared(entry),
        tag("section", tag("h2", "Assumptions and notes"), _paragraphs(claim.notes)) if claim.notes.strip() else None,
        _repeat(entry),
        tag("section", tag("h2", "Cite"), tag("pre", claim.paper.bibtex())),
        depth=2,
    )


def _paper(paper: Citation) -> Html:
    links = []
    if paper.arxiv:
        links.append(tag("a", f"arXiv:{paper.arxiv}", href=f"https://arxiv.org/abs/{quote(paper.arxiv)}", rel="noreferrer"))
    if paper.doi:
        links.append(tag("a", f"doi:{paper.doi}", href=f"https://doi.org/{quote(paper.doi)}", rel="noreferrer"))
    return join((f"{paper.authors} ({paper.year}). ", tag("cite", paper.title), ". ", join(links, ", ")))


def _result(entry: Entry) -> Html:
    assert entry.record is not None
    verdict = entry.record.verdict
    one_number = verdict["statistic"] is not None and not verdict["parts"]  # of several parts, the table below has each
    return tag(
        "div",
        tag("p", verdict["sentence"], class_="sentence"),
        tag("p", text) if (text := standing(entry)) else None,
        definitions(
            ("statistic", statistic(verdict) if one_number else None),
            ("allowed", region_words(verdict["regions"]["supported"]) if one_number else None),
            ("refuted outside", region_words(verdict["regions"]["not_refuted"]) if one_number else None),
            ("tier", f"{entry.record.tier}, seed {verdict['seed']}"),
            ("reached", f"{entry.record.created[:16].replace('T', ' ')} UTC"),
        ),
        class_="result",
    )


def _declared(entry: Entry) -> Html:
    claim = entry.claim
    recorded = dict.fromkeys(claim.recorded[tier] for tier in TIERS)
    per_tier = ", ".join(f"{claim.recorded[tier]} ({tier})" for tier in TIERS)
    return tag(
        "section",
        tag("h2", "The claim"),
        definitions(
            ("source", claim.where),
            ("kind", claim.kind),
            ("checked against", claim.checked),
            ("rule", [tag("code", claim.rule_shown), tag("br"), claim.rule_text]),
            ("recorded", per_tier if len(recorded) > 1 else next(iter(recorded))),
            ("because", claim.because),
            ("repaired", claim.repaired),
        ),
    )


def _paragraphs(text: str) -> Iterator[Html]:
    """Paragraphs; one with indented lines or bullets keeps its lines."""
    for block in text.strip().split("\n\n"):
        laid_out = any(line[:1] in " -*" for line in block.split("\n")[1:])
        yield tag("p", block, class_="lines" if laid_out else None)


def _repeat(entry: Entry) -> Html:
    claim, record = entry.claim, entry.record
    if record is None:
        return tag("section", tag("h2", "Measure it"), tag("pre", f"ntkit verify {claim.name}"))
    verdict = record.verdict
    commands = (
        f"ntkit verify {claim.name} --tier {record.tier} --seed {verdict['seed']}",
        f"ntkit figure {claim.name} -o {claim.slug}.pdf",
    )
    block = "block 1: repeated with four times the repeats, after a surprise" if verdict["block"] else "block 0"
    cost = f"{verdict['cpu_seconds']:.1f} s of CPU in {verdict['seconds']:.1f} s, peak memory {verdict['peak_mb']:.0f} MB"
    return tag(
        "section",
        tag("h2", "Repeat it"),
        tag("pre", "\n".join(commands)),
        definitions(
            ("measured by", f"{claim.function} in {Path(claim.file).name}, line {claim.line}"),
            ("trial", f"tier {record.tier}, seed {verdict['seed']}, {block}"),
            ("cost", cost),
            ("power", _power(verdict["power"])),
            *_facts(verdict["facts"]),
            ("versions", ", ".join(f"{name} {version}" for name, version in verdict["versions"].items())),
        ),
        [tag("h3", "Output of what failed"), tag("pre", verdict["output"])] if verdict["output"] else None,
    )


def _power(power: Mapping[str, Any] | None) -> str:
    if power is None:
        return "not measured at this tier"
    seeds = power["seeds"]
    controls = "; ".join(f"control {name} refuted in {count} of {seeds}" for name, count in power["controls"].items())
    return f"as recorded in {power['as_recorded']} of {seeds} seeds at tier {power['tier']}; {controls}{power_age(power)}"


def _facts(facts: Mapping[str, Any]) -> Iterator[tuple[str, Child]]:
    """Precision, device, machine and data hashes, in words."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield name, ", ".join(f"{key}: {item}" for key, item in value.items())
        else:
            yield name.replace("_", " "), str(value)
