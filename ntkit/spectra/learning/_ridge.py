"""The ridge of least predicted error, and how many samples an error takes."""

import numpy as np
from jaxtyping import Float

from ntkit.spectra.learning._effective import effective_regularisation
from ntkit.spectra.learning._eigenframework import Risk, at_gamma, eigenframework
from ntkit.spectra.learning._modes import Modes, Numbers, Real, counts, nonnegative, sums

_PER_DECADE = 8  # errors are smooth in log gamma, on the scale of a factor e


def optimal_ridge(modes: Modes, n: Numbers, *, noise: Numbers = 0.0, features: Numbers = np.inf) -> Risk:
    """The predicted errors at the ridge >= 0 that makes the test error least; `Risk.ridge` is that ridge, possibly 0 or inf.

    The ridge is an explicit function of gamma, so that the search runs over gamma: a grid in the logarithm over all scales
    of the spectrum, then ever finer ones around its minimum. Of several minima closer than a grid step (a factor 1.33) it
    may miss the lowest.

    Args:
        modes: eigenvalues and target.
        n: numbers of samples, at least 1; n, noise and features broadcast against each other.
        noise: variance of the noise on the labels, at least 0.
        features: number of random features, at least 1; inf (default) is the kernel itself.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> linear = Modes([1.0], [1.0], multiplicities=[4])  # a linear model in 4 dimensions, weights of norm 1
        >>> optimal_ridge(linear, 8, noise=0.5).ridge.round(6).item()  # multiplicity * noise / power, as Bayes says
        2.0

    Source: Simon, Karkada, Ghosh, Belkin (2023), More is better (from memory); Hastie et al. (2022) for isotropic features.
    """
    grid = np.broadcast_arrays(counts("n", n), counts("features", features, infinite=True), nonnegative("noise", noise))
    points = zip(*(a.ravel().tolist() for a in grid), strict=True)
    ridges = np.array([_best(modes, *map(np.atleast_1d, map(np.float64, point))) for point in points])
    return eigenframework(modes, grid[0], ridge=ridges.reshape(grid[0].shape), noise=grid[2], features=grid[1])


def _best(modes: Modes, n: Float[np.ndarray, "1"], k: Float[np.ndarray, "1"], noise: Float[np.ndarray, "1"]) -> float:
    positive = modes.eigenvalues[modes.eigenvalues > 0]
    if not positive.size:
        return 0.0
    start = effective_regularisation(modes, n, k, np.zeros(1))

    def errors(extra: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
        full = [np.broadcast_to(a, extra.shape) for a in (n, k, noise)]
        return at_gamma(modes, start + extra, full[0], full[1], None, full[2])[3]

    low = 1e-9 * start[0] if start[0] else 1e-9 * positive.min()
    high = 1e6 * modes.trace
    extras = np.geomspace(low, high, int(_PER_DECADE * np.log10(high / low)) + 2)
    for _ in range(6):  # each grid is 8 times finer than the last; a step of 1e-6 changes the least error by 1e-12
        values = errors(extras)
        best = int(np.argmin(values))
        extra, least = extras[[best]], float(values[best])
        extras = np.geomspace(extras[max(best - 1, 0)], extras[min(best + 1, len(extras) - 1)], 17)
    limits = eigenframework(modes, n, ridge=[0.0, np.inf], noise=noise, features=k).test
    if limits.min() <= least:
        return 0.0 if limits[0] <= limits[1] else np.inf
    at = sums(modes, start + extra)
    share = 1.0 if np.isinf(k[0]) else float(at.left(k)[0] / k[0])
    return float((start + extra)[0] * at.left(n)[0] * share)


def samples_needed(
    modes: Modes,
    error: Real,
    *,
    ridge: Real | str = "optimal",
    noise: Real = 0.0,
    features: Real = np.inf,
    most: Real = 1e9,
) -> float:
    """The least n from which on the predicted test error is at most `error`; inf if that takes more than `most` samples.

    At the optimal ridge the error never rises with n, and bisection finds it. At a fixed ridge it may (double descent):
    then n is the point after the last rise above `error` on a grid of 12 points per octave, refined by bisection.

    Args:
        modes: eigenvalues and target.
        error: test error wanted, positive; it contains the noise, below which nothing falls.
        ridge: at least 0, or "optimal": the best at each n.
        noise: variance of the noise on the labels, at least 0.
        features: number of random features, at least 1.
        most: largest n to consider, at least 1.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> samples_needed(Modes([1.0], [1.0], multiplicities=[4]), 0.75, ridge=0.0, noise=0.5)  # noise / (1 - 4 / n)
        12.0
    """
    if not 0 < error < np.inf:
        raise ValueError(f"error must be finite and positive, got {error!r}")
    if isinstance(ridge, str) and ridge != "optimal":
        raise ValueError(f"ridge must be a number or 'optimal', got {ridge!r}")
    last = np.floor(float(counts("most", most)))

    def enough(n: float) -> bool:
        if isinstance(ridge, str):
            risk = optimal_ridge(modes, n, noise=noise, features=features)
        else:
            risk = eigenframework(modes, n, ridge=ridge, noise=noise, features=features)
        return bool(risk.test <= error)

    if not enough(last):
        return np.inf
    low, high = 0.0, last
    if not isinstance(ridge, str):
        grid = np.unique(np.floor(np.geomspace(1, last, int(12 * np.log2(last)) + 2)))
        short = np.flatnonzero(eigenframework(modes, grid, ridge=ridge, noise=noise, features=features).test > error)
        low, high = (grid[short[-1]], grid[short[-1] + 1]) if short.size else (0.0, 1.0)
    while high - low > 1:
        middle = np.floor(np.sqrt(max(low, 1) * high)) if high > 4 * low else np.floor((low + high) / 2)
        middle = min(max(middle, low + 1), high - 1)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return float(high)
