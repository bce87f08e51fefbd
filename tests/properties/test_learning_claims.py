"""Laws behind the claims on what is learnt from how many samples: laws of two views, surrogate losses, features of one step."""

import importlib
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.separation import HierarchicalPolynomial, KernelRidge
from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

lee, single, hierarchical, frei, lahoti = (
    importlib.import_module(name) for name in ("lee2020", "wang2023n", "wang2023h", "frei2022", "_lahoti")
)

SURROGATES = {"relu": lambda t: t * jnp.maximum(t, 0) / 2, "tanh": lambda t: jnp.logaddexp(t, -t), "leaky": None}


@given(st.integers(2, 5), st.integers(2, 9), st.integers(2, 9), seeds())
def test_a_law_with_two_views_is_one_and_independent_given_the_class(k, m1, m2, seed):
    joint = lee._joint(np.random.default_rng(seed), k, m1, m2, 0.0)
    assert joint.shape == (m1, m2, k)
    assert joint.sum() == pytest.approx(1.0)
    for y in range(k):
        slab = joint[:, :, y]
        np.testing.assert_allclose(slab * slab.sum(), np.outer(slab.sum(axis=1), slab.sum(axis=0)), atol=1e-15)
    assert lee._rank(joint.sum(axis=2)) <= k


@given(st.integers(2, 4), seeds())
def test_dependence_within_classes_raises_the_rank(k, seed):
    assert lee._rank(lee._joint(np.random.default_rng(seed), k, 9, 8, 0.1).sum(axis=2)) == 8


@given(st.floats(0.0, 1.0), seeds())
def test_the_error_of_dependence_is_linear_in_it_at_first(dependence, seed):
    """A mixture: the law itself is linear in the weight."""
    laws = [lee._joint(np.random.default_rng(seed), 3, 5, 4, weight) for weight in (0.0, dependence, 1.0)]
    np.testing.assert_allclose(laws[1], (1 - dependence) * laws[0] + dependence * laws[2], atol=1e-15)


def surrogate(name, x, y, w):
    """E of the integral of s(t) - y from 0 to <w, x>."""
    if name == "leaky":
        z = x @ w
        return jnp.mean(jnp.where(z > 0, z**2, 0.3 * z**2) / 2 - y * z)
    return jnp.mean(SURROGATES[name](x @ w) - y * (x @ w))


@settings(max_examples=15)
@given(st.sampled_from(("relu", "tanh", "leaky")), seeds())
def test_the_surrogate_gradient_is_that_of_the_surrogate_loss_which_is_convex(name, seed):
    random = np.random.default_rng(seed)
    x, y, w = random.normal(size=(12, 3)), random.normal(size=12), random.normal(size=3)
    s = {"relu": single.relu, "tanh": np.tanh, "leaky": single.leaky}[name]
    np.testing.assert_allclose(single.surrogate_gradient(s, x, y, w), jax.grad(surrogate, 3)(name, x, y, w), atol=1e-13)
    other = random.normal(size=3)
    middle = surrogate(name, x, y, (w + other) / 2)
    assert middle <= (surrogate(name, x, y, w) + surrogate(name, x, y, other)) / 2 + 1e-12


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=6), seeds())
def test_the_inequality_holds_for_every_monotone_function_of_slope_at_most_1(slopes, seed):
    random = np.random.default_rng(seed)
    knots = np.cumsum(np.append(-2.0, random.random(len(slopes))))
    heights = np.cumsum(np.append(0.0, np.diff(knots) * slopes))
    x, w, best = random.normal(size=(9, 2)), random.normal(size=2), random.normal(size=2)

    def s(t):
        return np.interp(t, knots, heights)

    left = single.surrogate_gradient(s, x, s(x @ best), w) @ (w - best)
    assert left >= ((s(x @ w) - s(x @ best)) ** 2).mean() - 1e-13


@pytest.mark.parametrize("d", [8, 16])
def test_the_mean_square_of_the_mixed_target_is_the_closed_form(d):
    _, y = HierarchicalPolynomial(d, 2, hierarchical.MIXED).sample(jax.random.key(0), 200_000)
    assert abs((y**2).mean() - hierarchical._square(d)) < 5 * (y**2).std() / np.sqrt(len(y))


def test_overlaps_of_the_feature_are_squared_cosines_and_go_to_1():
    sizes, key = np.array([30, 60]), jax.random.key(0)
    plain = hierarchical._cosines(HierarchicalPolynomial(6, 2), sizes, key)
    assert all(0 <= cosine <= 1 for cosine in plain)
    assert hierarchical._cosines(HierarchicalPolynomial(4, 2), np.array([100_000]), key)[0] > 0.99


def test_the_two_kernels_of_the_staircase_are_isotropic():
    x, z = np.random.default_rng(0).normal(size=(2, 5, 1, 4))
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    for function in (np.exp, np.cosh):
        kernel = KernelRidge(lambda a, b, f=function: hierarchical._dot_product(f, a, b), 1.0)
        np.testing.assert_allclose(kernel.gram(x @ rotation, z @ rotation), kernel.gram(x, z), rtol=1e-13)


def test_the_median_of_the_larger_cosine_of_a_random_direction():
    z = np.abs(np.random.default_rng(0).normal(size=(400_000, 2))).max(axis=1)
    assert np.median(z) == pytest.approx(frei.RANDOM, abs=0.005)
    weights = np.array([[3.0, 4.0, 0.0], [0.0, -1.0, 0.0], [0.1, 0.0, 1.0]])
    assert frei._alignment(weights) == pytest.approx(0.8)


@given(st.floats(0.01, 1e6), st.sampled_from((1.0, 2.0, 2.5)))
def test_grids_have_as_many_numbers_for_every_prediction(prediction, octaves):
    grid = lahoti.grid_around(prediction, octaves)
    assert len(grid) == 4 * octaves + 1
    assert grid[0] >= 1
    assert (np.diff(grid) >= 1).all()
    if prediction > 32:  # steps of half an octave are whole numbers apart
        np.testing.assert_allclose(grid, prediction * 2.0 ** np.arange(-octaves, octaves + 0.1, 0.5), atol=0.5)
