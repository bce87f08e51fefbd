"""Duals of all activations: textbook formulas against their integrals, ours against both, and how many digits ours keep."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from ntkit.kernels import (
    Abs,
    Cos,
    Elementwise,
    Erf,
    Exp,
    Gelu,
    Hermite,
    LeakyRelu,
    Polynomial,
    Relu,
    Sign,
    Sin,
    Step,
)
from ntkit.kernels._moments import Angles
from tests.oracles import reference

KINKED = (Relu(), LeakyRelu(0.3), LeakyRelu(-0.4), Abs(), Step(), Sign())
SMOOTH = (Erf(), Gelu(), Sin(), Cos(), Exp(), Hermite(0), Hermite(1), Hermite(4), Polynomial((0.3, -1.0, 0.5, 0.2)))
PLACES = ((0.6, 0.9, 0.3), (1.0, 1.0, -0.3), (0.2, 0.9, 0.0))  # both variances, and the correlation


def function(layer):
    """The activation and its derivative in mpmath."""
    if isinstance(layer, Polynomial | Hermite):
        terms = [mp.mpf(c) for c in (layer.terms if isinstance(layer, Polynomial) else layer.polynomial.terms)]
        return (lambda h: mp.polyval(terms[::-1], h)), (lambda h: mp.polyval([i * c for i, c in enumerate(terms)][:0:-1], h))
    return {
        Erf: (mp.erf, lambda h: 2 / mp.sqrt(mp.pi) * mp.exp(-(h**2))),
        Gelu: (lambda h: h * mp.ncdf(h), lambda h: mp.ncdf(h) + h * mp.npdf(h)),
        Sin: (mp.sin, mp.cos),
        Cos: (mp.cos, lambda h: -mp.sin(h)),
        Exp: (lambda h: mp.exp(h - 1), lambda h: mp.exp(h - 1)),
    }[type(layer)]


def slopes_at_kink(layer):
    """phi = low h below 0 and high h above; for steps, the two values."""
    low = {Relu: 0, Abs: -1, Step: 0, Sign: -1}
    return mp.mpf(low.get(type(layer), getattr(layer, "slope", 0))), mp.mpf(1)


@pytest.mark.parametrize("layer", KINKED, ids=str)
def test_textbook_duals_of_kinked_activations_are_their_integrals(layer):
    """In polar coordinates: the radius integrates to a moment, and the angle is left, piece by piece between the kinks."""
    low, high = slopes_at_kink(layer)
    step = isinstance(layer, Step | Sign)
    with mp.workdps(60):
        for a, b, rho in [tuple(map(mp.mpf, place)) for place in PLACES]:
            t = mp.acos(rho)
            kinks = sorted([-mp.pi / 2, t - mp.pi / 2, mp.pi / 2, t + mp.pi / 2])
            pieces = list(zip(kinks, [*kinks[1:], kinks[0] + 2 * mp.pi], strict=True))

            def piecewise(c):
                return (low if c < 0 else high) * (1 if step else c)

            def integral(f):
                # Between the kinks these are trigonometric polynomials: Gauss-Legendre is exact to rounding.
                return mp.fsum(mp.quad(f, piece, method="gauss-legendre") for piece in pieces)  # noqa: B023

            value = integral(lambda phi: piecewise(mp.cos(phi)) * piecewise(mp.cos(phi - t)))  # noqa: B023
            slope = integral(lambda phi: (low, high)[mp.cos(phi) >= 0] * (low, high)[mp.cos(phi - t) >= 0])  # noqa: B023
            expected = reference.dual(layer, a, b, rho * mp.sqrt(a * b))
            # The mean of r^2 is 2; of r^0, 1.
            value = value / (2 * mp.pi) if step else value * mp.sqrt(a * b) / mp.pi
            assert abs(expected[0] - value) < mp.mpf(10) ** -50
            assert abs(expected[1] - (0 if step else slope / (2 * mp.pi))) < mp.mpf(10) ** -50


@pytest.mark.parametrize("layer", SMOOTH, ids=str)
def test_textbook_duals_of_smooth_activations_are_their_integrals(layer):
    """By Mehler's series; its coefficients by the trapezoidal rule, whose error for these is exp(-2 pi^2 / (3 h^2)) or less."""
    step, terms = mp.mpf("0.2"), 110
    with mp.workdps(70):
        points = [i * step for i in range(-90, 91)]
        basis = [[mp.npdf(x) * step for x in points], [mp.npdf(x) * step * x for x in points]]
        for j in range(1, terms - 1):
            one, two = mp.sqrt(mp.mpf(1) / (j + 1)), mp.sqrt(mp.mpf(j) / (j + 1))
            basis.append([one * x * p - two * q for x, p, q in zip(points, basis[j], basis[j - 1], strict=True)])

        def coefficients(f, var):
            values = [f(mp.sqrt(var) * x) for x in points]
            return [mp.fdot(row, values) for row in basis]

        for a, b, rho in [tuple(map(mp.mpf, place)) for place in PLACES]:
            expected = reference.dual(layer, a, b, rho * mp.sqrt(a * b))
            for f, value in zip(function(layer), expected, strict=True):
                first, second = coefficients(f, a), coefficients(f, b)
                series = mp.fsum(c * d * rho**j for j, (c, d) in enumerate(zip(first, second, strict=True)))
                assert abs(series - value) < mp.mpf(10) ** -50


@pytest.mark.parametrize("layer", [*SMOOTH, Elementwise(jnp.sin)], ids=lambda layer: type(layer).__name__)
def test_duals_of_smooth_activations_are_integrals_of_the_function_itself(layer):
    """Gauss-Hermite quadrature in two dimensions of what the finite network computes: 64 nodes reach 1e-12 up to variance 1."""
    points, weights = np.polynomial.hermite_e.hermegauss(64)
    weights = np.outer(weights, weights) / weights.sum() ** 2
    derivative = jax.vmap(jax.grad(layer))
    for a, b, rho in PLACES:
        h = np.sqrt(a) * np.repeat(points, 64)
        z = np.sqrt(b) * (rho * np.repeat(points, 64) + np.sqrt(1 - rho**2) * np.tile(points, 64))
        out, slope = layer.dual(angles(np.array([a]), np.array([b]), np.array([(1 - rho) / 2])))
        for f, value in ((layer, out.norms * out.cosine), (derivative, slope)):
            expected = (weights.ravel() * f(jnp.asarray(h)) * f(jnp.asarray(z))).sum()
            np.testing.assert_allclose(value[0], expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("layer", KINKED, ids=str)
def test_duals_of_kinked_activations_are_integrals_of_the_function_itself(layer):
    """Polar coordinates again, by midpoints: each of the four kinks costs 1/n at most, for functions of size 1."""
    n = 40_000
    phi = (np.arange(n) + 0.5) * 2 * np.pi / n
    degree = 0 if isinstance(layer, Step | Sign) else 1
    derivative = jax.vmap(jax.grad(layer))
    for a, b, rho in PLACES:
        first, second = jnp.asarray(np.cos(phi)), jnp.asarray(np.cos(phi - np.arccos(rho)))
        out, slope = layer.dual(angles(np.array([a]), np.array([b]), np.array([(1 - rho) / 2])))
        expected = float((layer(first) * layer(second)).mean()) * (2 * np.sqrt(a * b)) ** degree
        np.testing.assert_allclose(float(out.norms[0] * out.cosine[0]), expected, rtol=0, atol=4 / n)
        expected = float((derivative(first) * derivative(second)).mean())
        np.testing.assert_allclose(float(slope[0]), expected, rtol=0, atol=4 / n)


def angles(var1, var2, sin2):
    return Angles(*(jnp.asarray(v) for v in (var1, var2, sin2, 1 - sin2)))


CORRELATIONS = 1 - np.geomspace(0.1, 1e-7, 7)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layer", [*KINKED, *SMOOTH[:5], *SMOOTH[6:]], ids=str)
def test_close_inputs_keep_their_digits(layer, dtype):
    """Relative error of 1 - rho behind the activation, and of the derivative dual, for rho from 0.9 to 1 - 1e-7.

    Measured in units of epsilon, 1 - rho and derivative dual, with equal variances 1.3:

                       float64      float32                       float64      float32
        Relu          0.4  0.3     0.4  0.2       Gelu           8.0  1.0     2.1  0.5
        LeakyRelu     0.8  0.8     1.0  0.7       Sin            1.7  1.0     1.4  0.7
        Abs           0.4  0.3     0.5  0.4       Cos            1.4  0.7     1.5  0.5
        Step, Sign    0.7          0.9            Exp            1.4  0.5     1.4  0.4
        Erf           1.3  0.7     1.6  1.2       Hermite(4)     1.2  2.2     0.8  2.9
                                                  Polynomial     2.5  1.8     0.4  1.8

    neural-tangents, which keeps the correlation, has epsilon / (1 - rho): 1e7 of these units at the last of them.
    """
    eps = np.finfo(dtype).eps
    sin2 = ((1 - CORRELATIONS) / 2).astype(dtype)
    var = np.full_like(sin2, 1.3)
    out, slope = layer.dual(angles(var, var, sin2))
    worst = [0.0, 0.0]
    with mp.workdps(60):
        for i, s in enumerate(sin2):
            a = mp.mpf(float(var[i]))
            value, gain = reference.dual(layer, a, a, a * (1 - 2 * mp.mpf(float(s))))
            size, _ = reference.dual(layer, a, a, a)
            below = (1 - value / size) / 2
            worst[0] = max(worst[0], float(abs(mp.mpf(float(out.sin2[i])) / below - 1)) / eps)
            if gain:
                worst[1] = max(worst[1], float(abs(mp.mpf(float(slope[i])) / gain - 1)) / eps)
    assert max(worst) < 16
