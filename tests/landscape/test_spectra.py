"""Products, eigenpairs and densities against dense matrices and known spectra."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings

from ntkit.landscape import (
    EmpiricalFisher,
    GaussNewton,
    SumOfParts,
    density,
    expected_memory,
    hvp,
    smallest_eigenvalue,
    top_eigenpairs,
)
from ntkit.landscape._curvature import Flat
from ntkit.landscape._lanczos import Lanczos
from ntkit.strategies import seeds
from tests.landscape.models import case, cross_entropy, dense_hessian, outputs, perceptron, quadratic

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)


def flat(tree):
    return np.asarray(jax.flatten_util.ravel_pytree(tree)[0])


def data(seed=0):
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.normal(size=(12, 3))), jnp.asarray(rng.integers(0, 2, 12)), perceptron(rng, (3, 4, 2))


@given(seeds())
@settings(max_examples=10)
def test_products_are_those_of_the_dense_hessian(seed):
    loss, params = case(seed)
    way = perceptron(np.random.default_rng(seed + 1), (3, 4, 2))
    np.testing.assert_allclose(flat(hvp(loss, params, way)), dense_hessian(loss, params) @ flat(way), atol=1e-12)


def test_products_are_second_differences_of_the_gradient():
    """Richardson's extrapolation of central differences, an error of the fourth order."""
    loss, params = case()
    way = perceptron(np.random.default_rng(1), (3, 4, 2))

    def difference(step):
        ends = [jax.grad(loss)(jax.tree.map(lambda a, b, s=s: a + s * b, params, way)) for s in (step, -step)]
        return (flat(ends[0]) - flat(ends[1])) / (2 * step)

    found = (4 * difference(1e-3) - difference(2e-3)) / 3
    np.testing.assert_allclose(flat(hvp(loss, params, way)), found, atol=1e-9)


def test_products_work_under_jit_and_vmap():
    loss, params = case()
    ways = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), params)
    found = jax.jit(jax.vmap(lambda way: hvp(loss, params, way)))(ways)
    np.testing.assert_allclose(found[0]["bias"][1], 2 * found[0]["bias"][0], rtol=1e-12)


def test_products_of_parts_add_up():
    x, labels, params = data()
    loss = SumOfParts(lambda p, part: cross_entropy(outputs(p, part[0]), part[1]), (x.reshape(3, 4, 3), labels.reshape(3, 4)))
    whole = hvp(lambda p: cross_entropy(outputs(p, x), labels), params, params)
    np.testing.assert_allclose(flat(hvp(loss, params, params)), flat(whole), atol=1e-14)


def test_gauss_newton_and_fisher_are_their_dense_forms():
    x, labels, params = data()
    jacobian = np.concatenate(
        [leaf.reshape(24, -1) for leaf in jax.tree.leaves(jax.jacobian(lambda p: outputs(p, x))(params))], axis=1
    )
    p = jax.nn.softmax(outputs(params, x))
    curvature = np.zeros((24, 24))
    for i in range(12):
        curvature[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = (np.diag(p[i]) - np.outer(p[i], p[i])) / 12
    ways = perceptron(np.random.default_rng(1), (3, 4, 2))
    part = GaussNewton(lambda p: outputs(p, x), lambda logits: cross_entropy(logits, labels))
    np.testing.assert_allclose(flat(hvp(part, params, ways)), jacobian.T @ curvature @ jacobian @ flat(ways), atol=1e-13)
    losses = lambda p: -jnp.take_along_axis(jax.nn.log_softmax(outputs(p, x)), labels[:, None], axis=1)[:, 0]  # noqa: E731
    gradients = np.stack([flat(jax.grad(lambda p, i=i: losses(p)[i])(params)) for i in range(12)])
    np.testing.assert_allclose(
        flat(hvp(EmpiricalFisher(losses), params, ways)), gradients.T @ gradients @ flat(ways) / 12, atol=1e-13
    )
    assert smallest_eigenvalue(part, params, key=KEY).value > -1e-12


@pytest.mark.parametrize("size", [5, 100])
def test_top_eigenpairs_are_the_algebraically_largest(size):
    eigenvalues = np.concatenate([[-50.0, 3.0, 2.0, 1.5], np.zeros(size - 4)])
    loss, params = quadratic(eigenvalues)
    found = top_eigenpairs(loss, params, 3, key=KEY)
    np.testing.assert_allclose(found.values, [3, 2, 1.5], rtol=1e-9)
    assert found.vectors.shape == (3, size)
    for value, vector, residual in zip(found.values, found.vectors, found.residuals, strict=True):
        off = float(jnp.linalg.norm(hvp(loss, params, vector) - value * vector))
        np.testing.assert_allclose(off, residual, rtol=1e-3, atol=1e-12)
        assert residual <= 1e-6 * value
        np.testing.assert_allclose(jnp.linalg.norm(vector), 1, rtol=1e-9)
    low = smallest_eigenvalue(loss, params, key=KEY)
    np.testing.assert_allclose(low.value, -50, rtol=1e-9)
    assert low.residual < 1e-6


@pytest.mark.parametrize("eigenvalues", [np.zeros(80), np.ones(80), [0.0], [1.0] * 40 + [-1.0] * 40])
def test_degenerate_spectra_are_found(eigenvalues):
    loss, params = quadratic(eigenvalues)
    found = top_eigenpairs(loss, params, 1, key=KEY)
    np.testing.assert_allclose(found.values, [max(eigenvalues)], atol=1e-9)
    low = smallest_eigenvalue(loss, params, key=KEY)
    np.testing.assert_allclose([low.value, low.residual], [min(eigenvalues), 0], atol=1e-9)
    spread = density(loss, params, key=KEY)
    np.testing.assert_allclose(spread.weights.sum(), 1, rtol=1e-12)
    assert np.isfinite(spread.value).all()


def test_all_eigenpairs_may_be_asked_for():
    loss, params = case()
    size = flat(params).size
    found = top_eigenpairs(loss, params, size, key=KEY)
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(dense_hessian(loss, params))[::-1], atol=1e-12)


@given(seeds())
@settings(max_examples=10)
def test_quadratures_have_weights_of_probabilities_and_nodes_within_the_spectrum(seed):
    rng = np.random.default_rng(seed)
    eigenvalues = rng.normal(size=30) * 10 ** rng.uniform(-3, 3)
    loss, params = quadratic(eigenvalues, seed)
    found = density(loss, params, key=jax.random.key(seed), steps=10, probes=3)
    assert (found.weights >= 0).all()
    np.testing.assert_allclose(found.weights.sum(), 1, rtol=1e-12)
    room = 1e-10 * abs(eigenvalues).max()
    assert found.nodes.min() >= eigenvalues.min() - room
    assert found.nodes.max() <= eigenvalues.max() + room


def test_moments_and_densities_agree_with_the_spectrum():
    rng = np.random.default_rng(3)
    eigenvalues = np.concatenate([rng.normal(size=96), [5.0, 6.0, 7.0, 8.0]])
    loss, params = quadratic(eigenvalues)
    found = density(loss, params, key=KEY, steps=40, probes=100, width=0.3)
    for power in (1, 2, 3):
        value, stderr = found.moment(power)
        assert abs(value - (eigenvalues**power).mean()) < 4 * stderr
    truth = scipy.stats.norm.pdf(found.grid[:, None], eigenvalues, 0.3).mean(axis=1)
    assert np.mean((found.interval[0] <= truth) & (truth <= found.interval[1])) > 0.85
    np.testing.assert_allclose(np.trapezoid(found.value, found.grid), 1, atol=1e-3)


def test_single_precision_is_enough_for_eigenvalues():
    values = []
    for dtype in (np.float32, np.float64):
        loss, params = case(3, (6, 10, 3), 40, dtype)
        values.append(top_eigenpairs(loss, params, 5, key=KEY).values)
    np.testing.assert_allclose(*values, rtol=1e-5)


def test_memory_of_lanczos_is_said_beforehand():
    """What XLA sets aside is no more than that: the basis, once, and a few vectors."""
    size = 20_000
    own = Flat(lambda w: (w**4).sum(), jnp.ones(size, np.float32))
    compiled = Lanczos(own, 60).compiled.lower(own.params, own.params).compile().memory_analysis()
    used = compiled.temp_size_in_bytes + compiled.output_size_in_bytes
    product = jax.jit(own.traced).lower(own.params, own.params).compile().memory_analysis()
    each = product.temp_size_in_bytes + product.output_size_in_bytes
    assert 60 * 4 * size <= used <= expected_memory(own.params, each)


LOSS, PARAMS = quadratic([1.0, 2.0])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: top_eigenpairs(LOSS, PARAMS, 0, key=KEY), "count must be from 1 to the number of parameters, 2, got 0"),
        (lambda: top_eigenpairs(LOSS, PARAMS, 3, key=KEY), "count must be from 1 to the number of parameters, 2, got 3"),
        (lambda: smallest_eigenvalue(LOSS, PARAMS, key=KEY, steps=0), "steps must be at least 1, got 0"),
        (lambda: density(LOSS, PARAMS, key=KEY, steps=0), "steps must be at least 1, got 0"),
        (lambda: density(LOSS, PARAMS, key=KEY, probes=1), "probes must be at least 2, got 1"),
        (lambda: density(LOSS, PARAMS, key=KEY, width=0.0), "width must be above 0, got 0.0"),
        (lambda: hvp(LOSS, PARAMS, jnp.ones(3)), r"v must be float64\[2\], as in params, got float64\[3\]"),
        (lambda: hvp(LOSS, [], []), r"params must have at least one array, got \[\]"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_bad_arguments_are_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
