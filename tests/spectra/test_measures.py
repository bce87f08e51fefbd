"""Spectra on the circle, tori, the real line and intervals, and arc-cosine kernels in closed form."""

from math import pi

import numpy as np
import pytest
import sympy

from ntkit.kernels import ArcCosine, Laplace
from ntkit.spectra import (
    arc_cosine_eigenvalue,
    circle_spectrum,
    funk_hecke,
    gaussian_spectrum,
    multiplicity,
    sphere_spectrum,
    torus_spectrum,
    uniform_spectrum,
)

K = np.arange(21)


@pytest.mark.parametrize("points", [None, 84, 400, 4096])
def test_a_kink_on_the_circle_is_known_with_its_aliasing(points):
    spectrum = circle_spectrum(lambda t: np.exp(-np.abs(t)), 20, points=points)
    exact = (1 - (-1.0) ** K * np.exp(-pi)) / (pi * (1 + K**2))
    error = np.abs(spectrum.eigenvalues - exact)
    assert (error <= spectrum.errors).all()
    assert (spectrum.errors <= 5 * error).all()
    np.testing.assert_allclose(spectrum.ends, [1, np.exp(-pi)], rtol=1e-15)
    assert spectrum.dim == 2
    assert 0 < spectrum.missing.even + spectrum.missing.odd < 0.05


def test_smooth_kernels_on_the_circle_are_exact_to_rounding():
    spectrum = circle_spectrum(lambda t: 1 / (1.25 - np.cos(t)), 20)  # Poisson's kernel: 4/3 of 2^-k
    np.testing.assert_allclose(spectrum.eigenvalues, 4 / 3 * 0.5**K, rtol=0, atol=1e-15)
    assert spectrum.errors.max() < 1e-13
    same = funk_hecke(lambda t: 1 / (1.25 - np.cos(t)), 2, K)
    assert (np.abs(spectrum.eigenvalues - same.eigenvalues) <= spectrum.errors + same.errors).all()


def test_products_on_the_torus_have_products_as_eigenvalues():
    def product(*angles):
        return np.prod(np.broadcast_arrays(*(1 / (1.25 - np.cos(t)) for t in angles)), axis=0)

    one = circle_spectrum(product, 6)
    line = np.concatenate([one.eigenvalues[:0:-1], one.eigenvalues])
    for axes in (1, 2, 3):
        spectrum = torus_spectrum(product, axes, 6)
        wanted = line
        for _ in range(axes - 1):
            wanted = wanted[..., None] * line
        assert (np.abs(spectrum.eigenvalues - wanted) <= spectrum.errors + 1e-14 * wanted).all()
        np.testing.assert_allclose(spectrum.top, 4.0**axes, rtol=1e-15)
        np.testing.assert_allclose(spectrum.missing, 4.0**axes - line.sum() ** axes, rtol=1e-12)
        assert spectrum.resolved(1e-6).all()
        assert spectrum.frequencies.tolist() == list(range(-6, 7))


def test_kernels_that_are_even_in_all_angles_together_only():
    spectrum = torus_spectrum(lambda s, t: np.cos(s - 2 * t), 2, 2)
    wanted = np.zeros((5, 5))
    wanted[3, 0] = wanted[1, 4] = 0.5  # frequencies (1, -2) and (-1, 2)
    np.testing.assert_allclose(spectrum.eigenvalues, wanted, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("std", "width"), [(0.5, 1.0), (1.0, 1.0), (1.0, 0.3), (2.0, 0.2)])
@pytest.mark.parametrize("count", [1, 10, 40])
def test_the_gaussian_kernel_under_a_gaussian_measure_has_mehlers_spectrum(std, width, count):
    spectrum = gaussian_spectrum(lambda x, z: np.exp(-((x - z) ** 2) / (2 * width**2)), count, std=std)
    a, b = 1 / (4 * std**2), 1 / (2 * width**2)
    sum_ = a + b + np.sqrt(a**2 + 2 * a * b)
    exact = np.sqrt(2 * a / sum_) * (b / sum_) ** np.arange(count)
    assert (np.abs(spectrum.eigenvalues - exact) <= spectrum.errors).all()
    np.testing.assert_allclose(spectrum.total, 1.0, rtol=1e-13)
    if width == 1.0:
        assert spectrum.errors.max() < 1e-12
        np.testing.assert_allclose(spectrum.missing, 1 - exact.sum(), rtol=0, atol=1e-12)


def test_polynomial_kernels_under_a_gaussian_measure():
    spectrum = gaussian_spectrum(lambda x, z: (1 + x * z) ** 2, 5)  # of 1, x, x^2: 2, and 2 +- sqrt 3 from [[1, 1], [1, 3]]
    np.testing.assert_allclose(spectrum.eigenvalues, [2 + 2**0.5, 2, 2 - 2**0.5, 0, 0], rtol=0, atol=1e-12)
    assert spectrum.resolved().tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("count", [1, 12, 60])
def test_the_brownian_kernel_has_its_spectrum(count):
    spectrum = uniform_spectrum(np.minimum, count, low=0.0, high=1.0)
    exact = 1 / ((np.arange(count) + 0.5) ** 2 * pi**2)
    assert (np.abs(spectrum.eigenvalues - exact) <= spectrum.errors).all()
    assert spectrum.errors.max() < 1e-12
    np.testing.assert_allclose(spectrum.missing, 0.5 - exact.sum(), rtol=0, atol=1e-12)


def test_the_brownian_bridge_and_the_exponential_kernel():
    bridge = uniform_spectrum(lambda x, z: np.minimum(x, z) - x * z, 10, low=0.0, high=1.0)
    np.testing.assert_allclose(bridge.eigenvalues, 1 / (np.arange(1, 11) * pi) ** 2, rtol=1e-12)
    # exp(-|x - z|) on [-1, 1]: lambda = 1 / (1 + w^2) under the measure dx / 2, with tan w = 1/w or tan w = -w.
    exponential = uniform_spectrum(lambda x, z: np.exp(-np.abs(x - z)), 8)
    w = np.sqrt(1 / exponential.eigenvalues - 1)
    even, odd = w[::2], w[1::2]
    np.testing.assert_allclose(even * np.tan(even), 1, rtol=1e-9)
    np.testing.assert_allclose(np.tan(odd), -odd, rtol=1e-9)


def test_a_smooth_kernel_on_an_interval_agrees_with_legendre_polynomials():
    spectrum = uniform_spectrum(lambda x, z: 1 + 3 * x * z, 4)  # P_0 and P_1, mean of x^2 is 1/3
    np.testing.assert_allclose(spectrum.eigenvalues, [1, 1, 0, 0], rtol=0, atol=1e-13)
    assert (np.abs(spectrum.eigenvalues - [1, 1, 0, 0]) <= spectrum.errors).all()
    square = uniform_spectrum(lambda x, z: np.cos(12 * (x - z)), 6)  # two functions, cosine and sine: 1/2 +- sin(24) / 48
    wanted = np.array([0.5 + abs(np.sin(24)) / 48, 0.5 - abs(np.sin(24)) / 48, 0, 0, 0, 0])
    assert (np.abs(square.eigenvalues - wanted) <= square.errors).all()
    assert square.errors.max() < 1e-13


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("dim", [2, 3, 4, 7])
def test_arc_cosine_kernels_have_their_closed_form(order, dim):
    spectrum = sphere_spectrum(ArcCosine(order), dim, 15)
    exact = [arc_cosine_eigenvalue(order, dim, k) for k in range(16)]
    assert (np.abs(spectrum.eigenvalues - np.array(exact, dtype=float)) <= spectrum.errors).all()
    assert [k for k in range(16) if exact[k] == 0] == list(range(order + 2, 16, 2))
    partial = sum(multiplicity(dim, k) * value for k, value in enumerate(exact))
    assert partial < 1


def test_closed_forms_are_exact_and_symbolic():
    d, k = sympy.symbols("d k", positive=True)
    formula = arc_cosine_eigenvalue(1, d, k)
    for dim, degree in ((2, 1), (3, 4), (6, 1), (6, 10)):
        assert sympy.simplify(formula.subs({d: dim, k: degree}) - arc_cosine_eigenvalue(1, dim, degree)) == 0
    assert arc_cosine_eigenvalue(0, 3, 0) == sympy.Rational(1, 2)
    assert arc_cosine_eigenvalue(0, 2, 1) == 2 / sympy.pi**2
    assert arc_cosine_eigenvalue(1, 5, 1) == sympy.Rational(1, 10)  # half of linear functions, 1 / (2 d)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: circle_spectrum(np.sin, 3), r"f must be even, f\(-t\) = f\(t\), got values that differ by 2"),
        (lambda: circle_spectrum(np.cos, -1), "max_frequency must be an integer, at least 0, got -1"),
        (lambda: circle_spectrum(np.cos, 30, points=100), "points must be .* at least 4 max_frequency [+] 4 = 124, got 100"),
        (lambda: circle_spectrum(np.cos, 3, points=30), "points must be a multiple of 4 .* got 30"),
        (lambda: circle_spectrum(lambda t: 1.0, 3), r"f must return real numbers of shape \(64,\), got shape \(\)"),
        (lambda: circle_spectrum(lambda t: np.where(t == 0, np.inf, 0), 3), "f must be finite, got inf"),
        (
            lambda: torus_spectrum(lambda s, t: np.cos(s), 2, 1),
            r"f must return .* shape \(64, 64\), got .*\(64, 1\)",
        ),
        (lambda: torus_spectrum(np.cos, 0, 1), "axes must be an integer, at least 1, got 0"),
        (lambda: torus_spectrum(np.cos, 4, 40), r"points\*\*axes must be at most 2\*\*26, got 256\*\*4"),
        (lambda: gaussian_spectrum(np.minimum, 0), "count must be an integer from 1 to 500, got 0"),
        (lambda: gaussian_spectrum(np.minimum, 4, std=0.0), "std must be a positive number, got 0.0"),
        (lambda: gaussian_spectrum(np.minimum, 4, nodes=7), "nodes must be at least 4 and at least 2 count = 8, got 7"),
        (lambda: gaussian_spectrum(np.subtract, 4), r"kernel must be symmetric, k\(x, z\) = k\(z, x\)"),
        (lambda: gaussian_spectrum(lambda x, z: x, 4, nodes=8), r"kernel must return .* shape \(8, 8\), got shape \(8, 1\)"),
        (lambda: uniform_spectrum(lambda x, z: 1 / (x - x), 4), "kernel must"),
        (lambda: uniform_spectrum(np.subtract, 4), r"kernel must be symmetric, k\(x, z\) = k\(z, x\)"),
        (lambda: uniform_spectrum(np.minimum, 4, low=1.0, high=0.0), "low and high must be .* low < high, got 1.0 and 0.0"),
        (lambda: uniform_spectrum(np.minimum, 9, polynomials=17), "polynomials must be .* at least 2 count = 18, got 17"),
        (lambda: arc_cosine_eigenvalue(3, 3, 1), "order must be 0, 1 or 2, got 3"),
        (lambda: arc_cosine_eigenvalue(1, 1, 1), "dim must be an integer, at least 2 .* got 1"),
        (lambda: arc_cosine_eigenvalue(1, 3, -1), "degrees must be at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
        call()


def test_laplace_on_the_circle_by_two_ways():
    fft = circle_spectrum(lambda t: np.asarray(Laplace(1.0).of_angle(np.minimum(np.abs(t), pi))), 20)
    angle = sphere_spectrum(Laplace(1.0), 2, 20)
    assert (np.abs(fft.eigenvalues - angle.eigenvalues) <= fft.errors + angle.errors).all()
    assert angle.errors.max() < 1e-13 < fft.errors.max(), "in the angle, the kink is at the end"
