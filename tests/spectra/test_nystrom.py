"""Nystrom approximations: their error, certain bounds of eigenvalues, choices of columns, refusals."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from ntkit.kernels import Laplace, gram, gram_operator
from ntkit.spectra import nystrom
from tests.spectra.matrices import brownian, gaussian_points, rotated

RULES = pytest.mark.parametrize("columns", ["greedy", "random", "uniform"])


def check(found, matrix):
    """The error is the trace that is left, and bounds every eigenvalue."""
    exact = np.linalg.eigvalsh(matrix)[::-1]
    near, rank, noise = found.factor @ found.factor.T, len(found.columns), 1e-13 * np.trace(matrix)
    np.testing.assert_allclose(found.trace_error, np.trace(matrix - near), rtol=0, atol=found.rounding + noise)
    np.testing.assert_allclose(near[:, found.columns], matrix[:, found.columns], rtol=0, atol=found.rounding + noise)
    assert (found.lower <= exact[:rank] + noise).all()
    assert (exact[:rank] <= found.upper + noise).all()
    assert (exact[rank:] <= found.trace_error + found.rounding + noise).all()
    assert np.linalg.norm(matrix - near, 2) <= found.trace_error + found.rounding + noise


@RULES
@pytest.mark.parametrize("wrap", [np.asarray, aslinearoperator], ids=["array", "operator"])
@pytest.mark.parametrize("block", [None, 1, 7])
def test_the_error_is_known(columns, wrap, block):
    for matrix in (brownian(60)[0], gaussian_points(50, copies=10), rotated(np.arange(1.0, 61) ** -2)):
        found = nystrom(wrap(matrix), 20, columns=columns, block=block, diagonal=matrix.diagonal())
        check(found, matrix)
        assert found.products == (0 if wrap is np.asarray else {None: 1, 1: 20, 7: 3}[block])


@RULES
def test_few_independent_columns_are_enough(columns):
    matrix = gaussian_points(12, copies=12)
    found = nystrom(matrix, 24, columns=columns)
    assert len(found.columns) == 12
    assert found.trace_error <= found.rounding
    check(found, matrix)
    assert len(nystrom(np.ones((9, 9)), 5, columns=columns).columns) == 1
    assert len(nystrom(np.zeros((9, 9)), 5, columns=columns).columns) == 0
    assert nystrom([[4.0]], 1, columns=columns).eigenvalues.tolist() == [4.0]


def test_all_columns_leave_nothing():
    matrix = brownian(30)[0]
    found = nystrom(matrix, 30)
    assert found.trace_error <= found.rounding
    np.testing.assert_allclose(found.eigenvalues, brownian(30)[1], rtol=1e-9)


def test_columns_may_be_chosen():
    matrix = brownian(30)[0]
    found = nystrom(matrix, 3, columns=[4, 9, 19])
    assert found.columns.tolist() == [4, 9, 19]
    # Between two points of a Brownian motion that are known, and 5, 5 and 10 steps apart, it is a bridge.
    bridges = sum(j * (m - j) / m for m in (5, 5, 10) for j in range(m))
    np.testing.assert_allclose(found.trace_error, bridges + sum(range(11)), rtol=1e-12)


def test_greedy_columns_take_the_largest_residual_and_seeds_repeat():
    matrix = brownian(30)[0]
    assert nystrom(matrix, 1).columns.tolist() == [29]
    assert nystrom(matrix, 4).trace_error < nystrom(matrix, 3).trace_error
    one, two, other = (nystrom(matrix, 5, columns="random", seed=s).columns.tolist() for s in (0, 0, 1))
    assert one == two != other


def test_from_a_kernel():
    x = np.random.default_rng(0).normal(size=(80, 2))
    kernel = Laplace(1.0).gram
    found = [
        nystrom(matrix, 30, columns="random", block=10, diagonal=np.ones(80))
        for matrix in (gram_operator(kernel, x, tile=50), lambda i: gram(kernel, x, x[i]))
    ]
    for one in found:
        check(one, np.asarray(gram(kernel, x)))
        assert one.products == 3
    assert found[0].columns.tolist() == found[1].columns.tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nystrom(np.eye(3), 4), "rank must be an integer from 1 to 3, got 4"),
        (lambda: nystrom(np.eye(3), 2, columns="best"), "columns must be .* got 'best'"),
        (lambda: nystrom(np.eye(3), 2, columns=[0, 0]), "columns must be 2 different integers"),
        (lambda: nystrom(np.eye(3), 2, columns=[0, 3]), r"columns must lie in 0\.\.2, got 0 to 3"),
        (lambda: nystrom(np.eye(3), 2, block=4), "block must be an integer from 1 to 3, got 4"),
        (lambda: nystrom(aslinearoperator(np.eye(3)), 2), "diagonal must be given for an operator"),
        (lambda: nystrom(lambda i: i, 2, diagonal=np.ones(3)), r"of shape \(3, 2\) for 2 indices, got shape \(2,\)"),
        (lambda: nystrom(lambda i: i, 2, diagonal=[]), r"diagonal must have shape \(n,\), got \(0,\)"),
        (lambda: nystrom(aslinearoperator(np.eye(3)), 2, diagonal=[1.0]), r"diagonal must have shape \(3,\), got \(1,\)"),
        (lambda: nystrom(np.diag([1.0, -1.0]), 1), r"positive semidefinite, got -1\.0 on its diagonal"),
        (lambda: nystrom([[1.0, 2.0], [2.0, 1.0]], 2), "positive semidefinite, got a residual with -3 on its diagonal"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
