"""Lower bounds: derivatives that are attained."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.lipschitz._door import Ask
from ntkit.lipschitz._network import Activate, Network
from ntkit.lipschitz._relaxation import dual_norm

POINTS = 64  # of the first round
ROUNDS, BEST, CHANGED = 20, 8, 0.25  # hill climbing: from the best points, a quarter of the numbers drawn again
STEPS = tuple(0.25**i for i in range(5))  # of the way to the point of the ball that a gradient points to
ASCENTS = 24
NEARBY = 1e-6  # of the radius: how far next to the centre one looks where that lies on a kink


def attained(asked: Ask, key: PRNGKeyArray | None) -> Float[Array, "batch outputs"]:
    """The largest dual norm of each output's derivative that was found on each ball; 0 where every point tried lies on a kink.

    Tried are the centre and a point next to it; with a key random points, half of them corners, and, from the best of these,
    points that share most of their numbers; and then, unless the network is piecewise linear, points along the gradient.
    """
    keys = jax.random.split(jax.random.key(0) if key is None else key, len(asked.centres))
    reach = jnp.broadcast_to(asked.radii if asked.radii.ndim == 2 else asked.radii[:, None], asked.centres.shape)
    return _search(asked.norm, key is not None)(asked.net, asked.centres, reach, keys)  # type: ignore[no-any-return]


class State(NamedTuple):
    """Of a search.

    Attributes:
        best: the largest norm of each output's derivative so far.
        points: where that is.
    """

    best: Float[Array, " outputs"]
    points: Float[Array, "outputs inputs"]


@cache
def _search(norm: float | int, climb: bool):  # type: ignore[no-untyped-def]
    def one(net: Network, centre: Array, reach: Array, key: Array) -> Array:
        first, second, third = jax.random.split(key, 3)
        near = centre + NEARBY * reach * jax.random.uniform(first, centre.shape, centre.dtype, -1, 1) / _spread(
            norm, centre.size
        )
        points = jnp.stack([centre, near])
        if not climb:
            return at_points(net, points, norm).max(axis=0)
        shifts = jax.random.uniform(second, (POINTS, centre.size), centre.dtype, -1, 1)
        shifts = shifts.at[: POINTS // 2].set(jnp.sign(shifts[: POINTS // 2]))
        points = jnp.concatenate([points, centre[None] + reach[None] * _into(shifts, norm)])

        def kept(state: State, tried: Array) -> State:
            """The better of each output's point and of what is tried, shape (points, outputs, inputs)."""
            best, points = state
            found = jax.vmap(lambda x: at_points(net, x, norm))(tried)  # (points, outputs at, outputs)
            own = jnp.diagonal(found, axis1=1, axis2=2)  # of each output at its own points
            top = own.argmax(axis=0)
            better = own.max(axis=0) > best
            moved = tried[top, jnp.arange(points.shape[0])]
            return State(jnp.maximum(best, own.max(axis=0)), jnp.where(better[:, None], moved, points))

        def climbed(state: State, key: Array) -> tuple[State, None]:
            points, (which, what) = state.points, jax.random.split(key)
            shape = (BEST, *points.shape)
            signs = jnp.sign(jax.random.uniform(what, shape, centre.dtype, -1, 1))
            fresh = centre[None, None] + reach[None, None] * _into(signs, norm)
            if norm == np.inf:
                tried = jnp.where(jax.random.uniform(which, shape) < CHANGED, fresh, points[None])
            else:  # mixtures of the numbers of two points may lie outside of a ball
                tried = (points[None] + fresh) / 2
            return kept(state, tried), None

        def ascended(state: State, _: None) -> tuple[State, None]:
            points = state.points
            steepest = jax.vmap(jax.grad(lambda x, output: dual_norm(net.jacobian(x), norm)[output]))
            ends = centre[None] + reach[None] * _furthest(steepest(points, jnp.arange(len(points))), norm)
            steps = jnp.asarray(STEPS, centre.dtype)[:, None, None]
            return kept(state, points[None] + steps * (ends - points)[None]), None

        found = at_points(net, points, norm)
        state = State(found.max(axis=0), points[found.argmax(axis=0)])
        state, _ = jax.lax.scan(climbed, state, jax.random.split(third, ROUNDS))
        if not net.piecewise:
            state, _ = jax.lax.scan(ascended, state, length=ASCENTS)
        return state.best

    return jax.jit(jax.vmap(one, (None, 0, 0, 0)))


def at_points(net: Network, points: Float[Array, "points inputs"], norm: float | int) -> Float[Array, "points outputs"]:
    """The norms of all outputs' derivatives at each point, 0 where some activation is at a kink."""

    def at(x: Array) -> Array:
        rows = dual_norm(net.jacobian(x), norm)
        return jnp.where(_smooth(net, x) & jnp.isfinite(rows), rows, 0)

    return jax.vmap(at)(points)


def _smooth(net: Network, x: Array) -> Array:
    """Whether no activation with a kink is at it; one that is there and does not move with x does not count."""
    x = x.reshape(1, *net.input_shape)
    ways = jnp.cos(jnp.arange(1.0, x.size + 1)).astype(x.dtype).reshape(x.shape)  # along no kink, but by chance
    values, moved = jax.jvp(net.values, (x,), (ways,))
    places = [s.parent for s in net.steps if isinstance(s, Activate) and s.activation.piecewise]
    kinks = [((values[place] == 0) & (moved[place] != 0)).any() for place in places]
    return ~jnp.array(kinks).any() if kinks else jnp.array(True)


def _furthest(ways: Float[Array, "points inputs"], norm: float | int) -> Float[Array, "points inputs"]:
    """The points of the unit ball of a norm that are furthest in these directions."""
    if norm == np.inf:
        return jnp.sign(ways)
    if norm == 1:
        return jnp.sign(ways) * jax.nn.one_hot(jnp.abs(ways).argmax(axis=1), ways.shape[1], dtype=ways.dtype)
    lengths = jnp.linalg.norm(ways, axis=1, keepdims=True)
    return ways / jnp.where(lengths > 0, lengths, 1)


def _spread(norm: float | int, size: int) -> float:
    """How much longer the vector (1, .., 1) is than 1."""
    return 1.0 if norm == np.inf else float(size) ** (1 / norm)


def _into(shifts: Array, norm: float | int) -> Array:
    """Points of the unit ball of a norm, from ones of the unit cube."""
    if norm == np.inf:
        return shifts
    lengths: Array = jnp.linalg.norm(shifts, ord=2 if norm == 2 else 1, axis=-1, keepdims=True)
    return shifts / lengths
