"""Modules of Flax and Equinox: the adapter's function is the module, and its kernel that of the same arrays written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.kernels import empirical_ntk, from_equinox, from_linen, from_nnx
from tests.kernels.finite_functions import mlp, mlp_problem

pytestmark = pytest.mark.usefixtures("hardly_optimised")

_, PARAMS, X, _ = mlp_problem(jnp.float32)
KERNEL = empirical_ntk(mlp, PARAMS, X)


def check(apply, params, module):
    np.testing.assert_allclose(apply(params, X), module(X), rtol=1e-6)
    np.testing.assert_allclose(apply(params, X), mlp(PARAMS, X), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(empirical_ntk(apply, params, X), KERNEL, rtol=1e-4)


def test_linen():
    linen = pytest.importorskip("flax.linen")
    module = linen.Sequential([linen.Dense(6), jnp.tanh, linen.Dense(3)])
    layers = {f"layers_{i}": {"kernel": PARAMS[f"w{j}"], "bias": PARAMS[f"b{j}"]} for i, j in ((0, 1), (2, 2))}
    variables = {"params": layers}
    check(*from_linen(module, variables), lambda x: module.apply(variables, x))


def test_linen_keeps_what_is_not_a_parameter():
    linen = pytest.importorskip("flax.linen")
    module = linen.BatchNorm(use_scale=True)
    variables = module.init(jax.random.key(0), X, use_running_average=True)
    apply, params = from_linen(module, variables, use_running_average=True)
    np.testing.assert_allclose(empirical_ntk(apply, params, X), (X @ X.T / (1 + 1e-5) + 4) / 4, rtol=1e-4)
    training, _ = from_linen(module, variables, use_running_average=False, mutable="batch_stats")
    with pytest.raises(ValueError, match="apply must act on each row by itself"):
        empirical_ntk(lambda p, x: training(p, x)[0], params, X)


def test_nnx():
    nnx = pytest.importorskip("flax.nnx")
    module = nnx.Sequential(nnx.Linear(4, 6, rngs=nnx.Rngs(0)), jnp.tanh, nnx.Linear(6, 3, rngs=nnx.Rngs(1)))
    for layer, number in ((module.layers[0], 1), (module.layers[2], 2)):
        layer.kernel[...], layer.bias[...] = PARAMS[f"w{number}"], PARAMS[f"b{number}"]
    check(*from_nnx(module), module)


def test_equinox():
    equinox = pytest.importorskip("equinox")

    def linear(number):
        w, b = PARAMS[f"w{number}"], PARAMS[f"b{number}"]
        layer = equinox.nn.Linear(*w.shape, key=jax.random.key(0))
        return equinox.tree_at(lambda own: (own.weight, own.bias), layer, (w.T, b))

    module = equinox.nn.Sequential([linear(1), equinox.nn.Lambda(jnp.tanh), linear(2)])
    check(*from_equinox(module), jax.vmap(module))
