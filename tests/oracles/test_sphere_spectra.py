"""Spectra of networks on spheres against a textbook recursion in 50 digits, and against closed forms of gamma functions."""

from functools import lru_cache

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad

from ntkit.kernels import Dense, Relu, serial
from ntkit.spectra import gaussian_spectrum, sphere_spectrum, torus_spectrum, uniform_spectrum

EPSILON = np.finfo(float).eps
DEGREES = [0, 1, 2, 7, 20, 39, 40]


def relu_net(hidden):
    return serial(Dense(), *[layer for _ in range(hidden) for layer in (Relu(), Dense(2**0.5))])


def ntk(hidden, theta):
    """T_l = T_(l-1) k0(S_(l-1)) + S_l, S_l = k1(S_(l-1)), from S = T = cos theta."""
    s = t = mp.cos(theta)
    angle = theta
    for _ in range(hidden):
        s, t = (mp.sin(angle) + (mp.pi - angle) * mp.cos(angle)) / mp.pi, t * (mp.pi - angle) / mp.pi
        t += s
        angle = mp.acos(s)
    return t


@lru_cache
def exact_spectrum(hidden, dim):
    """By the tanh-sinh rule in the angle, which shares nothing with ours, and the textbook recurrence."""
    step, nodes = mp.mpf(1) / 32, []
    for i in range(-130, 131):
        u = mp.pi / 2 * mp.sinh(i * step)
        theta, weight = mp.pi / (1 + mp.exp(-2 * u)), mp.pi / 2 * mp.cosh(i * step) / mp.cosh(u) ** 2
        nodes.append((mp.cos(theta), weight * mp.sin(theta) ** (dim - 2), ntk(hidden, theta)))
    total = mp.fsum(weight for _, weight, _ in nodes)
    out = [mp.mpf(0)] * (max(DEGREES) + 1)
    for t, weight, value in nodes:
        before, now = mp.mpf(0), mp.mpf(1)
        for k in range(len(out)):
            out[k] += weight * value * now / total
            if k == 0:
                before, now = now, t
            else:
                before, now = now, ((2 * k + dim - 2) * t * now - k * before) / (k + dim - 2)
    return out


@pytest.mark.parametrize("dim", [3, 5])
def test_ten_layers_to_twelve_digits(dim):
    net = relu_net(10)
    balls, double = (sphere_spectrum(net, dim, 40, radius=dim**0.5, digits=digits) for digits in (12, None))
    with mp.workdps(50):
        exact = np.array(exact_spectrum(10, dim))[DEGREES]
        relative = [abs(float(mp.mpf(float(v)) / e - 1)) for v, e in zip(balls.eigenvalues[DEGREES], exact, strict=True)]
        absolute = [abs(float(mp.mpf(float(v)) - e)) for v, e in zip(double.eigenvalues[DEGREES], exact, strict=True)]
    assert max(relative) < 1e-13, "2**0.5 is rounded, and enters ten times"
    assert max(absolute) < 4 * EPSILON * 11


@pytest.mark.parametrize("dim", [2, 3, 5, 8])
def test_two_layers_have_their_closed_form_to_degree_200(dim):
    """T = t k0 + k1: eigenvalues of arc-cosine kernels, with the three-term recurrence for the factor t."""
    last = 200
    with mp.workdps(50):

        def arc_cosine(order, k):
            a = mp.factorial(order) * mp.gamma(mp.mpf(dim) / 2) / 2 ** (order + 1)
            a *= mp.rgamma(mp.mpf(order - k) / 2 + 1) * mp.rgamma(mp.mpf(order + k + dim) / 2)
            return 2 * mp.rf(mp.mpf(dim) / 2, order) / mp.rf(mp.mpf(1) / 2, order) * a**2

        zero = [arc_cosine(0, k) for k in range(last + 2)]
        below = [zero[1], *zero[: last + 1]]  # P_-1 = P_1 for the circle, and without weight elsewhere
        exact = [
            arc_cosine(1, k) + (zero[k + 1] if k == 0 else ((k + dim - 2) * zero[k + 1] + k * below[k]) / (2 * k + dim - 2))
            for k in range(last + 1)
        ]
        exact = np.array([float(value) for value in exact])
    balls, double = (sphere_spectrum(relu_net(1), dim, last, radius=dim**0.5, digits=digits) for digits in (12, None))
    seen = exact > 0
    np.testing.assert_allclose(balls.eigenvalues[seen], exact[seen], rtol=1e-14)
    assert (np.abs(balls.eigenvalues - exact) <= balls.errors + 1e-15 * exact).all()
    assert (np.abs(double.eigenvalues - exact) <= double.errors).all()
    assert seen.sum() == last // 2 + 2


def test_fourier_coefficients_on_the_torus_agree_with_adaptive_quadrature():
    def f(s, t):
        return np.exp(np.cos(s) + 0.5 * np.cos(t - s))

    spectrum = torus_spectrum(f, 2, 2)
    t = 2 * np.pi * np.arange(64) / 64  # the inner integral by the periodic trapezoidal rule, the outer one adaptive
    for m, n in ((0, 0), (1, 0), (1, 1), (-2, 1)):
        wanted, _ = quad(lambda s, m=m, n=n: (f(s, t) * np.cos(m * s + n * t)).mean() / (2 * np.pi), -np.pi, np.pi)
        np.testing.assert_allclose(spectrum.eigenvalues[m + 2, n + 2], wanted, rtol=0, atol=1e-13)


def test_spectra_on_the_line_agree_with_random_points():
    rng = np.random.default_rng(0)

    def kernel(x, z):
        return np.exp(-np.abs(x - z)) * (2 + np.cos(x + z))

    for spectrum, points in (
        (gaussian_spectrum(kernel, 4, nodes=400), rng.normal(size=1200)),
        (uniform_spectrum(kernel, 4), rng.uniform(-1, 1, size=1200)),
    ):
        sampled = np.linalg.eigvalsh(kernel(points[:, None], points[None, :]) / len(points))[::-1][:4]
        np.testing.assert_allclose(spectrum.eigenvalues, sampled, rtol=0.15)
