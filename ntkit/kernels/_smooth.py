"""Smooth activations whose Gaussian expectations have closed forms.

Each covariance E phi(h) phi(h') is a function kappa of k = K(x,z), at fixed variances. Angles come from two differences
without cancellation: from sqrt(K'(x,x) K'(z,z)) to kappa at angle 0 (zero for equal variances), and from there to kappa(k).
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.kernels._activation import Activation
from ntkit.kernels._arc import root
from ntkit.kernels._moments import Angles


@dataclass(frozen=True)
class Erf(Activation):
    """erf(h), the Gaussian error function. Must follow a layer with weights.

    Kernels, with D = (1 + 2 K(x,x)) (1 + 2 K(z,z)):
    K -> 2/pi arcsin(2 K(x,z) / sqrt(D)), T -> T 4/pi / sqrt(D - 4 K(x,z)^2).

    Accurate to rounding. In a *later* `Relu`, inputs that are almost parallel and of almost, but not exactly, equal
    norms are known to the square root of rounding only; so for all activations of this kind.

    Source: Williams (1997), the arcsine kernel.
    """

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        var1, var2, norms = angles.var1, angles.var2, angles.norms
        sin2, cos2 = angles.both
        # With y^2 = D - 4 K^2 and y0 its value at angle 0: K -> 2/pi arctan(2 K / y), all sums of positive terms.
        y0_squared = 1 + 2 * (var1 + var2)
        extra = (4 * norms) ** 2 * sin2 * cos2
        y0, y = jnp.sqrt(y0_squared), jnp.sqrt(y0_squared + extra)
        parallel = 2 / jnp.pi * jnp.arctan2(2 * norms, y0)  # the new covariance if the angle were 0

        def gap(part: Array, cosine: Array) -> Array:
            """Parallel covariance minus the new one, as one angle, from the subtraction theorem of the tangent."""
            sine = 2 * norms * (2 * part * y0 + extra / (y + y0))
            return 2 / jnp.pi * jnp.arctan2(sine, y * y0 + 4 * norms**2 * cosine)

        cosine = cos2 - sin2
        above = None if angles.cos2 is None else gap(cos2, -cosine)
        out = _from_drops(angles, _erf_variance(var1), _erf_variance(var2), parallel, gap(sin2, cosine), above)
        return out, (4 / jnp.pi) / y

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jax.lax.erf(h)


@dataclass(frozen=True)
class Gelu(Activation):
    """h Phi(h) with the normal distribution function Phi (exact, not the approximation by tanh). Must follow weights.

    Kernels, with A = 1 + K(x,x), B = 1 + K(z,z), k = K(x,z), y = sqrt(A B - k^2):
    K -> k / 4 + k arcsin(k / sqrt(A B)) / (2 pi) + (K(x,x) K(z,z) + k^2 (1 / A + 1 / B - 1)) / (2 pi y); T is multiplied by the
    derivative of that in k.

    Source: Stein's identity applied to E h h' 1{h > e} 1{h' > e'}, e and e' standard normal; Tsuchida et al. (2021).
    """

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        var1, var2, norms = angles.var1, angles.var2, angles.norms
        sin2 = angles.sin2
        straight, bent = _gelu_covariance(var1, var2, norms, 0.0), _gelu_covariance(var1, var2, norms, sin2)
        # Close to angle 0 the difference is the integral of the derivative over k, by four nodes: the nearest singularity,
        # k = sqrt(A B), lies 1 or more beyond, 32 times the length of the path. Farther away nothing cancels.
        nodes, weights = np.polynomial.legendre.leggauss(4)
        close = 64 * norms * sin2 < 1
        part = jnp.where(close, sin2, 0)
        slopes = sum(
            float(w) / 2 * _gelu_slope(var1, var2, norms, part * ((1 + float(x)) / 2))
            for x, w in zip(nodes, weights, strict=True)
        )
        drop = jnp.where(close, 2 * norms * part * slopes, straight - bent)
        out = _from_drops(angles, _gelu_variance(var1), _gelu_variance(var2), straight, drop, None)
        return out._replace(cos2=1 - out.sin2), _gelu_slope(var1, var2, norms, sin2)

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jax.nn.gelu(h, approximate=False)


@dataclass(frozen=True)
class Sin(Activation):
    """sin(h). Must follow a layer with weights.

    Kernels, with e = exp(-(K(x,x) + K(z,z)) / 2): K -> e sinh K, T -> T e cosh K.
    """

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        spread, near, far = _waves(angles)
        parallel = spread * -jnp.expm1(-2 * angles.norms) / 2
        below = spread * (2 - far) * near / 2
        above = None if angles.cos2 is None else spread * (2 - near) * far / 2
        var1, var2 = -jnp.expm1(-2 * angles.var1) / 2, -jnp.expm1(-2 * angles.var2) / 2
        out = _from_drops(angles, var1, var2, parallel, below, above)
        return out, spread * (2 - near - far) / 2

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jnp.sin(h)


@dataclass(frozen=True)
class Cos(Activation):
    """cos(h). Must follow a layer with weights.

    Kernels, with e = exp(-(K(x,x) + K(z,z)) / 2): K -> e cosh K, T -> T e sinh K.
    """

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        spread, near, far = _waves(angles)
        parallel = spread * (1 + jnp.exp(-2 * angles.norms)) / 2
        variances = [(1 + jnp.exp(-2 * var)) / 2 for var in (angles.var1, angles.var2)]
        out = _from_drops(angles, variances[0], variances[1], parallel, spread * near * far / 2, None)
        return out, spread * (far - near) / 2

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jnp.cos(h)


@dataclass(frozen=True)
class Exp(Activation):
    """exp(h - 1), the normalised Gaussian kernel. Must follow a layer with weights.

    Kernels: K -> exp(K(x,z) + (K(x,x) + K(z,z)) / 2 - 2), and T is multiplied by the same. For variances 1 that is
    exp(-E (h - h')^2 / 2).
    """

    def dual(self, angles: Angles) -> tuple[Angles, Float[Array, "..."]]:
        """Moments of the outputs, and the derivative dual."""
        difference = (root(angles.var1) - root(angles.var2)) ** 2
        norms = jnp.exp(angles.var1 + angles.var2 - 2)
        close = jnp.exp(-2 * angles.norms * angles.sin2 - difference / 2)
        below = norms * -jnp.expm1(-2 * angles.norms * angles.sin2 - difference / 2)
        out = angles.with_gaps(jnp.exp(2 * angles.var1 - 2), jnp.exp(2 * angles.var2 - 2), below, None)
        return out, norms * close

    def __call__(self, h: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jnp.exp(h - 1)


def _from_drops(angles: Angles, var1: Array, var2: Array, parallel: Array, below: Array, above: Array | None) -> Angles:
    """Angles from variances, the covariance at angle 0, and from there the way down, and up if it is known."""
    # Cauchy-Schwarz makes this >= 0, and 0 for equal variances; rounding would turn 0 into an angle of 1e-8.
    spread = jnp.where(angles.same, 0.0, jnp.maximum(root(var1) * root(var2) - parallel, 0.0))
    return angles.with_gaps(var1, var2, spread + below, None if above is None else spread + above)


def _waves(angles: Angles) -> tuple[Array, Array, Array]:
    """exp(-(difference of standard deviations)^2 / 2), and 1 - exp(-2 s sin2), 1 - exp(-2 s cos2) with s their product."""
    sin2, cos2 = angles.both
    spread = jnp.exp(-((root(angles.var1) - root(angles.var2)) ** 2) / 2)
    return spread, -jnp.expm1(-2 * angles.norms * sin2), -jnp.expm1(-2 * angles.norms * cos2)


def _erf_variance(var: Array) -> Array:
    return 2 / jnp.pi * jnp.arctan2(2 * var, jnp.sqrt(1 + 4 * var))


def _gelu_variance(var: Array) -> Array:
    y = jnp.sqrt(1 + 2 * var)
    return var / 4 + (var * jnp.arctan2(var, y) + 2 * var**2 / ((1 + var) * y)) / (2 * jnp.pi)


def _gelu_parts(var1: Array, var2: Array, norms: Array, sin2: Array | float) -> tuple[Array, Array, Array, Array]:
    """k, y, the fraction's numerator, and half its derivative in k."""
    k = norms * (1 - 2 * sin2)
    y = jnp.sqrt(1 + var1 + var2 + 4 * norms**2 * sin2 * (1 - sin2))
    factor = 1 / (1 + var1) + 1 / (1 + var2) - 1
    return k, y, var1 * var2 + k**2 * factor, k * factor


def _gelu_covariance(var1: Array, var2: Array, norms: Array, sin2: Array | float) -> Array:
    k, y, top, _ = _gelu_parts(var1, var2, norms, sin2)
    return k / 4 + (k * jnp.arctan2(k, y) + top / y) / (2 * jnp.pi)


def _gelu_slope(var1: Array, var2: Array, norms: Array, sin2: Array | float) -> Array:
    k, y, top, half = _gelu_parts(var1, var2, norms, sin2)
    return 0.25 + (jnp.arctan2(k, y) + k / y + 2 * half / y + top * k / y**3) / (2 * jnp.pi)
