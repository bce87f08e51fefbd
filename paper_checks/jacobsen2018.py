"""Jacobsen, Smeulders, Oyallon (2018): additive coupling has an exact inverse, keeps volumes, and loses digits with depth."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Ordering, Pairs, Paper, Sides, Trial

paper = Paper(
    key="jacobsen2018",
    title="i-RevNet: Deep Invertible Networks",
    authors="Jörn-Henrik Jacobsen, Arnold Smeulders, Edouard Oyallon",
    year=2018,
    arxiv="1802.07088",
)

Floats = Float[np.ndarray, "..."]
Weights = Sequence[
    tuple[Any, Any]
]  # of the layers: (hidden, half) and (half, hidden), of NumPy or JAX, a batch in front or not

WIDTH = 16  # of each half and of the hidden layer
JUDGED = (10, 40)
DEPTHS = {"quick": (*JUDGED, 100), "full": (*JUDGED, 100, 200)}


@paper.claim(
    "invertible-volume-preserving",
    where="abstract (an explicit inverse), block in the authors' code; volumes and digits are ours",
    kind="derived",
    checked="code",
    statement=r"(a, b) \mapsto (b, a + F(b)) \text{ is inverted by } (a', b') \mapsto (b' - F(a'), a') \text{ for every } F, "
    r"\text{ and } |\det J| = 1 \text{ at every depth, although } J \text{ is no isometry: "
    r"the error of a round trip grows with depth, in proportion to rounding}",
    # A round trip repeats each F on an input that is off by rounding, amplified by the layers between: 1e-12 is 5000 epsilon of
    # the largest output. log|det| is a sum of 32 logarithms, each to epsilon times the condition of J, below 1000 here. Single
    # precision has 29 bits less; largest errors scatter by 2 bits from repeat to repeat.
    rule=All(
        round_trip=Identity(rtol=0, atol=1e-12, refute=1e6),
        volume=Identity(rtol=0, atol=1e-10, refute=1e4),
        distorted=Inequality(strict=(0.9, 1.0)),
        digits=Ordering(margin=27),
    ),
    controls={
        "wrong-half": Control("the inverse feeds F with b' in place of a'", parts=("round_trip",)),
        "order": Control("the inverse takes the layers from the first to the last", parts=("round_trip",)),
        "residual": Control("the block of a residual network, a + F(a) in place of a + F(b)", parts=("volume",)),
        "multiplicative": Control("a scaled by 1 + F^2 / (1 + F^2), F = F(b), in place of a + F(b)", parts=("volume",)),
        "one-precision": Control("double precision on both sides", parts=("digits",)),
    },
)
def invertible_volume_preserving(trial: Trial) -> dict[str, Sides | Bounds | Pairs]:
    """F = W_2 relu(W_1 b), Gaussian of variance 2 / 16 and 1 / 32, halves of 16; repeats draw weights and input.

    `round_trip`: depths 10 and 40, largest error over largest output. `volume`, `distorted`: Jacobian by automatic
    differentiation at depth 10, log|det| and extreme singular values. `digits`: base-2 logarithms of the error in single and
    in double precision, to depth 100, in full 200: the first is larger by 27 bits or more.

    Invertible is not stably invertible: at depth 100 the error in single precision exceeds the input. With variances of
    2 / 16 in both layers it does so at depth 40 already, and at depth 100 in double precision, too.
    """
    repeats, depths = trial.repeats(quick=30, full=300), DEPTHS[trial.tier]
    random = trial.rng()
    x = random.normal(size=(repeats, 2 * WIDTH))
    weights = draw(random, repeats, max(depths))
    double, scales = _round_trips(x, weights, depths, np.float64, trial.control)
    if trial.control == "one-precision":
        single, _ = _round_trips(random.normal(size=x.shape), weights, depths, np.float64, None)
    else:
        single, _ = _round_trips(x, weights, depths, np.float32, trial.control)
    relative = (double / scales)[:, : len(JUDGED)]
    of_shallow = jnp.asarray(np.array(weights[: min(JUDGED)])).swapaxes(0, 1)
    block_of = trial.control if trial.control in ("residual", "multiplicative") else None
    found = np.asarray(jacobians(jnp.asarray(x), (of_shallow[0], of_shallow[1]), block_of))
    values = np.linalg.svd(found, compute_uv=False)
    return {
        "round_trip": Sides(relative, np.zeros_like(relative), x_label="error / largest output", y_label="no error"),
        "volume": Sides(np.linalg.slogdet(found)[1], np.zeros(repeats), x_label="log |det J|", y_label="0"),
        "distorted": Bounds(values[:, -1], upper=values[:, 0], x_label="repeat", y_label="extreme singular values of J"),
        "digits": Pairs(np.log2(single), np.log2(double), x_label="depth", y_label="log2 of the largest error"),
    }


def draw(random: np.random.Generator, repeats: int, depth: int, width: int = WIDTH) -> list[tuple[Floats, Floats]]:
    """Weights of F for each layer and repeat, of variance 2 / width and 1 / (2 width)."""
    scales = (2 / width) ** 0.5, (1 / (2 * width)) ** 0.5
    first, second = (scale * random.normal(size=(depth, repeats, width, width)) for scale in scales)
    return list(zip(first, second, strict=True))


def forward(x: Floats, weights: Weights) -> Floats:
    """The network on x, shape (..., 2 width)."""
    a, b = np.split(x, 2, axis=-1)
    for w in weights:
        a, b = block(a, b, w)
    return np.concatenate([a, b], axis=-1)


def block(a: Any, b: Any, w: tuple[Any, Any], control: str | None = None) -> tuple[Any, Any]:
    """One layer, of NumPy or JAX; `control` names one of those that do not keep volumes."""
    if control == "residual":
        return b, a + _branch(a, w)
    if control == "multiplicative":
        square = _branch(b, w) ** 2
        return b, a * (1 + square / (1 + square))
    return b, a + _branch(b, w)


def inverse(y: Floats, weights: Weights, control: str | None = None) -> Floats:
    """What `forward` took to y."""
    a, b = np.split(y, 2, axis=-1)
    for w in weights if control == "order" else weights[::-1]:
        a, b = b - _branch(b if control == "wrong-half" else a, w), a
    return np.concatenate([a, b], axis=-1)


def _branch(b: Any, w: tuple[Any, Any]) -> Any:
    hidden = w[0] @ b[..., None]
    return (w[1] @ (hidden + abs(hidden)) / 2)[..., 0]


def _round_trips(
    x: Floats, weights: Weights, depths: Sequence[int], dtype: Any, control: str | None
) -> tuple[Float[np.ndarray, "repeats depths"], Float[np.ndarray, "repeats depths"]]:
    """Largest error and largest output of each repeat."""
    x, cast = x.astype(dtype), [(w.astype(dtype), v.astype(dtype)) for w, v in weights]
    errors, scales = np.empty((2, len(x), len(depths)))
    for i, depth in enumerate(depths):
        y = forward(x, cast[:depth])
        errors[:, i] = np.abs(inverse(y, cast[:depth], control) - x).max(axis=1)
        scales[:, i] = np.abs(y).max(axis=1)
    return errors, scales


@functools.partial(jax.jit, static_argnames="control")
def jacobians(
    x: Float[jax.Array, "repeats n"], weights: tuple[jax.Array, jax.Array], control: str | None = None
) -> Float[jax.Array, "repeats n n"]:
    """Jacobian of the network at each x; weights are stacked over layers, then repeats."""

    def output(x: jax.Array, weights: tuple[jax.Array, jax.Array]) -> jax.Array:
        a, b = jnp.split(x, 2)
        (a, b), _ = jax.lax.scan(lambda ab, w: (block(*ab, w, control), None), (a, b), weights)
        return jnp.concatenate([a, b])

    found: jax.Array = jax.vmap(jax.jacfwd(output), in_axes=(0, 1))(x, weights)
    return found
