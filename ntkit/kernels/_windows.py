"""Sliding windows over images: sizes, padding, patches, and the mean of moments over a window."""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ntkit.kernels._arc import root
from ntkit.kernels._moments import Angles, Moments, everywhere
from ntkit.kernels._separate import separately

Padding = Literal["valid", "same", "circular"]
Size = int | tuple[int] | tuple[int, int]


@dataclass(frozen=True)
class Windows:
    """Windows of a size that move by a stride; checked against an image by `along`.

    Attributes:
        size, stride: one entry per spatial axis, or one for all of them.
        padding: "valid", only whole windows; "same", zeros so that ceil(n / stride) windows fit (XLA's SAME);
            "circular", the same sizes with the image continued periodically.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Padding

    @staticmethod
    def checked(window: Size, stride: Size, padding: str) -> "Windows":
        """From what a user gives; ValueError that names the argument."""
        sizes = {}
        for name, value in (("window", window), ("stride", stride)):
            entries = value if isinstance(value, tuple) else (value,)
            if not 1 <= len(entries) <= 2 or not all(type(e) is int and e >= 1 for e in entries):
                raise ValueError(f"{name} must be an int >= 1, or a tuple of one or two of them, got {value!r}")
            sizes[name] = entries
        lengths = {len(entries) for entries in sizes.values()} - {1}
        if len(sizes["window"]) == 1 and isinstance(window, tuple) and lengths:
            raise ValueError(f"window and stride must have as many entries, got {window!r} and {stride!r}")
        if padding not in ("valid", "same", "circular"):
            raise ValueError(f'padding must be "valid", "same" or "circular", got {padding!r}')
        return Windows(sizes["window"], sizes["stride"], padding)  # type: ignore[arg-type]

    def over(self, shape: tuple[int, ...]) -> "list[Axis]":
        """The windows along each spatial axis of images of shape (*space, channels); ValueError if they do not fit."""
        space = shape[:-1]
        if not space:
            raise ValueError(
                f"needs images, of shape (length, channels) or (height, width, channels), got inputs of shape {shape}"
            )
        sizes = [entries * len(space) if len(entries) == 1 else entries for entries in (self.size, self.stride)]
        if {len(entries) for entries in sizes} != {len(space)}:
            raise ValueError(f"has windows with {max(map(len, sizes))} axes, but images of shape {shape} have {len(space)}")
        return [Axis(n, k, s, self.padding) for n, k, s in zip(space, *sizes, strict=True)]

    def output_space(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Numbers of windows along the spatial axes."""
        return tuple(axis.count for axis in self.over(shape))

    def patches(self, x: Array) -> Array:
        """(n, *space, channels) -> (n, *windows, window pixels * channels), zeros where padding is."""
        for i, axis in enumerate(self.over(x.shape[1:])):
            x = jnp.concatenate(
                [axis.shifted(padded, (i + 1,), j) for padded in [axis.pad(x, (i + 1,))] for j in range(axis.window)], -1
            )
        return x

    def mean(self, x: Array) -> Array:
        """(n, *space, channels) -> (n, *windows, channels): means over windows, zeros where padding is."""
        for i, axis in enumerate(self.over(x.shape[1:])):
            x = axis.mean(x, (i + 1,))
        return x


@dataclass(frozen=True)
class Axis:
    """Windows along one axis of n pixels."""

    n: int
    window: int
    stride: int
    padding: Padding

    def __post_init__(self) -> None:
        if self.padding == "valid" and self.window > self.n:
            raise ValueError(f'has a window of {self.window}, which does not fit {self.n} pixels with padding "valid"')

    @property
    def count(self) -> int:
        """How many windows there are."""
        return (self.n - self.window) // self.stride + 1 if self.padding == "valid" else math.ceil(self.n / self.stride)

    @property
    def margins(self) -> tuple[int, int]:
        """Pixels of padding before and after."""
        total = 0 if self.padding == "valid" else max((self.count - 1) * self.stride + self.window - self.n, 0)
        return total // 2, total - total // 2

    def pad(self, x: Array, axes: tuple[int, ...]) -> Array:
        """With the margins, on all given axes."""
        widths = [self.margins if i in axes else (0, 0) for i in range(x.ndim)]
        if self.margins == (0, 0):
            return x
        return jnp.pad(x, widths, mode="wrap") if self.padding == "circular" else jnp.pad(x, widths)

    def shifted(self, padded: Array, axes: tuple[int, ...], offset: int) -> Array:
        """Every window's pixel number `offset`, on all given axes at once."""
        index = slice(offset, offset + (self.count - 1) * self.stride + 1, self.stride)
        return padded[tuple(index if i in axes else slice(None) for i in range(padded.ndim))]

    def windows(self, x: Array) -> Array:
        """(n, ...) -> (window, count, ...), what windows see: a product with zeros and ones, for which no code is compiled."""
        pixel = np.arange(self.window)[:, None] + self.stride * np.arange(self.count) - self.margins[0]
        pixel = pixel % self.n if self.padding == "circular" else pixel
        seen = pixel[..., None] == np.arange(self.n)
        return jnp.tensordot(jnp.asarray(seen, x.dtype), x, axes=1, precision="highest")

    def mean(self, x: Array, axes: tuple[int, ...]) -> Array:
        """Means over windows that move along all given axes together."""
        padded = self.pad(x, axes)
        total = self.shifted(padded, axes, 0)
        for offset in range(1, self.window):
            total = total + self.shifted(padded, axes, offset)
        return total / self.window


def mean_over_windows(moments: Moments, windows: Windows) -> Moments:
    """Moments of the mean over equal places of two windows, as random weights on a patch see it."""
    return everywhere(lambda moments: _mean(moments, tuple(windows.over((*moments.ntk.shape[: moments.space], 1)))), moments)


def _mean(moments: Moments, axes: tuple[Axis, ...]) -> Moments:
    if moments.covariance is not None:
        covariance, ntk = moments.covariance, moments.ntk
        for i, axis in enumerate(axes):
            places = (i, i + moments.space) if moments.pairs else (i,)
            covariance, ntk = axis.mean(covariance, places), axis.mean(ntk, places)
        return replace(moments, covariance=covariance, ntk=ntk)
    angles = moments.angles
    sides = _Sides.of(moments)
    above = None if angles.cos2 is None else angles.norms * angles.cos2
    gaps = _Gaps(sides.joined(angles.var1, angles.var2), angles.norms * angles.sin2, above, moments.ntk)
    for axis in axes:
        gaps = separately(_mean_along, axis, sides)(gaps)
    variances = gaps.variances
    inverse1, inverse2 = sides.split(jnp.where(variances > 0, 1 / root(jnp.where(variances > 0, variances, 1)), 0))
    scale = inverse1 * inverse2
    cos2 = None if gaps.above is None else gaps.above * scale
    return moments.with_angles(Angles(*sides.split(variances), gaps.below * scale, cos2), gaps.ntk)


class _Gaps(NamedTuple):
    """What is averaged over windows.

    Attributes:
        variances: of both sides, (*space, n + m): to average them together halves what has to be compiled.
        below, above: half of norms - covariance and of norms + covariance (None without cos2).
        ntk: the tangent kernel.
    """

    variances: Array
    below: Array
    above: Array | None
    ntk: Array


class _Sides(NamedTuple):
    """How the variances of two sides stand in arrays of pairs, and in one array (*space, n + m).

    Attributes:
        space, pairs: as in `Moments`.
        inputs1, inputs2: the last two axes of the two variances.
    """

    space: int
    pairs: bool
    inputs1: tuple[int, ...]
    inputs2: tuple[int, ...]

    @staticmethod
    def of(moments: Moments) -> "_Sides":
        return _Sides(moments.space, moments.pairs, moments.var1.shape[-2:], moments.var2.shape[-2:])

    def joined(self, var1: Array, var2: Array) -> Array:
        pixels = var1.shape[: self.space]
        return jnp.concatenate([var1.reshape(*pixels, -1), var2.reshape(*pixels, -1)], axis=-1)

    def split(self, joined: Array) -> tuple[Array, Array]:
        """Both sides, where they stand in arrays of pairs; axes before those of the pixels stay in front."""
        *shape, _ = joined.shape
        front, pixels = tuple(shape[: len(shape) - self.space]), tuple(shape[len(shape) - self.space :])
        ones = (1,) * self.space if self.pairs else ()
        count = math.prod(self.inputs1)
        first = joined[..., :count].reshape(*front, *pixels, *ones, *self.inputs1)
        return first, joined[..., count:].reshape(*front, *ones, *pixels, *self.inputs2)


def _mean_along(gaps: _Gaps, axis: Axis, sides: _Sides) -> _Gaps:
    """Means over windows along the first spatial axis, which becomes the last one: so all axes look alike to a compiler.

    With a_j, b_j the standard deviations in two windows, alpha and beta the roots of their mean squares and gaps
    g_j = a_j b_j - K_j: that of the means is mean g_j + alpha beta mean (a_j / alpha - b_j / beta)^2 / 2; nothing cancels.
    """
    inside = axis.windows(gaps.variances)
    variances = sum(inside[1:], start=inside[0]) / axis.window
    deviations = root(variances)
    inverse = jnp.where(variances > 0, 1 / jnp.where(variances > 0, deviations, 1), 0)
    relative1, relative2 = sides.split(root(inside) * inverse[None])
    squares = [(relative1[j] - relative2[j]) ** 2 for j in range(axis.window)]
    deviations1, deviations2 = sides.split(deviations)
    bend = deviations1 * deviations2 * (sum(squares[1:], start=squares[0]) / (4 * axis.window))
    places = (0, sides.space) if sides.pairs else (0,)

    def turned(x: Array, *starts: int) -> Array:
        for start in starts:
            x = jnp.moveaxis(x, start, start + sides.space - 1)
        return x

    above = None if gaps.above is None else turned(axis.mean(gaps.above, places) + bend, *places)
    below = turned(axis.mean(gaps.below, places) + bend, *places)
    return _Gaps(turned(variances, 0), below, above, turned(axis.mean(gaps.ntk, places), *places))
