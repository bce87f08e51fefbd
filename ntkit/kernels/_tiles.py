"""Kernel matrices tile by tile: tiles stay in cache, one triangle is computed, and tiles go to all cores."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.kernels._evaluate import Kinds, Layers, block, needs_at_start, pairs, pixels_of
from ntkit.kernels._near import product_block, vectors, worth_products

Matrix = Any  # a NumPy array, in memory or mapped to a file

_CACHE = 2**17  # numbers in one array of a tile
_VECTORS = 512  # rows and columns of a tile without pixels
_LINE = 16  # numbers in a cache line, and multiples of what the cores' vectors hold


@dataclass(frozen=True)
class Grid:
    """How the matrix of an architecture is cut.

    Attributes:
        rows, columns: numbers of inputs.
        symmetric: whether only the lower triangle is computed.
        tile: rows and columns of a square tile; where `paired`, pairs in a tile.
        paired: tiles are lists of pairs, row by row, in place of squares: no pair too many.
    """

    rows: int
    columns: int
    symmetric: bool
    tile: int
    paired: bool

    @property
    def bands(self) -> int:
        """Groups of rows that are finished together."""
        return -(-self.rows // (1 if self.paired else self.tile))


def grid_of(layers: Layers, shape: tuple[int, ...], rows: int, columns: int | None, tile: int | None) -> Grid:
    """The grid for inputs of a shape; columns None stands for the same inputs twice."""
    needs, pixels = needs_at_start(layers), pixels_of(layers, shape)
    paired = needs.pairs and not needs.own
    if tile is None and paired:
        tile = min(max(_LINE, _CACHE // pixels), 64)
    elif tile is None:
        tile = _VECTORS if pixels == 1 else max(_LINE, int((_CACHE / pixels) ** 0.5) // _LINE * _LINE)
    if not paired:
        tile = min(tile, max(rows, columns or 0))
    return Grid(rows, columns or rows, columns is None, tile, paired)


def fill(
    layers: Layers,
    kinds: Kinds,
    x1: Float[Array, "n ..."],
    x2: Float[Array, "m ..."] | None,
    matrices: Sequence[Matrix],
    threads: int | None = None,
) -> None:
    """Compute all tiles into matrices, one per kind."""
    grid = grid_of(layers, x1.shape[1:], len(x1), None if x2 is None else len(x2), None)
    work = tasks(grid, layers, kinds, x1, x1 if x2 is None else x2, matrices, range(grid.bands))
    run(work, threads)


def run(work: Iterator[Callable[[], None]], threads: int | None = None) -> None:
    """Run tasks on threads (None: one per core); XLA releases the interpreter while it computes."""
    threads = len(os.sched_getaffinity(0)) if threads is None else threads
    if threads == 1:
        for task in work:
            task()
        return
    with ThreadPoolExecutor(threads) as pool:
        # No more than a few tasks wait, so that an error or Ctrl-C ends the rest.
        while batch := list(islice(work, 16 * threads)):
            for future in [pool.submit(task) for task in batch]:
                future.result()


def tasks(
    grid: Grid, layers: Layers, kinds: Kinds, x1: Array, x2: Array, matrices: Sequence[Matrix], bands: Sequence[int]
) -> Iterator[Callable[[], None]]:
    """One task for every tile of the bands."""
    if grid.paired:
        yield from _paired_tasks(grid, layers, kinds, x1, x2, matrices, bands)
        return
    same, t = grid.symmetric, grid.tile
    evaluate: Callable[[int, int], tuple[Array, ...]]
    if worth_products(layers, x1):
        first = vectors(x1, t)
        second = first if same else vectors(x2, t)

        def evaluate(row: int, column: int) -> tuple[Array, ...]:
            return product_block(layers, kinds, t, first, second, row, column, same and row == column)

    else:
        rows, columns = _padded(x1, t), _padded(x2, t)

        def evaluate(row: int, column: int) -> tuple[Array, ...]:
            out: tuple[Array, ...] = block(layers, kinds, t, rows, columns, row, column)
            return out

    for band in bands:
        for column in range(0, band * t + 1 if same else grid.columns, t):
            yield partial(_square, grid, evaluate, matrices, band * t, column)


def _square(
    grid: Grid, evaluate: Callable[[int, int], tuple[Array, ...]], matrices: Sequence[Matrix], row: int, column: int
) -> None:
    """Compute one square tile, and write it; in a symmetric matrix also its mirror image."""
    rows, columns = slice(row, min(row + grid.tile, grid.rows)), slice(column, min(column + grid.tile, grid.columns))
    for matrix, padded in zip(matrices, evaluate(row, column), strict=True):
        values = np.asarray(padded)[: rows.stop - row, : columns.stop - column]
        if grid.symmetric and row == column:
            matrix[rows, columns] = np.tril(values) + np.tril(values, -1).T
            continue
        matrix[rows, columns] = values
        if grid.symmetric:
            for start in range(0, len(values), _LINE):  # whole cache lines of the mirror image: four times faster
                strip = values[start : start + _LINE]
                matrix[columns, row + start : row + start + len(strip)] = strip.T


def _padded(x: Array, tile: int) -> Array:
    return jnp.pad(x, [(0, -len(x) % tile)] + [(0, 0)] * (x.ndim - 1))


def _paired_tasks(
    grid: Grid, layers: Layers, kinds: Kinds, x1: Array, x2: Array, matrices: Sequence[Matrix], bands: Sequence[int]
) -> Iterator[Callable[[], None]]:
    places = [(i, j) for i in bands for j in range(i + 1 if grid.symmetric else grid.columns)]
    for start in range(0, len(places), grid.tile):
        first, second = np.array(places[start : start + grid.tile], dtype=np.int32).T
        yield _Pairs(layers, kinds, x1, x2, matrices, first, second, grid.tile, grid.symmetric)


@dataclass(frozen=True)
class _Pairs:
    layers: Layers
    kinds: Kinds
    x1: Array
    x2: Array
    matrices: Sequence[Matrix]
    first: np.ndarray
    second: np.ndarray
    tile: int
    symmetric: bool

    def __call__(self) -> None:
        room = (0, self.tile - len(self.first))
        indices = (np.pad(self.first, room), np.pad(self.second, room))
        for matrix, values in zip(self.matrices, pairs(self.layers, self.kinds, self.x1, self.x2, *indices), strict=True):
            column = np.asarray(values)[: len(self.first)]
            matrix[self.first, self.second] = column
            if self.symmetric:
                matrix[self.second, self.first] = column
