"""Where a falling error curve meets a target, and how sure that is."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import isotonic_regression
from scipy.special import ndtr, stdtrit

RESAMPLES = 999
Grid = Float[np.ndarray, " points"] | Int[np.ndarray, " points"]


def crossing(n: Grid, curve: Float[np.ndarray, " points"], target: float) -> float:
    """The n where the isotonic (falling) fit of a curve meets the target, on straight lines between logarithms.

    Errors of 0 have none; towards them the line is straight in the error itself.

    Returns:
        inf where the fit stays above the target, 0 where it begins at most at the target.

    Example:
        >>> round(crossing(np.array([1, 2, 4, 8]), np.array([1.0, 0.5, 0.25, 0.125]), 2**-1.5), 6)  # of 1 / n
        2.828427
    """
    fit = np.asarray(isotonic_regression(curve, increasing=False).x)
    above = int((fit > target).sum())
    if above in (0, len(fit)):
        return np.inf if above else 0.0
    (high, low), (before, after) = fit[above - 1 : above + 1], np.log(n[above - 1 : above + 1])
    share = np.log(high / target) / np.log(high / low) if low > 0 else (high - target) / high
    return float(np.exp(before + share * (after - before)))


def resampled(
    errors: Float[np.ndarray, "replicates points"],
    statistic: Callable[[Float[np.ndarray, " points"]], float],
    rng: np.random.Generator,
) -> Float[np.ndarray, " resamples"]:
    """A statistic of mean curves over replicates that are drawn with replacement."""
    replicates = len(errors)
    weights = rng.multinomial(replicates, np.full(replicates, 1 / replicates), size=RESAMPLES) / replicates
    return np.array([statistic(curve) for curve in weights @ errors])


def percentile_interval(draws: Float[np.ndarray, " resamples"], replicates: int, level: float) -> tuple[float, float]:
    """The central part of some draws, as much wider than `level` as Student's t is than the normal law.

    Source: Hesterberg (2015), section 4.1, the expanded percentile interval (from memory).
    """
    quantile = stdtrit(replicates - 1, (1 + level) / 2) * np.sqrt(replicates / (replicates - 1))
    rank = max(int(ndtr(-quantile) * (len(draws) + 1) + 1e-9), 1)
    ordered = np.sort(draws)
    return float(ordered[rank - 1]), float(ordered[-rank])
