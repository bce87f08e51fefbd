"""Samples that convolutional, local and fully connected networks take, by gradient descent of more than two steps."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from ntkit.claims import Series, Trial
from ntkit.separation import (
    Architecture,
    DynamicSignal,
    Learner,
    NoiseGate,
    ProjectedGradient,
    SignalTask,
    StaticSignal,
    crossing,
)

Floats = Float[np.ndarray, "..."]

NOISE = 0.3  # sigma = NOISE / sqrt(k), as in the upper bounds
TARGET = 0.01  # the test error at which n* is read off
STEPS = 3  # with a gate, after a first step without
SCALE = 4.0  # of the logistic loss


class Search(NamedTuple):
    """Where n* is looked for: factor * k^power * sigma^2 d, times 2^octave.

    Attributes:
        learner: from a task.
        dim: d.
        factor, power: of the centre.
        octaves: first and last, in steps of a half.
    """

    learner: Callable[[SignalTask], Learner]
    dim: int
    factor: float
    power: int
    octaves: tuple[float, float]


def gated(architecture: Architecture) -> Callable[[SignalTask], Learner]:
    """A linear first step, then three with the gate, at a rate at which the step is all that counts."""

    def learner(task: SignalTask) -> Learner:
        gate = NoiseGate(1.5)(task)
        thresholds = (0.0, *[gate] * STEPS)
        return ProjectedGradient(architecture, thresholds, loss="logistic", scale=SCALE, rate=1e3 * task.patches)

    return learner


def distinct(task: SignalTask) -> Learner:
    """An fcn of k units that start at random on the unit sphere, for five steps without a gate."""
    spread = (task.patches * task.dim) ** -0.5
    return ProjectedGradient(
        "fcn", (0.0,) * 5, loss="logistic", scale=SCALE / task.patches, rate=10.0, init_std=spread, units=task.patches
    )


def one_step(architecture: Architecture) -> Callable[[SignalTask], Learner]:
    """The first step alone."""
    return lambda task: ProjectedGradient(architecture, (0.0,), loss="logistic", scale=SCALE)


def searches(trial: Trial) -> dict[Architecture, Search]:
    """What is trained, by tier and control."""
    if trial.control == "one-step":
        return {
            "cnn": Search(one_step("cnn"), 1024, 1.2, 1, (-1, 1)),
            "lcn": Search(one_step("lcn"), 256, 1.1, 2, (-1, 1)),
            "fcn": Search(one_step("fcn"), 256, 1.4, 2, (-1.5, 1.5)),
        }
    dims = trial.scale(quick=(2048, 2048, 512), full=(4096, 4096, 1024))
    cnn = Search(gated("cnn"), dims[0], 2.2, 0, (-1.5, 1.5))
    lcn = Search(gated("lcn"), dims[1], 2.3, 1, (-1, 1))
    fcn = Search(distinct, dims[2], 1.1, 2, (-0.75, 0.75))
    if trial.control == "static":  # few samples, so that the fcn needs a larger d
        return {
            "cnn": cnn,
            "lcn": lcn._replace(factor=1.2, power=0, octaves=(-1, 4.5)),
            "fcn": fcn._replace(dim=2048, factor=0.6, power=0, octaves=(-1.5, 1.5)),
        }
    if trial.control == "shared":
        return {"cnn": cnn, "lcn": cnn, "fcn": fcn}
    if trial.control == "local":
        half = lcn._replace(dim=lcn.dim // 2, octaves=(-1, 1.5))
        return {"cnn": cnn, "lcn": half, "fcn": half}
    return {"cnn": cnn, "lcn": lcn, "fcn": fcn}


def full_training(trial: Trial) -> dict[str, Series]:
    """Projected gradient descent with logistic loss on data in full, sigma = 0.3 / sqrt(k), n* at a test error of 1 %.

    `cnn` and `difference` (the slope of the ratio of n*, which is the difference of the slopes): a first step without a gate,
    three with b = 1.5 sigma sqrt(2 ln k), scale 4, rate 1000 k, filters on the unit sphere, linear classifier. Per data set the
    test error has a closed form; n* is read off each replicate's isotonic curve, and slopes are averaged over replicates.
    Quick: k = 4, 8, 16, d = 2048. Full: k up to 32, d = 4096.

    `fcn`: k distinct units, which start at random on the unit sphere, five steps of scale 4 / k and rate 10, no gate, with
    d = 512 or 1024. They take about 1.1 sigma^2 k^2 d samples. The rate matters: the score is a sum of k like terms, so that at
    the others' scale and rate each step sees only those samples that the last one fitted worst; pilots of 40 steps (d = 128)
    then had errors below 1 % after the first steps only, at the end for no n up to 1.2 k d. Gates of 2 or 3 sigma never helped.

    Static signals are learnt from so few samples that the lcn's gate is open for the noise that it has fitted, the more so for
    few patches: the slope of the ratio is then below 0, not 0.

    The theorem's lower bound for the fcn is for all equivariant algorithms; this is one.
    """
    sizes = (4, 8, 16) if trial.tier == "quick" or trial.control == "one-step" else (4, 8, 16, 32)
    plan = searches(trial)
    cells = [(name, k) for name in plan for k in sizes]
    found = {(name, k): _needed(trial, name, plan[name], k) for name, k in trial.progress(cells)}
    units = {name: np.stack([found[name, k] for k in sizes], axis=1) for name in plan}
    missing = [f"{name} at k = {k}" for name, k in cells if np.isnan(found[name, k]).any()]
    unmet = f"an error curve does not cross {TARGET:g} inside its grid: {', '.join(missing)}" if missing else None
    over_noise = r"n* / (sigma^2 d)"

    def series(y: Floats, expected: float, label: str) -> Series:
        return Series(sizes, y, expected, reduce="geometric", unmet=unmet, x_label="patches k", y_label=label)

    return {
        "cnn": series(units["cnn"], 0.0, f"{over_noise} of the cnn"),
        "difference": series(units["lcn"] / units["cnn"], 1.0, f"{over_noise} of the lcn over that of the cnn"),
        "fcn": series(units["fcn"], 2.0, f"{over_noise} of the fcn"),
    }


def _needed(trial: Trial, name: Architecture, search: Search, patches: int) -> Floats:
    """n* / (sigma^2 d) in each replicate; nan where a curve does not cross."""
    task = (StaticSignal if trial.control == "static" else DynamicSignal)(patches, search.dim, NOISE / patches**0.5)
    unit = task.noise**2 * task.dim
    first, last = search.octaves
    grid = search.factor * task.patches**search.power * unit * 2.0 ** np.arange(first, last + 0.1, 0.5)
    n = np.unique(np.maximum(np.round(grid), 1).astype(int))
    key = jax.random.fold_in(jax.random.fold_in(trial.key, task.patches), ("cnn", "lcn", "fcn").index(name))
    errors = search.learner(task).errors(task, n, key=key, replicates=trial.repeats(quick=8, full=24))
    found = np.array([crossing(n, curve, TARGET) for curve in errors])
    return np.where(np.isfinite(found) & (found > 0), found, np.nan) / unit
