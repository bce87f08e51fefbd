"""Two full-batch gradient steps on whole data sets, in plain NumPy: what the reduced sampler says it has the law of.

Every input is drawn, every gradient is the derivative of the training loss written out; nothing is shared with ntkit.

Task: label y uniform on {-1, +1}, patch J uniform on the k patches (or always the first), inputs of k patches of dimension d,
x^(i) = y w* 1{i = J} + noise xi, with |w*| = 1.
Networks: f(x) = sum_l phi_b(<w_l, x>) ("fcn", whose units are all equal), sum_i phi_b(<w_i, x^(i)>) ("lcn"),
sum_i phi_b(<w, x^(i)>) ("cnn").
Training: loss -(1/n) sum_j y_j f(x_j), start at zero, first step with b = 0, second with `threshold`, unit sphere after each.
"""

from typing import NamedTuple

import numpy as np


class Trained(NamedTuple):
    """Cosines of the filters with the signals after both steps, and how many vectors passed the gate in the second."""

    first: np.ndarray  # (replicate, patch): for "cnn" one column, since one filter serves all patches
    second: np.ndarray
    passed: np.ndarray  # (replicate, filter)


def draw(rng, replicates, samples, patches, dimension, signal, noise, static=False):
    """Inputs (replicate, sample, patch, d) and labels (replicate, sample)."""
    labels = rng.choice([-1.0, 1.0], size=(replicates, samples))
    index = np.zeros((replicates, samples), int) if static else rng.integers(patches, size=(replicates, samples))
    inputs = noise * rng.standard_normal((replicates, samples, patches, dimension))
    inputs += (labels[..., None] * (index[..., None] == np.arange(patches)))[..., None] * signal
    return inputs, labels


def gradient(architecture, filters, inputs, labels, threshold):
    """Minus the loss's gradient (replicate, filter, fan_in), and the vectors that passed the gate (replicate, filter).

    The derivative of the soft threshold is 1 where |z| > b and 0 elsewhere; at b = 0 it is the identity, so 1 everywhere.
    """
    replicates, samples, patches, dimension = inputs.shape
    if architecture == "fcn":
        inputs = inputs.reshape(replicates, samples, 1, patches * dimension)
    responses = np.einsum("rnid,rid->rni", inputs, np.broadcast_to(filters, (replicates, *inputs.shape[2:])))
    passed = (np.abs(responses) > threshold) | (threshold == 0)
    per_patch = np.einsum("rn,rni,rnid->rid", labels, passed.astype(float), inputs, optimize=True) / samples
    if architecture == "cnn":
        return per_patch.sum(axis=1, keepdims=True), passed.sum(axis=(1, 2))[:, None]
    return per_patch, passed.sum(axis=1)


def cosines(architecture, filters, signal, patches):
    """Overlaps of unit filters (replicate, filter, fan_in) with the signals (replicate, patch)."""
    if architecture == "fcn":
        return filters.reshape(len(filters), patches, -1) @ signal
    return filters @ signal


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def two_steps(architecture, inputs, labels, threshold, rate, again=None):
    """Unit filters (replicate, filter, fan_in) after both steps, the second on data `again` if any, and how many passed in it.

    The second filter is the unit vector along u + rate * (sum of gated y x) / M, with M the number of vectors that the filter
    sees (n, or n k for "cnn"), and along the gated sum itself at rate infinity; where nothing passes it stays u.
    """
    patches, dimension = inputs.shape[2:]
    zero = np.zeros((1, 1, dimension * (patches if architecture == "fcn" else 1)))
    first = unit(gradient(architecture, zero, inputs, labels, 0.0)[0])
    step, passed = gradient(architecture, first, *(again or (inputs, labels)), threshold)
    step = step / (patches if architecture == "cnn" else 1)  # the loss has a mean over samples, and a sum over patches
    moved = first + rate * step if np.isfinite(rate) else np.where(passed[..., None] > 0, step, first)
    return first, unit(moved), passed


def train(
    architecture,
    replicates,
    samples,
    patches,
    dimension,
    noise,
    threshold,
    seed,
    rate=np.inf,
    fresh=False,
    static=False,
    chunk=10**6,
):
    """Both steps in `replicates` independent runs, on the same data or the second on fresh ones."""
    rng = np.random.default_rng(seed)
    signal = unit(rng.standard_normal(dimension))
    size = max(1, chunk // (samples * patches * dimension))
    parts = []
    for start in range(0, replicates, size):
        shape = (rng, min(size, replicates - start), samples, patches, dimension, signal, noise, static)
        first, second, passed = two_steps(architecture, *draw(*shape), threshold, rate, draw(*shape) if fresh else None)
        parts.append((cosines(architecture, first, signal, patches), cosines(architecture, second, signal, patches), passed))
    return Trained(*map(np.concatenate, zip(*parts, strict=True)))
