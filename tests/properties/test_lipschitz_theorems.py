"""Which bound is below which, as theorems have it: on generic and on degenerate networks, with the same intervals for all.

Networks of all widths are padded to one architecture, and what a test compares is bounded in one batch, so that every method
compiles once. Bounds are not rounded outward here, so that they can be compared to the formulas: TOLERANCE is for rounding.
"""

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.lipschitz import Network, local_lipschitz
from ntkit.strategies import PerceptronStyle, perceptrons, seeds
from tests.lipschitz.fuzz import METHODS, Case, bounds_of, fuzz
from tests.oracles import lipschitz_reference as reference

pytestmark = pytest.mark.usefixtures("hardly_optimised")

LARGEST = (3, 5, 5, 2)
TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}  # sums of at most some hundred terms of size 1 to 100
APART = tuple(style for style in get_args(PerceptronStyle) if style != "kink")
# Where |z| is bounded by the same number on both sides, as at kinks, rounding decides between adaptive slopes.


def case_of(recipe):
    return Case(recipe.layers(), recipe.centre(), recipe.radius)


def norms_of(cases, method, forward="both"):
    return [norm for norm, _, _ in bounds_of(cases, LARGEST, method, forward)]


def assert_below(lower, upper):
    slack = TOLERANCE["rtol"] * np.abs(upper) + TOLERANCE["atol"]
    assert (lower <= upper + slack).all(), (lower, upper)


@given(perceptrons(LARGEST), seeds())
def test_each_rung_is_below_the_next(recipe, seed):
    """sampled <= lirpa <= recurjac <= ibp <= absolute <= product."""
    case = case_of(recipe)
    rungs = [case.sampled(100, np.random.default_rng(seed)), *(norms_of([case], method)[0] for method in METHODS)]
    rungs += [reference.jacobian_bound(*case.asked, method, "both") for method in ("absolute", "product")]
    for lower, upper in pairwise(rungs):
        assert_below(lower, upper)


@given(perceptrons(LARGEST), seeds())
def test_every_derivative_lies_in_its_interval_and_difference_quotients_below_the_bound(recipe, seed):
    case = case_of(recipe)
    norm, low, high = bounds_of([case], LARGEST, "lirpa", "both")[0]
    x, y = case.centre + case.radius * np.random.default_rng(seed).uniform(-1, 1, (2, len(case.centre)))
    weights, biases, _, _ = case.asked
    change = reference.evaluate(weights, biases, x)[-1] - reference.evaluate(weights, biases, y)[-1]
    assert_below(np.abs(change), norm * np.abs(x - y).max())
    jacobian = reference.jacobian(weights, biases, x)
    assert_below(low, jacobian)
    assert_below(jacobian, high)


@given(perceptrons(LARGEST))
def test_the_norm_of_all_inputs_together_is_below_the_sum_of_theirs(recipe):
    for method in ("lirpa", "recurjac"):
        norm, low, high = bounds_of([case_of(recipe)], LARGEST, method, "both")[0]
        sizes = np.maximum(np.abs(low), np.abs(high))
        assert_below(norm, sizes.sum(axis=1))
        assert_below(sizes.max(axis=1), norm)
        if recipe.widths[0] == 1:
            np.testing.assert_allclose(norm, sizes[:, 0], **TOLERANCE)


@given(perceptrons(LARGEST))
def test_intervals_within_others_give_no_larger_bounds(recipe):
    """Intersections are within interval arithmetic, and its intervals grow with the radius."""
    case = case_of(recipe)
    smaller, interval = norms_of([case._replace(radius=case.radius / 2), case], "lirpa", "ibp")
    assert_below(smaller, interval)
    assert_below(norms_of([case], "lirpa", "both")[0], interval)


@given(perceptrons(LARGEST, styles=APART), st.sampled_from(METHODS))
def test_padding_does_not_change_the_bounds_nor_do_they_differ_from_the_formulas(recipe, method):
    case = case_of(recipe)
    norm, low, high = bounds_of([case], LARGEST, method, "both")[0]
    np.testing.assert_allclose(norm, reference.jacobian_bound(*case.asked, method, "both"), **TOLERANCE)
    entries = reference.jacobian_entries(*case.asked, method, "both")
    np.testing.assert_allclose([low, high], entries, **TOLERANCE)


@given(perceptrons(LARGEST, styles=("kink",)))
def test_at_kinks_too_where_intervals_need_no_choice_of_slopes(recipe):
    case = case_of(recipe)
    np.testing.assert_allclose(
        norms_of([case], "lirpa", "ibp")[0], reference.jacobian_bound(*case.asked, "lirpa", "ibp"), **TOLERANCE
    )


@given(perceptrons(LARGEST, styles=("linear", "stable")), st.sampled_from(METHODS))
@settings(max_examples=20)
def test_networks_that_are_linear_on_the_ball_are_answered_exactly(recipe, method):
    case = case_of(recipe)
    norm, low, high = bounds_of([case], LARGEST, method, "both")[0]
    weights, biases, centre, _ = case.asked
    jacobian = reference.jacobian(weights, biases, centre)
    np.testing.assert_allclose([low, high], [jacobian, jacobian], **TOLERANCE)
    np.testing.assert_allclose(norm, np.abs(jacobian).sum(axis=1), **TOLERANCE)


@given(perceptrons(LARGEST, styles=APART), st.sampled_from(METHODS))
def test_at_radius_0_every_bound_is_the_derivative(recipe, method):
    case = case_of(recipe)._replace(radius=0.0)
    weights, biases, centre, _ = case.asked
    expected = np.abs(reference.jacobian(weights, biases, centre)).sum(axis=1)
    np.testing.assert_allclose(norms_of([case], method)[0], expected, **TOLERANCE)


@given(perceptrons(LARGEST), st.sampled_from(METHODS), st.sampled_from((-4.0, -1.0, 0.0, 0.5, 8.0)))
def test_bounds_scale_with_the_last_layer(recipe, method, factor):
    case = case_of(recipe)
    *layers, (weights, bias) = case.layers
    scaled = case._replace(layers=[*layers, (factor * weights, factor * bias)])
    norm, times = norms_of([case, scaled], method)
    np.testing.assert_allclose(times, abs(factor) * norm, **TOLERANCE)


@given(perceptrons(LARGEST, styles=APART), seeds(), st.sampled_from(METHODS))
def test_hidden_units_may_change_places_and_scales(recipe, seed, method):
    """Factors are powers of 2, which do not round."""
    case, rng = case_of(recipe), np.random.default_rng(seed)
    moved, scaled = list(case.layers), list(case.layers)
    for k in range(len(moved) - 1):
        order = rng.permutation(len(moved[k][1]))
        factors = 2.0 ** rng.integers(-3, 4, len(order))
        (weights, bias), (after, constants) = moved[k : k + 2]
        moved[k : k + 2] = (weights[order], bias[order]), (after[:, order], constants)
        (weights, bias), (after, constants) = scaled[k : k + 2]
        scaled[k : k + 2] = (factors[:, None] * weights, factors * bias), (after / factors, constants)
    norm, *others = norms_of([case, case._replace(layers=moved), case._replace(layers=scaled)], method)
    for other in others:
        np.testing.assert_allclose(other, norm, **TOLERANCE)


@given(perceptrons(LARGEST), st.sampled_from(METHODS))
def test_a_row_twice_has_its_bound_twice(recipe, method):
    case = case_of(recipe)
    *layers, (weights, bias) = case.layers
    twice = case._replace(layers=[*layers, (weights[[0, 0]], bias[[0, 0]])])
    first, both = norms_of([case, twice], method)
    np.testing.assert_array_equal(both, [first[0]] * 2)


@given(perceptrons((3, 4, 2), styles=("generic", "zero")))
@settings(max_examples=5)
def test_global_bounds_are_the_formulas(recipe):
    case = case_of(recipe).padded((3, 4, 2))
    for method in ("absolute", "product"):
        found = local_lipschitz(Network.sequential(case.layers), case.centre, case.radius, method=method).rows
        np.testing.assert_allclose(found, reference.jacobian_bound(*case.asked, method, "both"), **TOLERANCE)


def test_random_networks_are_sound_and_agree_with_the_formulas():
    """A small share of `analyses/benchmarks/lipschitz_fuzz.py`."""
    found = fuzz(300, LARGEST, "both")
    assert found.unstable >= 80
    assert not found.messages
    assert found.unsound == 0
    assert max(found.disagreement.values()) <= 1e-10
