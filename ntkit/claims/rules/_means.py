"""Rules for means and proportions: agreement with a prediction, an order between two quantities, a share of successes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ntkit.claims._evidence import Counts, Estimates, Floats, Pairs
from ntkit.claims.rules._base import SEVERITY, Judgement, Region, Rule, Word, place, require
from ntkit.claims.rules._intervals import (
    FEWEST_FOR_BOOTSTRAP,
    Interval,
    clopper_pearson,
    mean_intervals,
    simultaneous,
    student,
)


@dataclass(frozen=True)
class Agreement(Rule):
    """Estimates agree with predictions: the whole interval lies within max(atol, rtol |predicted|) of the prediction.

    The statistic is the deviation of the worst estimate in units of its tolerance, so the supported region is [-1, 1].
    Several estimates are judged together (Bonferroni). `refute`: the factor by which the wider region exceeds it.

    A difference is never measured against its own standard error: noise would then support anything. Where the evidence keeps
    its samples, the interval is Ordering's: Student's t below 20 repeats, from there on its hull with the bootstrap-t. A mean
    and its standard error alone leave Student's t (the normal interval if the standard error is known).

    Coverage in % with samples, of all cells together, 4000 draws each (Monte-Carlo standard error 0.3), by
    `analyses/coverage.py`; "uneven": the spread rises tenfold over cells, or over the repeats of one; student3: 3 degrees of
    freedom.

                    n  normal  exponential  lognormal  uneven  uneven lognormal  student3
        1 cell      5    95.2         87.7       82.5    98.0              94.8      95.9
        1 cell     20    95.7         96.1       92.8    95.7              87.5      96.1
        1 cell    100    95.8         96.0       94.8    95.0              93.4      95.5
        10 cells    5    95.2         70.5       51.3    94.9              51.8      96.7
        10 cells   20    96.6         94.0       83.5    96.1              83.0      97.3
        10 cells  100    96.0         96.2       91.9    96.2              92.6      96.2

    Without samples, Student's t is exact for normal repeats and long enough for symmetric heavy tails, and too short for skewed
    ones, the more so the more estimates are judged together: with 20 repeats it covers 93 % (exponential) and 87 % (lognormal)
    in 1 cell, 79 % and 55 % in 10; with 100 repeats 94 % and 91 % in 1 cell, 90 % and 77 % in 10.

    A truth on the edge is called supported in 2.5 % of draws for normal data, but in 12 % (exponential) and 17 % (lognormal)
    with 5 repeats, 3 % and 7 % with 20, 3 % and 5 % with 100; without samples in 7 % and 13 % with 20, 4 % and 8 % with 100.

    Example:
        >>> Agreement(atol=0.1).judge(Estimates([1.0], [0.01], predicted=1.02)).verdict
        'supported'
    """

    rtol: float = 0.0
    atol: float = 0.0
    refute: float = 2.0
    level: float = 0.95
    accepts: ClassVar = (Estimates,)
    has_interval: ClassVar = True

    def __post_init__(self) -> None:
        require(0 <= self.rtol < math.inf, "rtol", self.rtol, "a number >= 0")
        require(0 <= self.atol < math.inf, "atol", self.atol, "a number >= 0")
        require(self.rtol > 0 or self.atol > 0, "rtol and atol", (self.rtol, self.atol), "not both 0")
        require(self.refute >= 1, "refute", self.refute, "at least 1, in units of the tolerance")
        require(0 < self.level < 1, "level", self.level, "in (0, 1)")

    def judge_evidence(self, evidence: Estimates) -> Judgement:
        """Judge the estimate that deviates most."""
        mean, stderr = np.ravel(np.asarray(evidence.mean)), np.ravel(np.asarray(evidence.stderr))
        predicted = np.ravel(np.asarray(evidence.predicted))
        tolerance, cells = deviations(self, evidence)
        supported = Region(-1.0, 1.0)
        index, verdict = _worst(cells, supported, Region(-self.refute, self.refute))
        value, interval = cells[index]
        behind = "a known standard error"
        if evidence.repeats is not None:
            kept = evidence.samples is not None
            skewed = FEWEST_FOR_BOOTSTRAP if kept else 100 if mean.size == 1 else 400
            caution = _caution(evidence.repeats, skewed=skewed, strongly=200 if kept else 2000)
            behind = f"{evidence.repeats} repeats{caution}"
        sentence = (
            f"{_of(mean.size, 'estimate')} {mean[index]:.6g} +- {stderr[index]:.2g} ({behind}),"
            f" predicted {predicted[index]:.6g} +- {tolerance[index]:.2g}:"
            f" off by {value:.3g} tolerances [{interval[0]:.3g}, {interval[1]:.3g}]."
        )
        return Judgement(verdict, value, interval, supported, Region(-self.refute, self.refute), sentence)

    def text(self) -> str:
        """The rule in one sentence."""
        return (
            f"each estimate, with its whole {100 * self.level:.4g}% interval (Bonferroni over several), lies within"
            f" max({self.atol:g}, {self.rtol:g} |predicted|) of the prediction;"
            f" refuted when a whole interval lies beyond {self.refute:g} times that"
        )


@dataclass(frozen=True)
class Ordering(Rule):
    """The first quantity exceeds the second by more than `margin`, on average over paired repeats.

    The statistic is the smallest mean difference over the cells, judged together (Bonferroni). Student's t below 20
    repeats, from there on its hull with the bootstrap-t. `refute`: the edge below which the whole interval must lie, by
    default the margin.

    Coverage in %, of all cells together, 4000 draws each (Monte-Carlo standard error 0.3), by `analyses/coverage.py`;
    "uneven": the spread rises tenfold over cells, or over the repeats of one; student3: 3 degrees of freedom.

                    n  normal  exponential  lognormal  uneven  uneven lognormal  student3
        1 cell      5    94.5         88.6       82.3    98.1              95.3      96.7
        1 cell     20    95.4         95.4       92.4    95.7              87.4      95.8
        1 cell    100    95.5         96.0       94.8    95.5              93.4      95.3
        10 cells    5    95.2         71.3       52.3    94.8              52.2      97.0
        10 cells   20    96.4         93.3       82.2    96.2              83.0      97.3
        10 cells  100    96.5         96.3       91.8    96.2              92.0      96.5

    A truth on the margin is called supported in 2.5 % of draws for normal data, but with differences skewed to the left in 11 %
    (exponential) and 18 % (lognormal) with 5 repeats, 4 % and 7 % with 20, 3 % and 5 % with 100.

    Example:
        >>> Ordering().judge(Pairs(first=[2.0, 2.1, 1.9], second=[1.0, 1.0, 1.0])).verdict
        'supported'
    """

    margin: float = 0.0
    refute: float | None = None
    level: float = 0.95
    accepts: ClassVar = (Pairs,)
    has_interval: ClassVar = True

    def __post_init__(self) -> None:
        require(math.isfinite(self.margin), "margin", self.margin, "a finite number")
        require(self.refute is None or self.refute <= self.margin, "refute", self.refute, "at most the margin")
        require(0 < self.level < 1, "level", self.level, "in (0, 1)")

    def judge_evidence(self, evidence: Pairs) -> Judgement:
        """Judge the smallest mean difference."""
        difference = np.asarray(evidence.first) - np.asarray(evidence.second)
        columns = difference.reshape(len(difference), -1)
        cells = mean_intervals(columns, simultaneous(self.level, columns.shape[1]))
        supported = Region(low=self.margin)
        wider = supported if self.refute is None else Region(low=self.refute)
        index, verdict = _worst(cells, supported, wider)
        value, interval = cells[index]
        caution = _caution(len(difference), skewed=FEWEST_FOR_BOOTSTRAP, strongly=200)
        sentence = (
            f"{_of(len(cells), 'difference')} first - second = {value:.4g} [{interval[0]:.4g}, {interval[1]:.4g}]"
            f" ({len(difference)} paired repeats{caution}), asked {supported}."
        )
        return Judgement(verdict, value, interval, supported, wider, sentence)

    def text(self) -> str:
        """The rule in one sentence."""
        return (
            f"the paired mean of first - second, with its whole {100 * self.level:.4g}% interval, is >= {self.margin:g};"
            f" refuted when the whole interval is < {self.margin if self.refute is None else self.refute:g}"
        )


@dataclass(frozen=True)
class Proportion(Rule):
    """The probability of success is at least, or at most, a number: Clopper and Pearson's exact interval.

    The statistic is the share of successes in the worst cell; several cells are judged together (Bonferroni). `refute`:
    the edge that the whole interval must lie beyond, by default the edge itself (a pair if both edges are given).

    The interval covers at least 95 % whatever the probability, and misses it on either side in at most 2.5 %: with 20 and 100
    trials it covers 95.9 and 96.5 % at 0.5, 98.9 and 95.6 % at 0.9 (sums over all outcomes, by `analyses/coverage.py`).

    Example:
        >>> Proportion(at_least=0.9).judge(Counts(50, 50)).verdict
        'supported'
    """

    at_least: float | None = None
    at_most: float | None = None
    refute: float | tuple[float, float] | None = None
    level: float = 0.95
    accepts: ClassVar = (Counts,)
    has_interval: ClassVar = True

    def __post_init__(self) -> None:
        require(self.at_least is not None or self.at_most is not None, "at_least and at_most", None, "given, at least one")
        require(self.at_least is None or 0 < self.at_least < 1, "at_least", self.at_least, "in (0, 1)")
        require(self.at_most is None or 0 < self.at_most < 1, "at_most", self.at_most, "in (0, 1)")
        supported = self._supported()
        require(supported.low < supported.high, "at_least", self.at_least, f"below at_most={self.at_most}")
        both = self.at_least is not None and self.at_most is not None
        if self.refute is not None:
            require(isinstance(self.refute, tuple) == both, "refute", self.refute, "a pair for two edges, a number for one")
            wider = self._wider()
            inside = wider.low <= supported.low and supported.high <= wider.high
            require(inside, "refute", self.refute, "on the far side of the edge")
        require(0 < self.level < 1, "level", self.level, "in (0, 1)")

    def _supported(self) -> Region:
        return Region(-math.inf if self.at_least is None else self.at_least, math.inf if self.at_most is None else self.at_most)

    def _wider(self) -> Region:
        if isinstance(self.refute, tuple):
            return Region(*self.refute)
        if self.refute is None:
            return self._supported()
        return Region(low=self.refute) if self.at_least is not None else Region(high=self.refute)

    def judge_evidence(self, evidence: Counts) -> Judgement:
        """Judge the cell that lies worst."""
        successes, trials = np.ravel(np.asarray(evidence.successes)), np.ravel(np.asarray(evidence.trials))
        level = simultaneous(self.level, trials.size)
        cells = [(s / n, clopper_pearson(int(s), int(n), level)) for s, n in zip(successes, trials, strict=True)]
        supported, wider = self._supported(), self._wider()
        index, verdict = _worst(cells, supported, wider)
        value, interval = cells[index]
        sentence = (
            f"{_of(trials.size, 'cell')} {successes[index]} of {trials[index]} successes, {value:.4g}"
            f" [{interval[0]:.4g}, {interval[1]:.4g}], asked {supported}."
        )
        return Judgement(verdict, float(value), interval, supported, wider, sentence)

    def text(self) -> str:
        """The rule in one sentence."""
        return (
            f"the share of successes, with its whole exact {100 * self.level:.4g}% interval, is {self._supported()};"
            f" refuted when the whole interval misses {self._wider()}"
        )


def deviations(rule: Agreement, evidence: Estimates) -> tuple[Floats, list[tuple[float, Interval]]]:
    """The tolerance of each estimate, and in units of it the deviation from the prediction with its interval."""
    mean, stderr = np.ravel(np.asarray(evidence.mean)), np.ravel(np.asarray(evidence.stderr))
    predicted = np.ravel(np.asarray(evidence.predicted))
    tolerance = np.maximum(rule.atol, rule.rtol * np.abs(predicted))
    level = simultaneous(rule.level, mean.size)
    if evidence.samples is None:
        spans = [(m, student(m, s, evidence.repeats, level)) for m, s in zip(mean, stderr, strict=True)]
    else:  # intervals move with what they are of; before the subtraction it shows whether repeats differ by rounding only
        spans = mean_intervals(np.asarray(evidence.samples).reshape(-1, mean.size), level)
    cells: list[tuple[float, Interval]] = []
    for (m, (low, high)), p, t in zip(spans, predicted, tolerance, strict=True):
        value, low, high = m - p, low - p, high - p
        cells.append((value / t, (low / t, high / t)) if t > 0 else _without_tolerance(value, low, high))
    return tolerance, cells


def _worst(cells: list[tuple[float, Interval]], supported: Region, wider: Region) -> tuple[int, Word]:
    """The cell that decides: the severest word, and among equals the interval that leaves the supported region furthest."""

    def badness(cell: tuple[float, Interval]) -> tuple[int, float]:
        low, high = cell[1]
        beyond = [supported.low - low] if math.isfinite(supported.low) else []
        beyond += [high - supported.high] if math.isfinite(supported.high) else []
        return SEVERITY[place(low, high, supported, wider)], max(beyond)

    index = max(range(len(cells)), key=lambda i: badness(cells[i]))
    return index, place(*cells[index][1], supported, wider)


def _without_tolerance(difference: float, low: float, high: float) -> tuple[float, Interval]:
    """A prediction of 0 under rtol alone leaves no tolerance: anything but 0 is infinitely far away."""

    def far(value: float) -> float:
        return value * math.inf if value else 0.0

    return far(difference), (far(low), far(high))


def _caution(repeats: int, *, skewed: int, strongly: int) -> str:
    """For which repeats the interval is too short, by how many there are (see the coverages in the rules)."""
    return ", short if skewed" if repeats < skewed else ", short if strongly skewed" if repeats < strongly else ""


def _of(count: int, what: str) -> str:
    return what.capitalize() if count == 1 else f"Worst of {count} {what}s:"
