"""The intervals of the rules once more, slowly and by another road: explicit resamples, one at a time, and library fits."""

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.stats import norm, t


def resamples(weights: np.ndarray) -> list[np.ndarray]:
    """The indices of the repeats in each resample, spelled out from how often each is taken."""
    return [np.repeat(np.arange(weights.shape[1]), row.astype(int)) for row in weights]


def order_statistics(draws: list[float], level: float) -> tuple[float, float]:
    """Number floor(tail (draws + 1)) from below and from above; a draw that does not exist lies beyond both."""
    rank = max(math.floor((1 - level) / 2 * (len(draws) + 1) + 1e-9), 1)
    low = sorted(-math.inf if math.isnan(d) else d for d in draws)[rank - 1]
    high = sorted(math.inf if math.isnan(d) else d for d in draws)[-rank]
    return low, high


def bootstrap_t(
    values: np.ndarray, statistic: Callable[[np.ndarray], float], level: float, weights: np.ndarray
) -> tuple[float, float]:
    """Hull of the bootstrap-t interval (delta method by numerical derivatives) and Student's t on the jackknife error.

    Args:
        values: shape (repeat, ...).
        statistic: from one mean over repeats to a number.
        level: the confidence level.
        weights: the resamples.
    """
    n = len(values)

    def delta_error(sample: np.ndarray) -> float:
        mean = sample.mean(0)
        gradient = np.zeros_like(mean)
        for index in np.ndindex(mean.shape):
            step = np.zeros_like(mean)
            step[index] = 1e-6 * max(1e-3, abs(float(mean[index])))
            gradient[index] = (statistic(mean + step) - statistic(mean - step)) / (2 * step[index])
        return math.sqrt(np.var([(gradient * row).sum() for row in sample], ddof=1) / n)

    estimate, error = statistic(values.mean(0)), delta_error(values)
    pivots = []
    for indices in resamples(weights):
        sample = values[indices]
        pivots.append((statistic(sample.mean(0)) - estimate) / delta_error(sample))
    low, high = order_statistics(pivots, level)
    left_out = np.array([statistic(np.delete(values, i, axis=0).mean(0)) for i in range(n)])
    half = t.ppf((1 + level) / 2, n - 1) * math.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    return min(estimate - high * error, estimate - half), max(estimate - low * error, estimate + half)


def log_crossing(log_grid: np.ndarray, curve: np.ndarray, target: float) -> float:
    """Where scipy's isotonic fit of one curve meets the target (which it must not equal anywhere); nan if it does not."""
    fit = isotonic_regression(curve, increasing=False).x
    if fit[0] < target or fit[-1] > target:
        return math.nan
    ends = [int(np.flatnonzero(fit > target)[-1]), int(np.flatnonzero(fit < target)[0])]
    return float(np.interp(-target, -fit[ends], log_grid[ends]))


def crossing_interval(
    log_x: np.ndarray, log_grid: np.ndarray, errors: np.ndarray, target: float, level: float, weights: np.ndarray
) -> tuple[float, float]:
    """Percentile interval of the slope of log crossings, at the level that widens it to Student's t."""
    n = len(errors)
    slopes = []
    for indices in resamples(weights):
        mean = errors[indices].mean(0)
        crossings = [log_crossing(grid, curve, target) for grid, curve in zip(log_grid, mean, strict=True)]
        slopes.append(float(np.polyfit(log_x, crossings, 1)[0]) if np.isfinite(crossings).all() else math.nan)
    expanded = 1 - 2 * norm.sf(t.isf((1 - level) / 2, n - 1) * math.sqrt(n / (n - 1)))
    return order_statistics(slopes, expanded)
