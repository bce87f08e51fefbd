"""The variance of a network's output given its last hidden layer: as a chain over layers, and of real networks."""

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from _networks import networks
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import NDArray

from ntkit.kernels import Dense, Network, Relu, serial

Activation = Literal["linear", "relu"]

FACTORS = {"linear": 2.0, "relu": 5.0}  # c in E[q_L^2] / E[q_L]^2 = (1 + c / n)^L
CHAINS = [(32, 4), (64, 8), (128, 8)]  # width n, hidden layers L: c L / n stays below 0.7, as q_L^2 has heavy tails beyond
NETWORK = (16, 2)
LABEL = "(n, L) = (32, 4), (64, 8), (128, 8) by chain, (16, 2) by networks"


def second_moments(key: PRNGKeyArray, activation: Activation, blocks: int) -> NDArray[np.float64]:
    """E[q_L^2] of three chains and of real networks, as means over `blocks` blocks: shape (blocks, 4).

    A block holds 5000 draws of each chain and 2000 networks. 3 (q_L - 1), whose mean is 0, is taken off: it holds half of the
    noise of q_L^2.
    """
    chain, real = jax.random.split(key)
    variances = [
        output_variances(jax.random.fold_in(chain, i), activation, n, depth, 5000 * blocks)
        for i, (n, depth) in enumerate(CHAINS)
    ]
    n, _ = NETWORK
    layers = (Dense(), Relu(), Dense(2**0.5), Relu()) if activation == "relu" else (Dense(), Dense())
    scale, hidden = 2.0 if activation == "relu" else 1.0, serial(*layers)
    parts = (networks(key, hidden, 1, n, 2000, outputs=n) for key in jax.random.split(real, blocks))  # one in memory at a time
    variances.append(scale * np.concatenate([np.asarray(_mean_squares(part, hidden)) for part in parts]))
    return np.stack([(q**2 - 3 * (q - 1)).reshape(blocks, -1).mean(1) for q in variances], axis=1)


def predicted_moments(constant: float, less: int = 0) -> list[float]:
    """(1 + constant / n)^(L - less) for what `second_moments` measures."""
    return [(1 + constant / n) ** (depth - less) for n, depth in [*CHAINS, NETWORK]]


def generator(key: PRNGKeyArray) -> np.random.Generator:
    """NumPy's generator, seeded by a JAX key: for distributions that JAX would have to compile for long."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def output_variances(key: PRNGKeyArray, activation: Activation, width: int, depth: int, count: int) -> NDArray[np.float64]:
    """q_L of `count` networks with `depth` hidden layers at critical initialisation, without bias, at one unit input.

    q_l = (c_phi / n) sum_j phi(z_lj)^2 with c_phi = 1 (linear) or 2 (ReLU). Given layer l, the next pre-activations are n
    independent N(0, q_l), so that q_{l+1} / q_l is independent of q_l: chi^2_n / n for a linear network, and 2 chi^2_B / n
    with B ~ Binomial(n, 1/2) active units for ReLU. E[q_L] = 1.
    """
    random = generator(key)
    q = np.ones(count)
    for _ in range(depth):
        active = random.binomial(width, 0.5, count) if activation == "relu" else np.full(count, width)
        gamma = random.standard_gamma(np.maximum(active, 1) / 2)  # chi^2 / 2
        q *= np.where(active > 0, gamma, 0.0) * (4 if activation == "relu" else 2) / width
    return q


@partial(jax.jit, static_argnames="hidden")
def _mean_squares(params: Any, hidden: Network) -> Float[Array, " count"]:
    """Mean squares of the last hidden layers, at the input 1."""
    one = jnp.ones((1, 1))
    return jnp.mean(jax.vmap(lambda own: hidden.apply(own, one)[0])(params) ** 2, axis=1)
