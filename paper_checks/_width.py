"""The variance of a network's output given its last hidden layer, as a chain over layers: no weight matrices."""

from typing import Literal

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from numpy.typing import NDArray

FACTORS = {"linear": 2.0, "relu": 5.0}  # c in E[q_L^2] / E[q_L]^2 = (1 + c / n)^L


def generator(key: PRNGKeyArray) -> np.random.Generator:
    """NumPy's generator, seeded by a JAX key: for distributions that JAX would have to compile for long."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def output_variances(
    key: PRNGKeyArray, activation: Literal["linear", "relu"], width: int, depth: int, count: int
) -> NDArray[np.float64]:
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
