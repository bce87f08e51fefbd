"""The mean of independent samples to a given accuracy, with an interval that keeps its coverage although one looks often.

Looks come at 32, 64, 128, ... samples, and at the last one. Each of the L possible looks makes an interval at the level
1 - 0.05 / L, so that all of them hold together with 95 %, and with them the one at which the rule stops, for whatever reason.
Samples v^T A v of a matrix with few large eigenvalues are skewed to the right, where an interval of Student's is too short
above; so Hall's cubic transformation of t takes its place where it reaches further.

Source: Bonferroni; Hall (1992), transformations for skewness.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
import scipy.special
from jaxtyping import Float

FIRST = 32  # samples of the first look: fewer say too little of how skewed they are
LEVEL = 0.05


@dataclass(frozen=True)
class Estimate:
    """A mean.

    Attributes:
        value, stderr: the mean and its standard error.
        interval: that holds it with at least 95 %, whenever the rule stopped.
        probes: how many samples there were.
        converged: whether half of the interval's width reached the accuracy that was asked for.
    """

    value: float
    stderr: float
    interval: tuple[float, float]
    probes: int
    converged: bool


def looks(most: int) -> list[int]:
    """After how many samples to look.

    Example:
        >>> looks(100)
        [32, 64, 100]
    """
    found = [min(FIRST, most)]
    while found[-1] < most:
        found.append(min(2 * found[-1], most))
    return found


def mean(samples: Callable[[int, int], Float[np.ndarray, " samples"]], rtol: float, atol: float, most: int) -> Estimate:
    """The mean of independent samples.

    Args:
        samples: those from a number on, to before another.
        rtol: half of the interval's width is to be at most max(rtol |mean|, atol).
        atol: see `rtol`.
        most: samples after which to stop in any case, at least 2.
    """
    taken = np.zeros(0)
    stops = looks(most)
    for stop in stops:
        taken = np.concatenate([taken, samples(len(taken), stop)])
        low, high = _interval(taken, LEVEL / len(stops))
        value = float(taken.mean())
        converged = bool(high - low <= 2 * max(rtol * abs(value), atol))
        if converged:
            break
    return Estimate(value, float(taken.std(ddof=1)) / sqrt(len(taken)), (low, high), len(taken), converged)


def _interval(samples: Float[np.ndarray, " samples"], level: float) -> tuple[float, float]:
    count = len(samples)
    value, error = float(samples.mean()), float(samples.std(ddof=1)) / sqrt(count)
    reach = float(scipy.special.stdtrit(count - 1, 1 - level / 2))
    if not error > 0:
        return value, value
    off = samples - value
    skew = float((off**3).mean() / (off**2).mean() ** 1.5) / sqrt(count)
    ends = [value - _unskewed(way * reach, skew) * error for way in (1, -1)]
    return min(ends[0], value - reach * error), max(ends[1], value + reach * error)


def _unskewed(at: float, skew: float) -> float:
    """The t whose transform t + skew t^2 / 3 + skew^2 t^3 / 27 + skew / 6 is given."""
    if abs(skew) < 1e-9:
        return at
    return 3 * (float(np.cbrt(1 + skew * (at - skew / 6))) - 1) / skew
