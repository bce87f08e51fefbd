"""Georgiou et al. (2021): a loss that draws the norm of every filter to 1."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.claims import All, Control, Identity, Paper, Sides, Trial

paper = Paper(
    key="georgiou2021",
    title="Preprint: Norm Loss: An Efficient yet Effective Regularization Method for Deep Neural Networks",
    authors="Theodoros Georgiou, Sebastian Schmitt, Thomas Bäck, Wei Chen, Michael Lew",
    year=2021,
    arxiv="2103.06583",
)

RATES = (0.01, 0.1, 0.3, 0.6)
STEPS = 20

LOSSES = {
    "decay": lambda w: (w**2).sum(),
    "squared-norm": lambda w: ((1 - (w**2).sum(axis=-1)) ** 2).sum() / 4,
    "columns": lambda w: ((1 - jnp.sqrt((w**2).sum(axis=-2))) ** 2).sum(),
}


@paper.claim(
    "norm-loss-radial",
    where="definition of the norm loss, from memory; its gradient flow is ours",
    kind="derived",
    checked="memory",
    statement=r"L = \sum_i (1 - \| w_i \|)^2: \text{ a step of descent at rate } \eta \text{ keeps } w_i / \| w_i \|"
    r"\text{ and takes } 1 - \| w_i \| \text{ to } (1 - 2 \eta)(1 - \| w_i \|), \text{ if }"
    r"\| w_i \| + 2 \eta (1 - \| w_i \|) > 0",
    # Twenty steps of rounding, each below 5 epsilon of numbers of order 1: 2e-14.
    rule=All(directions=Identity(rtol=0, atol=1e-12), norms=Identity(rtol=0, atol=1e-12)),
    controls={
        "half-rate": Control("1 - eta in place of 1 - 2 eta", parts=("norms",)),
        "decay": Control("weight decay, the sum of squared norms: they go to 0, not to 1", parts=("norms",)),
        "squared-norm": Control("(1 - |w|^2)^2 / 4, of the same curvature at 1, but not linear in the norm", parts=("norms",)),
        "columns": Control("norms of columns in place of rows", parts=("directions", "norms")),
    },
)
def norm_loss_radial(trial: Trial) -> dict[str, Sides]:
    """Twenty steps of descent on matrices of 5 x 9, by automatic differentiation, against the closed form of the norms.

    100 matrices (full: 1000) for each of the rates 0.01, 0.1, 0.3 and 0.6, the last of which goes past 1 and back at every
    step. Rows have norms from 0.2 to 1.8, so that no step takes one through 0, where the loss has no gradient.
    """
    rng = trial.rng()
    count = trial.scale(quick=100, full=1000)
    rows = rng.normal(size=(len(RATES), count, 5, 9))
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    sizes = rng.uniform(0.2, 1.8, rows.shape[:-1])
    w, norms, turned = sizes[..., None] * rows, [sizes], []
    for _ in trial.progress(range(STEPS)):
        w = np.asarray(_step(w, np.array(RATES), trial.control))
        norms.append(np.linalg.norm(w, axis=-1))
        turned.append(w / norms[-1][..., None])
    factor = 1 - (1 if trial.control == "half-rate" else 2) * np.array(RATES)
    expected = 1 - factor[:, None, None] ** np.arange(STEPS + 1)[:, None, None, None] * (1 - sizes)
    return {
        "directions": Sides(turned, np.broadcast_to(rows, np.shape(turned)), x_label="direction", y_label="at the beginning"),
        "norms": Sides(norms, expected, x_label="norm", y_label="closed form"),
    }


def _norm_loss(w: Float[Array, "*many n d"]) -> Float[Array, ""]:
    """The sum over the rows of all matrices."""
    return ((1 - jnp.sqrt((w**2).sum(axis=-1))) ** 2).sum()


@partial(jax.jit, static_argnums=2)
def _step(
    w: Float[Array, "rates many n d"], rates: Float[Array, " rates"], control: str | None
) -> Float[Array, "rates many n d"]:
    """One step of descent at each rate."""
    slope: Array = jax.grad(LOSSES.get(control or "", _norm_loss))(w)
    return w - rates[:, None, None, None] * slope
