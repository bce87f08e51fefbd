"""Sliding windows over images: sizes, padding, patches, and the mean of moments over a window."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
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

    def mean(self, x: Array, axes: tuple[int, ...]) -> Array:
        """Means over windows that move along all given axes together."""
        return self.mean_of_padded(self.pad(x, axes), axes)

    def mean_of_padded(self, padded: Array, axes: tuple[int, ...]) -> Array:
        """The same of what is padded already."""
        total = self.shifted(padded, axes, 0)
        for offset in range(1, self.window):
            total = total + self.shifted(padded, axes, offset)
        return total / self.window


def mean_over_windows(moments: Moments, windows: Windows) -> Moments:
    """Moments of the mean over equal places of two windows, as random weights on a patch see it."""
    return everywhere(lambda moments: _mean(moments, tuple(windows.over((*moments.ntk.shape[: moments.space], 1)))), moments)


def _mean(moments: Moments, axes: tuple[Axis, ...]) -> Moments:
    where = partial(_places, moments.space, moments.pairs)
    if moments.covariance is not None:
        covariance, ntk = moments.covariance, moments.ntk
        for i, axis in enumerate(axes):
            covariance, ntk = axis.mean(covariance, where(i)), axis.mean(ntk, where(i))
        return replace(moments, covariance=covariance, ntk=ntk)
    angles = moments.angles
    # Squared distances and sums of two units are linear in the moments, so their means keep what angles keep.
    spread = (root(angles.var1) - root(angles.var2)) ** 2
    distance = 4 * angles.norms * angles.sin2 + spread
    sum_ = None if angles.cos2 is None else 4 * angles.norms * angles.cos2 + spread
    places = tuple(where(i) for i in range(moments.space))
    squares = _Squares(angles.var1, angles.var2, distance, sum_, moments.ntk)
    return moments.with_angles(*separately(_mean_of_squares, axes, places)(squares))


class _Squares(NamedTuple):
    """Variances, mean squares of differences and of sums (None where angles have no cos2), and the tangent kernel."""

    var1: Array
    var2: Array
    distance: Array
    sum_: Array | None
    ntk: Array


def _places(space: int, pairs: bool, axis: int) -> tuple[int, ...]:
    return (axis, axis + space) if pairs else (axis,)


def _mean_of_squares(squares: _Squares, axes: tuple[Axis, ...], places: tuple[tuple[int, ...], ...]) -> tuple[Angles, Array]:
    """Means over windows along all axes, and the angles that they make."""
    var1, var2, distance, sum_, ntk = squares
    for axis, place in zip(axes, places, strict=True):
        first, second = place[0], place[-1]
        padded1, padded2 = axis.pad(var1, (first,)), axis.pad(var2, (second,))
        distance = axis.mean_of_padded(_pad_squares(axis, distance, padded1, padded2, place), place)
        sum_ = None if sum_ is None else axis.mean_of_padded(_pad_squares(axis, sum_, padded1, padded2, place), place)
        ntk = axis.mean(ntk, place)
        var1, var2 = axis.mean_of_padded(padded1, (first,)), axis.mean_of_padded(padded2, (second,))
    spread = (root(var1) - root(var2)) ** 2
    inverse1, inverse2 = (jnp.where(var > 0, 1 / root(jnp.where(var > 0, var, 1)), 0) for var in (var1, var2))
    scale = 0.25 * inverse1 * inverse2
    sin2 = jnp.maximum(distance - spread, 0) * scale
    cos2 = None if sum_ is None else jnp.maximum(sum_ - spread, 0) * scale
    return Angles(var1, var2, sin2, cos2), ntk


def _pad_squares(axis: Axis, squares: Array, padded1: Array, padded2: Array, place: tuple[int, ...]) -> Array:
    """Pad |h - h'|^2 or |h + h'|^2: beyond the edge of one image only, the other one's variance remains."""
    if axis.padding == "circular" or axis.margins == (0, 0) or len(place) == 1:
        return axis.pad(squares, place)
    before, _ = axis.margins
    start = tuple(before if i in place else 0 for i in range(squares.ndim))
    return jax.lax.dynamic_update_slice(padded1 + padded2, squares, start)
