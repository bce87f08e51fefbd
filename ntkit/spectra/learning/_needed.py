"""How many samples a test error takes."""

import numpy as np
from jaxtyping import Float

from ntkit.spectra.learning._curve import learning_curve
from ntkit.spectra.learning._eigenframework import eigenframework
from ntkit.spectra.learning._modes import Modes, Real, counts
from ntkit.spectra.learning._ridge import optimal_ridge
from ntkit.spectra.learning._sample import Sample


def samples_needed(
    task: Modes | Sample,
    error: Real,
    *,
    ridge: Real | str = "optimal",
    noise: Real = 0.0,
    features: Real = np.inf,
    most: Real = 1e9,
) -> float:
    """The least n from which on the predicted test error is at most `error`; inf if that takes more than `most` samples.

    At the optimal ridge the error of `Modes` never rises with n, and bisection finds it. Otherwise it may (double descent):
    then n is the point after the last rise above `error` on a grid of 12 points per octave, refined by bisection.
    `learning_curve` with the same arguments, at n and with a key, simulates what is predicted here.

    Args:
        task: the eigen-system with its target, or a data set of N points, whose predictions end at n = N - 1.
        error: test error wanted, positive; it contains the noise, below which nothing falls.
        ridge: at least 0, or "optimal": the best at each n.
        noise: variance of the noise on the labels, at least 0 (`Modes` only).
        features: number of random features, at least 1 (`Modes` only).
        most: largest n to consider, at least 1.

    Raises:
        ValueError: an argument is out of range, or does not go with the task.

    Example:
        >>> samples_needed(Modes([1.0], [1.0], multiplicities=[4]), 0.75, ridge=0.0, noise=0.5)  # noise / (1 - 4 / n)
        12.0
    """
    if not 0 < error < np.inf:
        raise ValueError(f"error must be finite and positive, got {error!r}")
    last = np.floor(float(counts("most", most)))
    if isinstance(task, Sample):
        last = min(last, len(task) - 1.0)

    def errors(n: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
        if isinstance(task, Sample):
            return learning_curve(task, n, ridge=ridge, noise=noise, features=features).test
        if not isinstance(ridge, str):
            return eigenframework(task, n, ridge=ridge, noise=noise, features=features).test
        if ridge != "optimal":
            raise ValueError(f"ridge must be numbers or 'optimal', got {ridge!r}")
        return optimal_ridge(task, n, noise=noise, features=features).test

    if errors(np.array([last]))[0] > error:
        return np.inf
    low, high = 0.0, last  # too few, enough
    if isinstance(task, Sample) or not isinstance(ridge, str):
        grid = np.unique(np.floor(np.geomspace(1, last, int(12 * np.log2(last)) + 2)))
        short = np.flatnonzero(errors(grid) > error)
        low, high = (grid[short[-1]], grid[short[-1] + 1]) if short.size else (0.0, 1.0)
    while high - low > 1:
        middle = np.floor(np.sqrt(max(low, 1) * high)) if high > 4 * low else np.floor((low + high) / 2)
        middle = min(max(middle, low + 1), high - 1)
        low, high = (low, middle) if errors(np.array([middle]))[0] <= error else (middle, high)
    return float(high)
