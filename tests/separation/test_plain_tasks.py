"""Clusters and polynomials: their laws, least errors and symmetries."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkit.separation import COMMON, NONE, ORTHOGONAL, PATCHWISE, SIGN, AveragedPolynomial, HierarchicalPolynomial, XorClusters
from ntkit.strategies import seeds


def test_the_least_error_of_clusters_is_that_of_the_bayes_classifier():
    task = XorClusters(dim=3, distance=2.0, flip=0.1)
    x, y = task.sample(jax.random.key(0), 200_000)
    error = task.error(np.abs(x[:, 0, 0]) - np.abs(x[:, 0, 1]), y)
    assert abs(error - task.least_error) < 4 * np.sqrt(0.25 / len(y))
    assert task.least_error == pytest.approx(0.1 + 0.8 * task.clean_error)
    assert XorClusters(dim=2, distance=1.0, antipodal=False).least_error == 0


@given(st.booleans(), seeds())
def test_linear_errors_are_those_of_a_sample(antipodal, seed):
    task = XorClusters(dim=3, distance=1.5, antipodal=antipodal)
    x, y = task.sample(jax.random.key(seed), 4000)
    weights = np.random.default_rng(seed).normal(size=3)
    exact = float(task.linear_error(weights))
    assert abs(task.error(x[:, 0] @ weights, y) - exact) < 5 * np.sqrt(0.25 / len(y))
    assert float(task.linear_error(np.zeros(3))) == 0.5
    if antipodal:
        assert exact == pytest.approx(0.5, abs=1e-15)


@given(st.floats(0, 0.5), seeds())
def test_flipped_labels_are_as_many_as_said(flip, seed):
    x, y = XorClusters(dim=2, distance=100.0, flip=flip).sample(jax.random.key(seed), 2000)
    clean = np.where(np.abs(x[:, 0, 0]) > np.abs(x[:, 0, 1]), 1.0, -1.0)
    assert abs((clean != y).mean() - flip) <= 6 * np.sqrt(flip * (1 - flip) / 2000) + 1e-12


@pytest.mark.parametrize(("dim", "degree"), [(6, 1), (6, 2), (7, 2), (9, 4)])
def test_hierarchical_polynomials_have_mean_0_and_variance_1_and_are_harmonic(dim, degree):
    task = HierarchicalPolynomial(dim, degree)
    x, y = task.sample(jax.random.key(0), 100_000)
    np.testing.assert_allclose(np.linalg.norm(x, axis=2), np.sqrt(dim), rtol=1e-13)
    assert abs(y.mean()) < 5 * y.std() / np.sqrt(len(y))
    assert abs((y**2).mean() - 1) < 5 * (y**2).std() / np.sqrt(len(y))
    # The mean over a sphere around a point is the value there; p is homogeneous, so any radius will do.
    centre = np.random.default_rng(0).normal(size=(1, 1, dim))
    values = task.inner(centre + x)
    assert abs(values.mean() - task.inner(centre)[0]) < 5 * values.std() / np.sqrt(len(values))


def test_the_outer_polynomial_is_a_sum_of_hermite_polynomials():
    plain, task = HierarchicalPolynomial(8, 2), HierarchicalPolynomial(8, 2, (1.0, 0.5, 2.0, 3.0))
    _, p = plain.sample(jax.random.key(0), 50)
    expected = 1 + 0.5 * p + 2 * (p**2 - 1) / 2**0.5 + 3 * (p**3 - 3 * p) / 6**0.5
    np.testing.assert_allclose(task.sample(jax.random.key(0), 50).y, expected, rtol=1e-10)


@given(st.sampled_from((None, 1, 2)), seeds())
def test_averages_over_patches_do_not_depend_on_the_order_of_those_used(used, seed):
    task = AveragedPolynomial(3, 4, (0.0, 0.3, 1.0), used)
    x, y = task.sample(jax.random.key(seed), 20)
    of = 0.3 * x[:, : used or 3, 0] + (x[:, : used or 3, 0] ** 2 - 1) / 2**0.5
    np.testing.assert_allclose(y, of.mean(axis=1), atol=1e-13)
    assert task.invariant_error == pytest.approx(1 - (used or 3) / 3)


def test_the_best_score_without_an_order_has_the_invariant_error():
    task = AveragedPolynomial(4, 6, (0.0, 0.0, 1.0), used=1)
    _, y = task.sample(jax.random.key(0), 100_000)
    assert task.error(AveragedPolynomial(4, 6, (0.0, 0.0, 1.0)).sample(jax.random.key(0), 100_000).y, y) == pytest.approx(
        task.invariant_error, rel=0.03
    )


def test_what_is_learnt_is_stated():
    assert XorClusters(2, 1.0).kind == "classification"
    assert HierarchicalPolynomial(4, 2).kind == AveragedPolynomial(4, 2, (0.0, 1.0)).kind == "regression"


def test_symmetries_are_stated():
    assert XorClusters(2, 1.0).symmetry is SIGN
    assert XorClusters(2, 1.0, antipodal=False).symmetry is NONE
    assert HierarchicalPolynomial(4, 2).symmetry is ORTHOGONAL
    assert AveragedPolynomial(4, 2, (0.0, 1.0)).symmetry is COMMON
    assert AveragedPolynomial(4, 2, (0.0, 1.0), 2).symmetry is PATCHWISE


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: XorClusters(1, 1.0), "dim must be a whole number of at least 2, got 1"),
        (lambda: XorClusters(2, -1.0), "distance must be a finite number of at least 0, got -1.0"),
        (lambda: XorClusters(2, 1.0, 0.6), "flip must be a probability of at most 1/2, got 0.6"),
        (lambda: HierarchicalPolynomial(3, 4), "dim must be a whole number of at least 4, got 3"),
        (lambda: HierarchicalPolynomial(3, 0), "degree must be a whole number of at least 1, got 0"),
        (lambda: HierarchicalPolynomial(3, 1, (1.0, 0.0)), "outer must be finite coefficients, not all of them 0 beyond"),
        (lambda: AveragedPolynomial(0, 4, (0.0, 1.0)), "patches must be a whole number of at least 1, got 0"),
        (lambda: AveragedPolynomial(2, 4, (0.0, np.nan)), "outer must be finite coefficients"),
        (
            lambda: AveragedPolynomial(2, 1, (0.0, 0.0, 1.0)),
            r"outer must differ at -1 and 1, the only inputs of dim=1, got \(0",
        ),
        (lambda: AveragedPolynomial(2, 1, (0.0, 2.0, 0.0, 6**0.5)), "outer must differ at -1 and 1"),  # 2 z + z^3 - 3 z
        (lambda: HierarchicalPolynomial(1, 1, (0.0, 0.0, 1.0)), "outer must differ at -1 and 1, the only inputs of dim=1"),
        (lambda: AveragedPolynomial(2, 4, (0.0, 1.0), 3), "used must be at most the number of patches, 2, got 3"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
