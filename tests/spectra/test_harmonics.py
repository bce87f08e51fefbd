"""Spherical harmonics: their numbers, and the Gegenbauer polynomials on known values."""

from math import comb

import numpy as np
import pytest
from numpy.polynomial import legendre

from ntkit.spectra import gegenbauer, multiplicity

ANGLES = np.array([0.0, 1e-12, 1e-3, 0.4, np.pi / 2, 2.0, np.pi - 1e-3, np.pi])


def test_multiplicities_are_those_of_the_textbook():
    assert [multiplicity(2, k) for k in range(5)] == [1, 2, 2, 2, 2]
    assert [multiplicity(4, k) for k in range(5)] == [(k + 1) ** 2 for k in range(5)]
    for dim in (3, 5, 10):
        assert multiplicity(dim, 0) == 1
        for k in range(1, 40):  # (2k + d - 2) / k * binomial(k + d - 3, k - 1)
            assert multiplicity(dim, k) * k == (2 * k + dim - 2) * comb(k + dim - 3, k - 1)
    assert multiplicity(50, 200) > 10**45  # exact integers, not floats


def test_multiplicities_sum_to_the_polynomials_on_the_sphere():
    for dim in (2, 3, 7):
        for degree in range(12):
            harmonics = sum(multiplicity(dim, k) for k in range(degree + 1))
            polynomials = comb(degree + dim - 1, dim - 1) + comb(degree + dim - 2, dim - 1)
            assert harmonics == polynomials


def test_on_the_circle_and_the_sphere_they_are_chebyshev_and_legendre():
    degrees = [0, 1, 2, 7, 40]
    expected = np.array([np.cos(k * ANGLES) for k in degrees])
    np.testing.assert_allclose(gegenbauer(2, degrees, ANGLES), expected, rtol=0, atol=2e-14)
    expected = np.array([legendre.legval(np.cos(ANGLES), np.eye(41)[k]) for k in degrees])
    np.testing.assert_allclose(gegenbauer(3, degrees, ANGLES), expected, rtol=0, atol=2e-14)


@pytest.mark.parametrize("dim", [2, 3, 10])
def test_ends_are_exact_and_parity_too(dim):
    degrees = np.arange(200)
    values = gegenbauer(dim, degrees, [0.0, 0.3, np.pi - 0.3, np.pi])
    np.testing.assert_array_equal(values[:, 0], 1.0)
    np.testing.assert_allclose(values[:, 3], (-1.0) ** degrees, rtol=1e-15)
    np.testing.assert_allclose(values[:, 2], (-1.0) ** degrees * values[:, 1], rtol=0, atol=1e-13)


def test_rows_follow_the_degrees_asked_for():
    values = gegenbauer(5, [7, 0, 7], ANGLES)
    np.testing.assert_array_equal(values[0], values[2])
    np.testing.assert_array_equal(values[1], 1.0)


@pytest.mark.parametrize(
    ("dim", "degrees", "angles", "message"),
    [
        (1, [0], [0.0], "dim must be an integer, at least 2 .* got 1"),
        (3, [], [0.0], r"degrees must be a non-empty sequence of integers, got shape \(0,\)"),
        (3, np.array([1.5]), [0.0], "degrees must be .* integers, got .* dtype float64"),
        (3, [2, -1], [0.0], "degrees must be at least 0, got -1"),
        (3, [1], [4.0, 1.0], r"angles must lie in \[0, pi\], got 4.0 \(and 0 more outside\)"),
        (3, [1], [np.nan], r"angles must lie in \[0, pi\], got nan"),
        (3, [1], [[0.0]], r"angles must have shape \(angles,\), got \(1, 1\)"),
    ],
)
def test_wrong_arguments_are_refused(dim, degrees, angles, message):
    with pytest.raises(ValueError, match=message):
        gegenbauer(dim, degrees, angles)


@pytest.mark.parametrize(("dim", "degree", "message"), [(1, 0, "dim must be .* got 1"), (3, -2, "degrees must be .* got -2")])
def test_a_multiplicity_needs_a_sphere_and_a_degree(dim, degree, message):
    with pytest.raises(ValueError, match=message):
        multiplicity(dim, degree)
