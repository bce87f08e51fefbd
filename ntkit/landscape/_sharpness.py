"""How sharp a point of a loss is, by several definitions, and which rescalings of a network leave each of them unchanged.

Source: largest eigenvalue and flat minima, Hochreiter and Schmidhuber (1997); the largest rise in a ball, Foret et al. (2021);
    in a ball that scales with the parameters, Kwon, Kim, Park, Choi (2021); theta^T F theta, Liang et al. (2019); that plain
    definitions can be made anything by rescaling, Dinh, Pascanu, Bengio, Bengio (2017).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.landscape._ascent import climbed, inner_maximum
from ntkit.landscape._curvature import Curvature, hvp, product
from ntkit.landscape._directions import Direction, dot
from ntkit.landscape._eigen import top_eigenpairs
from ntkit.landscape._loss import Loss, Params, check_loss
from ntkit.landscape._trace import trace

Kind = Literal["eigenvalue", "trace", "ball", "average", "scaled-ball", "scaled-trace", "radial"]

ROTATIONS = "rotations"  # of all parameters: theta -> Q theta, with the loss turned along
SCALES = "scales"  # each parameter times a factor of its own, such that the function stays the same
WORDS: Mapping[str, tuple[str, frozenset[str]]] = {
    "eigenvalue": ("largest eigenvalue of the Hessian", frozenset({ROTATIONS})),
    "trace": ("trace of the Hessian", frozenset({ROTATIONS})),
    "ball": ("largest rise of the loss for |e| <= radius", frozenset({ROTATIONS})),
    "average": ("mean rise of the loss for normal e of standard deviation radius / sqrt(P)", frozenset({ROTATIONS})),
    "scaled-ball": ("largest rise of the loss for |e / |theta|| <= radius, entry by entry", frozenset({SCALES})),
    "scaled-trace": ("sum of theta_i^2 times the second derivative along it", frozenset({SCALES})),
    "radial": ("theta^T H theta", frozenset({ROTATIONS, SCALES})),
}
PROBES = 256  # of the mean rise


@dataclass(frozen=True)
class Sharpness:
    """A sharpness, and what it may be compared across.

    Attributes:
        value: the number.
        interval: 95 %, by what was random, or iterated for eigenvalues; from the value up where the value is attained and may
            be exceeded; the value itself twice for "radial". What the loss rounds is not in it: in float32 that can be more.
        definition: in words.
        unchanged_by: "rotations" of all parameters; "scales", factors of single parameters that leave the function as it is,
            such as of layers and units of ReLU networks and of filters before batch normalisation. Two networks that differ
            by anything else than these may not be compared by it.
    """

    value: float
    interval: tuple[float, float]
    definition: str
    unchanged_by: frozenset[str]


def sharpness(
    loss: Loss, params: Params, kind: Kind = "eigenvalue", *, key: PRNGKeyArray, radius: float = 0.05, rtol: float = 0.05
) -> Sharpness:
    """How sharp a loss is at a point, by one of seven definitions.

    Args:
        loss: of the parameters. For all but balls and averages also a `GaussNewton` or another `Curvature` in its place.
        params: a pytree of floating point arrays of one dtype.
        kind: "eigenvalue" and "trace" of the Hessian; "ball", the largest rise within `radius`, by ascent; "average", the
            mean rise at that distance; "scaled-ball", "scaled-trace": the same with each parameter in units of its own size;
            "radial", theta^T H theta. `unchanged_by` of the result says what each does not see.
        key: of probes and starts.
        radius: of balls; of "scaled-ball" relative to the parameters.
        rtol: of traces, as for `trace`.

    Raises:
        ValueError: `kind` is none of these, `radius` is out of range, a `Curvature` is to be moved, the loss is not finite at
            the parameters, or see `trace`.

    Example:
        >>> found = sharpness(lambda w: (w**2).sum(), jnp.ones(3), "radial", key=jax.random.key(0))
        >>> found.value, sorted(found.unchanged_by)
        (6.0, ['rotations', 'scales'])
    """
    if kind not in WORDS:
        raise ValueError(f"kind must be one of {', '.join(WORDS)}, got {kind!r}")
    if not 0 < radius < inf:
        raise ValueError(f"radius must be above 0 and finite, got {radius}")
    if kind in ("ball", "average", "scaled-ball") and isinstance(loss, Curvature):
        raise ValueError(f"loss must be a function for kind {kind!r}, which moves the parameters, got {type(loss).__name__}")
    before = check_loss(loss, params)
    if not isfinite(before):
        raise ValueError(f"loss must be finite at params, got {before}")
    if kind == "eigenvalue":
        found = top_eigenpairs(loss, params, 1, key=key)
        low, residual = float(found.values[0]), float(found.residuals[0])
        value, interval = low, (low - residual, low + residual)
    elif kind in ("trace", "scaled-trace"):
        estimate = trace(_Scaled(loss) if kind == "scaled-trace" else loss, params, key=key, rtol=rtol)
        value, interval = estimate.value, estimate.interval
    elif kind == "radial":
        value = float(dot(params, product(loss, params, params)))
        interval = (value, value)
    elif kind == "average":
        value, interval = _average(loss, params, before, key, radius)
    else:
        scaled = kind == "scaled-ball"
        value = (
            _scaled_ball(loss, params, before, key, radius) if scaled else inner_maximum(loss, params, radius, key=key).value
        )
        interval = (value, inf)
    words, unchanged = WORDS[kind]
    return Sharpness(value, interval, words, unchanged)


def directional_sharpness(loss: Loss, params: Params, direction: Direction | Params) -> float:
    """v^T H v / |v|^2, the curvature of a loss along a direction: between the smallest and the largest eigenvalue.

    Source: Pan and Li (2023), directional sharpness.

    Raises:
        ValueError: the direction is zero, or see `hvp`.

    Example:
        >>> directional_sharpness(lambda w: w[0] ** 2 - w[1] ** 2, jnp.zeros(2), jnp.array([0.0, 3.0]))
        -2.0
    """
    way = direction.tree if isinstance(direction, Direction) else direction
    image = hvp(loss, params, way)
    rows = [np.concatenate([np.ravel(np.asarray(leaf, float)) for leaf in jax.tree.leaves(tree)]) for tree in (way, image)]
    size = float(abs(rows[0]).max())
    if size == 0:
        raise ValueError("direction must not be zero")
    v, hv = (row / size for row in rows)  # no square under- or overflows
    return float(v @ hv / (v @ v))


class _Scaled:
    """D H D, D the parameters themselves on the diagonal: the Hessian with each parameter in units of its own size."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def __call__(self, params: Params) -> Float[Array, ""]:
        return self.loss(params)

    def product(self, params: Params, v: Params) -> Params:
        image = product(self.loss, params, jax.tree.map(jnp.multiply, params, v))
        return jax.tree.map(jnp.multiply, params, image)


def _scaled_ball(loss: Loss, params: Params, before: float, key: PRNGKeyArray, radius: float) -> float:
    """The largest rise over params (1 + e), |e| <= radius."""
    flat, unravel = ravel_pytree(params)
    slope = ravel_pytree(jax.grad(loss)(params))[0] * flat
    top = top_eigenpairs(_Scaled(loss), params, 1, key=key, rtol=1e-2).vectors
    row = ravel_pytree(jax.tree.map(lambda leaf: leaf[0], top))[0]
    ways = jnp.stack([slope, row, -row, *jax.random.normal(key, (4, flat.size), flat.dtype)])
    rises = climbed(lambda e: loss(unravel(flat * (1 + e))) - jnp.asarray(before, flat.dtype), ways, radius, 200)[0]
    return float(rises.max())


def _average(loss: Loss, params: Params, before: float, key: PRNGKeyArray, radius: float) -> tuple[float, tuple[float, float]]:
    """Mean and Student's t interval of rises for pairs of e and -e, which cancels the slope."""
    flat, unravel = ravel_pytree(params)

    def rise(key: PRNGKeyArray) -> Float[Array, ""]:
        e = jax.random.normal(key, (flat.size,), flat.dtype) * jnp.asarray(radius / flat.size**0.5, flat.dtype)
        return (loss(unravel(flat + e)) + loss(unravel(flat - e))) / 2

    keys = jax.random.split(key, PROBES)
    rises = np.asarray(jax.jit(lambda keys: jax.lax.map(rise, keys))(keys), float) - before
    reach = scipy.stats.t.ppf(0.975, PROBES - 1) * rises.std(ddof=1) / PROBES**0.5
    return float(rises.mean()), (float(rises.mean() - reach), float(rises.mean() + reach))
