"""The ridge of least predicted error."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from ntkit.spectra.learning._effective import effective_regularisation
from ntkit.spectra.learning._eigenframework import Risk, at_gamma, eigenframework
from ntkit.spectra.learning._modes import Modes, Numbers, counts, nonnegative, sums

_PER_DECADE = 8  # errors are smooth in log gamma, on the scale of a factor e


def optimal_ridge(modes: Modes, n: Numbers, *, noise: Numbers = 0.0, features: Numbers = np.inf) -> Risk:
    """The predicted errors at the ridge >= 0 that makes the test error least; `Risk.ridge` is that ridge, possibly 0 or inf.

    The ridge is an explicit function of gamma, so that the search runs over gamma: a grid in the logarithm over all scales
    of the spectrum, then ever finer ones around its minimum. Of several minima closer than a grid step (a factor 1.33) it
    may miss the lowest. `learning_curve` with ridge="optimal" and a key simulates these errors beside the prediction.

    Args:
        modes: eigenvalues and target.
        n: numbers of samples, at least 1; n, noise and features broadcast against each other.
        noise: variance of the noise on the labels, at least 0.
        features: number of random features, at least 1; inf (default) is the kernel itself.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> linear = Modes([1.0], [1.0], multiplicities=[4])  # a linear model in 4 dimensions, weights of norm 1
        >>> optimal_ridge(linear, 8, noise=0.5).ridge.round(3).item()  # multiplicity * noise / power, as Bayes says
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

    found, least = scan(errors, 1e-9 * float(start[0] or positive.min()), 1e6 * modes.trace)
    extra = np.array([found])
    limits = eigenframework(modes, n, ridge=[0.0, np.inf], noise=noise, features=k).test
    if limits.min() <= least:
        return 0.0 if limits[0] <= limits[1] else np.inf
    at = sums(modes, start + extra)
    share = 1.0 if np.isinf(k[0]) else float(at.left(k)[0] / k[0])
    return float((start + extra)[0] * at.left(n)[0] * share)


def scan(
    errors: Callable[[Float[np.ndarray, " points"]], Float[np.ndarray, " points"]], low: float, high: float
) -> tuple[float, float]:
    """Where a function of a positive number is least, and its value: a grid in the logarithm, then ever finer ones."""
    points = np.geomspace(low, high, int(_PER_DECADE * np.log10(high / low)) + 2)
    for _ in range(6):  # each is 8 times finer than the last; a step of 1e-6 changes the least value by 1e-12
        values = errors(points)
        best = int(np.argmin(values))
        found, least = float(points[best]), float(values[best])
        points = np.geomspace(points[max(best - 1, 0)], points[min(best + 1, len(points) - 1)], 17)
    return found, least
