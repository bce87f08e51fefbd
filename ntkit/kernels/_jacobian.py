"""Rows of a Jacobian: gradients of every output of every sample, a few samples at a time."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ntkit.kernels._function import Apply

Group = tuple[int, ...]  # the parameter arrays by whose entries is differentiated, by their place in the pytree


def jacobian_rows(
    apply: Apply, params: Any, group: Group, x: Float[Array, "n ..."], samples: int, outputs: int
) -> Float[Array, "n k p"]:
    """Gradients of all outputs by the entries of some parameter arrays, side by side.

    Args:
        apply: (params, x) -> (batch, k).
        params: a pytree of arrays.
        group: which of its arrays.
        x: inputs.
        samples: how many are differentiated at once, at most n.
        outputs: how many outputs of a sample are differentiated at once; divides k.
    """
    few = partial(few_rows, apply, params, group, outputs=outputs)
    if samples == len(x):
        return few(x)
    shape = jax.eval_shape(few, x[:samples])
    last = len(x) - samples

    def step(i: Array, rows: Array) -> Array:
        start = jnp.minimum(i * samples, last)  # the last few overlap those before them
        return lax.dynamic_update_slice_in_dim(rows, few(lax.dynamic_slice_in_dim(x, start, samples)), start, 0)

    rows: Array = lax.fori_loop(0, -(-len(x) // samples), step, jnp.zeros((len(x), *shape.shape[1:]), shape.dtype))
    return rows


def few_rows(apply: Apply, params: Any, group: Group, x: Float[Array, "n ..."], outputs: int) -> Float[Array, "n k p"]:
    """`jacobian_rows` of samples that fit into memory at once."""
    leaves, tree = jax.tree.flatten(params)

    def outputs_of(own: list[Array], row: Array) -> Array:
        merged = list(leaves)
        for index, leaf in zip(group, own, strict=True):
            merged[index] = leaf
        return apply(jax.tree.unflatten(tree, merged), row[None])[0]

    def rows_of(row: Array) -> Array:
        y, back = jax.vjp(lambda own: outputs_of(own, row), [leaves[index] for index in group])

        def gradient(direction: Array) -> Array:
            return jnp.concatenate([leaf.reshape(-1) for leaf in back(direction)[0]])

        directions = jnp.eye(len(y), dtype=y.dtype)
        if outputs == len(y):
            return jax.vmap(gradient)(directions)
        some = directions.reshape(-1, outputs, len(y))
        return jnp.asarray(lax.map(jax.vmap(gradient), some)).reshape(len(y), -1)

    return jax.vmap(rows_of)(x)
