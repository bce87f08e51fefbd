"""Deep networks of ReLUs with and without skip connections on the digits, for claims on their landscapes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.linalg
from _landscapes import digit_data
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float
from numpy.typing import NDArray

from ntkit.landscape import Adam, train

Floats = NDArray[np.float64]
Params = dict[str, Any]  # "first", "hidden" (a list) and "last": weights (in, out)
Data = tuple[Array, Array]

WIDTH, STEPS, BATCH = 32, 1000, 64
BRANCH = 0.5  # over the root of the depth: what residual branches are multiplied by


def network(key: Array, depth: int) -> Params:
    """He's initialisation of so many square layers between two others."""
    first, last, *hidden = jax.random.split(key, depth + 2)

    def normal(key: Array, n: int, m: int) -> Array:
        weights: Array = jax.random.normal(key, (n, m), jnp.float32)
        scaled: Array = weights * (2 / n) ** 0.5
        return scaled

    return {"first": normal(first, 64, WIDTH), "hidden": [normal(one, WIDTH, WIDTH) for one in hidden],
            "last": normal(last, WIDTH, 10)}  # fmt: skip


def loss(params: Params, data: Data, *, skips: bool) -> Float[Array, ""]:
    """The mean cross-entropy."""
    x, labels = data
    scale = BRANCH / len(params["hidden"]) ** 0.5

    def layer(z: Array, weights: Array) -> tuple[Array, None]:
        branch = jax.nn.relu(jnp.matmul(z, weights))
        return (z + scale * branch if skips else branch), None

    z = jax.nn.relu(jnp.matmul(x, params["first"]))
    z = jax.lax.scan(layer, z, jnp.stack(params["hidden"]))[0]
    scores = jax.nn.log_softmax(jnp.matmul(z, params["last"]))
    return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()


LOSSES: dict[bool, Callable[..., Float[Array, ""]]] = {skips: partial(loss, skips=skips) for skips in (False, True)}


def trained(key: Array, depth: int, skips: bool) -> Params:
    """After 1000 steps of Adam at a rate of 1e-3, batches of 64; the same start and order for both families."""
    x, labels = digit_data()
    data = (x.astype(jnp.float32), labels)
    found: Params = train(LOSSES[skips], network(key, depth), Adam(1e-3), STEPS, data=data, batch=BATCH, key=key).params
    return found


@partial(jax.jit, static_argnames="skips")
def moved(params: Params, ways: Params, sizes: Float[Array, " points"], data: Data, skips: bool) -> Float[Array, " points"]:
    """The loss at params + size * way, for ways with an axis in front."""

    def at(one: tuple[Params, Array]) -> Float[Array, ""]:
        way, size = one
        return LOSSES[skips](jax.tree.map(lambda leaf, step: leaf + size * step, params, way), data)

    found: Array = jax.lax.map(at, (ways, sizes))
    return found


def top_eigenvalues(params: Params, data: Data, skips: bool, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The largest eigenvalues of the Hessian, falling, and |H v| for their vectors v."""
    flat = ravel_pytree(params)[0]

    def product(v: Floats) -> Floats:
        return np.asarray(_product(params, jnp.asarray(v.reshape(-1), flat.dtype), data, skips))

    operator = scipy.sparse.linalg.LinearOperator((flat.size, flat.size), matvec=product, dtype=flat.dtype)
    values, vectors = scipy.sparse.linalg.eigsh(operator, count, which="LA", v0=rng.normal(size=flat.size), tol=1e-4)
    images = np.stack([np.linalg.norm(product(vector)) for vector in vectors.T])
    return values[::-1], images[::-1]


@partial(jax.jit, static_argnames="skips")
def _product(params: Params, v: Float[Array, " params"], data: Data, skips: bool) -> Float[Array, " params"]:
    flat, unravel = ravel_pytree(params)
    image: Array = jax.jvp(jax.grad(lambda w: LOSSES[skips](unravel(w), data)), (flat,), (v,))[1]
    return image
