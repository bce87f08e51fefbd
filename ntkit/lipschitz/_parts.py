"""Parts of a ball where some units are on given sides of their kinks: bounds, and proofs that they are empty, in batches."""

from collections.abc import Callable
from functools import cache, partial
from itertools import accumulate
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ntkit.lipschitz._backward import gradient
from ntkit.lipschitz._forward import Forward, Slopes, Steps, relax
from ntkit.lipschitz._lower import at_points
from ntkit.lipschitz._network import Activate, Affine, Network
from ntkit.lipschitz._relaxation import Ball
from ntkit.lipschitz._rounding import Rounding

SHRUNK = 2  # times that the box of a part is made smaller by what is known on the last one
ROUNDED = 16  # roundings of an end of a box that is computed; the ends that are known have up to 9


class Look(NamedTuple):
    """What is known of a part.

    Attributes:
        norm: a bound of the sum of the derivative's absolute values.
        empty: whether intervals show that there are no such points.
        decided: on which side of its kink each unit is, chosen or proved; 0 if open.
        score: how much relaxing each unit adds: twice the area of its relaxation times its coefficient in the norm.
    """

    norm: Float[Array, ""]
    empty: Bool[Array, ""]
    decided: Int[Array, " units"]
    score: Float[Array, " units"]


class Units:
    """The units of all activations in a row."""

    def __init__(self, net: Network) -> None:
        self._shapes = {n: net.shapes[n] for n, step in enumerate(net.steps, 1) if isinstance(step, Activate)}
        sizes = [prod(shape) for shape in self._shapes.values()]
        self._starts = dict(zip(self._shapes, accumulate([0, *sizes]), strict=False))  # one end more than starts
        self.size = sum(sizes)
        self.step = np.repeat(list(self._shapes), sizes).astype(int)  # of each unit
        self.parents = {n: net.steps[n - 1].parents[0] for n in self._shapes}

    def shaped(self, row: Array) -> dict[int, Array]:
        """The parts of a row, by step, in the shape of the layer."""
        return {n: row[start : start + prod(self._shapes[n])].reshape(self._shapes[n]) for n, start in self._starts.items()}

    def flat(self, row: np.ndarray) -> dict[int, np.ndarray]:
        """The parts of a row, by step."""
        return {n: row[start : start + prod(self._shapes[n])] for n, start in self._starts.items()}

    def joined(self, parts: dict[int, Array], dtype: np.dtype) -> Array:
        """A row of the parts."""
        return jnp.concatenate([jnp.zeros(0, dtype), *[parts[n].reshape(-1) for n in self._shapes]])

    def place(self, unit: int) -> tuple[int, int]:
        """The step and the number within it."""
        step = int(self.step[unit])
        return step, unit - self._starts[step]


@cache
def looking(forward: Forward, slopes: Slopes, outward: bool) -> Callable[..., Look]:
    """A function of batches of parts, of the same size each time: what is known of them."""

    def look(net: Network, centre: Array, reach: Array, row: Array, sides: Array) -> Look:
        units = Units(net)
        known = relaxed(net, units, _ball(net, centre, reach), sides, forward, slopes, Rounding(outward))
        back = gradient(net, known, row)
        size = back.size_of(back.v[0])
        norm, coefficients = back.pulled(size)
        decided, score = {}, {}
        for step, side in units.shaped(sides).items():
            low, high = (ends[units.parents[step]] for ends in (known.low, known.high))
            proved = (low > 0).astype(side.dtype) - (high < 0).astype(side.dtype)
            decided[step] = jnp.where(side != 0, side, jnp.where((proved == 0) & ~_moves(net, units.parents[step]), 1, proved))
            v = back.v[step]
            area = back.high[v] * jnp.abs(back.high[v]) - back.low[v] * jnp.abs(back.low[v])
            score[step] = area * jnp.abs(coefficients[back.h[step]][0])
        return Look(norm[0], known.empty, units.joined(decided, sides.dtype), units.joined(score, row.dtype))

    return jax.jit(jax.vmap(look, (None, 0, 0, 0, 0)))


def relaxed(
    net: Network, units: Units, ball: Ball, sides: Array, forward: Forward, slopes: Slopes, rounding: Rounding
) -> Steps:
    """The steps of a network on the part of a box where units are on these sides, from a smaller box that holds it."""
    shaped = units.shaped(sides)
    radius = jnp.broadcast_to(ball.radius, ball.centre.shape)

    def smaller(_: Array, box: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        centre, radius, empty = box
        known = relax(net, Ball(centre, radius), forward, slopes, rounding, shaped)
        low, high, none = _shrunk(known, units, shaped)
        middle = (low + high) / 2
        half = jnp.maximum(high - middle, middle - low)
        half = half + ROUNDED * float(np.finfo(half.dtype).eps) * (jnp.abs(middle) + half)
        less = half < radius  # elsewhere the centre may stay, with its digits
        return jnp.where(less, middle, centre), jnp.where(less, half, radius), empty | known.empty | none

    centre, radius, empty = jax.lax.fori_loop(0, SHRUNK, smaller, (ball.centre, radius, jnp.array(False)))
    known = relax(net, Ball(centre, radius), forward, slopes, rounding, shaped)
    known.empty = known.empty | empty
    return known


def _shrunk(known: Steps, units: Units, sides: dict[int, Array]) -> tuple[Array, Array, Bool[Array, ""]]:
    """The corners of a box within the one that is known, outside of which some unit cannot be on its side; and if it is empty.

    With coefficients A of x, the bound U of side times z falls by |A_j| d where x_j is at a distance d from the end of the box
    that A_j favours. Below 0 it cannot fall, so d is at most U / |A_j|.
    """
    low, high = known.low[0], known.high[0]
    limits, empty = np.finfo(low.dtype), jnp.array(False)
    starts, ends = [low], [high]
    for step, side in sides.items():
        place = units.parents[step]
        rows = jnp.diag(side.reshape(-1).astype(low.dtype)).reshape(-1, *side.shape)
        most, coefficients = known.pulled({place: rows})
        ways = coefficients[0]
        most = most.reshape(-1, *[1] * low.ndim)
        reach = jnp.where(ways == 0, jnp.inf, most / jnp.where(ways == 0, 1, jnp.abs(ways)))
        size = jnp.maximum(jnp.abs(low), jnp.abs(high))[None] + reach
        slack = ROUNDED * (float(limits.eps) * size + 4 * float(limits.tiny))
        starts.append(jnp.where(ways > 0, high[None] - reach - slack, -jnp.inf).max(axis=0))
        ends.append(jnp.where(ways < 0, low[None] + reach + slack, jnp.inf).min(axis=0))
        empty = empty | (most < 0).any()
    start, end = jnp.stack(starts).max(axis=0), jnp.stack(ends).min(axis=0)
    return start, jnp.maximum(start, end), empty | (start > end).any()


def _moves(net: Network, place: int) -> Bool[Array, "..."]:
    """Which numbers of a step depend on what comes before; of others the derivative is 0 on either side of a kink."""
    step = net.steps[place - 1] if place else None
    if not isinstance(step, Affine):
        return jnp.ones(net.shapes[place], bool)
    counts = step.linear.each(lambda weights: (weights != 0).astype(weights.dtype))
    dtype = jax.tree_util.tree_leaves(net)[0].dtype
    return counts(jnp.ones((1, *step.linear.inputs), dtype))[0] > 0


@cache
def emptying(forward: Forward, slopes: Slopes) -> Callable[..., Array]:
    """A function of batches of parts and multipliers of units: whether these prove that a part is empty."""

    def emptied(net: Network, centre: Array, reach: Array, row: Array, sides: Array, multipliers: Array) -> Array:
        units = Units(net)
        known = relaxed(net, units, _ball(net, centre, reach), sides, forward, slopes, Rounding(True))
        signed = units.shaped(multipliers * sides.astype(multipliers.dtype))
        return known.most({units.parents[step]: rows[None] for step, rows in signed.items()})[0] < 0

    return jax.jit(jax.vmap(emptied, (None, 0, 0, 0, 0, 0)))


@cache
def attaining() -> Callable[[Network, Array], Array]:
    """A function of points: the norms of all outputs' derivatives."""
    return jax.jit(partial(at_points, norm=np.inf))


def _ball(net: Network, centre: Array, reach: Array) -> Ball:
    return Ball(centre.reshape(net.input_shape), reach.reshape(net.input_shape) if reach.ndim else reach)
