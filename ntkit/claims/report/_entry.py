"""A claim as the report knows it: what was declared, its newest result, and where its pages lie."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ntkit.claims._claim import Claim
from ntkit.claims._derive import VERDICTS
from ntkit.claims._record import Record, latest_records
from ntkit.claims._store import Store

NO_RESULT = "no result"
WORDS = (*VERDICTS, NO_RESULT)
TARGET_SECONDS = 20.0  # of CPU: what a claim should take at most at the quick tier
_LONGEST = 100  # letters of a file name without its ending


@dataclass(frozen=True)
class Entry:
    """One claim of a report.

    Attributes:
        claim: what was declared.
        record: its newest result, None if it has none as it is declared now.
        quick_seconds: CPU time of its newest result at the quick tier, controls and repeats included.
        outdated: it has a result, but was declared otherwise then: a page never pairs the two.
    """

    claim: Claim
    record: Record | None
    quick_seconds: float | None
    outdated: bool = False

    @property
    def word(self) -> str:
        """The verdict, or that there is none."""
        return str(self.record.verdict["verdict"]) if self.record else NO_RESULT

    @property
    def page(self) -> str:
        """Its page, from the report's folder."""
        return f"{self.stem}.html"

    @property
    def stem(self) -> str:
        """The common beginning of its files' names, from the report's folder."""
        return f"claims/{_safe(self.claim.paper.key)}/{_safe(self.claim.slug)}"

    @property
    def refuted_theorem(self) -> bool:
        """Whether a theorem was refuted: only a statement that was checked against the paper's text counts as one."""
        return self.word == "refuted" and self.claim.kind == "theorem" and self.claim.checked == "text"

    @property
    def as_recorded(self) -> bool:
        """Whether the verdict is the one on record."""
        return self.record is None or bool(self.record.verdict["as_recorded"])

    def control_file(self, control: str, suffix: str) -> str:
        """A file that belongs to one control, from the report's folder."""
        return f"{self.stem}.{_safe(control)}{suffix}"


def entries(claims: Sequence[Claim], store: Store) -> list[Entry]:
    """The claims with their newest results: of tier full where there is one, else quick."""
    records = {record.claim.name: record for record in latest_records(claims, store)}
    quick: dict[str, Any] = {v["claim"]: v["cpu_seconds"] for v in store.history() if v["tier"] == "quick"}
    old = {name for name, record in records.items() if record.outdated}
    return [
        Entry(claim, None if claim.name in old else records.get(claim.name), quick.get(claim.name), claim.name in old)
        for claim in claims
    ]


def _safe(name: str) -> str:
    """A name that any file system takes; one that had to be changed keeps a hash of what it was."""
    cleaned = re.sub(r"[^a-z0-9-]+", "-", name.lower())[:_LONGEST]
    return cleaned if cleaned == name else f"{cleaned}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
