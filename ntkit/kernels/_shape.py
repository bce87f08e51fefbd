"""Layers that only rearrange."""

import math
from dataclasses import dataclass, replace

import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.kernels._arc import root
from ntkit.kernels._inputs import Inputs
from ntkit.kernels._layer import Layer, Params
from ntkit.kernels._moments import Angles, Moments, Needs
from ntkit.kernels._separate import separately


@dataclass(frozen=True)
class Identity(Layer):
    """h."""

    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments | Inputs:
        """The same."""
        return moments

    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """The same."""
        return shape

    def apply(self, params: Params, x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The same."""
        return x


@dataclass(frozen=True)
class Flatten(Layer):
    """All pixels and channels in one vector.

    Kernels: K -> mean over p of K(p, p), and T in the same way; pairs of different pixels are not needed.
    """

    def needs(self, after: Needs) -> Needs:
        """Only equal pixels."""
        return Needs(angles=after.angles)

    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments | Inputs:
        """From the moments of the layer's inputs to those of its outputs."""
        if isinstance(moments, Inputs):
            return moments.flat()
        axes = tuple(range(moments.space))
        mean = separately(jnp.mean, axes)
        flat = replace(moments, space=0, ntk=mean(moments.ntk))
        if moments.covariance is not None or not after.angles:
            return replace(flat, covariance=mean(moments.nngp), var1=None, var2=None, sin2=None, cos2=None)
        return flat.with_angles(_mean_angles(moments.angles, axes), flat.ntk)

    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """One axis."""
        return (math.prod(shape),)

    def apply(self, params: Params, x: Float[Array, "n ..."]) -> Float[Array, "n d"]:
        """The layer's outputs."""
        return x.reshape(len(x), -1)


def _mean_angles(angles: Angles, axes: tuple[int, ...]) -> Angles:
    """Angles of vectors of all pixels, from squared distances and sums, which are linear."""
    spread = (root(angles.var1) - root(angles.var2)) ** 2
    var1, var2 = jnp.mean(angles.var1, axes), jnp.mean(angles.var2, axes)
    outside = (root(var1) - root(var2)) ** 2
    below, above = (
        None if part is None else jnp.maximum(jnp.mean(4 * angles.norms * part + spread, axes) - outside, 0) / 2
        for part in (angles.sin2, angles.cos2)
    )
    assert below is not None
    keep = Angles(var1, var2, jnp.zeros_like(below), None)
    return keep.with_gaps(var1, var2, below, above)
