"""Learning in time: gradient flow and gradient descent on a kernel, mode by mode and exact."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ntkit.spectra.learning._modes import Modes, Numbers, Real, nonnegative
from ntkit.spectra.learning._sample import Sample


@dataclass(frozen=True, eq=False)
class Flow:
    """Training of a kernel model from f = 0 on the mean squared error / 2.

    Attributes:
        task: population or data set.
        times: of the flow, or numbers of steps; rate: learning rate.
        factors: share of the target's coefficient on each mode that is still missing.
        discrete: whether steps were taken.
    """

    task: Modes | Sample
    times: Float[np.ndarray, " times"]
    rate: float
    factors: Float[np.ndarray, "times modes"]
    discrete: bool

    @property
    def power(self) -> Float[np.ndarray, "times modes"]:
        """Squared error on each mode: factors^2 times the power of the target."""
        return np.asarray(self.factors**2 * self.task.power)

    @property
    def error(self) -> Float[np.ndarray, " times"]:
        """Mean squared error: over the population for `Modes`, over the training set for a `Sample`."""
        outside = self.task.outside if isinstance(self.task, Modes) else 0.0
        return np.asarray(self.power.sum(axis=1) + outside)

    def predictions(self, cross: ArrayLike) -> Float[np.ndarray, "times points ..."]:
        """f(t) at new points, whose kernel with the training set is `cross`; for a `Sample` only.

        cross U ((1 - factors) / gram eigenvalues) U' targets, the quotient having its limit rate t / N at eigenvalue 0.

        Raises:
            ValueError: the task is no `Sample`, or cross has another shape.
        """
        if not isinstance(self.task, Sample):
            raise ValueError("task must be a Sample to predict at points, got Modes")
        values, N = self.task.eigenvalues, len(self.task)
        limit = np.broadcast_to(self.rate * self.times[:, None], self.factors.shape)
        learnt = _learnt(self.rate * values, self.times[:, None], self.discrete)
        return self.task._read(cross, np.divide(learnt, values, out=limit.copy(), where=values > 0) / N)


def gradient_flow(task: Modes | Sample, times: Numbers, *, rate: Real = 1.0, discrete: bool = False) -> Flow:
    """The exact course of full-batch training in a fixed kernel.

    The coefficient of the residual on mode i is exp(-rate lambda_i t) of that of the target, the squared error
    exp(-2 rate lambda_i t); (1 - rate lambda_i)^t after t steps of gradient descent. lambda_i are the eigenvalues of the
    population for `Modes`, and those of gram / N for a `Sample`: the loss is the *mean* of (f - y)^2 / 2. For the sum over
    the N points, take N times the rate.

    Args:
        task: eigen-system of the population with its target, or a data set.
        times: at least 0, shape (times,); integers if discrete.
        rate: learning rate, positive.
        discrete: steps of gradient descent in place of the flow.

    Raises:
        ValueError: times or rate is out of range.

    Example:
        >>> flow = gradient_flow(Modes([1.0, 0.5], [1.0, 4.0]), [0, 1, 2], discrete=True)
        >>> flow.error.tolist()
        [5.0, 1.0, 0.25]

    Source: the linear differential equation of least squares in function space; Jacot, Gabriel, Hongler (2018), section 5.
    """
    grid = nonnegative("times", times)
    if grid.ndim != 1 or not grid.size:
        raise ValueError(f"times must have shape (times,), not empty, got shape {grid.shape}")
    if discrete and (grid % 1).any():
        raise ValueError(f"times must be integers for steps, got {grid[grid % 1 != 0][0]:g}")
    if not 0 < rate < np.inf:
        raise ValueError(f"rate must be finite and positive, got {rate!r}")
    exponent = float(rate) * task.eigenvalues
    factors = (1 - exponent) ** grid[:, None] if discrete else np.exp(-exponent * grid[:, None])
    return Flow(task, grid, float(rate), factors, discrete)


def _learnt(
    exponent: Float[np.ndarray, " modes"], times: Float[np.ndarray, "times 1"], discrete: bool
) -> Float[np.ndarray, "times modes"]:
    """1 - factors, with all its digits where little is learnt."""
    if not discrete:
        return np.asarray(-np.expm1(-exponent * times))
    safe = np.minimum(exponent, 0.5)
    return np.asarray(np.where(exponent <= 0.5, -np.expm1(times * np.log1p(-safe)), 1 - (1 - exponent) ** times))
