"""One cell of the separation: an architecture at one number of patches and one of pixels."""

import numpy as np
from jaxtyping import PRNGKeyArray

from ntkit.separation._checks import Real
from ntkit.separation._layout import Architecture
from ntkit.separation._needed import Criterion, SamplesNeeded, samples_needed
from ntkit.separation._projected import ProjectedGradient
from ntkit.separation._signal import DynamicSignal, StaticSignal
from ntkit.separation._thresholds import NoiseGate
from ntkit.separation._two_step import TwoStep


def two_step_needed(
    architecture: Architecture,
    patches: int,
    dim: int,
    *,
    key: PRNGKeyArray,
    target: Real = 0.01,
    noise: Real = 0.3,
    gate: Real = 1.5,
    static: bool = False,
    replicates: int = 24,
    full: bool = False,
    most: int | None = None,
) -> SamplesNeeded:
    """How many samples two steps of an architecture take: a pure function of its arguments.

    Args:
        architecture: "fcn" (linear), "lcn" or "cnn".
        patches: k.
        dim: d, pixels of a patch.
        key: JAX PRNG key.
        target: test error.
        noise: sigma sqrt k; the error of the perfect linear classifier is Phi(-1 / noise), whatever k is.
        gate: factor of `NoiseGate`, for lcn and cnn.
        static: whether the signal is always in the first patch.
        replicates: data sets, at least 20.
        full: whether to train on data in full, in place of the exact law of what training sees.
        most: samples beyond which the search is given up.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> import jax
        >>> need = two_step_needed("fcn", 8, 16384, key=jax.random.key(0))
        >>> 11_200 < need.n < 11_500
        True
    """
    task = (StaticSignal if static else DynamicSignal)(patches, dim, noise / float(np.sqrt(patches)))
    reduced = TwoStep(architecture, None if architecture == "fcn" else NoiseGate(gate))
    learner = ProjectedGradient(architecture, (0.0, reduced.threshold_for(task))) if full else reduced
    start = reduced.guess(task)
    return samples_needed(learner, task, Criterion(target), key=key, replicates=replicates, start=start, most=most)
