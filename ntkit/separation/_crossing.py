"""Where a falling error curve meets a target, and how sure that is."""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr, stdtrit

from ntkit.separation._checks import Real

RESAMPLES = 999
Grid = Float[np.ndarray, " points"] | Int[np.ndarray, " points"]


def crossing(n: Grid, curves: Float[np.ndarray, "*many points"], target: Real) -> Float[np.ndarray, "*many"]:
    """The n where the isotonic (falling) fit of each curve meets the target, on straight lines between logarithms.

    Errors of 0 have none; towards them the line is straight in the error itself.

    Returns:
        inf where the fit stays above the target, 0 where it begins at most at the target.

    Example:
        >>> float(crossing(np.array([1, 2, 4, 8]), np.array([1.0, 0.5, 0.25, 0.125]), 2**-1.5).round(6))  # of 1 / n
        2.828427
    """
    fit, logs = falling_fit(curves), np.log(n)
    above = (fit > target).sum(axis=-1)
    before = np.clip(above - 1, 0, len(n) - 2) if len(n) > 1 else np.zeros_like(above)
    after = np.minimum(before + 1, len(n) - 1)
    high, low = (np.take_along_axis(fit, place[..., None], axis=-1)[..., 0] for place in (before, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(low > 0, np.log(high / target) / np.log(high / low), (high - target) / high)
    crosses = (above > 0) & (above < len(n))
    place = np.exp(logs[before] + np.where(crosses, share, 0.0) * (logs[after] - logs[before]))
    return np.asarray(np.where(crosses, place, np.where(above == 0, 0.0, np.inf)))


def falling_fit(curves: Float[np.ndarray, "*many points"]) -> Float[np.ndarray, "*many points"]:
    """Least-squares fits that nowhere rise: at j the least, over a <= j, of the greatest mean of points a to b >= j.

    Source: the min-max formulas of isotonic regression, Robertson, Wright and Dykstra (1988), theorem 1.4.4 (from memory).
    """
    points = curves.shape[-1]
    sums = np.concatenate([np.zeros_like(curves[..., :1]), np.cumsum(curves, axis=-1)], axis=-1)
    first, last = np.arange(points)[:, None], np.arange(points)
    lengths = np.where(last >= first, last + 1 - first, 1)
    means = np.where(last >= first, (sums[..., None, 1:] - sums[..., :-1, None]) / lengths, -np.inf)
    greatest = np.maximum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray(np.where(last >= first, greatest, np.inf).min(axis=-2))


def resampled(
    errors: Float[np.ndarray, "replicates points"], rng: np.random.Generator
) -> Float[np.ndarray, "resamples points"]:
    """Mean curves over replicates that are drawn with replacement."""
    replicates = len(errors)
    weights = rng.multinomial(replicates, np.full(replicates, 1 / replicates), size=RESAMPLES) / replicates
    return np.asarray(weights @ errors)


def percentile_interval(draws: Float[np.ndarray, " resamples"], replicates: int, level: Real) -> tuple[float, float]:
    """The central part of some draws, as much wider than `level` as Student's t is than the normal law.

    Source: Hesterberg (2015), section 4.1, the expanded percentile interval (from memory).
    """
    quantile = stdtrit(replicates - 1, (1 + level) / 2) * np.sqrt(replicates / (replicates - 1))
    rank = max(int(ndtr(-quantile) * (len(draws) + 1) + 1e-9), 1)
    ordered = np.sort(draws)
    return float(ordered[rank - 1]), float(ordered[-rank])
