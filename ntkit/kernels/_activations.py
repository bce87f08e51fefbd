"""Activations whose Gaussian expectations have closed forms."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._layer import Layer
from ntkit.kernels._moments import Moments


@dataclass(frozen=True)
class Relu(Layer):
    """max(0, h). Must follow a dense layer.

    Kernels, with s = sqrt(K(x,x) K(z,z)) and the angle t = arccos(K(x,z) / s):
    K -> s (sin t + (pi - t) cos t) / (2 pi), T -> T (pi - t) / (2 pi).

    Source: Cho and Saul (2009), arc-cosine kernels of order 1 and 0, each times 1/2.
    """

    dense: ClassVar = False

    def propagate(self, moments: Moments) -> Moments:
        """From the moments of the layer's inputs to those of its outputs."""
        sin_half, cos_half = jnp.sqrt(moments.sin2), jnp.sqrt(moments.cos2)
        angle, rest = 2 * jnp.arctan2(sin_half, cos_half), 2 * jnp.arctan2(cos_half, sin_half)  # rest = pi - angle
        sin, cos = 2 * sin_half * cos_half, moments.cos2 - moments.sin2
        return Moments(
            var1=moments.var1 / 2,
            var2=moments.var2 / 2,
            # (1 - u) / 2 of the new correlation u = (sin + rest cos) / pi, written so that small angles keep digits.
            sin2=moments.sin2 - (sin - angle * cos) / (2 * jnp.pi),
            cos2=0.5 + (sin + rest * cos) / (2 * jnp.pi),
            ntk=moments.ntk * rest / (2 * jnp.pi),
        )

    def init(self, key: PRNGKeyArray, fan_in: int, fan_out: int, dtype: DTypeLike) -> tuple[()]:
        """Nothing to draw."""
        return ()

    def apply(self, params: tuple[()], x: Float[Array, "n fan_in"]) -> Float[Array, "n fan_in"]:
        """The layer's outputs."""
        return jax.nn.relu(x)


@dataclass(frozen=True)
class Erf(Layer):
    """erf(h), the Gaussian error function. Must follow a dense layer.

    Kernels, with D = (1 + 2 K(x,x)) (1 + 2 K(z,z)):
    K -> 2/pi arcsin(2 K(x,z) / sqrt(D)), T -> T 4/pi / sqrt(D - 4 K(x,z)^2).

    Accurate to rounding. In a *later* `Relu`, inputs that are almost parallel and of almost, but not exactly, equal
    norms are known to the square root of rounding only.

    Source: Williams (1997), the arcsine kernel.
    """

    dense: ClassVar = False

    def propagate(self, moments: Moments) -> Moments:
        """From the moments of the layer's inputs to those of its outputs."""
        var1, var2, norms = moments.var1, moments.var2, moments.norms
        # With y^2 = D - 4 K^2 and y0 its value at angle 0: K -> 2/pi arctan(2 K / y), all sums of positive terms.
        y0_squared = 1 + 2 * (var1[:, None] + var2[None, :])
        extra = (4 * norms) ** 2 * moments.sin2 * moments.cos2
        y0, y = jnp.sqrt(y0_squared), jnp.sqrt(y0_squared + extra)
        out = moments._replace(var1=_erf_variance(var1), var2=_erf_variance(var2), ntk=moments.ntk * (4 / jnp.pi) / y)
        parallel = 2 / jnp.pi * jnp.arctan2(2 * norms, y0)  # the new covariance if the angle were 0
        # Cauchy-Schwarz makes this >= 0, and 0 for equal variances; rounding would turn 0 into an angle of 1e-8.
        spread = jnp.where(var1[:, None] == var2[None, :], 0.0, jnp.maximum(out.norms - parallel, 0.0))

        def gap(part: Float[Array, "n m"], cos: Float[Array, "n m"]) -> Float[Array, "n m"]:
            """Parallel covariance minus the new one, as one angle, from the subtraction theorem of the tangent."""
            sine = 2 * norms * (2 * part * y0 + extra / (y + y0))
            return 2 / jnp.pi * jnp.arctan2(sine, y * y0 + 4 * norms**2 * cos)

        cos = moments.cos2 - moments.sin2
        return out.with_gaps(spread + gap(moments.sin2, cos), spread + gap(moments.cos2, -cos))

    def init(self, key: PRNGKeyArray, fan_in: int, fan_out: int, dtype: DTypeLike) -> tuple[()]:
        """Nothing to draw."""
        return ()

    def apply(self, params: tuple[()], x: Float[Array, "n fan_in"]) -> Float[Array, "n fan_in"]:
        """The layer's outputs."""
        return jax.lax.erf(x)


def _erf_variance(var: Float[Array, " n"]) -> Float[Array, " n"]:
    return 2 / jnp.pi * jnp.arctan2(2 * var, jnp.sqrt(1 + 4 * var))
