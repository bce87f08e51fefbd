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
from ntkit.lipschitz._forward import Forward, Slopes, relax
from ntkit.lipschitz._lower import at_points
from ntkit.lipschitz._network import Activate, Affine, Network
from ntkit.lipschitz._relaxation import Ball
from ntkit.lipschitz._rounding import Rounding


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
        known = relax(net, _ball(net, centre, reach), forward, slopes, Rounding(outward), units.shaped(sides))
        back = gradient(net, known, row)
        size = back.size_of(back.v[0])
        coefficients = back.coefficients(size)
        decided, score = {}, {}
        for step, side in units.shaped(sides).items():
            low, high = (ends[units.parents[step]] for ends in (known.low, known.high))
            proved = (low > 0).astype(side.dtype) - (high < 0).astype(side.dtype)
            decided[step] = jnp.where(side != 0, side, jnp.where((proved == 0) & ~_moves(net, units.parents[step]), 1, proved))
            v = back.v[step]
            area = back.high[v] * jnp.abs(back.high[v]) - back.low[v] * jnp.abs(back.low[v])
            score[step] = area * jnp.abs(coefficients[back.h[step]][0])
        return Look(back.most(size)[0], known.empty, units.joined(decided, sides.dtype), units.joined(score, row.dtype))

    return jax.jit(jax.vmap(look, (None, 0, 0, 0, 0)))


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
        known = relax(net, _ball(net, centre, reach), forward, slopes, Rounding(True), units.shaped(sides))
        signed = units.shaped(multipliers * sides.astype(multipliers.dtype))
        return known.most({units.parents[step]: rows[None] for step, rows in signed.items()})[0] < 0

    return jax.jit(jax.vmap(emptied, (None, 0, 0, 0, 0, 0)))


@cache
def attaining() -> Callable[[Network, Array], Array]:
    """A function of points: the norms of all outputs' derivatives."""
    return jax.jit(partial(at_points, norm=np.inf))


def _ball(net: Network, centre: Array, reach: Array) -> Ball:
    return Ball(centre.reshape(net.input_shape), reach.reshape(net.input_shape) if reach.ndim else reach)
