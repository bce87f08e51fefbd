"""Normalisation."""

import math
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.kernels._inputs import Inputs
from ntkit.kernels._layer import Layer, Params
from ntkit.kernels._moments import Moments, Needs, everywhere


@dataclass(frozen=True)
class LayerNorm(Layer):
    """(h - mean) / sqrt(variance + epsilon), both over channels, at every pixel by itself. Must follow a layer with weights.

    Kernels: K -> K(x,z) / sqrt((K(x,x) + epsilon) (K(z,z) + epsilon)), and T in the same way: at infinite width, mean and
    variance over channels are 0 and K(x,x).

    Raises:
        ValueError: epsilon is not a number >= 0.
    """

    epsilon: float = 1e-12

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon < math.inf:
            raise ValueError(f"epsilon must be a number >= 0, got {self.epsilon!r}")

    def gaussian(self, before: bool) -> bool:
        """A fixed multiple of Gaussians is."""
        if not before:
            raise ValueError("must directly follow a layer with weights: its kernel assumes Gaussian inputs of mean zero")
        return True

    def needs(self, after: Needs) -> Needs:
        """Variances."""
        return after._replace(angles=True)

    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments:
        """From the moments of the layer's inputs to those of its outputs."""
        assert isinstance(moments, Moments)
        return everywhere(self._propagate, moments)

    def _propagate(self, moments: Moments) -> Moments:
        angles = moments.angles
        size1, size2 = angles.var1 + self.epsilon, angles.var2 + self.epsilon
        safe1, safe2 = jnp.where(size1 > 0, size1, 1), jnp.where(size2 > 0, size2, 1)
        out = angles._replace(var1=angles.var1 / safe1, var2=angles.var2 / safe2)
        return moments.with_angles(out, moments.ntk / (jnp.sqrt(safe1) * jnp.sqrt(safe2)))

    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """The same."""
        return shape

    def apply(self, params: Params, x: Float[Array, "n ... channels"]) -> Float[Array, "n ... channels"]:
        """The layer's outputs."""
        centred = x - jnp.mean(x, axis=-1, keepdims=True)
        size = jnp.mean(centred**2, axis=-1, keepdims=True) + self.epsilon
        return centred / jnp.sqrt(jnp.where(size > 0, size, 1))
