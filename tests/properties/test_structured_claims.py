"""Laws behind the claims on structured weights: scaled kernels and rows, fast transforms, roots, tensor trains."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

weighted, norm, rows, filters, flash, butterfly, root, train = (
    importlib.import_module(name)
    for name in (
        "cammarasana2025",
        "georgiou2021",
        "saratchandran2024",
        "gavrikov2022",
        "fu2023flash",
        "lemagoarou2014",
        "song2022",
        "qiu2024",
    )
)


@settings(max_examples=20)
@given(seeds())
def test_a_weighted_convolution_is_one_by_the_weighted_kernel(seed):
    rng = np.random.default_rng(seed)
    x, kernel, density = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3, 3, 3)), rng.normal(size=(1, 1, 3, 3))
    found = weighted._weighted_sum(x, kernel, density)
    np.testing.assert_allclose(found, weighted._convolve(x, density * kernel), atol=1e-12)


@settings(max_examples=20)
@given(st.floats(0.01, 0.9), seeds())
def test_a_step_of_the_norm_loss_keeps_directions(rate, seed):
    w = np.random.default_rng(seed).normal(size=(1, 2, 5, 9))
    before = np.linalg.norm(w, axis=-1, keepdims=True)
    after = before + 2 * rate * (1 - before)
    np.testing.assert_allclose(np.asarray(norm._step(w, np.array([rate]), None)), w / before * after, atol=1e-12)


@given(st.integers(1, 6), st.integers(0, 3), st.floats(0.01, 100), seeds())
def test_equilibrated_rows_have_norm_one_and_conditions_no_scale(m, more, scale, seed):
    w = np.random.default_rng(seed).normal(size=(3, m, m + more))
    scaled = rows._equilibrated(w)
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=-1), 1)
    np.testing.assert_allclose(rows._condition(scale * w), rows._condition(w), rtol=1e-6)
    np.testing.assert_allclose(rows._equilibrated(np.random.default_rng(seed).uniform(0.1, 9, (3, m, 1)) * w), scaled)


@settings(max_examples=30)
@given(st.integers(2, 5), st.integers(0, 3), seeds())
def test_equilibration_is_within_the_root_of_the_rows_of_every_scaling(m, more, seed):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(4, m, m + more))
    after = rows._condition(rows._equilibrated(w))
    best = rows._best_condition(w)
    assert (best <= after * (1 + 1e-9)).all()
    other = np.exp(rng.normal(size=(4, m, 1))) * w
    for condition in (best, rows._condition(w), rows._condition(other)):
        assert (after <= m**0.5 * condition * (1 + 1e-9)).all()
    if m == 2:  # rows of equal norm are the best two rows can have
        np.testing.assert_allclose(best, after, rtol=1e-9)


@given(st.integers(2, 12), st.integers(1, 20), seeds())
def test_measures_of_filters_have_their_bounds(count, weights, seed):
    layer = np.random.default_rng(seed).normal(size=(count, weights))
    assert -1e-12 <= filters._orthogonality(layer) <= 1
    assert -1e-12 <= filters._entropy(layer) <= np.log10(min(count, weights)) + 1e-12


def test_the_expected_entropy_rises_to_its_limit():
    found = [filters._expected_entropy(count) for count in (16, 100, 10_000, 10**9)]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(np.log10(9), abs=1e-8)


@given(st.integers(1, 12), st.integers(1, 12), seeds())
def test_two_matrices_and_a_twiddle_are_the_fourier_transform(n1, n2, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=int(rng.integers(1, n1 * n2 + 1))) + 1j
    grid = flash._transform(x, n1, n2)
    np.testing.assert_allclose(grid.T.ravel(), np.fft.fft(x, n1 * n2), atol=1e-10)
    back = flash._back(grid, n1, n2)
    np.testing.assert_allclose(back[: len(x)], x, atol=1e-12)
    np.testing.assert_allclose(back[len(x) :], 0, atol=1e-12)


@given(st.integers(1, 5), st.booleans(), seeds())
def test_products_of_butterflies_are_found_again(p, complex_entries, seed):
    rng = np.random.default_rng(seed)
    n = 2**p
    product = np.eye(n)
    for level in range(p):
        support = np.kron(np.kron(np.eye(2**level), np.ones((2, 2))), np.eye(n // 2 ** (level + 1)))
        entries = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if complex_entries else 0)
        product = product @ (support * entries)
    factors = butterfly._butterflies(product)
    assert len(factors) == p
    assert all(np.count_nonzero(factor) <= 2 * n for factor in factors)
    found = np.linalg.multi_dot([np.eye(n), *factors])
    np.testing.assert_allclose(found, product, atol=1e-12 * np.abs(product).max())


@given(st.floats(0.001, 0.35), seeds())
def test_roots_squared_are_the_matrix_and_gradients_solve_their_equation(smallest, seed):
    rng = np.random.default_rng(seed)
    a = root._positive_definite(rng, smallest)
    assert np.linalg.norm(a) == pytest.approx(root.NORM)
    assert np.linalg.eigvalsh(a)[0] == pytest.approx(smallest * root.NORM)
    half = root._root(a)
    np.testing.assert_allclose(half @ half, a, atol=1e-12)
    g = rng.normal(size=a.shape)
    gradient = root._iteration(half / root.NORM**0.5, g / root.NORM**0.5)[-1]
    np.testing.assert_allclose(half @ gradient + gradient @ half, g, atol=1e-6)


@given(st.sampled_from(root.PADE), st.floats(0.01, 1))
def test_the_approximants_of_numbers_have_the_errors_of_the_closed_forms(degree, value):
    z = np.array([[1 - value]])
    index = root.PADE.index(degree)
    assert root._pade(z, degree)[0, 0] - value**0.5 == pytest.approx(root._pade_error(value, even=False)[index], abs=1e-11)
    for k, error in zip(root.TAYLOR, root._taylor_error(value, shifted=False), strict=True):
        assert root._taylor(z, k)[0, 0] - value**0.5 == pytest.approx(error, abs=1e-12)


@given(st.integers(2, 5), seeds())
def test_slices_of_block_tensor_trains_have_at_most_their_rank(b, seed):
    rng = np.random.default_rng(seed)
    r = int(rng.integers(1, b + 1))
    left, right = rng.normal(size=(b, b, b, r)), rng.normal(size=(b, b, r, b))
    matrix = train._matrix(left, right)
    i, j, u, v = (int(k) for k in rng.integers(0, b, 4))
    assert matrix[i * b + u, j * b + v] == pytest.approx(left[i, u, j] @ right[j, i, :, v])
    assert (train._ranks(train._slices(matrix, b)) <= r).all()
    np.testing.assert_allclose(train._matrix(*train._nearest(matrix, b, r)), matrix, atol=1e-12 * np.abs(matrix).max())
