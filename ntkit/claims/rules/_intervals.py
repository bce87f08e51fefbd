"""Confidence intervals, each with what it assumes. All resample repeats (axis 0), never grid points.

Bootstraps draw from a fixed stream, so that the same evidence always has the same interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 1999
FEWEST_FOR_BOOTSTRAP = 20


def student(mean: float, stderr: float, repeats: int | None, level: float) -> Interval:
    """Student's t interval (normal if `repeats` is None): exact for normal repeats, too short for skewed or heavy tails."""
    from scipy.stats import norm, t

    tail = (1 + level) / 2
    quantile = float(norm.ppf(tail)) if repeats is None else float(t.ppf(tail, repeats - 1))
    return mean - quantile * stderr, mean + quantile * stderr


def clopper_pearson(successes: int, trials: int, level: float) -> Interval:
    """Exact binomial interval (Clopper and Pearson 1934): covers at least `level` whatever the probability."""
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(1 - tail, successes + 1, trials - successes))
    return low, high


def resampling_weights(repeats: int) -> NDArray[np.int64]:
    """How often each resample takes each repeat: shape (resample, repeat), rows summing to `repeats`."""
    generator = np.random.default_rng(repeats)
    return generator.multinomial(repeats, np.full(repeats, 1 / repeats), size=RESAMPLES)


def studentised(
    values: Floats, statistic: Callable[[Floats], tuple[Floats, Floats]], level: float
) -> tuple[float, Interval]:
    """Bootstrap-t interval of a smooth function of means (Efron 1981; second-order correct, Hall 1988).

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

    def with_error(weights: Floats) -> tuple[Floats, Floats]:
        means = weights @ flat / repeats
        value, gradient = statistic(means.reshape(-1, *values.shape[1:]))
        influence = flat @ gradient.reshape(len(means), -1).T
        centre = (weights * influence.T).sum(1) / repeats
        variance = (weights * (influence.T - centre[:, None]) ** 2).sum(1) / (repeats - 1)
        return value, np.sqrt(variance / repeats)

    value, error = with_error(np.ones((1, repeats)))
    centre, stderr = float(value[0]), float(error[0])
    if stderr == 0.0:
        return centre, (centre, centre)
    values_, errors = with_error(resampling_weights(repeats).astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        pivots = (values_ - centre) / errors
    low, high = tails(pivots, level)
    return centre, (centre - high * stderr, centre - low * stderr)


def tails(draws: Floats, level: float) -> Interval:
    """The central `level` of some draws; a draw that does not exist (nan) lies in both tails."""
    missing = np.isnan(draws)
    tail = (1 - level) / 2
    low = np.quantile(np.where(missing, -np.inf, draws), tail, method="inverted_cdf")
    high = np.quantile(np.where(missing, np.inf, draws), 1 - tail, method="inverted_cdf")
    return float(low), float(high)


def mean_interval(values: Floats, level: float) -> tuple[float, Interval]:
    """The mean of `values`, shape (repeat,), with its interval: Student's t below 20 repeats, bootstrap-t from there on."""
    repeats = len(values)
    mean = float(values.mean())
    if repeats < FEWEST_FOR_BOOTSTRAP:
        return mean, student(mean, float(values.std(ddof=1)) / math.sqrt(repeats), repeats, level)
    return studentised(values, lambda means: (means, np.ones_like(means)), level)


def expanded_level(level: float, repeats: int) -> float:
    """The percentile level that makes a bootstrap percentile interval as wide as Student's t (Hesterberg 2015, sec. 4.1)."""
    from scipy.stats import norm, t

    quantile = t.ppf((1 + level) / 2, repeats - 1) * math.sqrt(repeats / (repeats - 1))
    return float(2 * norm.cdf(quantile) - 1)


def simultaneous(level: float, cells: int) -> float:
    """The level of each of several intervals such that all hold together with `level` (Bonferroni)."""
    return 1 - (1 - level) / cells
