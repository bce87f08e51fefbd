"""Confidence intervals, each with what it assumes. All resample repeats (axis 0), never grid points.

Bootstraps draw from a fixed stream, so that the same evidence always has the same interval. How often each interval covers
the truth is measured by `analyses/coverage.py` and printed in the docstrings of the rules.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 1999
MORE_RESAMPLES = 9999  # for levels whose tail holds fewer than FEWEST_IN_TAIL of the usual number
FEWEST_IN_TAIL = 5
FEWEST_FOR_BOOTSTRAP = 20
MOST_FOR_BOOTSTRAP = 2000  # beyond, the bootstrap's correction for skewness is smaller than what it costs
MOST_AT_ONCE = 4_000_000  # resamples of cells held in memory: thousands of cells are taken in portions
ROUNDING = 64 * float(np.finfo(np.float64).eps)


def student(mean: float, stderr: float, repeats: int | None, level: float) -> Interval:
    """Student's t interval (normal if `repeats` is None): exact for normal repeats, too short for skewed ones."""
    from scipy.special import ndtri, stdtrit

    tail = (1 + level) / 2
    quantile = float(ndtri(tail)) if repeats is None else float(stdtrit(repeats - 1, tail))
    return mean - quantile * stderr, mean + quantile * stderr


def clopper_pearson(successes: int, trials: int, level: float) -> Interval:
    """Exact binomial interval (Clopper and Pearson 1934): covers at least `level` whatever the probability."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else float(betaincinv(successes + 1, trials - successes, 1 - tail))
    return low, high


def resampling_weights(repeats: int, level: float = 0.95) -> Floats:
    """How often each resample takes each repeat: shape (resample, repeat), rows summing to `repeats`."""
    enough = (1 - level) / 2 * (RESAMPLES + 1) >= FEWEST_IN_TAIL - 1e-9
    return _weights(repeats, RESAMPLES if enough else MORE_RESAMPLES)


@functools.lru_cache(maxsize=2)
def _weights(repeats: int, resamples: int) -> Floats:
    generator = np.random.default_rng(repeats)
    weights = generator.multinomial(repeats, np.full(repeats, 1 / repeats), size=resamples).astype(np.float64)
    weights.setflags(write=False)
    return weights


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what does not exist or overflows makes the interval infinite
def studentised(values: Floats, statistic: Callable[[Floats], tuple[Floats, Floats]], level: float) -> tuple[float, Interval]:
    """Interval of a smooth function of means: bootstrap-t, joined with Student's t on the jackknife's standard error.

    Each alone is too short somewhere: the bootstrap-t (Efron 1981; second-order correct, Hall 1988) where the delta method
    underestimates the standard error, as for the logarithm of a mean of squares; Student's t for skewed means. Their hull
    is a few percent wider than the better of the two.

    Args:
        values: shape (repeat, ...): what is averaged over repeats.
        statistic: from means of shape (resample, ...) to the statistic, shape (resample,), and the gradient of the statistic
            with respect to the means, shape (resample, ...); the delta method makes the standard error from it.
        level: the confidence level.

    Returns:
        The statistic of all repeats, and its interval. A resample for which the statistic does not exist counts against
        both ends, so that too many of them make the interval infinite.
    """
    repeats = values.shape[0]
    flat = values.reshape(repeats, -1)

    def at(means: Floats) -> tuple[Floats, Floats]:
        value, gradient = statistic(means.reshape(-1, *values.shape[1:]))
        return value, gradient.reshape(len(means), -1)

    def with_error(weights: Floats) -> tuple[Floats, Floats, Floats]:
        value, gradient = at(weights @ flat / repeats)
        influence = gradient @ flat.T
        centre = (weights * influence).sum(1) / repeats
        variance = (weights * (influence - centre[:, None]) ** 2).sum(1) / (repeats - 1)
        return value, np.sqrt(variance / repeats), influence

    value, error, influence = with_error(np.ones((1, repeats)))
    centre, stderr = float(value[0]), float(error[0])
    if stderr <= ROUNDING * float(np.abs(influence).max()):
        return centre, (centre, centre)  # repeats that differ by rounding only have no spread to resample
    left_out = at((flat.sum(0) - flat) / (repeats - 1))[0]
    spread = float(left_out.std()) * math.sqrt(repeats - 1)
    low, high = student(centre, spread if math.isfinite(spread) else math.inf, repeats, level)
    if repeats > MOST_FOR_BOOTSTRAP:
        return centre, (low, high)
    values_, errors, _ = with_error(resampling_weights(repeats, level))
    lowest, highest = tails((values_ - centre) / errors, level)
    return centre, (min(low, centre - highest * stderr), max(high, centre - lowest * stderr))


def tails(draws: Floats, level: float) -> Interval:
    """The central `level` of some draws; a draw that does not exist (nan) lies in both tails.

    The ends are order statistics number floor(tail (draws + 1)) from either side: a finite number of draws makes the interval
    no shorter on average (Davison and Hinkley 1997, section 2.3).
    """
    rank = max(int((1 - level) / 2 * (len(draws) + 1) + 1e-9), 1)
    missing = np.isnan(draws)
    low = np.partition(np.where(missing, -np.inf, draws), rank - 1)[rank - 1]
    high = np.partition(np.where(missing, np.inf, draws), len(draws) - rank)[len(draws) - rank]
    return float(low), float(high)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def mean_intervals(values: Floats, level: float) -> list[tuple[float, Interval]]:
    """The mean of each column of `values`, shape (repeat, cell), with its interval at `level`.

    Student's t below 20 repeats; from there on as `studentised`, whose influence function is here the values themselves.
    """
    repeats = len(values)
    means, stderrs = values.mean(0), values.std(0, ddof=1) / math.sqrt(repeats)
    centred = values - means
    stderrs = np.where(stderrs <= ROUNDING * np.abs(values).max(0), 0.0, stderrs)
    intervals = [student(float(m), float(s), repeats, level) for m, s in zip(means, stderrs, strict=True)]
    if FEWEST_FOR_BOOTSTRAP <= repeats <= MOST_FOR_BOOTSTRAP:
        weights = resampling_weights(repeats, level)
        spread = np.flatnonzero(stderrs)
        for cells in np.array_split(spread, 1 + spread.size * len(weights) // MOST_AT_ONCE):
            some = centred[:, cells]
            shifts, squares = weights @ some / repeats, weights @ some**2 / repeats
            variances = squares - shifts**2
            variances = np.where(variances <= ROUNDING * squares, 0.0, variances)  # one value drawn over and over
            pivots = shifts / np.sqrt(variances / (repeats - 1))
            for cell, draws in zip(cells, pivots.T, strict=True):
                lowest, highest = tails(draws, level)
                (low, high), mean, stderr = intervals[cell], means[cell], stderrs[cell]
                intervals[cell] = float(min(low, mean - highest * stderr)), float(max(high, mean - lowest * stderr))
    return [(float(mean), interval) for mean, interval in zip(means, intervals, strict=True)]


def expanded_level(level: float, repeats: int) -> float:
    """The percentile level that makes a bootstrap percentile interval as wide as Student's t (Hesterberg 2015, sec. 4.1)."""
    from scipy.special import ndtr, stdtrit

    quantile = stdtrit(repeats - 1, (1 + level) / 2) * math.sqrt(repeats / (repeats - 1))
    return float(2 * ndtr(quantile) - 1)


def simultaneous(level: float, cells: int) -> float:
    """The level of each of several intervals such that all hold together with `level` (Bonferroni)."""
    return 1 - (1 - level) / cells
