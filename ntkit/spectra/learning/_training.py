"""Training curves: predicted errors over time, averaged over data sets, with their simulated counterparts."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ntkit.spectra.learning._averages import Averages
from ntkit.spectra.learning._contour import flow_risk
from ntkit.spectra.learning._modes import Modes, Numbers, Real, nonnegative
from ntkit.spectra.learning._sample import Sample
from ntkit.spectra.learning._simulate import simulate_flow


@dataclass(frozen=True, eq=False)
class TrainingCurve(Averages):
    """Mean squared errors over training time: predicted, and simulated where that was asked for.

    Attributes:
        times: of the flow; n: number of samples; rate: learning rate.
        test, train: predicted errors.
        simulated_test, simulated_train: of each data set drawn; no rows if none was asked for.
    """

    times: Float[np.ndarray, " times"]
    n: int
    rate: float
    test: Float[np.ndarray, " times"]
    train: Float[np.ndarray, " times"]
    simulated_test: Float[np.ndarray, "repeats times"]
    simulated_train: Float[np.ndarray, "repeats times"]


def training_curve(
    task: Modes | Sample,
    n: int,
    times: Numbers,
    *,
    rate: Real = 1.0,
    noise: Real = 0.0,
    key: PRNGKeyArray | None = None,
    repeats: int = 0,
) -> TrainingCurve:
    """Predicted test and training errors of gradient flow on n samples over time, and simulated ones beside them.

    The flow starts at f = 0 and follows the gradient of the mean of (f - y)^2 / 2 over the n samples: `gradient_flow`
    follows it for one data set, here it is averaged over data sets. Prediction and simulation mean the same by `Modes` and
    `Sample` as in `learning_curve`, and draw the same data sets for the same key. At time 0 nothing is learnt; endless time
    is interpolation, the ridge 0. (800 digits, kernel exp(-|x - z|) of unit vectors, n = 100, 400 and 700: predictions are
    within 2.5 % of the simulation until the error is a quarter of that at time 0, and at the end 4 %, 11 % and 15 % below it.)

    Args:
        task: the eigen-system with its target, or a data set.
        n: number of samples, at least 2, below N for a `Sample`.
        times: at least 0, shape (times,), in any order.
        rate: learning rate, positive: it multiplies the times.
        noise: variance of the noise on the labels (`Modes` only).
        key: JAX PRNG key of the simulation.
        repeats: how many data sets to draw; 0 (default) predicts only.

    Raises:
        ValueError: an argument is out of range, or does not go with the task.
        ArithmeticError: an effective regularisation was not found; no spectrum is known for which this happens.

    Example:
        >>> import jax
        >>> task = Modes(1 / np.arange(1.0, 65) ** 2, 1 / np.arange(1.0, 65) ** 2)
        >>> curve = training_curve(task, 24, [0, 3, 30, 300], noise=0.1, key=jax.random.key(0), repeats=40)
        >>> (np.abs(curve.mean() / curve.test - 1) < 0.2).tolist()
        [True, True, True, True]

    Source: derived here from the eigenframework, for products of the residuals of two ridges; `flow_risk` says how.
    """
    grid = nonnegative("times", times)
    if grid.ndim != 1 or not grid.size:
        raise ValueError(f"times must have shape (times,), not empty, got shape {grid.shape}")
    if not 0 < rate < np.inf:
        raise ValueError(f"rate must be finite and positive, got {rate!r}")
    if np.ndim(n) or not 2 <= n < np.inf or n % 1:
        raise ValueError(f"n must be one integer of at least 2, got {n!r}")
    if isinstance(task, Sample) and n >= len(task):
        raise ValueError(f"n must be below the {len(task)} points of the sample, got {n}")
    if isinstance(task, Sample) and noise != 0:
        raise ValueError(f"noise must be 0 for a sample, whose labels have their own, got {noise!r}")
    if (repeats > 0) != (key is not None) or repeats < 0:
        raise ValueError(f"repeats must be at least 1 with a key, 0 without, got {repeats}")
    with np.errstate(over="ignore"):
        variance, scaled = float(nonnegative("noise", noise)), nonnegative("rate * times", float(rate) * grid)
    test, train = flow_risk(task, float(n), scaled, variance)
    drawn = (np.empty((0, len(grid))),) * 2 if key is None else simulate_flow(task, int(n), scaled, variance, key, repeats)
    return TrainingCurve(grid, int(n), float(rate), test, train, *drawn)
