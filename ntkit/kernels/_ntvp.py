"""NTK-vector products: the kernel times a vector by one backward and one forward pass, without a Jacobian."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ntkit.kernels._function import Apply
from ntkit.kernels._memory import CACHE, live_bytes
from ntkit.kernels._triangle import tiled


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def contract_products(
    apply: Apply, traced: bool, memory: int, k: int, params: Any, x1: Float[Array, "n ..."], x2: Float[Array, "m ..."] | None
) -> Float[Array, "n m ..."]:
    """The kernel from its products with unit vectors, a tile of rows and one column of samples at a time."""
    second = x1 if x2 is None else x2
    size, outputs = _plan(apply, traced, k, params, x1, memory)
    tile = min(size, len(x1)), min(size, len(second))

    def side(x: Array, size: int) -> Any:
        return lambda start: lax.dynamic_slice_in_dim(x, start, size)

    def block(rows: Array, columns: Array) -> Array:
        found = lax.map(lambda column: _column(apply, traced, k, outputs, params, rows, column), columns)
        return jnp.swapaxes(jnp.asarray(found), 0, 1)

    out = jnp.zeros((len(x1), len(second), *(() if traced else (k, k))), jax.tree.leaves(params)[0].dtype)
    right = None if x2 is None else side(x2, tile[1])
    return tiled(side(x1, tile[0]), right, block, out, tile)


def _column(
    apply: Apply, traced: bool, k: int, outputs: int, params: Any, rows: Float[Array, "n ..."], column: Array
) -> Float[Array, "n ..."]:
    """The kernel of some rows and one sample, from gradients of `outputs` outputs of that sample at once."""
    y, back = jax.vjp(lambda p: apply(p, column[None])[0], params)

    def product(o: Array) -> Array:
        (direction,) = back(jax.nn.one_hot(o, k, dtype=y.dtype))
        _, found = jax.jvp(lambda p: apply(p, rows), (params,), (direction,))
        return jnp.asarray(found[:, o] if traced else found)

    found = jnp.asarray(jax.vmap(product)(jnp.arange(k)) if outputs == k else lax.map(product, jnp.arange(k)))
    return found.mean(0) if traced else jnp.moveaxis(found, 0, -1)


def _plan(apply: Apply, traced: bool, k: int, params: Any, x: Array, memory: int) -> tuple[int, int]:
    """Rows of a tile, and outputs differentiated at once."""
    each: int = jax.tree.leaves(params)[0].dtype.itemsize * (1 if traced else k * k)

    def need(size: int, outputs: int) -> int:
        column = partial(_column, apply, traced, k, outputs)
        return live_bytes(lambda p, x: column(p, x[:size], x[0]), params, x) + 4 * size * size * each

    for outputs in (k, 1):
        least = need(1, outputs)
        if least <= memory:
            size = 1
            while size < len(x) and need(2 * size, outputs) <= min(memory, max(CACHE, least)):
                size *= 2
            return size, outputs
    raise ValueError(f"memory must be at least {least} bytes for this function, got {memory}")
