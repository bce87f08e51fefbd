"""Laws of finite networks and their tangent kernels: what the claims on Jacot et al. (2018) take for granted."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.flatten_util import ravel_pytree

from ntkit.kernels import Dense, Erf, Relu, empirical_ntk, serial
from ntkit.strategies import seeds, spheres

pytestmark = pytest.mark.usefixtures("hardly_optimised")

WIDTH, DIM = 8, 3
NETWORKS = (  # few, since each is compiled
    serial(Dense(1.0, 0.3), Relu(), Dense(2**0.5)),
    serial(Dense(), Erf(), Dense(1.2, 0.3), Erf(), Dense(0.7)),
)
POINTS = spheres(counts=(4,), dims=(DIM,))


def draw(net, seed):
    return net.init(jax.random.key(seed), (DIM,), WIDTH)


@partial(jax.jit, static_argnums=0)
def outputs_and_kernel(net, params, x):
    return net.apply(params, x), net.empirical_ntk(params, x)


@partial(jax.jit, static_argnums=0)
def kernel_by_jacobians(net, params, x):
    return empirical_ntk(net.apply, params, x)


@partial(jax.jit, static_argnums=0)
def jacobian(net, params, x):
    flat, rebuild = ravel_pytree(params)
    return jax.jacrev(lambda numbers: net.apply(rebuild(numbers), x)[:, 0])(flat)


@jax.jit
def step_and_prediction(params, x, labels, rate):
    """Residuals after one step of gradient descent, and what the tangent kernel says they are."""
    net = NETWORKS[1]

    def residual(params):
        return net.apply(params, x)[:, 0] - labels

    gradient = jax.grad(lambda params: jnp.sum(residual(params) ** 2) / 2)(params)
    after = residual(jax.tree.map(lambda weight, slope: weight - rate * slope, params, gradient))
    before = residual(params)
    return after, before - rate * net.empirical_ntk(params, x) @ before


@given(st.sampled_from(NETWORKS), seeds(), POINTS)
def test_the_empirical_tangent_kernel_is_the_gram_matrix_of_gradients(net, seed, sphere):
    params, x = draw(net, seed), sphere.points
    gradients = np.asarray(jacobian(net, params, x))
    for kernel in (outputs_and_kernel(net, params, x)[1], kernel_by_jacobians(net, params, x)):
        np.testing.assert_allclose(kernel, gradients @ gradients.T, rtol=1e-12, atol=1e-13)


@given(st.sampled_from(NETWORKS), seeds(), POINTS)
def test_hidden_units_have_no_order(net, seed, sphere):
    params = draw(net, seed)
    order = np.random.default_rng(seed).permutation(WIDTH)
    dense = [i for i, layer in enumerate(net.layers) if isinstance(layer, Dense)]
    permuted = list(params)
    for i in dense[:-1]:
        own = permuted[i]
        permuted[i] = replace(own, w=own.w[:, order], b=None if own.b is None else own.b[order])
        following = permuted[dense[dense.index(i) + 1]]
        permuted[dense[dense.index(i) + 1]] = replace(following, w=following.w[order])
    permuted = tuple(permuted)
    x = sphere.points
    for same, before in zip(outputs_and_kernel(net, permuted, x), outputs_and_kernel(net, params, x), strict=True):
        np.testing.assert_allclose(same, before, rtol=1e-12, atol=1e-13)


@given(seeds(), POINTS)
def test_one_step_of_gradient_descent_moves_the_residual_by_the_kernel(seed, sphere):
    """f - y -> (I - eta Theta)(f - y) up to eta^2: halving eta quarters what is left. Smooth activation: no kink to flip."""
    params = draw(NETWORKS[1], seed)
    labels = jnp.asarray(np.random.default_rng(seed).normal(size=4))

    def left_over(rate):
        after, predicted = step_and_prediction(params, sphere.points, labels, rate)
        return float(jnp.abs(after - predicted).max())

    assert left_over(5e-4) <= 0.27 * left_over(1e-3) + 1e-13


@given(st.integers(0, 3), POINTS, st.floats(0.01, 100))
def test_the_limit_without_bias_is_quadratic_in_the_inputs(hidden, sphere, scale):
    net = serial(*[layer for _ in range(hidden) for layer in (Dense(1.3), Relu())], Dense(0.8))
    kernel = np.asarray(net.ntk(sphere.points))
    np.testing.assert_allclose(net.ntk(scale * sphere.points), scale**2 * kernel, rtol=0, atol=1e-13 * scale**2)
