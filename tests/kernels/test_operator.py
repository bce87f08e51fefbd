"""The kernel as an operator: its products and its spectrum."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.sparse.linalg import eigsh

from ntkit.kernels import ntk_operator
from tests.kernels.finite_functions import PROBLEMS, as_matrix, averaged, cnn_problem, full_kernel, mlp_problem

pytestmark = pytest.mark.usefixtures("hardly_optimised")

EVERY = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


@EVERY
@pytest.mark.parametrize("batch", [1, 3, 64])
def test_products_are_those_of_the_matrix(problem, batch):
    apply, params, x, _ = problem()
    full = full_kernel(apply, params, x, x)
    for axes, matrix in (((-1,), averaged(full)), ((), as_matrix(full))):
        operator = ntk_operator(apply, params, x, trace_axes=axes, batch=batch)
        assert operator.shape == matrix.shape
        assert operator.dtype == matrix.dtype
        tolerance = 1e-14 * float(jnp.linalg.norm(matrix))
        np.testing.assert_allclose(operator @ np.eye(len(matrix)), matrix, rtol=0, atol=tolerance)
        np.testing.assert_allclose(operator.T @ np.ones(len(matrix)), matrix.sum(0), rtol=0, atol=10 * tolerance)


def test_its_spectrum_is_that_of_the_matrix():
    apply, params, x, _ = cnn_problem()
    matrix = as_matrix(full_kernel(apply, params, x, x))
    found = eigsh(ntk_operator(apply, params, x, trace_axes=()), k=3, return_eigenvectors=False)
    np.testing.assert_allclose(np.sort(found), np.linalg.eigvalsh(matrix)[-3:], rtol=1e-10)


def test_single_precision_is_kept():
    apply, params, x, _ = mlp_problem(jnp.float32)
    operator = ntk_operator(apply, params, x)
    assert (operator @ np.ones(7, np.float32)).dtype == operator.dtype == np.float32


def test_its_memory_does_not_grow_with_samples_times_parameters():
    """400 samples, 10 outputs and 41000 parameters: rows of the Jacobian would take 1.3 GB in float64."""
    from ntkit.kernels._operator import _product

    def apply(params, x):
        return jnp.tanh(x @ params[0]) @ params[1]

    sizes = (30, 1000, 11)
    params = [jax.ShapeDtypeStruct(shape, float) for shape in pairwise(sizes)]
    x, v = jax.ShapeDtypeStruct((400, 30), float), jax.ShapeDtypeStruct((4400,), float)
    compiled = _product.lower(apply, 8, 11, False, params, x, v).compile()
    parameters = 8 * sum(p.size for p in params)
    assert compiled.memory_analysis().temp_size_in_bytes < 6 * parameters + 4 * 8 * 4400 + 8 * 8 * 8 * 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "batch must be an integer of at least 1, got 0"),
        ({"trace_axes": (1,)}, r"trace_axes must be .* got \(1,\)"),
    ],
)
def test_wrong_options_are_refused(options, message):
    apply, params, x, _ = mlp_problem()
    with pytest.raises(ValueError, match=message):
        ntk_operator(apply, params, x, **options)
