"""Goodfellow, Vinyals, Saxe (2015). Does the loss fall all the way from where training starts to where it ends?"""

import jax
import jax.numpy as jnp
import numpy as np
from _landscapes import Layers, batch_loss, digit_data, perceptron
from numpy.typing import NDArray

from ntkit.claims import Bounds, Identity, Inequality, Paper, Sides, Trial
from ntkit.landscape import Descent, barrier, train

paper = Paper(
    key="goodfellow2015",
    title="Qualitatively characterizing neural network optimization problems",
    authors="Ian J. Goodfellow, Oriol Vinyals, Andrew M. Saxe",
    year=2015,
    arxiv="1412.6544",
)

Floats = NDArray[np.float64]

SHAPES = ((64, 128, 128, 10), (64, 64, 64, 64, 64, 10))
POINTS = 51


@paper.claim(
    "monotone-interpolation",
    where="main experiment: linear paths from initialisation to solution",
    kind="trend",
    checked="memory",
    statement=r"a \mapsto L((1 - a) \theta_0 + a \theta_T) \text{ decreases on } [0, 1]: \quad"
    r" r = \frac{\sum_i \max(0, c_{i+1} - c_i)}{\max c - \min c} < 10^{-3}",
    # Of every network: r is computed, not sampled. It is refuted where one exceeds 0.02, as the claim is of them all.
    rule=Inequality(rtol=0.0, atol=1e-3, refute=20.0),
    controls={
        "two-solutions": "the path between two solutions that were trained independently",
        "untrained": "the path between two initialisations",
    },
)
def monotone_interpolation(trial: Trial) -> Bounds:
    """What the loss rises by on 51 points between initialisation and solution, relative to how much it changes.

    Networks 64-128-128-10 and 64-64-64-64-64-10 of ReLUs on the digits, 1000 steps of stochastic gradient descent with batches
    of 64, rates 0.1 and 0.03. The difference between the ends would not do: it is negative on paths with bumps too. Ten layers
    with Adam at a rate of 0.01 do have bumps (pilots: r up to 0.04); large rates, Adam or batch normalisation alone do not
    make them on these shallow networks.
    """
    networks = trial.repeats(quick=1, full=10)
    x, labels = digit_data()
    data = (x.astype(jnp.float32), labels)
    loss = batch_loss(jax.nn.relu)
    found = []
    for key in trial.progress(jax.random.split(trial.key, networks)):
        for widths, rate in zip(SHAPES, (0.1, 0.03), strict=True):
            ends = []
            for one in jax.random.split(key):
                start = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), perceptron(one, widths))
                ends.append((start, train(loss, start, Descent(rate), 1000, data=data, batch=64, key=one).params))
                if trial.control is None:
                    break
            path = {None: ends[0], "two-solutions": (ends[0][1], ends[-1][1]), "untrained": (ends[0][0], ends[-1][0])}
            found.append(_rise(path[trial.control], data))
    return Bounds(np.array(found), upper=0.0, x_label="network", y_label="relative rise along the path")


def _rise(ends: tuple[Layers, Layers], data: tuple[jax.Array, jax.Array]) -> float:
    curve = barrier(lambda layers: batch_loss(jax.nn.relu)(layers, data), *ends, points=POINTS).losses
    return float(np.maximum(np.diff(curve), 0).sum() / np.ptp(curve))


@paper.claim(
    "deep-linear-scalar-path",
    where="deep linear models as a toy; the polynomial is elementary",
    kind="derived",
    checked="memory",
    statement=r"f = \prod_{l=1}^{L} w_l,\ \prod_l w^*_l = y: \quad \tfrac12 (f(a w^*) - y)^2 = \tfrac12 y^2 (a^L - 1)^2",
    rule=Identity(rtol=0.0, atol=1e-12),  # products of at most 8 float64 numbers, losses of at most about 1
    controls={"one-less": "exponent L - 1 in the place of L, for L of at least 2"},
)
def deep_linear_scalar_path(trial: Trial) -> Sides:
    """Chains of 1 to 8 weights with a random sign and size, product 1; 21 points from 0 to the minimum.

    The path falls, with a plateau at 0 that grows with depth: the first L - 1 derivatives vanish there. It is no path of
    gradient descent, for which 0 is a saddle.
    """
    rng, a = trial.rng(), np.linspace(0, 1, 21)
    measured, predicted = [], []
    for _ in range(trial.scale(quick=20, full=1000)):
        for depth in range(1, 9):
            weights = rng.choice([-1, 1], depth) * np.exp(rng.normal(size=depth))
            y = float(np.prod(weights))
            weights, y = weights / abs(y) ** (1 / depth), np.sign(y)
            measured.append(0.5 * (np.prod(a[:, None] * weights[None], axis=1) - y) ** 2)
            power = depth - (trial.control == "one-less" and depth > 1)
            predicted.append(0.5 * y**2 * (a**power - 1) ** 2)
    return Sides(np.stack(measured), np.stack(predicted), x_label="point of the path", y_label="loss")
