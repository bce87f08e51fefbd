"""Bounds as arrays, for one input: what `jax.jit`, `jax.vmap` and `jax.grad` see."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.lipschitz._backward import Method, derivative
from ntkit.lipschitz._forward import Forward, Slopes, bend, relax
from ntkit.lipschitz._network import Network
from ntkit.lipschitz._relaxation import Ball
from ntkit.lipschitz._rounding import Rounding


class Rows(NamedTuple):
    """Bounds of the derivatives of a network's outputs on a ball.

    Attributes:
        norm: of each output's derivative, in the dual of the norm of the ball, from above.
        low, high: of each number of the Jacobian, shape (outputs, *input shape).
    """

    norm: Float[Array, " outputs"]
    low: Float[Array, "outputs ..."]
    high: Float[Array, "outputs ..."]


def bounds(
    net: Network,
    x0: Float[Array, "..."],
    radius: Float[Array, "..."] | float,
    *,
    method: Method = "lirpa",
    forward: Forward = "both",
    slopes: Slopes = "adaptive",
    norm: float | int = jnp.inf,
    outward: bool = True,
    outputs: Float[Array, "rows outputs"] | None = None,
) -> Rows:
    """Upper bounds of the dual norms of all outputs' derivatives on a ball, and of each derivative's numbers.

    Everything is traced: it works under `jax.jit` (with method, forward, slopes, norm and outward static), `jax.vmap` over
    x0 and radius, and `jax.grad`.

    Args:
        net: the network.
        x0: the centre, in the shape of an input or flat.
        radius: of the ball in the norm, or half widths of a box, in the shape of an input or flat.
        method: "lirpa", "recurjac", "ibp" or, for smooth activations, "coupled".
        forward: "both", "crown" or "ibp".
        slopes: "adaptive", "zero" or "optimised", through which gradients take the slopes that were found as constant.
        norm: of the input: inf, 2 or 1.
        outward: whether bounds are rounded outward.
        outputs: combinations of outputs to bound instead of each of them.

    Example:
        >>> net = Network.sequential([(jnp.array([[2.0], [-1.0]]), None), (jnp.array([[1.0, 1.0]]), None)])
        >>> bounds(net, jnp.array([1.0]), 0.5, outward=False).norm.tolist()  # 2 max(x, 0) + max(-x, 0)
        [2.0]
    """
    centre = x0.reshape(net.input_shape)
    reach = jnp.asarray(radius, centre.dtype)
    reach = reach if reach.ndim == 0 else reach.reshape(net.input_shape)
    known = relax(net, Ball(centre, reach, norm), forward, slopes, Rounding(outward))
    if method == "coupled":
        bend(net, known)
    rows = jnp.eye(net.outputs, dtype=centre.dtype) if outputs is None else outputs
    found = jax.lax.map(lambda row: derivative(net, known, row, method, norm), rows)  # one by one: they stay in cache
    return Rows(found.norm, found.low, found.high)
