"""Activations that are linear, or constant, on either side of zero."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.kernels._activation import Activation
from ntkit.kernels._arc import angle, angle_and_segment
from ntkit.kernels._moments import Angles


@dataclass(frozen=True)
class Relu(Activation):
    """max(0, h). Must follow a layer with weights.

    Kernels, with s = sqrt(K(x,x) K(z,z)) and the angle t = arccos(K(x,z) / s):
    K -> s (sin t + (pi - t) cos t) / (2 pi), T -> T (pi - t) / (2 pi).

    Source: Cho and Saul (2009), arc-cosine kernels of order 1 and 0, each times 1/2.
    """

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        return _kinked(angles, 0.0)

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jax.nn.relu(h)


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """h for h >= 0, slope * h below. Must follow a layer with weights.

    With a = slope: (1 + a) / 2 h + (1 - a) / 2 |h|, whose two parts are uncorrelated; see `Abs`.

    Raises:
        ValueError: slope is not a finite number.
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        if not math.isfinite(self.slope):
            raise ValueError(f"slope must be a finite number, got {self.slope!r}")

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        return _kinked(angles, self.slope)

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jnp.where(h >= 0, h, self.slope * h)


@dataclass(frozen=True)
class Abs(Activation):
    """|h|. Must follow a layer with weights.

    Kernels: K -> 2 s (sin t + (pi/2 - t) cos t) / pi, T -> T (1 - 2 t / pi), with s and t as for `Relu`.
    """

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        return _kinked(angles, -1.0)

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jnp.abs(h)


@dataclass(frozen=True)
class Step(Activation):
    """1 for h > 0, else 0. Must follow a layer with weights.

    Kernels, with the angle t as for `Relu`: K -> (pi - t) / (2 pi), T -> 0 (the derivative is 0 almost everywhere).

    Source: Cho and Saul (2009), arc-cosine kernel of order 0, times 1/2.
    """

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        small, turned = _small_angle(angles)
        sin2 = jnp.where(turned, 0.5 - small / (2 * jnp.pi), small / (2 * jnp.pi))
        var1, var2 = (jnp.where(var > 0, 0.5, 0.0).astype(var.dtype) for var in (angles.var1, angles.var2))
        return Angles(var1, var2, sin2, None), jnp.zeros_like(sin2)

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return (h > 0).astype(h.dtype)


@dataclass(frozen=True)
class Sign(Activation):
    """1 for h > 0, -1 for h < 0, else 0. Must follow a layer with weights.

    Kernels, with the angle t as for `Relu`: K -> 1 - 2 t / pi, T -> 0 (the derivative is 0 almost everywhere).
    """

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        small, turned = _small_angle(angles)
        near, far = small / jnp.pi, 1 - small / jnp.pi
        var1, var2 = (jnp.where(var > 0, 1.0, 0.0).astype(var.dtype) for var in (angles.var1, angles.var2))
        return Angles(var1, var2, jnp.where(turned, far, near), jnp.where(turned, near, far)), jnp.zeros_like(near)

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jnp.sign(h)


def _small_angle(angles: Angles) -> tuple[Array, Array]:
    """The angle t or pi - t, whichever is at most pi / 2, and whether it is the latter."""
    sin2, cos2 = angles.both
    turned = sin2 > cos2
    return angle(jnp.minimum(sin2, cos2)), turned


def _kinked(angles: Angles, slope: float) -> tuple[Angles, Float[Array, "..."]]:
    """The function a h + b |h|, a, b = (1 + slope) / 2, (1 - slope) / 2: variances are multiplied by v = a^2 + b^2.

    Correlations u become (a^2 u + b^2 u') / v, where u' is that of |h|: with q = sin^2(t / 2), m = min(q, 1 - q) and the
    area F(m) = (sin t - t cos t) / (2 pi), (1 - u') / 2 = m - 2 F(m). The derivative dual of |h| is 1 - 2 t / pi.
    """
    a2, b2 = ((1 + slope) / 2) ** 2, ((1 - slope) / 2) ** 2
    v = a2 + b2
    odd, even = a2 / v, b2 / v
    var1, var2 = v * angles.var1, v * angles.var2
    if angles.cos2 is None:
        small, area = angle_and_segment(angles.sin2)
        return Angles(var1, var2, angles.sin2 - 2 * even * area, None), v - small * (2 * b2 / jnp.pi)
    turned = angles.sin2 > angles.cos2
    less = jnp.minimum(angles.sin2, angles.cos2)
    small, area = angle_and_segment(less)
    folded = less - 2 * area
    sin2 = odd * angles.sin2 + even * folded
    if a2 == b2:  # ReLU: the lines above, without rounding of sin2 + cos2
        sin2 = jnp.where(turned, 0.5 - area, angles.sin2 - area)
    cos2 = None if b2 >= a2 else odd * angles.cos2 + even * (1 - folded)
    turn = small * (2 * b2 / jnp.pi)
    return Angles(var1, var2, sin2, cos2), jnp.where(turned, a2 - b2 + turn, v - turn)
