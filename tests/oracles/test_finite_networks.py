"""Infinite-width kernels against many finite networks: with one hidden layer, their mean is exact at every width."""

import jax
import numpy as np
import pytest

from ntkit.kernels import Dense, Erf, Relu, serial

REPEATS = 20_000


@pytest.mark.parametrize("activation", [Relu(), Erf()])
def test_one_hidden_layer_is_unbiased_at_width_three(activation):
    net = serial(Dense(1.3, 0.4), activation, Dense(1.1, 0.2))
    x = np.array([[1.0, 0.5], [1.0, 0.4], [-1.0, -0.5], [0.0, 0.0]])

    @jax.jit
    def sample(keys):
        def one(key):
            params = net.init(key, (2,), width=3)
            outputs = net.apply(params, x)
            return outputs @ outputs.T, net.empirical_ntk(params, x)

        return jax.lax.map(one, keys)

    samples = sample(jax.random.split(jax.random.key(5), REPEATS))
    for values, limit in zip(samples, (net.nngp(x), net.ntk(x)), strict=True):
        mean, error = np.mean(values, axis=0), np.std(values, axis=0) / np.sqrt(REPEATS)
        # 10 distinct entries: 4.5 standard errors are exceeded by chance once in 10^4 seeds. All errors are below 3 %.
        assert (np.abs(mean - limit) <= 4.5 * error).all()
        assert (error < 0.03 * np.max(limit)).all()
