"""Spectra of functions of the cosine, of kernels and of networks, and kernels from their spectra."""

import sys
from math import pi

import jax
import numpy as np
import pytest
from scipy.special import eval_legendre

from ntkit.kernels import ArcCosine, Conv, Dense, Erf, Flatten, Laplace, LayerNorm, Relu, parallel, residual, serial
from ntkit.spectra import Spectrum, distance_power, funk_hecke, kernel_from_spectrum, multiplicity, sphere_spectrum

DIMS = [2, 3, 5, 10]
EPSILON = np.finfo(float).eps


def relu_net(hidden, bias=0.0):
    return serial(Dense(1.0, bias), *[layer for _ in range(hidden) for layer in (Relu(), Dense(2**0.5, bias))])


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_functions_of_the_cosine_with_roots_at_the_ends(dim, power):
    # 1 - cos theta loses the digits of theta, and the error has to know.
    def distance(t):
        assert isinstance(t, np.ndarray)
        assert t.dtype == np.float64
        return (2 - 2 * t) ** (power / 2)

    spectrum = sphere_spectrum(distance, dim, 60, intervals=4000)
    exact = distance_power(dim, range(61), power)
    assert (np.abs(spectrum.eigenvalues - exact) <= spectrum.errors + 1e-13 * np.abs(exact)).all()
    if power == 1.0:
        assert spectrum.errors.max() < 3e-13


@pytest.mark.parametrize("dim", DIMS)
def test_kernels_of_distances_are_taken_in_the_angle(dim):
    spectrum, angle = sphere_spectrum(Laplace(0.7), dim, 40), funk_hecke(Laplace(0.7).of_angle, dim, range(41))
    np.testing.assert_array_equal(spectrum.eigenvalues, angle.eigenvalues)
    cosine = sphere_spectrum(lambda t: np.exp(-np.sqrt(2 - 2 * t) / 0.7), dim, 40)
    assert (np.abs(cosine.eigenvalues - angle.eigenvalues) <= cosine.errors).all()
    assert cosine.errors.max() < 1e-12


@pytest.mark.parametrize("kind", ["ntk", "nngp"])
@pytest.mark.parametrize(("radius", "bias"), [(1.0, 0.0), (2.0, 0.3), (5**0.5, 0.0)])
def test_networks_have_the_kernel_of_inputs_on_the_sphere(kind, radius, bias):
    dim, net = 5, relu_net(2, bias)
    x = radius * np.eye(dim)[:1]
    angles = np.array([0.0, 0.4, 1.3, 2.9, pi])
    z = radius * np.stack([np.cos(angles), np.sin(angles), *np.zeros((3, len(angles)))], axis=1)
    spectrum = sphere_spectrum(net, dim, 1200, kind=kind, radius=radius)
    wanted = np.asarray(getattr(net, kind)(x, z))[0]
    np.testing.assert_allclose(spectrum.ends, wanted[[0, -1]], rtol=1e-14, atol=1e-14)
    missing = abs(spectrum.missing.even) + abs(spectrum.missing.odd)
    assert missing < 2e-3 * wanted[0]
    np.testing.assert_allclose(kernel_from_spectrum(spectrum, angles), wanted, rtol=0, atol=missing + spectrum.missing.error)


@pytest.mark.parametrize("net", [relu_net(1), relu_net(3, 0.5), serial(Flatten(), Dense(), Relu())])
def test_relu_networks_compile_nothing_and_agree_with_the_compiled_ones(net):
    spectrum = sphere_spectrum(net, 4, 30, radius=2.0)

    def of_angle(theta):
        return net.ntk(np.array([[2**0.5, 0.0]]), 2**0.5 * np.stack([np.cos(theta), np.sin(theta)], axis=1))[0]

    np.testing.assert_allclose(spectrum.eigenvalues, funk_hecke(of_angle, 4, range(31)).eigenvalues, rtol=0, atol=1e-14)


@pytest.mark.parametrize("net", [serial(Dense(), Erf(), Dense()), parallel(relu_net(1), Dense()), serial(Dense(), LayerNorm())])
def test_other_networks_are_evaluated_in_double_precision_whatever_the_default(net):
    spectrum = sphere_spectrum(net, 3, 20)
    with jax.enable_x64(False):
        same = sphere_spectrum(net, 3, 20)
        laplace = sphere_spectrum(Laplace(1.0), 3, 20)
    np.testing.assert_array_equal(same.eigenvalues, spectrum.eigenvalues)
    assert laplace.errors.max() < 1e-13
    assert (spectrum.eigenvalues >= -spectrum.errors).all()


def test_ten_layers_are_as_exact_as_promised_and_every_error_holds():
    net = relu_net(10)
    for dim in (3, 5):
        spectrum, exact = (sphere_spectrum(net, dim, 199, radius=dim**0.5, digits=digits) for digits in (None, 12))
        error = np.abs(spectrum.eigenvalues - exact.eigenvalues)
        assert error.max() <= 4 * EPSILON * exact.ends[0]
        assert (error <= spectrum.errors).all()
        assert (exact.errors <= 1e-12 * exact.eigenvalues).all()
        assert exact.resolved(1e-12).all()


def test_eigenvalues_below_the_noise_are_marked():
    spectrum = sphere_spectrum(lambda t: np.exp(t - 1), 5, 200)
    resolved = spectrum.resolved(1.0)
    assert resolved[:10].all()
    assert not resolved[30:].any()


def test_what_is_missing_is_the_tail_of_each_parity():
    # One hidden layer: odd eigenvalues from 3 on are 0, so that nothing odd is missing.
    spectrum = sphere_spectrum(relu_net(1), 3, 100, radius=3**0.5)
    missing = spectrum.missing
    tail = sphere_spectrum(relu_net(1), 3, 400, radius=3**0.5)
    assert abs(missing.odd) <= missing.error
    seen = float((tail.multiplicities * tail.eigenvalues)[101:].sum())
    np.testing.assert_allclose(missing.even - tail.missing.even, seen, rtol=1e-9)
    np.testing.assert_allclose(spectrum.trace + missing.even + missing.odd, 2.0, rtol=1e-14)
    partial = funk_hecke(np.cos, 3, [0, 2])
    assert abs(partial.missing.odd - 1) <= partial.missing.error
    assert abs(partial.missing.even) <= partial.missing.error


@pytest.mark.parametrize("dim", DIMS)
def test_round_trip_and_parseval(dim):
    rng = np.random.default_rng(0)
    degrees = np.array([0, 1, 2, 5, 9])
    given = Spectrum(dim, degrees, rng.uniform(0.1, 1, 5), np.zeros(5))
    found = funk_hecke(lambda theta: kernel_from_spectrum(given, theta), dim, range(12))
    assert (np.abs(found.eigenvalues[degrees] - given.eigenvalues) <= found.errors[degrees]).all()
    assert (np.abs(np.delete(found.eigenvalues, degrees)) <= np.delete(found.errors, degrees)).all()
    squares = funk_hecke(lambda theta: kernel_from_spectrum(given, theta) ** 2, dim, [0])
    np.testing.assert_allclose(given.mean_square, squares.eigenvalues[0], rtol=1e-12)
    np.testing.assert_allclose(kernel_from_spectrum(given, [0.0])[0], given.trace, rtol=1e-14)
    with pytest.raises(ValueError, match="missing needs a spectrum with ends"):
        _ = given.missing


@pytest.mark.parametrize("dim", DIMS)
def test_digits_for_functions_of_balls(dim):
    spectrum = sphere_spectrum(lambda t: (2 - 2 * t).sqrt(), dim, 60, digits=14)
    exact = distance_power(dim, range(61), 1.0)
    np.testing.assert_allclose(spectrum.eigenvalues, exact, rtol=1e-12)
    assert spectrum.resolved(1e-13).all()
    np.testing.assert_allclose(spectrum.ends, [0, 2], atol=1e-15)


def test_eigenvalues_that_are_zero_are_so_in_balls_too():
    spectrum = sphere_spectrum(relu_net(1), 3, 20, digits=12)
    zero = np.arange(3, 21, 2)
    assert (np.abs(spectrum.eigenvalues[zero]) <= spectrum.errors[zero]).all()
    assert (spectrum.errors[zero] < 1e-25).all()
    assert spectrum.resolved(1e-12).sum() == 21 - len(zero)


def test_functions_that_quadrature_cannot_resolve_say_so():
    degrees, outside, wrong = np.arange(1, 61), 0, 0
    for place in np.r_[-0.5, 0.0, 0.25, np.random.default_rng(0).uniform(-1, 1, 27)]:
        spectrum = sphere_spectrum(lambda t, place=place: (t > place).astype(np.float64), 3, 60)
        legendre = eval_legendre(np.arange(62), place)  # the integral of P_k is (P_{k-1} - P_{k+1}) / (2 k + 1)
        exact = np.r_[(1 - place) / 2, (legendre[:-2] - legendre[2:]) / (4 * degrees + 2)]
        off = np.abs(spectrum.eigenvalues - exact)
        outside += (off > spectrum.errors).sum()
        wrong += (spectrum.resolved() & (off > 0.01 * np.abs(exact))).sum()
    assert outside <= 0.02 * 30 * 61
    assert wrong == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 1}, "dim must be an integer, at least 2 .* got 1"),
        ({"dim": 10**400}, "dim must be an integer, at least 2 .* got 1000"),
        ({"max_degree": -1}, "max_degree must be an integer from 0 to 4000, got -1"),
        ({"max_degree": 5000}, "max_degree must be an integer from 0 to 4000, got 5000"),
        ({"kind": "ntk"}, "kind and radius are options of networks, got kind='ntk'"),
        ({"radius": 2.0}, "kind and radius are options of networks, got kind=None, radius=2.0"),
        ({"f": relu_net(1), "radius": 0.0}, "radius must be a positive number, got 0.0"),
        (
            {"max_degree": 50, "intervals": 100},
            "intervals must be at least 4 max_degree = 200 .* got 100",
        ),
        ({"intervals": 42}, "intervals must be a positive multiple of 4, got 42"),
        ({"f": lambda t: 1.0}, r"f must map shape \(721,\) to the same shape, got \(\)"),
        ({"f": lambda t: t[:, None]}, r"f must map shape \(721,\) to the same shape, got \(721, 1\)"),
        ({"f": lambda t: np.arccos(t + 1e-9 * np.sign(t))}, "f must be finite, got nan"),
        ({"f": lambda t: 1j * t}, "f must return real numbers, got dtype complex128"),
        ({"f": serial(Conv(3), Flatten(), Dense())}, "Conv"),
        ({"f": relu_net(1), "digits": 12, "intervals": 400}, "intervals are chosen by the digits, got both"),
        ({"f": relu_net(1), "digits": 20}, "digits must be an integer from 1 to 15, what float64 holds, got 20"),
        (
            {"f": serial(Dense(), Erf()), "digits": 12},
            r"digits need a network of .* ReLU only, got Dense.* Erf\(\)",
        ),
        ({"f": ArcCosine(1), "digits": 12}, "digits need a network .* got ArcCosine"),
        ({"f": lambda t: 1.0, "digits": 12}, "f must map a flint.arb to a finite flint.arb if digits are given, got 1.0"),
        ({"f": lambda t: 1 / (1 - t), "digits": 12}, "f must map a flint.arb to a finite flint.arb .* got nan"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
        sphere_spectrum(**{"f": np.square, "dim": 3, "max_degree": 5, **options})


def test_angles_of_a_kernel_lie_in_the_half_circle():
    with pytest.raises(ValueError, match=r"angles must lie in \[0, pi\], got 4.0"):
        kernel_from_spectrum(sphere_spectrum(np.square, 3, 2), [4.0])


def test_multiplicities_may_be_large():
    spectrum = sphere_spectrum(residual(Dense()), 200, 30)
    assert spectrum.multiplicities[-1] == float(multiplicity(200, 30))
    assert np.isfinite(spectrum.trace)
    with pytest.raises(ValueError, match="multiplicities exceed float64 for dim 2000 and degree 300"):
        _ = sphere_spectrum(np.square, 2000, 300).trace


def test_digits_need_python_flint(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(ImportError, match=r"exact arithmetic needs the extra, pip install 'ntkit\[exact\]'"):
        sphere_spectrum(relu_net(1), 3, 2, digits=5)
