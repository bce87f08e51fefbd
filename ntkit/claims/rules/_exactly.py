"""Rules without sampling error: identities, inequalities and integers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ntkit.claims._evidence import Bounds, Floats, Integers, Sides
from ntkit.claims.rules._base import Judgement, Region, Rule, place, require


@dataclass(frozen=True)
class Identity(Rule):
    """Both sides are equal: |lhs - rhs| <= max(atol, rtol max(|lhs|, |rhs|)) for every element.

    The statistic is the largest error in units of its tolerance: supported up to 1, refuted above `refute`, in between
    inconclusive (a tolerance derived from rounding was missed, but by less than a mistake would miss it).

    Example:
        >>> Identity(rtol=1e-9).judge(Sides([1.0], [1.1])).verdict
        'refuted'
    """

    rtol: float
    atol: float = 0.0
    refute: float = 1000.0
    accepts: ClassVar = (Sides,)

    def __post_init__(self) -> None:
        _check_tolerances(self.rtol, self.atol, self.refute)

    def judge_evidence(self, evidence: Sides) -> Judgement:
        """Judge the largest error in units of its tolerance."""
        lhs, rhs = np.asarray(evidence.lhs), np.asarray(evidence.rhs)
        ratio = _in_tolerances(np.abs(lhs - rhs), lhs, rhs, self.rtol, self.atol)
        worst = int(ratio.argmax())
        statistic = float(ratio.flat[worst])
        sentence = (
            f"The two sides agree to {_tolerances(statistic)} over {ratio.size} elements"
            f" (worst: {lhs.flat[worst]:.10g} against {rhs.flat[worst]:.10g})."
        )
        return _exact_judgement(statistic, self.refute, sentence)

    def text(self) -> str:
        """The rule in one sentence."""
        return (
            f"|lhs - rhs| <= max({self.atol:g}, {self.rtol:g} max(|lhs|, |rhs|)) for every element; "
            f"refuted beyond {self.refute:g} times that"
        )


@dataclass(frozen=True)
class Inequality(Rule):
    """A bound is never violated: value <= upper and value >= lower, up to max(atol, rtol max(|value|, |bound|)).

    Args:
        rtol, atol: rounding only.
        tight: the bound counts as supported only if the smaller side reaches this share of the larger somewhere, so
            that a vacuous bound is inconclusive.
        strict: (gap, share): supported only if in at least `share` of the cases the sides differ by more than `gap`
            of the larger.
        refute: refuted when a violation exceeds this many tolerances.

    The statistic is the largest violation in units of its tolerance, 0 if there is none.

    Example:
        >>> Inequality(tight=0.9).judge(Bounds([0.1, 0.2], upper=1.0)).verdict
        'inconclusive'
    """

    rtol: float = 1e-9
    atol: float = 0.0
    tight: float | None = None
    strict: tuple[float, float] | None = None
    refute: float = 1000.0
    accepts: ClassVar = (Bounds,)

    def __post_init__(self) -> None:
        _check_tolerances(self.rtol, self.atol, self.refute)
        require(self.tight is None or 0 < self.tight <= 1, "tight", self.tight, "in (0, 1]")
        if self.strict is not None:
            require(all(0 < s <= 1 for s in self.strict), "strict", self.strict, "a pair (gap, share), both in (0, 1]")

    def judge_evidence(self, evidence: Bounds) -> Judgement:
        """Judge the largest violation, then whether the bound says anything."""
        value = np.asarray(evidence.value)
        sides = [(value, np.asarray(evidence.upper))] if evidence.upper is not None else []
        sides += [(np.asarray(evidence.lower), value)] if evidence.lower is not None else []
        small = np.concatenate([pair[0].ravel() for pair in sides])
        large = np.concatenate([pair[1].ravel() for pair in sides])
        excess = _in_tolerances(np.maximum(small - large, 0.0), small, large, self.rtol, self.atol)
        worst = int(excess.argmax())
        statistic = float(excess[worst])
        ratios = _ratios(small, large)
        violations = int((excess > 1).sum())
        if violations:
            sentence = (
                f"The bound is violated in {violations} of {small.size} cases, by up to {_tolerances(statistic)}"
                f" ({small[worst]:.10g} should not exceed {large[worst]:.10g})."
            )
        else:
            sentence = f"The bound holds in all {small.size} cases; the sides come within a ratio of {ratios.max():.6g}."
        judgement = _exact_judgement(statistic, self.refute, sentence)
        doubt = self._says_too_little(ratios)
        if judgement.verdict == "supported" and doubt:
            return Judgement("inconclusive", statistic, None, judgement.supported, judgement.wider, f"{sentence} {doubt}")
        return judgement

    def _says_too_little(self, ratios: Floats) -> str:
        if self.tight is not None and ratios.max() < self.tight:
            return f"It is not shown to be tight: that would take a ratio of {self.tight:g}."
        if self.strict is not None:
            gap, share = self.strict
            found = float((ratios <= 1 - gap).mean())
            if found < share:
                return f"The sides differ by more than {gap:g} in a share of {found:.3g}, not in {share:g} of the cases."
        return ""

    def text(self) -> str:
        """The rule in one sentence."""
        text = f"never violated beyond max({self.atol:g}, {self.rtol:g} of the larger side)"
        if self.tight is not None:
            text += f", and the sides come within a ratio of {self.tight:g} somewhere"
        if self.strict is not None:
            text += f", and they differ by more than {self.strict[0]:g} in at least {self.strict[1]:g} of the cases"
        return f"{text}; refuted by a violation beyond {self.refute:g} times that"


@dataclass(frozen=True)
class Exact(Rule):
    """Integers are equal, every one of them; one mismatch refutes. The statistic is the number of mismatches.

    Example:
        >>> Exact().judge(Integers([3], [3])).verdict
        'supported'
    """

    accepts: ClassVar = (Integers,)

    def judge_evidence(self, evidence: Integers) -> Judgement:
        """Count the mismatches."""
        got, expected = np.asarray(evidence.got), np.asarray(evidence.expected)
        wrong = np.flatnonzero(got.ravel() != expected.ravel())
        region = Region(0, 0)
        if not wrong.size:
            return Judgement("supported", 0.0, None, region, region, f"All {got.size} integers are as predicted.")
        first = int(wrong[0])
        sentence = (
            f"{wrong.size} of {got.size} integers differ from the prediction"
            f" (the first: {got.flat[first]}, predicted {expected.flat[first]})."
        )
        return Judgement("refuted", float(wrong.size), None, region, region, sentence)

    def text(self) -> str:
        """The rule in one sentence."""
        return "every integer equals the predicted one; refuted by one that does not"


def _exact_judgement(statistic: float, refute: float, sentence: str) -> Judgement:
    supported, wider = Region(-math.inf, 1.0), Region(-math.inf, refute)
    verdict = place(statistic, statistic, supported, wider)
    if verdict == "inconclusive":
        sentence += f" That is more than rounding allows and less than {refute:g} tolerances."
    return Judgement(verdict, statistic, None, supported, wider, sentence)


def _in_tolerances(error: Floats, a: Floats, b: Floats, rtol: float, atol: float) -> Floats:
    """Errors in units of max(atol, rtol max(|a|, |b|)); an error where no tolerance is left counts as infinite."""
    tolerance = np.maximum(atol, rtol * np.maximum(np.abs(a), np.abs(b)))
    with np.errstate(divide="ignore", over="ignore"):
        return np.divide(error, tolerance, out=np.zeros_like(error), where=error > 0)


def _ratios(small: Floats, large: Floats) -> Floats:
    """How close two ordered sides are, 1 when equal; 0 where signs differ or both vanish, which shows nothing."""
    near, far = np.where(large > 0, small, -large), np.where(large > 0, large, -small)
    return np.divide(np.maximum(near, 0.0), far, out=np.zeros_like(far), where=far > 0)


def _tolerances(statistic: float) -> str:
    return f"{statistic:.3g} tolerances"


def _check_tolerances(rtol: float, atol: float, refute: float) -> None:
    require(0 <= rtol < 1, "rtol", rtol, "in [0, 1)")
    require(0 <= atol < math.inf, "atol", atol, "a number >= 0")
    require(rtol > 0 or atol > 0, "rtol and atol", (rtol, atol), "not both 0 (use Exact for integers)")
    require(refute > 1, "refute", refute, "greater than 1, in units of the tolerance")
