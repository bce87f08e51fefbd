"""Approximations of the empirical kernel: what they are, and that their stated errors are their errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.kernels import empirical_ntk, projected_ntk, pseudo_ntk
from tests.kernels.finite_functions import PROBLEMS, averaged, full_kernel, mlp_problem

EVERY = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


@EVERY
def test_the_pseudo_ntk_is_the_sum_over_all_pairs_of_outputs(problem):
    apply, params, x1, x2 = problem()
    for second in (None, x2):
        full = full_kernel(apply, params, x1, x1 if second is None else second)
        for implementation in ("jacobian", "ntvp"):
            found = pseudo_ntk(apply, params, x1, second, implementation=implementation)
            np.testing.assert_allclose(found, full.sum((2, 3)) / 3, rtol=0, atol=1e-13 * float(abs(full).max()))
    np.testing.assert_array_equal(pseudo_ntk(apply, params, x1), pseudo_ntk(apply, params, x1).T)


def true_variances(full1, full2, cross, traced):
    """Of one projection: products of two Gaussians have variance E z^2 E z'^2 + (E z z')^2, and covariances likewise."""
    k = cross.shape[-1]
    if not traced:
        diagonal1 = jnp.einsum("iiaa->ia", full1)[:, None, :, None]
        return diagonal1 * jnp.einsum("jjbb->jb", full2)[None, :, None, :] + cross**2
    products = jnp.einsum("iiab,jjab->ij", full1, full2)
    return (products + jnp.einsum("ijab,ijba->ij", cross, cross)) / k**2


@EVERY
@pytest.mark.parametrize("axes", [(), (-1,)])
def test_projections_are_unbiased_with_the_stated_variance(problem, axes):
    """2000 estimates of 8 projections each: means within 5 standard errors, variances within 5 of theirs."""
    apply, params, x1, x2 = problem()
    x1, x2 = x1[:3], x2[:2]
    cross = full_kernel(apply, params, x1, x2)
    sides = (full_kernel(apply, params, x, x) for x in (x1, x2))
    variance = true_variances(*sides, cross, bool(axes)) / 8
    estimates, repeats = [], 2000

    @jax.jit
    def estimate(keys):
        return jax.lax.map(lambda key: projected_ntk(key, apply, params, x1, x2, projections=8, trace_axes=axes), keys)

    estimates = estimate(jax.random.split(jax.random.key(5), repeats))
    value, stderr = (np.asarray(array) for array in estimates)
    deviation = (value.mean(0) - (averaged(cross) if axes else cross)) / np.sqrt(variance / repeats)
    assert abs(deviation).max() < 5
    # stderr^2 is unbiased for the variance of the mean; its own spread is taken from the repeats.
    squares = stderr**2
    assert (abs(squares.mean(0) - variance) < 5 * squares.std(0) / repeats**0.5).all()
    assert (
        abs(value.var(0, ddof=1) / variance - 1) < 5 * np.sqrt(((value - value.mean(0)) ** 2).var(0) / repeats) / variance
    ).all()


def test_two_standard_errors_cover_most_of_the_time():
    apply, params, x, _ = mlp_problem()
    kernel = empirical_ntk(apply, params, x)
    keys = jax.random.split(jax.random.key(1), 200)
    found = jax.jit(lambda keys: jax.lax.map(lambda key: projected_ntk(key, apply, params, x, projections=128), keys))(keys)
    covered = (abs(found.value - kernel[None]) < 2 * found.stderr).mean()
    assert 0.92 < float(covered) < 0.97


def test_projections_give_a_symmetric_positive_kernel_and_depend_on_the_key_alone():
    apply, params, x, _ = mlp_problem(jnp.float32)
    first, again = (projected_ntk(jax.random.key(3), apply, params, x, projections=16, batch=batch) for batch in (64, 3))
    assert first.value.dtype == first.stderr.dtype == jnp.float32
    np.testing.assert_array_equal(first.value, first.value.T)
    assert np.linalg.eigvalsh(first.value)[0] > -1e-5 * np.trace(first.value)
    np.testing.assert_allclose(first.value, again.value, rtol=1e-5, atol=1e-4)
    other = projected_ntk(jax.random.key(4), apply, params, x, projections=16)
    assert not np.allclose(first.value, other.value, rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"projections": 1}, "projections must be an integer of at least 2, got 1"),
        ({"batch": 0}, "batch must be an integer of at least 1, got 0"),
        ({"trace_axes": (0,)}, "trace_axes must be"),
    ],
)
def test_wrong_options_are_refused(options, message):
    apply, params, x, _ = mlp_problem()
    with pytest.raises(ValueError, match=message):
        projected_ntk(jax.random.key(0), apply, params, x, **options)
