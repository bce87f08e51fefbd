"""Granziol, Zohren, Roberts (2022). How much larger are the extreme eigenvalues of a batch's Hessian than those of all data?"""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from _landscapes import Layers, cross_entropy, descended, digit_data, perceptron
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float
from numpy.typing import NDArray

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Inequality, Paper, Trial

paper = Paper(
    key="granziol2022",
    title="Learning Rates as a Function of Batch Size: A Random Matrix Theory Approach to Neural Network Training",
    authors="Diego Granziol, Stefan Zohren, Stephen Roberts",
    year=2022,
    arxiv="2006.09092",
)

Floats = NDArray[np.float64]

WIDTHS = (16, 8, 10)  # 226 parameters: Hessians are written down
SAMPLES = 1792  # 14 batches of 128
BATCHES = (128, 32, 8)


@paper.claim(
    "jensen-extreme",
    where="extremal eigenvalues of the batch Hessian are broadened; convexity, stated for every partition by us",
    kind="derived",
    checked="memory",
    statement=r"\frac1m \sum_{b=1}^{m} \lambda_{\max}(H_b) \ge \lambda_{\max}(H), \quad"
    r" \frac1m \sum_{b=1}^{m} \lambda_{\min}(H_b) \le \lambda_{\min}(H) \text{ for every partition into equal batches}",
    # Eigenvalues of symmetric float64 matrices of 226 rows. The mean of batches exceeds by 0.1 % and more in pilots.
    rule=All(largest=Inequality(rtol=1e-9, strict=(1e-4, 1.0)), smallest=Inequality(rtol=1e-9, atol=1e-10)),
    controls={
        "exchanged": "the other end of the spectrum at each place",
        "largest-of-single": Control("single batches in the place of their mean", parts=("largest",)),
    },
)
def jensen_extreme(trial: Trial) -> dict[str, Bounds]:
    """Hessians of a tanh network 16-8-10 after 200 steps of descent on digits of 4 x 4 pixels, batches of 128, 32 and 8.

    The largest eigenvalue is a convex function of the matrix, and H is the mean of the batches' Hessians. The mean of matrices
    gives equality. How the excess grows with 1 / batch is the second claim's matter; batches of real data are far from it.
    """
    x, labels = digit_data(pooled=True)
    ends: dict[str, list[Floats]] = {"batches": [], "all": []}
    for key in trial.progress(jax.random.split(trial.key, trial.scale(quick=1, full=10))):
        params = descended(perceptron(key, WIDTHS), x, labels, jnp.tanh, 0.1, 200)
        rows = jax.random.permutation(jax.random.fold_in(key, 1), len(x))[:SAMPLES]
        whole = _ends(params, x[rows], labels[rows])
        for batch in BATCHES:
            found = np.stack([_ends(params, x[part], labels[part]) for part in rows.reshape(-1, batch)])
            ends["batches"].append(found if trial.control == "largest-of-single" else found.mean(axis=0, keepdims=True))
            ends["all"].append(np.broadcast_to(whole, ends["batches"][-1].shape))
    batches, whole = (np.concatenate(ends[name]) for name in ("batches", "all"))
    low, high = (1, 0) if trial.control == "exchanged" else (0, 1)
    return {
        "largest": Bounds(batches[:, high], lower=whole[:, 1], x_label="batches of 128, 32, 8", y_label="largest eigenvalue"),
        "smallest": Bounds(batches[:, low], upper=whole[:, 0], x_label="batches of 128, 32, 8", y_label="smallest eigenvalue"),
    }


def _ends(params: Layers, x: Array, labels: Array) -> Floats:
    """The smallest and the largest eigenvalue of the Hessian on some data."""
    return np.linalg.eigvalsh(np.asarray(_hessian(params, x, labels)))[[0, -1]]


@jax.jit
def _hessian(params: Layers, x: Array, labels: Array) -> Float[Array, "params params"]:
    flat, unravel = ravel_pytree(params)
    whole: Array = jax.hessian(lambda v: cross_entropy(unravel(v), x, labels, jnp.tanh))(flat)
    return whole


SPIKES = np.array([0.5, 1.0, 1.5, 2.0, 4.0])


@paper.claim(
    "spiked-shift",
    where="additive model of a batch's Hessian with one outlier (constants in terms of batch and parameters from memory)",
    kind="theorem",
    checked="memory",
    statement=r"H_b = \lambda u u^\top + E,\ E \text{ GOE with edges } \pm 2 s: \quad \lambda_{\max}(H_b) \to \lambda +"
    r" s^2 / \lambda \text{ if } \lambda > s, \ 2 s \text{ otherwise}",
    # Edges fluctuate and are shifted by about P^(-2/3), 0.004 at P = 4000; standard errors are 0.0003 to 0.001.
    rule=Agreement(atol=0.02),
    controls={
        "no-shift": "the outlier stays where it is, or at the edge",
        "half-shift": "a shift of s^2 / (2 lambda)",
        "small": "P = 40 in place of 4000",
    },
)
def spiked_shift(trial: Trial) -> Estimates:
    """The largest eigenvalue for s = 1 and lambda = 1/2 to 4, P = 4000 (full: 40,000), 400 matrices each.

    A GOE matrix is orthogonally similar to a random tridiagonal one, with the first axis kept, along which the outlier is laid;
    so no matrix is written down (Dumitriu and Edelman, 2002).
    """
    size = 40 if trial.control == "small" else trial.scale(quick=4000, full=40_000)
    draws, rng = trial.repeats(quick=400, full=1000), trial.rng()
    top = np.empty((draws, len(SPIKES)))
    for row in trial.progress(range(draws)):
        for column, spike in enumerate(SPIKES):
            top[row, column] = largest_eigenvalue(rng, size, spike)
    law = np.where(SPIKES > 1, SPIKES + 1 / SPIKES, 2.0)
    if trial.control == "no-shift":
        law = np.maximum(SPIKES, 2.0)
    if trial.control == "half-shift":
        law = np.where(SPIKES > 1, SPIKES + 0.5 / SPIKES, 2.0)
    return Estimates.from_samples(top, law, x_label="lambda = 1/2, 1, 3/2, 2, 4", y_label="largest eigenvalue")


def largest_eigenvalue(rng: np.random.Generator, size: int, spike: float) -> float:
    """Of a GOE matrix with edges near -2 and 2 and an outlier along the first axis, from its tridiagonal form."""
    diagonal = rng.normal(scale=(2 / size) ** 0.5, size=size)
    diagonal[0] += spike
    beside = np.sqrt(rng.chisquare(np.arange(size - 1, 0, -1)) / size)
    return float(scipy.linalg.eigvalsh_tridiagonal(diagonal, beside, select="i", select_range=(size - 1, size - 1))[0])
