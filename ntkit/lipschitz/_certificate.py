"""What bounds of the derivative prove about a network: that its class does not change, or that it rises in an input."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Int

from ntkit.lipschitz._backward import METHODS, Method, gradient
from ntkit.lipschitz._core import bounds
from ntkit.lipschitz._door import ask, check
from ntkit.lipschitz._forward import FORWARDS, SLOPES, Forward, Slopes, bend, relax
from ntkit.lipschitz._linear import Numbers
from ntkit.lipschitz._network import Network
from ntkit.lipschitz._relaxation import Ball
from ntkit.lipschitz._rounding import FLOATS, Arithmetic, Rounding
from ntkit.lipschitz._signs import Signs, signs

HALVINGS = 20  # of the interval from 0 to the limit in which the radius is looked for


@dataclass(frozen=True)
class Certificate:
    """Balls on which no input has another class; shapes are those of the batch: () or (batch,).

    Attributes:
        radius: of the ball; 0 where nothing is certified.
        label: the class.
        margin: how far its output is above the others, from below; negative where another output is larger.
        arithmetic: in which all this holds, as of `Bound`.
    """

    radius: Float[np.ndarray, "..."]
    label: Int[np.ndarray, "..."]
    margin: Float[np.ndarray, "..."]
    arithmetic: Arithmetic


@dataclass(frozen=True)
class Monotone:
    """Which outputs are monotone in which inputs on a ball; shape (*batch, outputs, *input_shape).

    Attributes:
        rising: the output does not fall anywhere on the ball as this input alone rises.
        falling: it does not rise.
    """

    rising: Bool[np.ndarray, "..."]
    falling: Bool[np.ndarray, "..."]


def certified_radius(
    net: Network,
    x0: Numbers,
    *,
    label: ArrayLike | Sequence[int] | None = None,
    limit: float = 1.0,
    method: Method = "lirpa",
    forward: Forward = "both",
    slopes: Slopes = "adaptive",
    norm: float | int = np.inf,
    clip: Sequence[float | int] | None = None,
    arithmetic: Arithmetic = "float64+outward",
) -> Certificate:
    """The largest radius found on whose ball the class of an input provably does not change.

    With the margins g_j = f_label - f_j, a ball of radius r is certified if r times the bound of g_j's constant on it is less
    than g_j(x0), for every j. Radii are found by bisection, each certified by itself, since bounds need not rise with the
    radius; larger ones may be, too.

    Args:
        net: a network whose largest output is the class.
        x0: an input, or a batch.
        label: the class, or one for each input; None for the network's own.
        limit: radii above are not looked for; the answer is fine to 1e-6 of it.
        method: "lirpa", "recurjac", "ibp" or "coupled".
        forward: as of `local_lipschitz`.
        slopes: as of `local_lipschitz`.
        norm: of the ball: inf, 2 or 1.
        clip: the range of the data, to which balls are cut.
        arithmetic: as of `local_lipschitz`, of floats.

    Raises:
        ValueError: as for `local_lipschitz`; labels that are none; fewer than two outputs.

    Example:
        >>> net = Network.sequential([([[1.0], [-1.0]], None), ([[1.0, 0.0], [0.0, 1.0]], None)])  # max(x, 0), max(-x, 0)
        >>> float(certified_radius(net, [0.5]).radius.round(3))  # the class changes at 0; both rise by 1 at most
        0.5

    Source: the margin form of the use of local constants for robustness, Hein and Andriushchenko (2017).
    """
    asked = ask(net, x0, 0.0, norm, np.inf, None, clip, arithmetic)
    check("arithmetic", arithmetic, FLOATS)
    check("method", method, METHODS)
    check("forward", forward, FORWARDS)
    check("slopes", slopes, SLOPES)
    if not 0 < limit < np.inf:
        raise ValueError(f"limit must be positive and finite, got {limit!r}")
    if net.outputs < 2:
        raise ValueError(f"net must have two outputs at least, got {net!r}")
    labels = _labels(label, asked.net, asked.centres)
    options = (method, forward, slopes, float(norm), None if clip is None else (float(clip[0]), float(clip[1])))
    one = _certifying(*options, asked.rounding.outward)
    radius, margin = one(asked.net, asked.centres, jnp.asarray(labels), jnp.asarray(limit, asked.centres.dtype))
    moved = np.asarray(asked.radii).reshape(len(labels), -1).max(axis=1)  # how far rounding may have moved the centre
    kept = np.where(moved > 0, np.nextafter(np.asarray(radius) - moved, -np.inf, dtype=moved.dtype), radius)
    found = [np.asarray(array).reshape(asked.batch) for array in (np.maximum(kept, 0), labels, margin)]
    return Certificate(found[0], found[1], found[2], arithmetic)


def monotone_in(
    net: Network,
    x0: Numbers,
    radius: Numbers,
    *,
    method: Method = "lirpa",
    forward: Forward = "both",
    slopes: Slopes = "adaptive",
    norm: float | int = np.inf,
    clip: Sequence[float | int] | None = None,
    arithmetic: Arithmetic = "float64+outward",
) -> Monotone:
    """In which inputs a network's outputs provably rise, or fall, on a ball: where their derivative has one sign.

    Args:
        net: the network.
        x0: the centre, or a batch.
        radius: of the ball, or half widths of a box.
        method: "lirpa", "recurjac", "ibp" or "coupled".
        forward: as of `local_lipschitz`.
        slopes: as of `local_lipschitz`.
        norm: of the ball: inf, 2 or 1.
        clip: the range of the data, to which the ball is cut.
        arithmetic: as of `local_lipschitz`, of floats.

    Raises:
        ValueError: as for `local_lipschitz`.

    Example:
        >>> net = Network.sequential([([[1.0, -1.0], [1.0, 1.0]], None), ([[1.0, 1.0]], None)])
        >>> found = monotone_in(net, [0.0, 0.0], 1.0)  # max(x - y, 0) + max(x + y, 0)
        >>> found.rising.tolist(), found.falling.tolist()
        ([[True, False]], [[False, False]])
    """
    asked = ask(net, x0, radius, norm, np.inf, None, clip, arithmetic)
    check("arithmetic", arithmetic, FLOATS)
    check("method", method, METHODS)
    check("forward", forward, FORWARDS)
    check("slopes", slopes, SLOPES)
    found = _signing(method, forward, slopes, float(norm), asked.rounding.outward)(asked.net, asked.centres, asked.radii)
    shape = (*asked.batch, net.outputs, *net.input_shape)
    return Monotone(np.asarray(found.no_less).reshape(shape), np.asarray(found.no_more).reshape(shape))


def _labels(label: ArrayLike | Sequence[int] | None, net: Network, centres: Array) -> Int[np.ndarray, " batch"]:
    if label is None:
        return np.asarray(net(centres).argmax(axis=1))
    labels = np.asarray(label)
    if labels.dtype.kind not in "iu" or labels.shape not in ((), (len(centres),)):
        raise ValueError(f"label must be a class, or one for each of {len(centres)} inputs, got {label!r}")
    if labels.min() < 0 or labels.max() >= net.outputs:
        raise ValueError(f"label must be from 0 to {net.outputs - 1}, got {label!r}")
    return np.broadcast_to(labels, (len(centres),))


@cache
def _signing(
    method: Method, forward: Forward, slopes: Slopes, norm: float, outward: bool
) -> Callable[[Network, Array, Array], Signs]:
    def one(net: Network, x0: Array, radius: Array) -> Signs:
        ball = Ball(x0.reshape(net.input_shape), radius.reshape(net.input_shape) if radius.ndim else radius, norm)
        known = relax(net, ball, forward, slopes, Rounding(outward))
        if method == "coupled":
            bend(net, known)
        return jax.vmap(lambda row: signs(net, known, gradient(net, known, row, method), row))(
            jnp.eye(net.outputs, dtype=x0.dtype)
        )

    return jax.jit(jax.vmap(one, (None, 0, 0)))


@cache
def _certifying(
    method: Method, forward: Forward, slopes: Slopes, norm: float, clip: tuple[float, float] | None, outward: bool
) -> Callable[[Network, Array, Array, Array], tuple[Array, Array]]:
    rounding = Rounding(outward)
    bound = partial(bounds, method=method, forward=forward, slopes=slopes, norm=norm, outward=outward)

    def one(net: Network, x: Array, label: Array, limit: Array) -> tuple[Array, Array]:
        unit = jnp.eye(net.outputs, dtype=x.dtype)
        rows = unit[label][None] - unit
        point = relax(net, Ball(x.reshape(net.input_shape), jnp.zeros((), x.dtype)), "ibp", slopes, rounding)
        margins = -point.most({len(net.steps): -rows.reshape(-1, *net.shapes[-1])})
        others = jnp.arange(net.outputs) != label

        def certified(radius: Array) -> Array:
            centre, reach = (x, radius) if clip is None else _cut(x, radius, *clip)
            change = radius * bound(net, centre, reach, outputs=rows).norm
            return ((rounding.up(change, change, 1) < margins) | ~others).all()

        def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
            low, high = ends
            middle = (low + high) / 2
            good = certified(middle)
            return jnp.where(good, middle, low), jnp.where(good, high, middle)

        whole = certified(limit)
        low, _ = jax.lax.fori_loop(0, HALVINGS, halve, (jnp.zeros_like(limit), limit))
        return jnp.where(whole, limit, low), jnp.where(others, margins, jnp.inf).min()

    return jax.jit(jax.vmap(one, (None, 0, 0, None)))


def _cut(x: Array, radius: Array, low: float, high: float) -> tuple[Array, Array]:
    """A box that holds the part of a ball within the range of the data."""
    ends = jnp.maximum(x - radius, low), jnp.minimum(x + radius, high)
    centre = (ends[0] + ends[1]) / 2
    half = jnp.maximum(ends[1] - centre, centre - ends[0])
    return centre, half + 4 * float(np.finfo(x.dtype).eps) * (jnp.abs(centre) + half)
