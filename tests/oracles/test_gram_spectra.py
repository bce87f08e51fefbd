"""Spectra of Gram matrices in a second way: 50 digits, SciPy's eigensolvers, matfree's quadrature, dense matrices."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from matfree import decomp, funm
from scipy.sparse.linalg import eigsh

from ntkit.kernels import Dense, Relu, gram, gram_operator, ntk_operator, serial
from ntkit.spectra import enclosed_eigenvalues, nystrom, positive_definite, spectral_density, top_eigenpairs
from tests.spectra.matrices import brownian, circle, gaussian_points, rotated

MATRICES = {
    "brownian": brownian(12)[0],
    "circle": circle(10)[0],
    "gaussian": gaussian_points(10, copies=2),
    "hilbert": 1 / (np.arange(11)[:, None] + np.arange(11) + 1.0),
    "graded": rotated(10.0 ** -np.arange(0, 24, 2.0)),
    "indefinite": rotated([3.0, 2.0, 2.0, 1e-9, 0.0, -1e-9, -5.0]),
    "copies": rotated([2.0] * 6 + [1.0] * 3 + [0.0] * 3),
}


def in_fifty_digits(matrix):
    """All eigenvalues of the floats in a matrix, the largest first."""
    with mp.workdps(50):
        return sorted(mp.eigsy(mp.matrix(matrix.tolist()), eigvals_only=True), reverse=True)


@pytest.mark.parametrize("name", MATRICES)
def test_every_interval_holds_its_eigenvalue(name):
    matrix = MATRICES[name]
    matrix = (matrix + matrix.T) / 2
    exact, found = in_fifty_digits(matrix), enclosed_eigenvalues(matrix)
    for value, lower, upper in zip(exact, found.lower.tolist(), found.upper.tolist(), strict=True):
        assert mp.mpf(lower) <= value <= mp.mpf(upper)
    verdict, least = positive_definite(matrix, exact=True).verdict, exact[-1]
    assert verdict == ("proved" if least > 1e-40 else "refuted")
    top = top_eigenpairs(matrix, 4)
    for value, lower, upper in zip(exact[:4], top.lower.tolist(), top.upper.tolist(), strict=True):
        assert mp.mpf(lower) <= value
        assert upper == np.inf or value <= mp.mpf(upper)


def test_largest_eigenpairs_are_those_of_scipy():
    net = serial(Dense(), Relu(), Dense(2**0.5), Relu(), Dense(2**0.5))
    x = np.random.default_rng(0).normal(size=(500, 6))
    operator = gram_operator(net, x)
    values, vectors = eigsh(operator, 10, v0=np.ones(500))
    pairs = top_eigenpairs(operator, 10, rtol=1e-11)
    assert (np.abs(pairs.values - values[::-1]) <= pairs.residuals).all()
    np.testing.assert_allclose(pairs.values, values[::-1], rtol=1e-11)
    np.testing.assert_allclose(np.abs(np.sum(pairs.vectors * vectors[:, ::-1], axis=0)), 1, rtol=1e-9)
    dense = np.linalg.eigvalsh(np.asarray(gram(net, x)))
    np.testing.assert_allclose(pairs.values, dense[::-1][:10], rtol=1e-11)


def test_the_spectrum_of_an_empirical_kernel():
    rng = np.random.default_rng(1)
    params = [jnp.asarray(rng.normal(size=shape)) for shape in ((6, 40), (40, 1))]
    x = jnp.asarray(rng.normal(size=(300, 6)))

    def apply(params, x):
        return jnp.tanh(x @ params[0]) @ params[1]

    operator = ntk_operator(apply, params, x)
    exact = np.linalg.eigvalsh(operator @ np.eye(300))[::-1]
    pairs = top_eigenpairs(operator, 5)
    assert (pairs.lower <= exact[:5]).all()
    assert (np.abs(pairs.values - exact[:5]) <= pairs.residuals).all()


def test_quadrature_is_that_of_matfree():
    steps = 6
    matrix = gaussian_points(40) + 0.1 * np.eye(40)
    density = spectral_density(matrix, probes=3, steps=steps, seed=5)
    probes = np.random.default_rng(5).standard_normal((40, 3))
    quadratic_form = funm.monte_carlo_funm_sym_logdet(decomp.tridiag_sym(steps))
    expected = [quadratic_form(lambda v: jnp.asarray(matrix) @ v, jnp.asarray(p)) / (p @ p) for p in probes.T]
    got = (density.weights * np.log(density.nodes)).sum(1)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("columns", ["greedy", "random", "uniform"])
def test_nystrom_is_the_formula_with_an_inverse(columns):
    matrix = brownian(40)[0]
    found = nystrom(matrix, 9, columns=columns, block=4)
    some = matrix[:, found.columns]
    expected = some @ np.linalg.solve(some[found.columns], some.T)
    np.testing.assert_allclose(found.factor @ found.factor.T, expected, rtol=0, atol=1e-11)
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(expected)[::-1][:9], rtol=1e-9)
