"""Where falling curves meet a target."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from ntkit.separation import crossing
from ntkit.separation._crossing import falling_fit

GRID = np.array([1, 2, 4, 8, 16])


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_power_laws_are_met_exactly(power):
    curve = 1.0 / GRID**power
    for place in (1.5, 3.0, 12.0):
        assert crossing(GRID, curve, place**-power) == pytest.approx(place, rel=1e-12)


def test_towards_an_error_of_zero_lines_are_straight_in_the_error():
    assert crossing(np.array([1, 4]), np.array([0.5, 0.0]), 0.25) == pytest.approx(2.0)


def test_fits_are_those_of_isotonic_regression():
    curves = np.random.default_rng(0).normal(size=(200, 7)) - 0.3 * np.arange(7)
    ours = falling_fit(curves)
    for curve, fit in zip(curves, ours, strict=True):
        np.testing.assert_allclose(fit, isotonic_regression(curve, increasing=False).x, atol=1e-12)
    np.testing.assert_array_equal(
        crossing(np.arange(1, 8), np.exp(curves), 0.5)[3], crossing(np.arange(1, 8), np.exp(curves[3]), 0.5)
    )


def test_a_curve_of_one_point():
    assert crossing(np.array([1]), np.array([[0.5], [0.1]]), 0.3).tolist() == [np.inf, 0.0]


def test_curves_that_do_not_cross_say_on_which_side():
    assert crossing(GRID, np.full(5, 0.3), 0.2) == np.inf
    assert crossing(GRID, np.full(5, 0.3), 0.3) == 0.0
    assert crossing(GRID, np.full(5, 0.1), 0.3) == 0.0


def test_noise_is_made_to_fall():
    noisy = np.array([0.5, 0.2, 0.4, 0.1, 0.1])  # 0.2 and 0.4 become 0.3 each
    assert crossing(GRID, noisy, 0.2) == pytest.approx(crossing(GRID, np.array([0.5, 0.3, 0.3, 0.1, 0.1]), 0.2))


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6), st.floats(0.05, 0.95), st.floats(0.01, 0.04))
def test_a_lower_target_is_met_later(curve, target, less):
    grid = 2 ** np.arange(len(curve))
    assert crossing(grid, np.array(curve), target - less) >= crossing(grid, np.array(curve), target)
