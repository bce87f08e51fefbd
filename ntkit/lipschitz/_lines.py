"""A line above and a line below a function of one variable, on an interval.

What is claimed of a line is checked where it must hold, at the ends of the interval, in the arithmetic at hand: the slope is
any number, and its offset is raised until the line is above. Above a convex function a line is where it is at both ends.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.lipschitz._activation import Activation, LeakyRelu
from ntkit.lipschitz._rounding import Rounding

GRID = 32  # steps of an interval, on which the derivative of an activation is looked at
Real = Float[Array, "..."]


class Line(NamedTuple):
    """slope x + offset."""

    slope: Real
    offset: Real


class Lines(NamedTuple):
    """What a function lies between."""

    below: Line
    above: Line


def chord(low: Real, high: Real, at_low: Real, at_high: Real) -> Real:
    """The slope between two points; 0 where they are one.

    Example:
        >>> float(chord(jnp.array(-1.0), jnp.array(3.0), jnp.array(0.0), jnp.array(3.0)))
        0.75
    """
    width = high - low
    apart = width > 0
    return jnp.where(apart, (at_high - at_low) / jnp.where(apart, width, 1), 0)


def above(slope: Real, low: Real, high: Real, at_low: Real, at_high: Real, rounding: Rounding, error: float = 1.0) -> Line:
    """The lowest line of this slope above two points; the values may be off by so many roundings of themselves or of 1."""
    offset = jnp.maximum(at_low - slope * low, at_high - slope * high)
    largest = jnp.maximum(jnp.abs(at_low) + jnp.abs(slope * low), jnp.abs(at_high) + jnp.abs(slope * high))
    return Line(slope, rounding.up(offset, largest + (1.0 if error > 1 else 0.0), int(error)))


def below(slope: Real, low: Real, high: Real, at_low: Real, at_high: Real, rounding: Rounding, error: float = 1.0) -> Line:
    """The highest line of this slope below two points."""
    mirrored = above(-slope, low, high, -at_low, -at_high, rounding, error)
    return Line(slope, -mirrored.offset)


def activation_lines(activation: Activation, low: Real, high: Real, slopes: str, rounding: Rounding) -> Lines:
    """Lines of an activation on [low, high].

    Piecewise linear: above it the chord, below it the steeper line through 0 where the interval reaches further to the right
    ("adaptive"), or always the flatter one ("zero"). Others: two lines whose slope is the least derivative on the interval,
    through either end, since the function minus such a line rises.
    """
    at_low, at_high = activation(low), activation(high)
    if isinstance(activation, LeakyRelu):
        one, flat = jnp.ones_like(low), jnp.full_like(low, activation.below)
        right, left = low >= 0, high <= 0
        steep = jnp.where(right, one, jnp.where(left, flat, chord(low, high, at_low, at_high)))
        under = jnp.where(right | ((high > -low) & (slopes == "adaptive") & ~left), one, flat)
        upper = above(steep, low, high, at_low, at_high, rounding)
        zero = jnp.zeros_like(low)  # these three are exact
        return Lines(Line(under, zero), Line(steep, jnp.where(right | left, zero, upper.offset)))
    slope = activation.slopes(low, high)[0]
    slope = slope - rounding.slack(jnp.ones_like(slope), int(activation.library_error)) if rounding.outward else slope
    error = activation.library_error
    return Lines(
        below(slope, low, high, at_low, at_low + slope * (high - low), rounding, error),
        above(slope, low, high, at_high - slope * (high - low), at_high, rounding, error),
    )


def slope_lines(activation: Activation, low: Real, high: Real, rounding: Rounding) -> Lines:
    """Lines of the derivative of a smooth activation on [low, high], both with the mean slope, nearly that of its chord.

    The mean is of a grid's points, since the chord of a small interval is a quotient of roundings. The offsets are the extremes
    over these points; between two of them, at a distance d, a function is no further from its chord than d^2 / 8 times the
    largest second derivative.
    """
    places = jnp.linspace(0, 1, GRID + 1, dtype=low.dtype).reshape(-1, *[1] * low.ndim)
    points = low[None] + places * (high - low)[None]
    values, changes = jax.jvp(activation.slope, (points,), (jnp.ones_like(points),))
    slope = changes.mean(axis=0)
    rest = values - slope[None] * points
    distance = (high - low) / GRID
    between = distance**2 / 8 * activation.curvature
    reach = jnp.maximum(jnp.abs(low), jnp.abs(high))
    weight = activation.steepest + (1 + jnp.abs(slope)) * reach + between + activation.curvature * distance * reach
    error = int(activation.library_error) + 8
    return Lines(
        Line(slope, rounding.down(rest.min(axis=0) - between, weight, error)),
        Line(slope, rounding.up(rest.max(axis=0) + between, weight, error)),
    )


class Plane(NamedTuple):
    """slope x + across y + offset."""

    slope: Real
    across: Real
    offset: Real


class Planes(NamedTuple):
    """What a function of two variables lies between."""

    below: Plane
    above: Plane


def coupled_planes(
    low: Real, high: Real, least: Real, largest: Real, lines: Lines, z_low: Real, z_high: Real, rounding: Rounding
) -> Planes:
    """Planes in v and z of s v, for v in [low, high] and s in [least, largest] that lies between lines of z.

    Around the middles s0 and v0 of the intervals, s v = s0 v + v0 s - s0 v0 + (s - s0) (v - v0), the last product being at most
    that of the half widths: the mean of McCormick's two planes on either side. Then s is replaced by one of its lines,
    according to the sign of v0. Taking the better of the two planes by their values in the middle is hardly tighter, and these
    are equal but for roundings where v is known: a compiler that compares them anew for each number of the plane mixes the two.
    """
    v_middle, v_half = (low + high) / 2, (high - low) / 2
    middle, half = (least + largest) / 2, (largest - least) / 2
    v_size, size = jnp.maximum(jnp.abs(low), jnp.abs(high)), jnp.maximum(jnp.abs(least), jnp.abs(largest))
    reach = jnp.maximum(jnp.abs(z_low), jnp.abs(z_high))
    planes = []
    for side, lines_of_s in ((-1, (lines.below, lines.above)), (1, (lines.above, lines.below))):
        slope, offset = (jnp.where(v_middle >= 0, *numbers) for numbers in zip(*lines_of_s, strict=True))
        constant = v_middle * (offset - middle) + side * v_half * half
        weight = v_size * (2 * size + jnp.abs(slope) * reach + jnp.abs(offset))
        constant = rounding.up(constant, weight, 8) if side > 0 else rounding.down(constant, weight, 8)
        planes.append(Plane(middle, v_middle * slope, constant))
    return Planes(*planes)


def product_lines(low: Real, high: Real, least: Real, largest: Real, rounding: Rounding) -> Lines:
    """Lines of s v, v in [low, high], for every s in [least, largest].

    max(least v, largest v) is convex and min(..) concave, so that their chords are the hull of all (v, s v). Where v has one
    sign they are lines through 0.
    """
    right, left = low >= 0, high <= 0
    tops = jnp.where(low > 0, largest, least) * low, jnp.where(high > 0, largest, least) * high
    floors = jnp.where(low > 0, least, largest) * low, jnp.where(high > 0, least, largest) * high
    upper = above(chord(low, high, *tops), low, high, *tops, rounding)
    lower = below(chord(low, high, *floors), low, high, *floors, rounding)
    zero = jnp.zeros_like(low)
    return Lines(
        Line(
            jnp.where(right, least, jnp.where(left, largest, lower.slope)),
            jnp.where(right | left, zero, lower.offset),
        ),
        Line(
            jnp.where(right, largest, jnp.where(left, least, upper.slope)),
            jnp.where(right | left, zero, upper.offset),
        ),
    )


def product_range(low: Real, high: Real, least: Real, largest: Real) -> tuple[Real, Real]:
    """The range of s v."""
    corners = jnp.stack([least * low, least * high, largest * low, largest * high])
    return corners.min(axis=0), corners.max(axis=0)


def size_lines(low: Real, high: Real, rounding: Rounding) -> Lines:
    """Lines of |v|: that is s v with s = 1 or -1, of which only the line above is asked for; below it is 0 or exact."""
    one = jnp.ones_like(low)
    right, left = low >= 0, high <= 0
    steep = jnp.where(right, one, jnp.where(left, -one, chord(low, high, -low, high)))
    upper = above(steep, low, high, jnp.abs(low), jnp.abs(high), rounding)
    zero = jnp.zeros_like(low)
    return Lines(
        Line(jnp.where(right, one, jnp.where(left, -one, zero)), zero),
        Line(steep, jnp.where(right | left, zero, upper.offset)),
    )
