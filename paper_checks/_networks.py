"""Many random networks of one architecture for little compilation: their numbers are cut out of one long draw."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import NDArray

from ntkit.kernels import Network

CHUNK = 1 << 18  # normal numbers drawn at a time: the one shape for which the generator is compiled


def normals(key: PRNGKeyArray, *shape: int) -> NDArray[np.float64]:
    """Standard normal numbers, float64, whose generator is compiled once for all shapes (half a second each otherwise)."""
    size = int(np.prod(shape))
    chunks = [np.asarray(_chunk(jax.random.fold_in(key, i))) for i in range(-(-size // CHUNK))]
    return np.concatenate(chunks)[:size].reshape(shape)


def networks(key: PRNGKeyArray, net: Network, dim: int, width: int, count: int, outputs: int = 1) -> Any:
    """Parameters of `count` random networks, stacked along axis 0: as `net.init` draws them, N(0, 1) in every entry."""
    one = jax.eval_shape(partial(net.init, input_shape=(dim,), width=width, outputs=outputs), key)
    leaves, structure = jax.tree.flatten(one)
    numbers = normals(key, count, sum(leaf.size for leaf in leaves))
    parts = np.split(numbers, np.cumsum([leaf.size for leaf in leaves])[:-1], axis=1)
    return jax.tree.unflatten(structure, [part.reshape(count, *leaf.shape) for part, leaf in zip(parts, leaves, strict=True)])


def tangent_kernels(
    key: PRNGKeyArray, net: Network, x: Float[Array, "n d"], width: int, count: int, batch: int = 25
) -> NDArray[np.float64]:
    """Empirical tangent kernels of `count` random networks, shape (count, n, n); `batch` networks are held at a time."""
    keys = jax.random.split(jax.random.fold_in(key, width), -(-count // batch))
    kernels = [np.asarray(_kernels(networks(part, net, x.shape[1], width, batch), net, x)) for part in keys]
    return np.concatenate(kernels)[:count]


@jax.jit
def _chunk(key: PRNGKeyArray) -> Float[Array, " chunk"]:
    return jax.random.normal(key, (CHUNK,), jnp.float64)


@partial(jax.jit, static_argnames="net")
def _kernels(params: Any, net: Network, x: Float[Array, "n d"]) -> Float[Array, "count n n"]:
    return jnp.asarray(jax.lax.map(lambda one: net.empirical_ntk(one, x), params))
