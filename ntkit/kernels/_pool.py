"""Means over pixels."""

import math
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.kernels._arc import root
from ntkit.kernels._inputs import Inputs
from ntkit.kernels._layer import Layer, Params
from ntkit.kernels._moments import Angles, Moments, Needs, at_equal_pixels
from ntkit.kernels._separate import separately
from ntkit.kernels._windows import Axis, Padding, Size, Windows

_NO_IMAGES = "needs images, of shape (length, channels) or (height, width, channels), got vectors"


@dataclass(frozen=True)
class AvgPool(Layer):
    """Mean over windows of pixels; the zeros of padding "same" count.

    Kernels: K(p, q) -> mean over i and j of K(p+i, q+j), and T in the same way; so all pairs of pixels are needed before.

    Args:
        window, padding: as for `Conv`.
        stride: by how many pixels windows move; None stands for the window, so that windows do not overlap.
    """

    window: Size
    stride: Size | None = None
    padding: Padding = "valid"
    _windows: Windows = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        stride = self.window if self.stride is None else self.stride
        object.__setattr__(self, "_windows", Windows.checked(self.window, stride, self.padding))

    def needs(self, after: Needs) -> Needs:
        """All pairs of pixels; and if angles are needed afterwards, those of every input with itself."""
        return Needs(pairs=True, angles=after.angles, own=after.angles)

    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments | Inputs:
        """From the moments of the layer's inputs to those of its outputs."""
        if isinstance(moments, Inputs):
            return moments.map(self._windows.mean)
        return _pool(moments, self._windows.over((*moments.ntk.shape[: moments.space], 1)), after)

    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """One pixel per window."""
        return (*self._windows.output_space(shape), shape[-1])

    def apply(self, params: Params, x: Float[Array, "n ... channels"]) -> Float[Array, "n ... channels"]:
        """The layer's outputs."""
        return self._windows.mean(x)


@dataclass(frozen=True)
class GlobalAvgPool(Layer):
    """Mean over all pixels; what remains are channels.

    Kernels: K -> mean over all pairs (p, q) of K(p, q), and T in the same way.
    """

    def needs(self, after: Needs) -> Needs:
        """All pairs of pixels; and if angles are needed afterwards, those of every input with itself."""
        return Needs(pairs=True, angles=after.angles, own=after.angles)

    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments | Inputs:
        """From the moments of the layer's inputs to those of its outputs."""
        if isinstance(moments, Inputs):
            return moments.map(lambda x: self.apply((), x))
        if not moments.space:
            raise ValueError(_NO_IMAGES)
        pooled = _pool(moments, [Axis(n, n, 1, "valid") for n in moments.ntk.shape[: moments.space]], after)
        return squeezed(pooled)

    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """Channels."""
        if len(shape) < 2:
            raise ValueError(_NO_IMAGES)
        return shape[-1:]

    def apply(self, params: Params, x: Float[Array, "n ... channels"]) -> Float[Array, "n channels"]:
        """The layer's outputs."""
        if x.ndim < 3:
            raise ValueError(_NO_IMAGES)
        return jnp.mean(x, axis=tuple(range(1, x.ndim - 1)))


def squeezed(moments: Moments) -> Moments:
    """Moments of images of one pixel, without spatial axes."""
    axes = tuple(range(moments.space * (2 if moments.pairs else 1)))
    return replace(moments.map(lambda x: jnp.squeeze(x, axes)), space=0, pairs=False, own=None)


def _pool(moments: Moments, axes: list[Axis], after: Needs) -> Moments:
    """Means over all pairs of pixels of two windows."""
    space = moments.space
    assert moments.pairs

    mean = separately(_mean, tuple(axes), space)
    covariance, ntk = mean(moments.nngp), mean(moments.ntk)
    if not after.pairs:
        covariance, ntk = at_equal_pixels(covariance, space), at_equal_pixels(ntk, space)
    pooled = Moments(space=space, pairs=after.pairs, ntk=ntk, covariance=covariance)
    if moments.own is None:
        return pooled
    own = moments.own
    variances = [at_equal_pixels(mean(side.nngp), space) for side in own]
    # |h - h'|^2 and |h + h'|^2 from their means before pooling: equal and opposite images lose no digits, close ones some.
    both = own[0].nngp + own[1].nngp
    distances = at_equal_pixels(mean(both - 2 * moments.nngp), space)
    sums = None if moments.cos2 is None else at_equal_pixels(mean(both + 2 * moments.nngp), space)
    angles = _angles(pooled, distances, sums, variances[0], variances[1])
    if not after.own:
        return pooled.with_angles(angles, ntk)
    sides = [_pool(replace(side, own=(side, side)), axes, after._replace(own=False)) for side in own]
    return replace(pooled.with_angles(angles, ntk), own=(sides[0], sides[1]))


def _mean(x: Array, axes: tuple[Axis, ...], space: int) -> Array:
    if all(axis.count == 1 and axis.margins == (0, 0) and axis.window == axis.n for axis in axes):
        return jnp.mean(x, tuple(range(2 * space)), keepdims=True)
    for i, axis in enumerate(axes):
        x = axis.mean(axis.mean(x, (i,)), (i + space,))
    return x


def _angles(pooled: Moments, distances: Array, sums: Array | None, var1: Array, var2: Array) -> Angles:
    """Angles from covariances, and at equal pixels from squared distances and sums."""
    space, covariance = pooled.space, pooled.nngp
    if pooled.pairs:
        equal = math.prod(distances.shape[:space])
        mask = jnp.eye(equal, dtype=bool).reshape(covariance.shape[: 2 * space] + (1,) * (covariance.ndim - 2 * space))
        var1, var2 = jnp.expand_dims(var1, tuple(range(space, 2 * space))), jnp.expand_dims(var2, tuple(range(space)))
        distances = jnp.where(mask, jnp.expand_dims(distances, tuple(range(space))), var1 + var2 - 2 * covariance)
        if sums is not None:
            sums = jnp.where(mask, jnp.expand_dims(sums, tuple(range(space))), var1 + var2 + 2 * covariance)
    norms = root(var1) * root(var2)
    spread = (root(var1) - root(var2)) ** 2
    safe = jnp.where(norms > 0, 4 * norms, 1)
    sin2 = jnp.where(norms > 0, jnp.clip((distances - spread) / safe, 0, 1), 0)
    cos2 = None if sums is None else jnp.where(norms > 0, jnp.clip((sums - spread) / safe, 0, 1), 1)
    return Angles(var1, var2, sin2, cos2)
