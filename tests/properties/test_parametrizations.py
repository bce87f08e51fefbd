"""Laws of parametrisations and of what one step of training changes, on random small networks."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ntkit.kernels import Dense, Elementwise, serial
from ntkit.strategies import networks, seeds

NET = serial(Dense(), Elementwise(jnp.tanh), Dense(), Elementwise(jnp.tanh), Dense())
NAMES = ("ntk", "standard", "mup")
DIM, OUTPUTS = 5, 3


@jax.jit
def gradient(params, x, y):
    """Of the squared loss."""
    return jax.grad(lambda p: jnp.sum((NET.apply(p, x) - y) ** 2))(params)


@given(seeds(), st.sampled_from(NAMES), st.sampled_from((1, 3)))
def test_one_step_changes_weights_by_a_rank_of_at_most_the_batch(seed, parametrization, batch):
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(batch, DIM)), random.normal(size=(batch, OUTPUTS))
    params = NET.init(jax.random.key(seed), (DIM,), 8, OUTPUTS, parametrization=parametrization)
    for layer in gradient(params, x, y)[::2]:
        values = np.linalg.svd(layer.w, compute_uv=False)
        # Products of at most eight terms, summed over the batch: rounding stays below 100 epsilon of the largest.
        assert (values[batch:] <= 100 * np.finfo(float).eps * values[0]).all()


@given(networks(max_hidden=2), seeds(), st.sampled_from((1, 6)))
def test_one_key_is_one_function_up_to_the_size_of_outputs(chain, seed, width):
    net, x = chain.network, np.random.default_rng(seed).normal(size=(2, 3))
    last_bias = chain.layers[-1].b_std > 0
    ntk, standard, mup = (net.apply(net.init(jax.random.key(seed), (3,), width, parametrization=p), x) for p in NAMES)
    scale = float(np.abs(ntk).max())
    np.testing.assert_allclose(standard, ntk, rtol=0, atol=1e-14 * max(scale, 1))
    if len(chain.layers) > 1 and not last_bias:
        np.testing.assert_allclose(mup * width**0.5, ntk, rtol=0, atol=1e-14 * max(scale, 1))


@given(seeds(), st.tuples(*[st.integers(1, 6)] * 3), st.sampled_from((0, 1, 2)))
def test_spectral_norms_bound_what_two_layers_do(seed, sizes, rank_less):
    random = np.random.default_rng(seed)
    a, b = random.normal(size=sizes[:2]), random.normal(size=sizes[1:])
    a[:, : min(rank_less, sizes[1] - 1)] = 0
    x = random.normal(size=sizes[2])
    bound = np.linalg.norm(a, 2) * np.linalg.norm(b, 2) * np.linalg.norm(x)
    assert np.linalg.norm(a @ b @ x) <= bound * (1 + 1e-13)
    right = np.linalg.svd(a @ b)[2][0]
    assert np.linalg.norm(a @ b @ right) >= np.linalg.norm(a @ b, 2) * (1 - 1e-13)
