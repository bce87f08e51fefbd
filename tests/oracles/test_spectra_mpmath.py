"""Eigenvalues on spheres against quadrature in 40 digits, with textbook recurrences that rounding could not spoil there."""

from functools import lru_cache

import mpmath as mp
import numpy as np
import pytest

from ntkit.kernels import ArcCosine, Dense, Gaussian, Laplace, Relu, serial
from ntkit.spectra import distance_power, funk_hecke, gegenbauer

DEGREES = [0, 1, 2, 3, 8, 21, 40]


def arc_cosine_1(u):
    return (u * (mp.pi - mp.acos(u)) + mp.sqrt(1 - u**2)) / mp.pi


def two_hidden_ntk(theta):
    u = mp.cos(theta)
    s1 = arc_cosine_1(u)
    t1 = u * (mp.pi - theta) / mp.pi + s1
    return t1 * (mp.pi - mp.acos(s1)) / mp.pi + arc_cosine_1(s1)


def network(theta):
    net = serial(Dense(), Relu(), Dense(2**0.5), Relu(), Dense(2**0.5))
    return net.ntk(np.array([[2**0.5, 0.0]]), 2**0.5 * np.stack([np.cos(theta), np.sin(theta)], axis=1))[0]


KERNELS = {
    "ntk of two hidden layers": (network, two_hidden_ntk),
    "laplace": (Laplace(1.0).of_angle, lambda theta: mp.exp(-2 * mp.sin(theta / 2))),
    "gaussian": (Gaussian(0.5).of_angle, lambda theta: mp.exp(-8 * mp.sin(theta / 2) ** 2)),
    "arc-cosine of order 1": (ArcCosine(1).of_angle, lambda theta: arc_cosine_1(mp.cos(theta))),
}


def polynomial(dim, degree, t):
    """P_k(t) by the three-term recurrence."""
    before, value = mp.mpf(1), t
    if degree == 0:
        return before
    for k in range(1, degree):
        before, value = value, ((2 * k + dim - 2) * t * value - k * before) / (k + dim - 2)
    return value


@lru_cache
def rule():
    """Gauss-Legendre quadrature of 120 nodes on [0, pi] in 40 digits, by Newton steps from double precision."""
    out = []
    for node in map(mp.mpf, np.polynomial.legendre.leggauss(120)[0].tolist()):
        for _ in range(2):  # 16 digits, 32, 64
            node -= polynomial(3, 120, node) / slope(node)
        out.append((mp.pi / 2 * (1 + node), 2 / ((1 - node**2) * slope(node) ** 2)))
    assert abs(mp.fsum(weight for _, weight in out) - 2) < mp.mpf(10) ** -35
    return out


def slope(t):
    """P_120'(t) of dimension 3."""
    return 120 * (polynomial(3, 119, t) - t * polynomial(3, 120, t)) / (1 - t**2)


def eigenvalues(function, dim):
    """All degrees at once, since the nodes are the same."""
    measure = [weight * mp.sin(theta) ** (dim - 2) for theta, weight in rule()]
    values = [function(theta) * m / mp.fsum(measure) for (theta, _), m in zip(rule(), measure, strict=True)]
    return [mp.fsum(v * polynomial(dim, k, mp.cos(t)) for v, (t, _) in zip(values, rule(), strict=True)) for k in DEGREES]


@pytest.mark.parametrize("dim", [2, 5, 10])
@pytest.mark.parametrize("name", KERNELS)
def test_eigenvalues_are_as_exact_as_they_say(name, dim):
    ours, exact = KERNELS[name]
    spectrum = funk_hecke(ours, dim, DEGREES)
    with mp.workdps(40):
        wanted = eigenvalues(exact, dim)
        errors = np.array([float(abs(mp.mpf(float(e)) - w)) for e, w in zip(spectrum.eigenvalues, wanted, strict=True)])
    assert (errors <= spectrum.errors).all()
    assert (spectrum.errors <= 1e-12).all(), "nor do they say much more than the truth"


@pytest.mark.parametrize("dim", [2, 3, 5, 30])
def test_polynomials_are_exact_to_rounding(dim):
    angles = np.array([1e-3, 0.1, 1.5, 1.6, 3.0, 3.1415])
    got = gegenbauer(dim, [1, 30, 200], angles)
    with mp.workdps(40):
        for row, k in zip(got, [1, 30, 200], strict=True):
            exact = [polynomial(dim, k, mp.cos(mp.mpf(theta))) for theta in angles.tolist()]
            error = max(abs(mp.mpf(float(v)) - e) for v, e in zip(row, exact, strict=True))
            assert error < (k if dim == 2 else 20) * np.finfo(float).eps


@pytest.mark.parametrize(("dim", "power"), [(2, 1.0), (3, 0.5), (10, 3.0), (30, 1.0)])
def test_powers_of_the_distance_have_the_eigenvalues_of_the_gamma_functions(dim, power):
    degrees = [0, 1, 2, 50, 400]
    got = distance_power(dim, degrees, power)
    with mp.workdps(40):
        d, s = mp.mpf(dim), mp.mpf(power)
        front = 2 ** (d - 2 + s) * mp.gamma(d / 2) * mp.gamma((d - 1 + s) / 2) / mp.sqrt(mp.pi) / mp.gamma(-s / 2)
        exact = [float(front * mp.gamma(k - s / 2) / mp.gamma(k + d - 1 + s / 2)) for k in degrees]
    np.testing.assert_allclose(got, exact, rtol=5e-14)
