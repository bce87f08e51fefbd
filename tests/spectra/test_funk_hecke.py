"""Spectra of dot-product kernels against closed forms, their error estimates, and the law of decay."""

from math import factorial, pi

import mpmath as mp
import numpy as np
import pytest
from scipy.special import gammaln

from ntkit.kernels import ArcCosine, Dense, Laplace, Matern, Relu, serial
from ntkit.spectra import distance_power, funk_hecke, leading_term, multiplicity

DIMS = [2, 3, 5, 10, 30]
K = np.arange(81)


def relu_ntk(hidden):
    """The tangent kernel of a ReLU network without biases, as a function of the angle."""
    net = serial(Dense(), *[layer for _ in range(hidden) for layer in (Relu(), Dense(2**0.5))])

    def of_angle(theta):
        return net.ntk(np.array([[2**0.5, 0.0]]), 2**0.5 * np.stack([np.cos(theta), np.sin(theta)], axis=1))[0]

    return of_angle


@pytest.mark.parametrize("dim", DIMS)
def test_the_distance_has_its_closed_form(dim):
    spectrum, exact = funk_hecke(lambda theta: 2 * np.sin(theta / 2), dim, K), distance_power(dim, K, 1.0)
    assert (np.abs(spectrum.eigenvalues - exact) <= spectrum.errors).all()
    assert (np.abs(spectrum.eigenvalues / exact - 1)[spectrum.resolved(1e-6)] <= 1e-6).all()
    gammas = np.exp(2 * gammaln(dim / 2) + gammaln(K[1:] - 0.5) - gammaln(K[1:] + dim - 0.5))
    np.testing.assert_allclose(-exact[1:], 2.0 ** (dim - 2) / pi * gammas, rtol=1e-12)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("power", [1, 2, 3, 6])
def test_monomials_have_their_closed_form(dim, power):
    spectrum = funk_hecke(lambda theta: np.cos(theta) ** power, dim, K)
    exact = np.zeros(len(K))
    for k in range(power % 2, power + 1, 2):
        gammas = np.exp(gammaln(dim / 2) - gammaln((power + k + dim) / 2))
        exact[k] = factorial(power) * gammas / (2**power * factorial((power - k) // 2))
    assert (np.abs(spectrum.eigenvalues - exact) <= spectrum.errors).all()
    np.testing.assert_array_equal(spectrum.resolved(), exact > 0)
    np.testing.assert_allclose(spectrum.trace, 1.0, rtol=0, atol=2 * spectrum.multiplicities @ spectrum.errors)


@pytest.mark.parametrize("dim", DIMS)
def test_exponentials_have_bessel_functions(dim):
    c, order = 3.0, dim / 2 - 1
    spectrum = funk_hecke(lambda theta: np.exp(c * (np.cos(theta) - 1)), dim, K)
    with mp.workdps(30):  # SciPy's Bessel functions are off by some 20 epsilon
        factor = mp.gamma(mp.mpf(dim) / 2) * (mp.mpf(2) / c) ** order * mp.exp(-c)
        exact = np.array([float(factor * mp.besseli(k + order, c)) for k in K.tolist()])
    assert (np.abs(spectrum.eigenvalues - exact) <= spectrum.errors).all()
    assert spectrum.resolved()[:8].all()
    assert not spectrum.resolved()[40:].any(), "they fall faster than any power, into the noise"


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
def test_powers_of_the_distance_agree_with_quadrature(dim, power):
    # sin(theta/2)^power with a fractional power converges slowly; the error estimate has to say so.
    spectrum = funk_hecke(lambda theta: (2 * np.sin(theta / 2)) ** power, dim, K[:20], intervals=4000)
    exact = distance_power(dim, K[:20], power)
    assert (np.abs(spectrum.eigenvalues - exact) <= spectrum.errors + 1e-13 * np.abs(exact)).all()
    if power % 2 == 0:
        assert not exact[int(power / 2) + 1 :].any()


def test_a_kink_inside_is_seen_in_the_errors():
    def kinked(theta):
        return np.abs(np.cos(theta) - 0.3)

    coarse, fine = funk_hecke(kinked, 3, K[:20]), funk_hecke(kinked, 3, K[:20], intervals=40_000)
    assert coarse.errors.max() > 1e-8
    assert (np.abs(coarse.eigenvalues - fine.eigenvalues) <= 3 * coarse.errors).mean() > 0.8


@pytest.mark.parametrize("dim", [3, 5, 10])
@pytest.mark.parametrize(
    ("function", "at_zero", "at_pi", "power"),
    [
        (Laplace(1 / 0.7).of_angle, -0.7, 0.0, 1.0),
        (Matern(1.5, 3**0.5).of_angle, 1 / 3, 0.0, 3.0),  # (1 + s) exp(-s) = 1 - s^2/2 + s^3/3 - ...
        (ArcCosine(1).of_angle, 1 / (3 * pi), 1 / (3 * pi), 3.0),
        (relu_ntk(1), -1 / pi, -1 / pi, 1.0),
        (relu_ntk(2), -3 / pi, -1 / (2 * pi), 1.0),
    ],
)
def test_singularities_decide_the_decay(dim, function, at_zero, at_pi, power):
    spectrum = funk_hecke(function, dim, np.arange(30, 82))
    limit = leading_term(dim, spectrum.degrees, at_zero=at_zero, at_pi=at_pi, power=power)
    seen = spectrum.resolved(1e-3) & (limit != 0)
    assert seen.sum() >= 12
    shifted = spectrum.degrees[seen] + (dim - 2) / 2
    error = np.abs(spectrum.eigenvalues[seen] / limit[seen] - 1) * shifted**2
    assert error.max() < 40, "the correction is O(1 / k^2)"


@pytest.mark.parametrize("dim", [2, 3, 10])
def test_single_precision_has_larger_errors(dim):
    spectrum = funk_hecke(lambda theta: (2 * np.sin(theta / 2)).astype(np.float32), dim, K)
    assert (np.abs(spectrum.eigenvalues - distance_power(dim, K, 1.0)) <= spectrum.errors).all()
    assert spectrum.eigenvalues.dtype == np.float64
    assert 1e-7 < spectrum.errors[0] < 1e-5


def test_a_spectrum_knows_its_multiplicities():
    spectrum = funk_hecke(np.cos, 4, [0, 1, 5])
    assert spectrum.multiplicities.tolist() == [multiplicity(4, k) for k in (0, 1, 5)]
    np.testing.assert_allclose(spectrum.trace, 1.0, rtol=1e-13)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 1}, "dim must be an integer, at least 2 .* got 1"),
        ({"degrees": [-1]}, "degrees must be at least 0, got -1"),
        ({"intervals": 3}, "intervals must be a positive multiple of 4, got 3"),
        ({"intervals": 0}, "intervals must be a positive multiple of 4, got 0"),
        ({"function_of_angle": lambda theta: 1.0}, r"function_of_angle must map shape \(705,\) to the same shape, got \(\)"),
        ({"function_of_angle": lambda theta: np.where(theta > 1, np.inf, 0.0)}, "function_of_angle must be finite, got inf"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        funk_hecke(**{"function_of_angle": np.cos, "dim": 3, "degrees": [1], **options})


def test_a_singularity_has_a_power():
    with pytest.raises(ValueError, match=r"power must be a positive number, got 0\.0"):
        distance_power(3, [1], 0.0)
    with pytest.raises(ValueError, match=r"power must not be an even integer, whose term is smooth, got 2\.0"):
        leading_term(3, [1], at_zero=1.0, power=2.0)
