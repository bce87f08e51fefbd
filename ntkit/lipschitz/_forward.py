"""What every step of a network can be on a ball: intervals, and lines of its activations.

Source: interval arithmetic; CROWN, Zhang et al. (2018), adaptive slopes.
"""

from collections.abc import Mapping
from functools import partial
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ntkit.lipschitz._activation import Activation, LeakyRelu
from ntkit.lipschitz._lines import Lines, activation_lines, slope_lines
from ntkit.lipschitz._network import Activate, Affine, Network
from ntkit.lipschitz._relaxation import Ball, Between, Map, Relaxation, Sum, between
from ntkit.lipschitz._rounding import Rounding
from ntkit.lipschitz._slopes import least_most

Real = Float[Array, "..."]
Forward = Literal["ibp", "crown", "both"]
FORWARDS: tuple[Forward, ...] = ("ibp", "crown", "both")
Slopes = Literal["adaptive", "zero", "optimised"]
SLOPES: tuple[Slopes, ...] = ("adaptive", "zero", "optimised")


class Steps(Relaxation):
    """The steps of a network on a set of inputs: node i is step i.

    Attributes:
        slopes: the least and the largest derivative of each activation, by the number of its step.
        bends: lines of the derivative of smooth activations as functions of z; empty, unless asked for by `bend`.
        empty: whether the set is proved to be empty, which only a choice of sides can make it.
    """

    def __init__(self, rounding: Rounding) -> None:
        super().__init__(rounding)
        self.slopes: dict[int, tuple[Real, Real]] = {}
        self.bends: dict[int, Lines] = {}
        self.empty: Bool[Array, ""] = jnp.array(False)


def relax(
    net: Network,
    ball: Ball,
    forward: Forward,
    slopes: Slopes,
    rounding: Rounding,
    sides: Mapping[int, Int[Array, "..."]] | None = None,
) -> Steps:
    """The steps of a network on a ball, or on the part of it where some units are on given sides of their kinks.

    Args:
        net: the network.
        ball: inputs.
        forward: intervals of what goes into activations: "ibp" by interval arithmetic from step to step, "crown" by pulling
            each back to the ball, "both" their intersection, which later layers build on.
        slopes: the lower lines of piecewise linear activations. "optimised": for each interval those that gradients find, and
            never wider than with "adaptive" ones, which bounds of what comes after the last activation use.
        rounding: of all bounds.
        sides: of units of piecewise linear activations, by the number of the step: 1 where z >= 0, -1 where z <= 0, 0 where it
            may have both signs.
    """
    known = Steps(rounding)
    known.add(ball)
    plain = relax(net, ball, forward, "adaptive", rounding, sides) if slopes == "optimised" else None
    kinks: dict[int, float] = {}
    for number, step in enumerate(net.steps, 1):
        if isinstance(step, Affine):
            known.add(Map(step.linear, step.parents, step.bias))
        elif isinstance(step, Activate):
            before = step.parent
            if forward != "ibp":
                low, high = known.range(before, None if plain is None else partial(least_most, known, dict(kinks)))
                if plain is not None:
                    low, high = jnp.maximum(low, plain.low[before]), jnp.minimum(high, plain.high[before])
                if forward == "both":
                    low, high = jnp.maximum(low, known.low[before]), jnp.minimum(high, known.high[before])
                known.tighten(before, low, high)
            if sides is not None:
                _cut(known, before, sides[number])
            known.slopes[number] = _derivative(step.activation, known, before, None if sides is None else sides[number])
            known.add(_activated(step.activation, known, before, "zero" if slopes == "zero" else "adaptive"))
            if isinstance(step.activation, LeakyRelu):
                kinks[number] = step.activation.below
        else:
            known.add(Sum(step.parents, known.nodes[step.parents[0]].shape))
    return known


def bend(net: Network, known: Steps) -> None:
    """Note lines of the derivatives of smooth activations."""
    for number, step in enumerate(net.steps, 1):
        if isinstance(step, Activate) and not step.activation.piecewise:
            ends = known.low[step.parent], known.high[step.parent]
            known.bends[number] = slope_lines(step.activation, *ends, known.rounding)


def _cut(known: Steps, before: int, side: Int[Array, "..."]) -> None:
    """Leave of the intervals what is on the sides."""
    low, high = known.low[before], known.high[before]
    known.empty = known.empty | ((side > 0) & (high < 0)).any() | ((side < 0) & (low > 0)).any()
    low = jnp.where(side > 0, jnp.maximum(low, 0), low)
    high = jnp.where(side < 0, jnp.minimum(high, 0), high)
    known.tighten(before, low, jnp.maximum(low, high))  # of an empty set nothing is asked, but that it be numbers


def _derivative(activation: Activation, known: Steps, before: int, side: Int[Array, "..."] | None) -> tuple[Real, Real]:
    """The least and the largest derivative, rounded outward."""
    least, largest = activation.slopes(known.low[before], known.high[before])
    if activation.piecewise:
        if side is None:
            return least, largest
        # A unit on a side has its slope, although 0 is still in its interval.
        for way in (-1, 1):
            ends = activation.on_side(way)
            least, largest = jnp.where(side == way, ends[0], least), jnp.where(side == way, ends[1], largest)
        return least, largest
    one, error = jnp.ones_like(least), int(activation.library_error)
    return known.rounding.down(least, one, error), known.rounding.up(largest, one, error)


def _activated(activation: Activation, known: Steps, before: int, slopes: Slopes) -> Between:
    """The node of an activation's values."""
    low, high, rounding = known.low[before], known.high[before], known.rounding
    lines = activation_lines(activation, low, high, slopes, rounding)
    least, largest = activation.values(low, high)
    if not activation.piecewise:
        size, error = jnp.maximum(jnp.abs(least), jnp.abs(largest)) + 1, int(activation.library_error)
        least, largest = rounding.down(least, size, error), rounding.up(largest, size, error)
    return between(before, lines, least, largest)
