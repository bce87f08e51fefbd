"""Kernel matrices tile by tile: one triangle of a symmetric one, mirrored as it is written."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

Side = Callable[[Array], Any]  # from the first index of a tile to what its block is made of


def tiled(left: Side, right: Side | None, block: Callable[[Any, Any], Array], out: Array, tile: tuple[int, int]) -> Array:
    """Fill `out` by blocks of two tiles, in place; every tile is made once as a left one.

    Args:
        left: the tile of rows that begins at an index.
        right: the tile of columns; None for a symmetric matrix, whose tiles of columns are those of rows.
        block: of the tiles of rows and columns; shape (rows, columns) or (rows, columns, k, k).
        out: what to fill, shape (n, m) or (n, m, k, k).
        tile: how many rows and columns; the last tiles overlap those before, so that no other shape is compiled.
    """
    zero = jnp.int32(0)
    if tile == out.shape[:2]:  # without loops, since compiling them takes longer than a small kernel does
        mine = left(zero)
        return symmetrised(block(mine, mine)) if right is None else block(mine, right(zero))
    counts = [jnp.int32(-(-n // size)) for n, size in zip(out.shape, tile, strict=False)]

    def start(axis: int, index: Array) -> Array:
        return jnp.minimum(index * tile[axis], out.shape[axis] - tile[axis])

    def write(out: Array, found: Array, row: Array, column: Array) -> Array:
        return lax.dynamic_update_slice(out, found, (row, column, *[zero] * (out.ndim - 2)))

    def across(i: Array, out: Array) -> Array:
        row = start(0, i)
        mine = left(row)

        def cell(j: Array, out: Array) -> Array:
            column = start(1, j)
            found = block(mine, (right or left)(column))
            out = write(out, found, row, column)
            return out if right is not None else write(out, _mirrored(found), column, row)

        if right is not None:
            return jnp.asarray(lax.fori_loop(zero, counts[1], cell, out))
        out = lax.fori_loop(i + 1, counts[1], cell, out)
        # After the overlapping tiles: the last block to be written in any place is one that equals its mirror image.
        return write(out, symmetrised(block(mine, mine)), row, row)

    return jnp.asarray(lax.fori_loop(zero, counts[0], across, out))


def symmetrised(kernel: Array) -> Array:
    """The upper triangle of an (n, n) or (n, n, k, k) kernel and its mirror image, exactly symmetric."""
    n, k = kernel.shape[0], kernel.shape[2] if kernel.ndim == 4 else 1
    rows = jnp.arange(n)[:, None] if kernel.ndim == 2 else jnp.arange(n * k).reshape(n, 1, k, 1)
    columns = jnp.arange(n)[None, :] if kernel.ndim == 2 else jnp.arange(n * k).reshape(1, n, 1, k)
    return jnp.where(rows <= columns, kernel, _mirrored(kernel))


def _mirrored(kernel: Array) -> Array:
    return jnp.swapaxes(kernel, 0, 1) if kernel.ndim == 2 else jnp.transpose(kernel, (1, 0, 3, 2))
