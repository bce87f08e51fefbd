"""One task for an engine, and what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ntkit.claims._claim import Cell, Claim
from ntkit.claims._sources import Sources
from ntkit.claims._trial import PROTOCOL, REPEAT_FACTOR, Tier

DEADLINES: dict[Tier, float] = {
    "quick": 120.0,
    "full": 1800.0,
}  # seconds: limits, not the tiers' targets of 20 s and 10 min


@dataclass(frozen=True)
class Task:
    """A trial to be run: which claim or which cell of a sweep, how, and on what sources."""

    claim: Claim | Cell
    tier: Tier
    seed: int
    control: str | None
    block: int
    sources: Sources
    attempt: int = 0  # a second attempt of one trial only asks whether it gives the same bytes

    @property
    def key(self) -> str:
        """The hash under which the evidence is stored: everything that it depends on."""
        what = [PROTOCOL, self.claim.name, self.claim.function, self.tier, self.seed, self.control, self.block]
        return hashlib.sha256(json.dumps([*what, self.sources.digest]).encode()).hexdigest()

    @property
    def id(self) -> str:
        """What a worker calls it, so that an answer is never taken for another task's."""
        return f"{self.key}:{self.attempt}"

    @property
    def deadline(self) -> float:
        """Seconds it may take; a repeat with four times the repeats may take four times as long."""
        return (self.claim.deadline or DEADLINES[self.tier]) * (REPEAT_FACTOR if self.block else 1)

    @property
    def shown(self) -> str:
        """The task in words."""
        return f"{self.claim.name}{f' ({self.control})' if self.control else ''}"


@dataclass(frozen=True)
class Outcome:
    """What came of a task: evidence, or the reason why there is none.

    Attributes:
        key: the task's key.
        status: "measured" or "failed".
        evidence: the encoded measurement, None if it failed or was read back without its arrays.
        digest: SHA-256 of the evidence.
        reason: why it failed.
        unmet: reasons the measurement gave for its assumptions not being met.
        seconds, cpu_seconds: of the measurement; peak_mb: of the worker's memory during it.
        facts: dtype and precision flags, machine, data hashes.
        output: the end of what the trial printed.
        own_files: source files in use that belong to no installed library.
    """

    key: str
    status: Literal["measured", "failed"]
    evidence: bytes | None = None
    digest: str = ""
    reason: str = ""
    unmet: tuple[str, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    output: str = ""
    own_files: tuple[str, ...] = ()
