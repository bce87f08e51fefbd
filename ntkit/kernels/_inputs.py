"""Inputs before the first layer with weights: still vectors, from which variances and angles are computed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.kernels._moments import Moments, Needs
from ntkit.kernels._separate import separately

_CHUNK = 16  # features in one fused loop


class Known(NamedTuple):
    """Variances and angles of vectors, broadcasting to (n, m)."""

    var1: Float[Array, "n 1"]
    var2: Float[Array, "1 m"]
    sin2: Float[Array, "n m"]
    cos2: Float[Array, "n m"]


@dataclass(frozen=True)
class Inputs:
    """Two sets of inputs, (n, *space, channels) and (m, *space, channels).

    Attributes:
        known: variances and angles, where they have been found already; only for vectors.
        paired: whether only equal places of the two are paired, so that arrays of pairs end in (1, n).
    """

    x1: Float[Array, "n ..."]
    x2: Float[Array, "m ..."]
    known: Known | None = None
    paired: bool = False

    def map(self, linear: Callable[[Array], Array]) -> "Inputs":
        """A deterministic linear map of both."""
        return replace(self, x1=linear(self.x1), x2=linear(self.x2))

    def flat(self) -> "Inputs":
        """All pixels and channels in one vector."""
        return replace(self, x1=self.x1.reshape(len(self.x1), -1), x2=self.x2.reshape(len(self.x2), -1))

    def moments(self, needs: Needs) -> Moments:
        """Mean squares over channels, and angles."""
        space = self.x1.ndim - 2
        if self.known is not None:
            known = self.known
            return Moments(space, needs.pairs, jnp.zeros_like(known.sin2), None, *known)
        moments = _moments(self.x1, self.x2, space, needs.pairs, ("m" if self.paired else "n", "m"))
        if not needs.own:
            return moments
        assert not self.paired
        own = (
            _moments(self.x1, self.x1, space, True, ("n", "n")),
            _moments(self.x2, self.x2, space, True, ("m", "m")),
        )
        return replace(moments, own=own)


def _moments(x1: Array, x2: Array, space: int, pairs: bool, sides: tuple[str, str]) -> Moments:
    """Moments of images given as (n, *space, channels), on the axes of `sides`: n stands last but one, m last."""
    a = _place(x1, space, pairs, "first", sides[0])
    b = _place(x2, space, pairs, "second", sides[1])
    sin2, cos2 = separately(half_angles)(a, b)
    var1, var2 = jnp.mean(a**2, axis=0), jnp.mean(b**2, axis=0)
    return Moments(space=space, pairs=pairs, ntk=jnp.zeros_like(sin2), var1=var1, var2=var2, sin2=sin2, cos2=cos2)


def _place(x: Array, space: int, pairs: bool, pixels: str, side: str) -> Array:
    """(n, *space, channels) as (channels, *space, n, 1) or (channels, *space, 1, n), with room for the other pixels."""
    x = jnp.moveaxis(jnp.moveaxis(x, 0, -1), -2, 0)  # (channels, *space, n)
    if pairs:
        x = jnp.expand_dims(x, tuple(range(1, 1 + space)) if pixels == "second" else tuple(range(1 + space, 1 + 2 * space)))
    return x[..., None] if side == "n" else x[..., None, :]


@jax.jit
def half_angles(a: Float[Array, "k ..."], b: Float[Array, "k ..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """sin^2 and cos^2 of half the angle between vectors along the first axis; the other axes broadcast.

    With t = |b| / |a| >= 1, t a - b = (a - b) + (t - 1) a: the first bracket is nearly free of rounding for close vectors,
    and an error in t stretches along a, where it changes the result to second order only. For t < 1, a and b change roles.
    """
    norm1, norm2 = jnp.sqrt(_safe(jnp.sum(a**2, axis=0))), jnp.sqrt(_safe(jnp.sum(b**2, axis=0)))
    stretch1, stretch2 = jnp.maximum(norm2 / norm1 - 1, 0), jnp.maximum(norm1 / norm2 - 1, 0)
    shape = jnp.broadcast_shapes(a.shape[1:], b.shape[1:])

    def add(total: tuple[Array, Array], part: tuple[Array, Array]) -> tuple[Array, Array]:
        a, b = part
        difference, sum_ = total
        for i in range(len(a)):
            longer1, longer2 = stretch1 * a[i], stretch2 * b[i]
            difference = difference + ((a[i] - b[i]) + (longer1 - longer2)) ** 2
            sum_ = sum_ + ((a[i] + b[i]) + (longer1 + longer2)) ** 2
        return difference, sum_

    zero = jnp.zeros(shape, a.dtype)
    whole = len(a) - len(a) % _CHUNK if len(a) > 2 * _CHUNK else 0
    totals = add((zero, zero), (a[whole:], b[whole:]))
    if whole:
        chunks = (a[:whole].reshape(-1, _CHUNK, *a.shape[1:]), b[:whole].reshape(-1, _CHUNK, *b.shape[1:]))
        totals, _ = jax.lax.scan(lambda total, part: (add(total, part), None), totals, chunks)
    scale = 1 / (4 * jnp.maximum(norm1, norm2) ** 2)
    return totals[0] * scale, totals[1] * scale


def _safe(squares: Array) -> Array:
    """Without zeros: a zero vector has no angle, and anything finite may stand for it."""
    return jnp.where(squares > 0, squares, 1)
