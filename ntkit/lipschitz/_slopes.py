"""Lines below piecewise linear activations, found by gradient for each end of each interval.

Any slope between the two of such an activation makes a line through 0 that is below it. An end of an interval that is pulled
back through one layer of activations is a concave or convex function of these slopes, so that descent finds the best; through
more layers it finds good ones. Whatever it finds is a bound, and those it starts from are tried first.

Source: Xu et al. (2021), Fast and Complete, for outputs. Adam: Kingma, Ba (2015).
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.lipschitz._linear import Rows
from ntkit.lipschitz._relaxation import Between, Relaxation

STEPS, RATE, DECAY = 20, 0.5, 0.9  # of Adam
MEANS = 0.9, 0.999
Slopes = dict[int, Rows]  # of lines below, by node


class _State(NamedTuple):
    slopes: Slopes
    means: Slopes  # of gradients
    squares: Slopes  # of gradients
    best: Slopes
    least: Float[Array, " rows"]


def least_most(known: Relaxation, kinks: Mapping[int, float], rows: Mapping[int, Rows]) -> Float[Array, " rows"]:
    """`known.most(rows)`, the least over some slopes of the lines below, for each row its own.

    Args:
        known: the relaxation.
        kinks: the nodes of piecewise linear activations, with their slopes below 0.
        rows: coefficients by node.
    """
    count, last = len(next(iter(rows.values()))), max(rows)
    start = {
        i: jnp.broadcast_to(node.slopes_below[0][None], (count, *node.shape))
        for i, node in enumerate(known.nodes[:last])
        if i in kinks and isinstance(node, Between)
    }
    if not start:
        return known.most(rows)

    def total(slopes: Slopes) -> tuple[Array, Array]:
        found = known.most(rows, slopes)
        return found.sum(), found  # no row depends on the slopes of another

    def step(state: _State, t: Float[Array, ""]) -> tuple[_State, None]:
        ways, found = jax.grad(total, has_aux=True)(state.slopes)
        slopes, means, squares, best = {}, {}, {}, {}
        for i, way in ways.items():
            better = (found < state.least).reshape(-1, *[1] * (way.ndim - 1))
            best[i] = jnp.where(better, state.slopes[i], state.best[i])
            means[i] = MEANS[0] * state.means[i] + (1 - MEANS[0]) * way
            squares[i] = MEANS[1] * state.squares[i] + (1 - MEANS[1]) * way**2
            size = jnp.sqrt(squares[i] / (1 - MEANS[1] ** t))
            change = means[i] / (1 - MEANS[0] ** t) / jnp.where(size > 0, size, 1)
            slopes[i] = jnp.clip(state.slopes[i] - RATE * DECAY ** (t - 1) * change, kinks[i], 1)
        return _State(slopes, means, squares, best, jnp.minimum(state.least, found)), None

    zeros = {i: jnp.zeros_like(slopes) for i, slopes in start.items()}
    dtype = next(iter(start.values())).dtype
    state = _State(start, zeros, zeros, start, jnp.full(count, jnp.inf, dtype))
    state, _ = jax.lax.scan(step, state, jnp.arange(1, STEPS + 1, dtype=dtype))
    return known.most(rows, jax.lax.stop_gradient(state.best))
