"""Spectra of Hessians in other ways: matfree's Lanczos and traces, finite differences, dense matrices, SymPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from matfree import decomp, stochtrace

from ntkit.landscape import density, hvp, sharpness, smallest_eigenvalue, trace, trace_squared
from ntkit.landscape._curvature import Flat
from ntkit.landscape._lanczos import Lanczos
from tests.landscape.models import case, dense_hessian

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)


def problem():
    """A tanh network with 71 parameters, and its dense Hessian."""
    loss, params = case(widths=(5, 8, 3))
    return loss, params, dense_hessian(loss, params)


def relaxed(call):
    """Other packages promote dtypes and ranks freely."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return call()


def test_steps_of_lanczos_are_those_of_matfree():
    loss, params, matrix = problem()
    start = jax.random.normal(KEY, (len(matrix),))
    ours = Lanczos(Flat(loss, params), 12)(start)
    (diagonal, beside) = relaxed(
        lambda: decomp.tridiag_sym(12, materialize=False, reortho="full")(lambda v: jnp.asarray(matrix) @ v, start).J_small
    )
    np.testing.assert_allclose(ours.diagonal, diagonal, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(ours.beside, np.abs(beside), rtol=1e-8, atol=1e-10)


def test_traces_lie_where_those_of_matfree_do():
    loss, params, matrix = problem()
    flat = Flat(loss, params)

    def estimated(integrand):
        sampler = stochtrace.sampler_signs(jnp.zeros(len(matrix)), num=2000)
        estimator = stochtrace.estimator_monte_carlo_mean_and_sem(integrand(), sampler=sampler)
        return relaxed(lambda: estimator(lambda v: flat.traced(params, v), KEY))

    for ours, integrand, exact in (
        (trace, stochtrace.monte_carlo_trace, np.trace(matrix)),
        (trace_squared, stochtrace.monte_carlo_frobeniusnorm_squared, (matrix**2).sum()),
    ):
        mean, stderr = (float(number) for number in estimated(integrand))
        found = ours(loss, params, key=KEY, rtol=0.05)
        assert abs(mean - exact) <= 5 * stderr
        assert found.interval[0] <= exact <= found.interval[1]
        assert abs(found.value - mean) <= 5 * np.hypot(stderr, max(found.stderr, 1e-12))


def test_densities_have_the_moments_of_the_dense_matrix():
    """Quadrature is exact for powers but for the probes, within five of their standard errors; and the mass is 1."""
    loss, params, matrix = problem()
    values = np.linalg.eigvalsh(matrix)
    found = density(loss, params, key=KEY, probes=64)
    for power in (1, 2, 3):
        mean, stderr = found.moment(power)
        assert abs(mean - (values**power).mean()) <= 5 * stderr
    assert np.trapezoid(found.value, found.grid) == pytest.approx(1, abs=1e-3)
    assert smallest_eigenvalue(loss, params, key=KEY).value == pytest.approx(values[0], abs=1e-8)


def test_products_are_those_of_symbols():
    """A network with two units, differentiated by SymPy."""
    names = sympy.symbols("a b c d")
    a, b, c, d = names
    x, y = 0.7, -0.4
    formula = (c * sympy.tanh(a * x) + d * sympy.tanh(b * x) - y) ** 2
    at = dict(zip(names, (0.3, -1.1, 0.8, 0.5), strict=True))
    matrix = np.array(sympy.hessian(formula, names).subs(at).evalf(30).tolist(), float)

    def loss(w):
        return (w[2] * jnp.tanh(w[0] * x) + w[3] * jnp.tanh(w[1] * x) - y) ** 2

    params = jnp.array([float(value) for value in at.values()])
    for i in range(4):
        np.testing.assert_allclose(hvp(loss, params, jnp.eye(4)[i]), matrix[i], atol=1e-14)
    assert sharpness(loss, params, key=KEY).value == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-12)


def test_linear_networks_have_the_hessian_of_their_closed_form():
    """f = v . W x, loss (f - y)^2 / 2, at f = y: the gradient's outer product, with eigenvalue |v|^2 |x|^2 + |W x|^2."""
    rng = np.random.default_rng(0)
    weights, last, x = (jnp.asarray(rng.normal(size=shape)) for shape in ((3, 4), (3,), (4,)))
    y = float(jnp.vdot(last, weights @ x))
    found = sharpness(lambda p: 0.5 * (jnp.vdot(p[1], p[0] @ x) - y) ** 2, [weights, last], key=KEY)
    hidden = np.asarray(weights @ x)
    expected = float(last @ last) * float(x @ x) + hidden @ hidden
    assert found.value == pytest.approx(expected, rel=1e-12)
