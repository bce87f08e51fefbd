"""How many samples a learner takes: the threshold of an error curve, found by search."""

import math
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from ntkit.separation._checks import Real, check_integer, check_number, generator
from ntkit.separation._crossing import RESAMPLES, crossing, percentile_interval, resampled
from ntkit.separation._learner import Learner
from ntkit.separation._task import Task

FEWEST = 20  # replicates below which a bootstrap says little
STEP = 2  # of the bracketing
POINTS = 4  # of the final grid, an octave; it ends half an octave beyond the bracket on either side
MISSING = 0.1  # share of the tail beyond the interval, in which resamples may have no crossing on the grid
WIDER = 5  # times the final grid is widened


@dataclass(frozen=True)
class Criterion:
    """What counts as learnt: a measure of error that is at most a target.

    Attributes:
        target: above 0.
        measure: "error", the task's test error, or another that the learner knows, as "misalignment" of `TwoStep`.

    Example:
        >>> Criterion(0.5, "misalignment")
        Criterion(target=0.5, measure='misalignment')
    """

    target: Real
    measure: str = "error"

    def __post_init__(self) -> None:
        check_number("target", self.target)

    def check(self, task: Task) -> None:
        """Refuse a target that no learner reaches, or that every one does.

        Raises:
            ValueError: it does not lie between the task's least error and that of knowing nothing.
        """
        error = self.measure == "error"
        least, most = (task.least_error, task.chance) if error else (0.0, 1.0)
        if not least < self.target < most:
            what = f"the least error {least:.3g} of the task and the {most:g} of knowing nothing" if error else "0 and 1"
            raise ValueError(f"target must lie between {what}, got {self.target:g}")


@dataclass(frozen=True, eq=False)
class SamplesNeeded:
    """Where a mean error curve falls to the target.

    Attributes:
        status: "crossed"; "at once" where one sample does; "inconclusive" where no n that was looked at does.
        n: that place, between numbers of samples; 1 at once; nan where inconclusive.
        interval: of n, by resampling the replicates; infinite ends where inconclusive.
        why: the reason where inconclusive, else empty.
        grid: the numbers of samples looked at last; errors: there, a row for each replicate.
        draws: n in resamples of the replicates, an end of the grid where one does not cross; 1 at once; empty where
            inconclusive.
        criterion: what was asked for.
    """

    status: Literal["crossed", "at once", "inconclusive"]
    n: float
    interval: tuple[float, float]
    why: str
    grid: Int[np.ndarray, " points"]
    errors: Float[np.ndarray, "replicates points"]
    draws: Float[np.ndarray, " resamples"]
    criterion: Criterion


def samples_needed(
    learner: Learner,
    task: Task,
    criterion: Criterion | Real,
    *,
    key: PRNGKeyArray,
    replicates: int = 24,
    start: Real | None = None,
    most: int | None = None,
    level: Real = 0.95,
) -> SamplesNeeded:
    """The number of samples from which on the mean error over data sets is at most a target, with an interval.

    The place is bracketed in factors of two; then errors on four points an octave are made to fall by isotonic regression, and
    met with the target on straight lines between logarithms. The interval resamples replicates.

    Args:
        learner: what learns.
        task: what is learnt.
        criterion: what counts as learnt; a number is a test error.
        key: JAX PRNG key.
        replicates: data sets, at least 20.
        start: where to begin; by default the learner's guess.
        most: samples beyond which the search is given up; by default what the learner can take.
        level: of the interval.

    Raises:
        ValueError: an argument is out of range, or the target is out of reach for everybody.
        FloatingPointError: an error is nan, which counts as none.

    Example:
        >>> from ntkit.separation import DynamicSignal, TwoStep
        >>> task = DynamicSignal(patches=16, dim=16384, noise=0.3 / 4)
        >>> need = samples_needed(TwoStep("cnn"), task, 0.01, key=jax.random.key(0))
        >>> need.status, 190 < need.n < 210
        ('crossed', True)
    """
    wanted = criterion if isinstance(criterion, Criterion) else Criterion(check_number("criterion", criterion))
    wanted.check(task)
    check_integer("replicates", replicates, FEWEST)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    limit = check_integer("most", learner.most(task) if most is None else most)
    begin = learner.guess(task) if start is None else check_number("start", start)
    search = _Search(learner, task, wanted, key, replicates, limit, level)
    return search.run(min(max(round(begin), 1), limit))


class _Search:
    """One search; errors are asked for again wherever the grid changes, from the same key."""

    def __init__(
        self, learner: Learner, task: Task, criterion: Criterion, key: PRNGKeyArray, replicates: int, most: int, level: Real
    ) -> None:
        self._learner, self._task, self._criterion = learner, task, criterion
        self._key, self._replicates, self._most, self._level = key, replicates, most, level

    def run(self, start: int) -> SamplesNeeded:
        low, high = self._bracket(start)
        if high > self._most:
            grid = np.array([self._most])
            errors = self._errors(grid)
            why = f"the mean error is {errors.mean():.3g} at n = {self._most}, the most that was allowed"
            return self._inconclusive(why, grid, errors)
        target = self._criterion.target
        for _ in range(WIDER):
            grid = self._grid(low, high)
            errors = self._errors(grid)
            place = float(crossing(grid, errors.mean(axis=0), target))
            if place == 0 and grid[0] == 1:
                ones = np.ones(RESAMPLES)
                return SamplesNeeded("at once", 1.0, (1.0, 1.0), "", grid, errors, ones, self._criterion)
            rng = generator(jax.random.fold_in(self._key, len(grid)))
            draws = crossing(grid, resampled(errors, rng), target)
            late, early = float((draws == np.inf).mean()), float((draws == 0).mean())
            few = MISSING * (1 - self._level) / 2
            if 0 < place < np.inf and late <= few and (early <= few or grid[0] == 1):
                draws = np.clip(draws, grid[0], grid[-1])
                interval = percentile_interval(draws, self._replicates, self._level)
                return SamplesNeeded("crossed", place, interval, "", grid, errors, draws, self._criterion)
            if late > few or place == np.inf:
                if grid[-1] == self._most:
                    break
                high = min(high * STEP, self._most)
            if early > few or place == 0:
                low = max(low // STEP, 1)
        why = (
            f"of resampled mean errors {late:.1%} do not fall to {target:g} up to n = {grid[-1]},"
            f" and {early:.1%} begin below it at n = {grid[0]}"
        )
        return self._inconclusive(why, grid, errors)

    def _inconclusive(
        self, why: str, grid: Int[np.ndarray, " points"], errors: Float[np.ndarray, "replicates points"]
    ) -> SamplesNeeded:
        return SamplesNeeded("inconclusive", np.nan, (0.0, np.inf), why, grid, errors, np.empty(0), self._criterion)

    def _bracket(self, start: int) -> tuple[int, int]:
        """Not enough, or 1; and enough, or more than may be asked for."""
        low = high = start
        if self._enough(start):
            while low > 1 and self._enough(low := max(low // STEP, 1)):
                high = low
            return low, high
        while high < self._most:
            low, high = high, min(high * STEP, self._most)
            if self._enough(high):
                return low, high
        return low, self._most + 1

    def _enough(self, n: int) -> bool:
        return bool(self._errors(np.array([n])).mean() <= self._criterion.target)

    def _errors(self, n: Int[np.ndarray, " points"]) -> Float[np.ndarray, "replicates points"]:
        errors = self._learner.errors(
            self._task, n, key=self._key, replicates=self._replicates, measure=self._criterion.measure
        )
        if not np.isfinite(errors).all():
            raise FloatingPointError(f"{int((~np.isfinite(errors)).sum())} of {errors.size} errors are not finite")
        return errors

    def _grid(self, low: int, high: int) -> Int[np.ndarray, " points"]:
        count = round(POINTS * (math.log2(high / low) + 1)) + 1
        grid = low / 2**0.5 * 2.0 ** (np.arange(count) / POINTS)
        return np.unique(np.clip(np.round(grid), 1, self._most).astype(np.int64))
