"""Kiselev and Grabovoy (2024). How does a loss change with one more sample, and how large can its Hessian be?"""

from collections.abc import Sequence
from itertools import pairwise

import jax
import numpy as np
from _landscapes import descended, digit_data, logits, perceptron
from numpy.typing import NDArray

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Series, Sides, Slope, Trial

paper = Paper(
    key="kiselev2024",
    title="Unraveling the Hessian: A Key to Smooth Convergence in Loss Function Landscapes",
    authors="Nikita Kiselev, Andrey Grabovoy",
    year=2024,
    arxiv="2409.11995",
)

Floats = NDArray[np.float64]

ORDERS = 400
FIRST, LAST = 10, 1259  # samples: below 10 the exponent is not yet there, and beyond 7 of 10 the data run out


@paper.claim(
    "one-more-sample",
    where="difference of the losses on k + 1 and k samples, and the lemma on its rate (number unconfirmed)",
    kind="theorem",
    checked="text",
    statement=r"L_{k+1} - L_k = \frac{\ell_{k+1} - L_k}{k+1} \ \text{at every } \theta, \quad"
    r" \mathbb{E} |L_{k+1} - L_k| \sim k^{-1}",
    # The identity cancels numbers of the size of the loss, below 1, to a few units of rounding.
    rule=All(identity=Identity(rtol=0.0, atol=1e-12), rate=Slope(tol=0.1, refute=0.15)),
    controls={
        "divided-by-k": Control("the difference is divided by k in place of k + 1", parts=("identity",)),
        "half": Control("a rate of -1/2", parts=("rate",)),
        "to-the-limit": Control("the distance to the loss on all samples, in place of one more", parts=("rate",)),
    },
)
def one_more_sample(trial: Trial) -> dict[str, Sides | Series]:
    """Means of the first k losses in 400 random orders of the digits, k from 10 to 1259, at one point.

    The point is a network 64-32-10 of ReLUs after 200 steps of gradient descent; neither a minimum nor a Hessian is needed.
    The constant of the rate is the mean of |loss - mean loss|, up to a factor that tends to 1.
    """
    x, labels = digit_data()
    params = descended(perceptron(trial.key, (64, 32, 10)), x, labels, jax.nn.relu, 0.1, 200)
    scores = np.asarray(jax.nn.log_softmax(logits(params, x, jax.nn.relu)))
    losses = -scores[np.arange(len(scores)), np.asarray(labels)]
    rng, orders = trial.rng(), trial.repeats(quick=ORDERS, full=10 * ORDERS)
    k = np.unique(np.geomspace(FIRST, LAST, 12).round().astype(int))
    changes, formulas, distances = (np.empty((orders, len(k))) for _ in range(3))
    for row in trial.progress(range(orders)):
        order = losses[rng.permutation(len(losses))]
        means = np.cumsum(order) / np.arange(1, len(order) + 1)
        changes[row] = means[k] - means[k - 1]
        formulas[row] = (order[k] - means[k - 1]) / (k if trial.control == "divided-by-k" else k + 1)
        distances[row] = np.abs(means[k - 1] - losses.mean())
    y = distances if trial.control == "to-the-limit" else np.abs(changes)
    rate = -0.5 if trial.control == "half" else -1.0
    return {
        "identity": Sides(changes, formulas, x_label="samples k", y_label="change of the loss"),
        "rate": Series(k.astype(float), y, rate, x_label="samples k", y_label="mean |change of the loss|"),
    }


NORMS = (0.1, 0.5, 1.0, 2.0)  # of all weights
DEPTHS = (1, 2, 3, 5)
LENGTH = 3.0  # of inputs
DIMS = (10, 16, 5)  # inputs, hidden units, classes


@paper.claim(
    "hessian-bound",
    where="theorem bounding the 2-norm of a sample's Hessian for L layers of ReLUs with cross-entropy, and its proof",
    kind="theorem",
    checked="text",
    statement=r"\|F^\top A F\|_2 \le \sqrt2 L M_x^2 M_W^{2L} + \sqrt2 M_W^2 \frac{M_W^{2L} - 1}{M_W^2 - 1}, \quad"
    r" A = \mathrm{diag}(p) - p p^\top, \ F = \frac{\partial\, \text{logits}}{\partial\, \text{parameters}}",
    # Exact up to rounding of products of a few matrices with norms up to 2; a bound 50 times too large says little.
    rule=All(biases=Inequality(rtol=1e-9, tight=0.02), weights=Inequality(rtol=1e-9, tight=0.02)),
    recorded="refuted",
    because="the proof bounds the derivative of the logits in layer p's output by the norms of layers p to L, where the right "
    "ones are p + 1 to L: for one layer the matrix is A times x x^T, whatever the weights, while the bound goes to 0",
    repaired="norms of the later layers only, and |A| <= 1/2: L M_x^2 M_W^(2L-2) / 2, and with biases the sum of M_W^(2k) / 2, "
    "k < L, besides",
    controls={
        "half": "half of the corrected bound",
        "no-bias-columns": Control("the corrected bound for weights alone, where biases are parameters", parts=("biases",)),
    },
)
def hessian_bound(trial: Trial) -> dict[str, Bounds]:
    """The largest eigenvalue of the Gauss-Newton part for random networks 10-16-...-5 with weights of one norm, |x| = 3.

    In the proof biases are zero and differentiated, though the theorem says that there are none: both readings. The statement
    calls the matrix the Hessian; the part with second derivatives of the network is bounded by neither form. Norms of 0.1, 0.5,
    1 and 2, one to five layers, 20 networks each.
    """
    count = trial.repeats(quick=20, full=200)
    rng = trial.rng()
    found = np.empty((2, count, len(DEPTHS), len(NORMS)))
    for i in trial.progress(range(count)):
        for j, depth in enumerate(DEPTHS):
            for k, norm in enumerate(NORMS):
                x = rng.normal(size=DIMS[0])
                layers, x = random_layers(rng, depth, norm), LENGTH * x / np.linalg.norm(x)
                found[:, i, j, k] = [top_eigenvalue(layers, x, biases) for biases in (True, False)]
    grid = np.array(DEPTHS, float)[:, None], np.array(NORMS)[None]
    bounds = [bound_of(*grid, biases, trial.control) for biases in (True, False)]
    where = {"x_label": "network, layers, norm of weights", "y_label": "largest eigenvalue"}
    return {
        name: Bounds(values, upper=np.broadcast_to(upper, values.shape), **where)
        for name, values, upper in zip(("biases", "weights"), found, bounds, strict=True)
    }


def bound_of(layers: Floats, norm: Floats, biases: bool, variant: str | None) -> Floats:
    """As printed for None, else corrected or a control's."""
    if variant is None:
        squares = [norm**2 * norm ** (2 * k) for k in range(int(layers.max()))]  # the quotient as the sum that it stands for
        return np.asarray(2**0.5 * layers * LENGTH**2 * norm ** (2 * layers) + 2**0.5 * _first(squares, layers))
    corrected = layers * LENGTH**2 * norm ** (2 * (layers - 1))
    if biases and variant != "no-bias-columns":
        corrected = corrected + _first([norm ** (2 * k) for k in range(int(layers.max()))], layers)
    return np.asarray(corrected / (4 if variant == "half" else 2))


def _first(terms: Sequence[Floats], counts: Floats) -> Floats:
    """Sums of the first so many terms."""
    return np.asarray(sum(np.where(number < counts, term, 0.0) for number, term in enumerate(terms)))


def random_layers(rng: np.random.Generator, depth: int, norm: float) -> list[Floats]:
    """Gaussian weights (out, in), each scaled to a 2-norm."""
    sizes = [DIMS[0], *[DIMS[1]] * (depth - 1), DIMS[2]]
    layers = [rng.normal(size=(after, before)) for before, after in pairwise(sizes)]
    return [norm * weights / np.linalg.norm(weights, 2) for weights in layers]


def top_eigenvalue(layers: Sequence[Floats], x: Floats, biases: bool) -> float:
    """Of F^T A F, through the small matrix A^(1/2) F F^T A^(1/2), for ReLUs and biases of zero."""
    inputs, slopes = [x], []
    for weights in layers[:-1]:
        z = weights @ inputs[-1]
        inputs.append(np.maximum(z, 0))
        slopes.append((z > 0).astype(float))
    logits = layers[-1] @ inputs[-1]
    p = np.exp(logits - logits.max())
    p /= p.sum()
    back, outer = np.eye(len(p)), np.zeros((len(p), len(p)))  # of the logits in a layer's output; F F^T
    for number in reversed(range(len(layers))):
        outer += back @ back.T * (inputs[number] @ inputs[number] + biases)
        if number:
            back = back @ layers[number] * slopes[number - 1][None]
    values, vectors = np.linalg.eigh(np.diag(p) - np.outer(p, p))
    root = vectors * np.sqrt(np.maximum(values, 0))[None]
    return float(np.linalg.eigvalsh(root.T @ outer @ root)[-1])
