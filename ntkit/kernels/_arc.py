"""Two functions of an angle t in [0, pi/2], given q = sin^2(t / 2): what every kinked activation is made of.

Both are sqrt(q) times a power series in q with positive coefficients, so that small angles keep all their digits; on
q <= 1/2 a polynomial reaches rounding.
"""

import math
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_DEGREES = {"float32": 8, "float64": 20}  # truncation error 5.8^-(degree + 1): below half a unit of rounding
_TERMS = 64  # of the power series at q <= 1/2


@jax.jit
def angle(q: Float[Array, "..."]) -> Float[Array, "..."]:
    """Angle t = 2 arcsin(sqrt(q)) for q in [0, 1/2]; the derivative at q = 0, which is infinite, is taken as 0."""
    return root(q) * _polynomial(_coefficients(str(q.dtype), 0), q)


@jax.jit
def angle_and_segment(q: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Angle t, and the area (sin t - t cos t) / (2 pi), for q in [0, 1/2]."""
    half_sine = root(q)
    dtype = str(q.dtype)
    return half_sine * _polynomial(_coefficients(dtype, 0), q), half_sine * q * _polynomial(_coefficients(dtype, 1), q)


@jax.custom_jvp
def root(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Square root of x >= 0 whose derivative at 0 is taken as 0: where two inputs coincide, kernels stay differentiable."""
    return jnp.sqrt(x)


@root.defjvp
def _root_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    value = root(x)
    return value, jnp.where(x > 0, dx / (2 * jnp.where(x > 0, value, 1)), 0)


def _polynomial(coefficients: tuple[float, ...], q: Float[Array, "..."]) -> Float[Array, "..."]:
    """Horner's scheme in x = 4 q - 1, which runs from -1 to 1."""
    x = 4 * q - 1
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


@lru_cache
def _coefficients(dtype: str, which: int) -> tuple[float, ...]:
    """Chebyshev interpolation of one of the two power series divided by sqrt(q) and by q^(3/2), as a polynomial in 4 q - 1.

    2 arcsin(s) = s sum h_n q^n with h_n = 2 binom(2n, n) / (4^n (2n + 1)); the area is the integral of t / pi over q.
    """
    degree = _DEGREES[dtype]
    series = [2 * math.comb(2 * n, n) / (4**n * (2 * n + 1)) for n in range(_TERMS)]
    if which == 1:
        series = [h / (math.pi * (n + 1.5)) for n, h in enumerate(series)]
    points = np.cos((np.arange(degree + 1) + 0.5) * np.pi / (degree + 1))
    values = [math.fsum(h * ((x + 1) / 4) ** n for n, h in enumerate(series)) for x in points]
    chebyshev = np.polynomial.chebyshev.chebfit(points, values, degree)
    return tuple(float(c) for c in np.polynomial.chebyshev.cheb2poly(chebyshev))
