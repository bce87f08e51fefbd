"""What the claims of lahoti2024 share: curves of errors over samples, an oracle, and training on data in full."""

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float, Int

from ntkit.claims import Crossings
from ntkit.separation import DynamicSignal, SignalTask, TwoStep

Floats = Float[np.ndarray, "..."]


def grid_around(prediction: float, octaves: float = 2.0) -> Int[np.ndarray, " points"]:
    """Two numbers of samples an octave around a prediction; where that is small, whole numbers that follow each other."""
    steps = np.arange(-2 * octaves, 2 * octaves + 1) / 2
    places = np.arange(len(steps))
    rounded = np.maximum(np.round(prediction * 2.0**steps), 1)
    return (np.maximum.accumulate(rounded - places) + places).astype(np.int64)  # as many for every prediction, all different


def crossings(
    x: Sequence[float],
    grids: Sequence[Int[np.ndarray, " points"]],
    errors: Sequence[Float[np.ndarray, "replicates points"]],
    per: Sequence[float],
    *,
    target: float,
    expected: float,
    label: str,
) -> Crossings:
    """Error curves over n / per, one for each x."""
    sizes = [grid / scale for grid, scale in zip(grids, per, strict=True)]
    if len({len(grid) for grid in grids}) > 1:
        raise ValueError(f"grids must have equally many numbers, got {[len(grid) for grid in grids]}")
    return Crossings(x, sizes, np.stack(errors, axis=1), target, expected, x_label=label, y_label="samples / sigma^2")


def measured(
    learner: TwoStep,
    tasks: Sequence[SignalTask],
    predictions: Sequence[float],
    x: Sequence[float],
    key: jax.Array,
    replicates: int,
    *,
    target: float,
    expected: float,
    label: str,
    measure: str = "error",
    octaves: float = 2.0,
) -> Crossings:
    """The learner's error curves over n / sigma^2 around predicted numbers of samples."""
    grids = [grid_around(prediction, octaves) for prediction in predictions]
    keys = jax.random.split(key, len(tasks))
    errors = [
        learner.errors(task, grid, key=k, replicates=replicates, measure=measure)
        for task, grid, k in zip(tasks, grids, keys, strict=True)
    ]
    per = [task.noise**2 for task in tasks]
    return crossings(x, grids, errors, per, target=target, expected=expected, label=label)


def oracle_cosines(
    architecture: str, task: SignalTask, n: Int[np.ndarray, " points"], rng: np.random.Generator, *, sharing: bool = False
) -> Float[np.ndarray, "points filters"]:
    """Cosines with the signal of filters that are told the patch of every sample: v_i is the mean of the samples of patch i.

    v_i = mu_i + (sigma / sqrt N_i) g in k d dimensions for the fcn, d for the others; the cnn has one filter and all samples.
    A filter without a sample is random. `sharing`: as if each filter had all samples.

    cos = (1 + s a) / sqrt((1 + s a)^2 + s^2 chi^2), s = sigma / sqrt N, a normal, chi^2 with one degree of freedom fewer than
    dimensions.
    """
    filters = 1 if architecture == "cnn" else task.patches
    dim = task.dim * (task.patches if architecture == "fcn" else 1)
    counts = np.broadcast_to(n[:, None], (len(n), filters)) if sharing or filters == 1 else task.counts(rng, n)
    a, rest = rng.normal(size=filters), rng.chisquare(dim - 1, size=filters)
    s = task.noise / np.sqrt(np.maximum(counts, 1))
    along = np.where(counts > 0, 1 + s * a, a)
    beside = np.where(counts > 0, s**2, 1.0) * rest
    return np.asarray(along / np.sqrt(along**2 + beside))


def trained_overlaps(
    architecture: str, task: DynamicSignal, n: int, threshold: float, rng: np.random.Generator, repeats: int
) -> Float[np.ndarray, "repeats 2"]:
    """The overlap of the first filter with its signal after one and after two steps, trained on data in full, many at a time.

    Filters start at zero, the loss is -mean y f: the first step adds up all samples, the second those beyond the threshold.
    """
    k, d = task.patches, task.dim
    found, portion = [], max(2**22 // (n * k * d), 1)
    for first in range(0, repeats, portion):
        count = min(portion, repeats - first)
        x = task.noise * rng.normal(size=(count, n, k, d))  # with the label taken out: the activation is odd
        place = rng.integers(k, size=(count, n))
        x[np.arange(count)[:, None], np.arange(n), place, 0] += 1.0
        one = _step(architecture, x.sum(axis=1))
        along = np.einsum("rnkd,rkd->rnk", x, one)
        if architecture == "fcn":
            along = np.broadcast_to(along.sum(axis=2, keepdims=True), along.shape)
        two = _step(architecture, np.einsum("rnk,rnkd->rkd", (np.abs(along) > threshold).astype(float), x))
        found.append(np.stack([one[:, 0, 0], two[:, 0, 0]], axis=1))
    return np.concatenate(found)


def _step(architecture: str, ascent: Float[np.ndarray, "repeats patches dim"]) -> Float[np.ndarray, "repeats patches dim"]:
    """Filters, patch by patch, projected to the unit sphere."""
    if architecture == "cnn":
        ascent = np.broadcast_to(ascent.sum(axis=1, keepdims=True), ascent.shape)
    axes = (1, 2) if architecture == "fcn" else (2,)
    return np.asarray(ascent / np.sqrt((ascent**2).sum(axis=axes, keepdims=True)))
