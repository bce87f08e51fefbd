"""The largest eigenpairs: known spectra, what is certain about them, products, degenerate matrices, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from ntkit.kernels import Dense, Relu, gram, gram_operator, serial
from ntkit.spectra import enclosed_eigenvalues, rest_bound, top_eigenpairs
from tests.spectra.matrices import brownian, gaussian_points, rotated

N = 400


def check(pairs, exact, scale=None):
    """Everything that is said holds."""
    k = len(pairs.values)
    noise = 1e-14 * (np.abs(exact).max() if scale is None else scale)
    assert (pairs.lower <= exact[:k] + noise).all()
    assert (exact[:k] <= pairs.upper + noise).all()
    nearest = np.abs(pairs.values[:, None] - exact[None]).min(1)
    assert (nearest <= pairs.residuals + noise).all()
    np.testing.assert_allclose(pairs.vectors.T @ pairs.vectors, np.eye(k), rtol=0, atol=1e-12)


@pytest.mark.parametrize("block", [1, 5, 32])
@pytest.mark.parametrize("wrap", [np.asarray, aslinearoperator], ids=["array", "operator"])
def test_the_largest_of_brownian_motion(wrap, block):
    matrix, exact = brownian(N)
    pairs = top_eigenpairs(wrap(matrix), 10, block=block)
    check(pairs, exact)
    assert pairs.converged.all()
    np.testing.assert_allclose(pairs.values, exact[:10], rtol=1e-10)


def test_products_are_counted():
    matrix, calls = brownian(N)[0], []

    def product(x):
        calls.append(x.shape[1])
        return matrix @ x

    operator = LinearOperator((N, N), matvec=product, matmat=product, dtype=float)
    pairs = top_eigenpairs(operator, 12)
    assert (len(calls), sum(calls)) == (pairs.products, pairs.columns)
    again = top_eigenpairs(operator, 12)
    np.testing.assert_array_equal(again.values, pairs.values)
    np.testing.assert_array_equal(again.vectors, pairs.vectors)
    other = top_eigenpairs(operator, 12, seed=np.random.default_rng(5))
    assert (other.vectors != pairs.vectors).any()


def test_keys_and_arrays_of_jax_are_taken():
    matrix, key = brownian(N)[0], jax.random.key(3)
    pairs = top_eigenpairs(jnp.asarray(matrix), 4, seed=jax.random.key_data(key))
    again = top_eigenpairs(matrix, 4, seed=np.asarray(jax.random.key_data(key)))
    np.testing.assert_array_equal(pairs.vectors, again.vectors)
    net = serial(Dense(), Relu(), Dense(2**0.5))
    assert enclosed_eigenvalues(net.ntk(np.random.default_rng(0).normal(size=(9, 20)))).rank().certain == 9


def test_few_products_give_wide_intervals_that_hold():
    exact = np.arange(1.0, N + 1)[::-1]
    pairs = top_eigenpairs(rotated(exact), 5, max_products=4)
    assert not pairs.converged.any()
    assert pairs.products == 4
    check(pairs, exact)
    assert pairs.residuals.min() > 1e-2


@pytest.mark.parametrize(
    ("exact", "k"),
    [
        (np.zeros(N), 3),
        (np.r_[7.0, np.zeros(N - 1)], 4),
        (np.ones(N), 20),
        (np.repeat([2.0, 1.0, 0.0], [40, 30, N - 70]), 50),
        (np.r_[np.linspace(2, 1, 20), np.zeros(N - 40), -np.linspace(1, 20, 20)], 10),
        (-np.arange(1.0, N + 1), 5),
        (np.arange(1.0, N + 1)[::-1], N),
    ],
    ids=["zero", "rank one", "identity", "many copies", "indefinite", "negative", "all of them"],
)
@pytest.mark.parametrize("wrap", [np.asarray, aslinearoperator], ids=["array", "operator"])
def test_degenerate_spectra(exact, k, wrap):
    pairs = top_eigenpairs(wrap(rotated(exact)), k)
    check(pairs, exact, scale=20 * np.abs(exact).max())
    np.testing.assert_allclose(pairs.values, exact[:k], rtol=0, atol=1e-9 * np.abs(exact).max())


def test_duplicated_points():
    matrix = gaussian_points(280, copies=40)
    check(top_eigenpairs(matrix, 20), np.linalg.eigvalsh(matrix)[::-1])


def test_one_by_one():
    pairs = top_eigenpairs([[3.0]], 1)
    assert pairs.values[0] == 3.0
    assert 3 - 1e-14 < pairs.lower[0] <= 3 <= pairs.upper[0] < 3 + 1e-14


def test_indices_are_certain_only_with_knowledge_of_the_rest():
    exact = np.arange(1.0, N + 1) ** -2
    operator = aslinearoperator(rotated(exact))
    pairs = top_eigenpairs(operator, 20)
    assert np.isinf(pairs.upper).all()
    assert pairs.rest == np.inf
    for known, least in (({"trace": exact.sum()}, 3), ({"frobenius": np.linalg.norm(exact)}, 11)):
        told = top_eigenpairs(operator, 20, **known)
        check(told, exact)
        certain = np.isfinite(told.upper)
        assert certain[:least].all()
        assert ((told.upper - told.lower)[certain] < 1e-9).all()
        assert told.rest >= exact[20]


def test_what_was_missed_is_found_by_its_bound():
    exact = np.r_[5.0, 4.0, 3.0, np.arange(1.0, N - 2) ** -1.5]
    matrix = np.diag(exact)
    full = top_eigenpairs(matrix, 3)
    missing = top_eigenpairs(np.diag(np.delete(exact, 1)), 3)  # its vectors, put back, overlook an eigenvalue
    vectors = np.insert(missing.vectors, 1, 0.0, axis=0)
    overlooked = type(full)(**{**vars(missing), "vectors": vectors})
    assert 4 <= rest_bound(matrix, overlooked) < 6
    assert 1 <= rest_bound(matrix, full) < 1.5
    found = full.with_rest(rest_bound(matrix, full))
    assert np.isfinite(found.upper).all()
    check(found, exact)


def test_the_bound_of_the_rest_fails_as_rarely_as_it_says():
    exact = np.r_[1.0, np.linspace(0.9, 0, N - 1)]
    matrix = np.diag(exact)
    nothing = top_eigenpairs(np.diag(np.r_[2.0, exact]), 1)
    vectors = np.insert(nothing.vectors[2:], 0, 0.0, axis=0)
    pairs = type(nothing)(**{**vars(nothing), "vectors": vectors / np.linalg.norm(vectors)})
    bounds = [rest_bound(matrix, pairs, seed=seed, failure=0.5, steps=10, block=1) for seed in range(20)]
    assert np.mean([bound >= 1 for bound in bounds]) >= 0.5


def test_single_precision_kernels_are_exact_matrices_and_tiles_change_them_by_rounding():
    net = serial(Dense(), Relu(), Dense(2**0.5))
    x = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    found = []
    for tile in (None, 70):
        pairs = top_eigenpairs(gram_operator(net, x, tile=tile), 8)
        check(pairs, np.linalg.eigvalsh(gram(net, x, tile=tile).astype(float))[::-1])
        assert pairs.residuals.max() < 1e-8 * pairs.values[0]
        found.append(pairs.values)
    np.testing.assert_allclose(*found, rtol=0, atol=4 * np.finfo(np.float32).eps * found[0][0])


def test_operators_of_single_precision_get_wide_intervals():
    matrix = brownian(N)[0].astype(np.float32)

    def product(x):
        return (matrix @ x.astype(np.float32)).astype(np.float32)

    operator = LinearOperator((N, N), matvec=product, matmat=product, dtype=np.float32)
    rough, told = top_eigenpairs(operator, 3, rtol=1e-4), top_eigenpairs(operator, 3, rtol=1e-4, rounding=1e-6)
    check(rough, brownian(N)[1])
    assert (told.residuals < rough.residuals).all()
    assert rough.residuals[0] > 1e-5 * rough.values[0]


LOPSIDED = np.triu(np.ones((N, N)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: top_eigenpairs(np.eye(3), 4), "k must be an integer from 1 to 3, got 4"),
        (lambda: top_eigenpairs(np.eye(3), 0), "k must be an integer from 1 to 3, got 0"),
        (lambda: top_eigenpairs(np.eye(3), 1, rtol=-1.0), r"rtol must lie in \[0, 1\), got -1\.0"),
        (lambda: top_eigenpairs(np.eye(N), 9, block=0), "block must be an integer from 1 to 400, got 0"),
        (lambda: top_eigenpairs(np.eye(N), 9, room=10), "room must be an integer from 25 to"),
        (lambda: top_eigenpairs(np.eye(N), 9, max_products=1), "max_products must be an integer from 3"),
        (lambda: top_eigenpairs(np.eye(N), 9, rounding=2.0), r"rounding must lie in \[0, 1\), got 2\.0"),
        (lambda: top_eigenpairs(np.eye(N), 1, seed=-1), "seed must be integers >= 0, .* got -1"),
        (lambda: top_eigenpairs(np.eye(3), 2, trace=1.0), "trace must be at least 2, .* got 1.0"),
        (lambda: top_eigenpairs(aslinearoperator(np.eye(3)), 2, frobenius=1.0), "frobenius must be at least 1.41421, got 1"),
        (lambda: top_eigenpairs(LOPSIDED, 2), "matrix must be symmetric, got entries that differ by 1"),
        (lambda: top_eigenpairs(aslinearoperator(LOPSIDED), 2), r"matrix must be symmetric, got x\^T A y and"),
        (lambda: top_eigenpairs(aslinearoperator(np.triu(np.ones((5, 5)))), 2), "matrix must be symmetric"),
        (lambda: top_eigenpairs(aslinearoperator(np.ones((3, 2))), 2), r"matrix must have shape \(n, n\)"),
        (lambda: top_eigenpairs(aslinearoperator(np.eye(3, dtype=complex)), 2), "matrix must be real, got dtype complex128"),
        (lambda: top_eigenpairs(aslinearoperator(np.full((N, N), np.nan)), 2), "matrix must be finite, but its product"),
        (lambda: rest_bound(np.eye(4), top_eigenpairs(np.eye(3), 1)), "pairs must belong to the matrix of size 4"),
        (lambda: rest_bound(np.eye(3), top_eigenpairs(np.eye(3), 1), failure=0.0), r"failure must lie in \(0, 1\)"),
        (lambda: rest_bound(np.eye(N), top_eigenpairs(np.eye(N), 1), steps=1), "steps must be above 5 for failure 1e-09"),
        (lambda: rest_bound(np.eye(3), top_eigenpairs(np.eye(3), 1), block=4), "block must be an integer from 1 to 3"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
