"""What every rule shares: the regions, the judgement, and the way from evidence to one of three words."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ntkit.claims._errors import EvidenceError
from ntkit.claims._evidence import Evidence, Measurement

Word = Literal["supported", "refuted", "inconclusive"]
Edges = float | tuple[float | None, float | None]

SEVERITY: dict[Word, int] = {"refuted": 2, "inconclusive": 1, "supported": 0}


@dataclass(frozen=True)
class Region:
    """A closed interval of the statistic; infinite ends mean that a side is open."""

    low: float = -math.inf
    high: float = math.inf

    def holds(self, low: float, high: float) -> bool:
        """Whether the whole of [low, high] lies inside."""
        return self.low <= low and high <= self.high

    def misses(self, low: float, high: float) -> bool:
        """Whether the whole of [low, high] lies outside."""
        return high < self.low or self.high < low

    def widened(self) -> Region:
        """The default refuting edge: a two-sided window grows by half its width on each side, a one-sided one not at all."""
        margin = (self.high - self.low) / 2
        return Region(self.low - margin, self.high + margin) if math.isfinite(margin) else self

    def __str__(self) -> str:
        if math.isinf(self.low):
            return f"<= {self.high:.4g}"
        if math.isinf(self.high):
            return f">= {self.low:.4g}"
        return f"[{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True)
class Judgement:
    """What a rule says of one measurement.

    Attributes:
        verdict: supported, refuted or inconclusive.
        statistic: the number that was judged (nan if there is none).
        interval: its confidence interval, None where the rule is exact.
        supported: the region that the claim allows; an interval inside it supports the claim.
        wider: the region that must be left altogether for a refutation.
        sentence: the verdict in words that a person understands.
        parts: the judgement of each part, for a claim with parts.
    """

    verdict: Word
    statistic: float
    interval: tuple[float, float] | None
    supported: Region
    wider: Region
    sentence: str
    parts: Mapping[str, Judgement] = field(default_factory=dict)

    @property
    def distance(self) -> float:
        """How far the statistic's interval lies beyond the refuting edge, in its own units; negative if it does not."""
        low, high = self.interval or (self.statistic, self.statistic)
        return max(self.wider.low - high, low - self.wider.high)


@dataclass(frozen=True)
class Rule(ABC):
    """A rule judges evidence. It holds tolerances only; what a claim predicts is part of the evidence."""

    accepts: ClassVar[tuple[type, ...]] = ()
    has_interval: ClassVar[bool] = False

    def check(self, evidence: Evidence) -> None:  # noqa: B027 - most rules can judge all evidence of their type
        """Refuse evidence of the right type that this rule cannot judge; the default refuses nothing."""

    @abstractmethod
    def judge_evidence(self, evidence: Any) -> Judgement:
        """Judge evidence of an accepted type whose assumptions were met."""

    @abstractmethod
    def text(self) -> str:
        """The rule in one sentence, with its numbers."""

    def judge(self, measurement: Measurement) -> Judgement:
        """The judgement on a measurement.

        Raises:
            EvidenceError: the measurement has the wrong type for this rule, or too few repeats.
        """
        if isinstance(measurement, Mapping) or not isinstance(measurement, self.accepts):
            wanted = " or ".join(kind.__name__ for kind in self.accepts)
            raise EvidenceError(f"{type(self).__name__} judges {wanted}, the measurement returned {type(measurement).__name__}")
        if measurement.unmet is not None:
            return undecided(f"assumptions not met: {measurement.unmet}")
        self.check(measurement)
        return self.judge_evidence(measurement)

    def as_dict(self) -> dict[str, Any]:
        """The rule as plain data; `rule_from_dict` rebuilds it."""
        return {"rule": type(self).__name__, **dataclasses.asdict(self)}

    def __str__(self) -> str:
        shown = ((f, getattr(self, f.name)) for f in dataclasses.fields(self))
        options = ", ".join(f"{f.name}={value!r}" for f, value in shown if value != f.default)
        return f"{type(self).__name__}({options})"


def undecided(sentence: str) -> Judgement:
    """Inconclusive without a number: there was nothing that could be judged."""
    return Judgement("inconclusive", math.nan, None, Region(), Region(), sentence)


def place(low: float, high: float, supported: Region, wider: Region) -> Word:
    """The word for an interval: inside the supported region, outside the wider one, or between."""
    if supported.holds(low, high):
        return "supported"
    return "refuted" if wider.misses(low, high) else "inconclusive"


def window(name: str, tol: Edges, around: float = 0.0) -> Region:
    """The region `tol` spans around a number: t means (-t, t); None in a pair leaves that side open."""
    pair = tol if isinstance(tol, tuple) else (-tol, tol) if _is_number(tol) else ()
    if len(pair) != 2 or not all(edge is None or _is_number(edge) for edge in pair):
        raise ValueError(f"{name} must be a positive number or a pair (low, high) of numbers or None, got {tol!r}")
    low, high = pair
    if low is None and high is None:
        raise ValueError(f"{name} must bound at least one side, got {tol!r}")
    region = Region(-math.inf if low is None else around + low, math.inf if high is None else around + high)
    if not region.low < region.high:
        raise ValueError(f"{name} must be a positive number or a pair (low, high) with low < high, got {tol!r}")
    return region


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def require(condition: bool, name: str, value: object, allowed: str) -> None:
    """Refuse an option of a rule, naming it, its value and what is allowed."""
    if not condition:
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
