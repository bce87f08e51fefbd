"""Kernel matrices tile by tile: tiles stay in cache, one triangle is computed, and tiles go to all cores."""

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import FrameType
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ntkit.kernels._evaluate import Kinds, Layers, block, needs_at_start, pairs, pixels_of
from ntkit.kernels._near import product_block, vectors, worth_products

_CACHE = 2**17  # numbers in one array of a tile of pairs
_SQUARE = 2**18  # numbers in one array of a square tile
_VECTORS = 400  # rows and columns of a tile without pixels, at most: more leave the cache, fewer cost calls
_LINE = 16  # numbers in a cache line, and multiples of what the cores' vectors hold
_PAIRS = 64  # pairs of images in a tile, at most
_LARGE = 2**24  # numbers in an array from which tiles have fewer pairs than a cache line
_BAND = 256  # tiles of pairs in a band

Slices = tuple[slice, slice]


class Tile(NamedTuple):
    """Part of a matrix, or of several.

    Attributes:
        where: row and column slices, or row and column indices of single entries.
        values: one array per matrix.
        mirrored: whether the mirror image at (columns, rows) has the same values.
    """

    where: tuple[slice, slice] | tuple[np.ndarray, np.ndarray]
    values: tuple[np.ndarray, ...]
    mirrored: bool


@dataclass(frozen=True)
class Grid:
    """How a matrix is cut.

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
    paired: bool = False

    @property
    def band(self) -> int:
        """Rows that are finished together."""
        return max(1, _BAND * self.tile // self.columns) if self.paired else self.tile

    @property
    def bands(self) -> int:
        """Groups of rows that are finished together."""
        return -(-self.rows // self.band)

    def rows_of(self, band: int) -> slice:
        """The rows of a band."""
        return slice(band * self.band, min((band + 1) * self.band, self.rows))

    def band_of(self, tile: Tile) -> int:
        """The band that a tile lies in."""
        rows = tile.where[0]
        return int(rows.start if isinstance(rows, slice) else rows[0]) // self.band


class Source(NamedTuple):
    """Where tiles come from: a grid, and the tasks that compute a band, each of which returns one tile.

    Attributes:
        most: how many tasks there is memory for at once; None, for any number of them.
    """

    grid: Grid
    band: Callable[[int], Iterator[Callable[[], Tile]]]
    most: int | None = None

    def threads(self, wanted: int | None) -> int:
        """How many to use; None wants one per core that this process may use."""
        threads = available_cores() if wanted is None else wanted
        return threads if self.most is None else min(threads, self.most)


def network_source(layers: Layers, kinds: Kinds, x1: Array, x2: Array | None, tile: int | None) -> Source:
    """Tiles of the kernels of a chain of layers; x2 None stands for x1."""
    grid = network_grid(layers, x1.shape[1:], len(x1), None if x2 is None else len(x2), tile)
    second = x1 if x2 is None else x2
    if grid.paired:
        return Source(grid, partial(_paired_band, grid, partial(_pairs, layers, kinds, x1, second, grid.tile)))
    size, same = grid.tile, grid.symmetric
    if worth_products(layers, x1):
        rows = vectors(x1, size)
        columns = rows if same else vectors(second, size)

        def square(row: int, column: int) -> tuple[Array, ...]:
            return product_block(layers, kinds, rows[row // size], columns[column // size], same and row == column)

        return Source(grid, partial(_square_band, grid, square))
    evaluate = partial(block, layers, kinds, size, _padded(x1, size), _padded(second, size))
    return Source(grid, partial(_square_band, grid, evaluate))


def function_source(kernel: Callable[[Array, Array], Array], x1: Array, x2: Array | None, tile: int | None) -> Source:
    """Tiles of a function of two sets of inputs."""
    second = x1 if x2 is None else x2
    size = min(_VECTORS if tile is None else tile, max(len(x1), len(second)))
    grid = Grid(len(x1), len(second), x2 is None, size)
    rows, columns = _padded(x1, size, "edge"), _padded(second, size, "edge")

    def square(row: int, column: int) -> tuple[Array]:
        values = kernel(rows[row : row + size], columns[column : column + size])
        if values.shape != (size, size):
            raise ValueError(f"kernel must map {size} and {size} inputs to shape ({size}, {size}), got {values.shape}")
        return (values,)

    return Source(grid, partial(_square_band, grid, square))


def network_grid(layers: Layers, shape: tuple[int, ...], rows: int, columns: int | None, tile: int | None) -> Grid:
    """The grid for inputs of a shape; columns None stands for the same inputs twice."""
    needs, pixels = needs_at_start(layers), pixels_of(layers, shape)
    paired = needs.pairs and not needs.own
    if tile is None and paired:
        tile = min(_CACHE // pixels, _PAIRS) if pixels * _LINE <= _CACHE else max(1, min(_LINE, _LARGE // pixels))
    elif tile is None:
        fewest = max(1, min(_LINE, int((_LARGE / pixels) ** 0.5)))
        tile = _even(max(rows, columns or 0)) if pixels == 1 else max(fewest, int((_SQUARE / pixels) ** 0.5) // _LINE * _LINE)
    if not paired:
        tile = min(tile, max(rows, columns or 0))
    return Grid(rows, columns or rows, columns is None, tile, paired)


def _even(rows: int) -> int:
    """Rows of a tile without pixels such that all tiles are nearly full."""
    each = -(-rows // -(-rows // _VECTORS))
    return -(-each // _LINE) * _LINE


def run(source: Source, bands: Sequence[int], use: Callable[[Tile], Any], threads: int | None) -> Generator[Any, None, None]:
    """What `use` makes of each tile of the bands, in their order; computed on threads (None: one per core).

    XLA releases the interpreter while it computes. Few tasks wait at any time, so that an error or Ctrl-C ends the rest.
    """
    tasks = (task for band in bands for task in source.band(band))
    threads = source.threads(threads)
    if threads == 1:
        yield from (use(task()) for task in tasks)
        return
    with _interrupts_held() as held, ThreadPoolExecutor(threads) as pool:
        while batch := list(islice(tasks, 16 * threads)):
            futures = []
            try:
                for task in batch:
                    futures.append(pool.submit(lambda task=task: use(task())))  # type: ignore[misc]
                for future in futures:
                    yield future.result()
                    if held:
                        raise KeyboardInterrupt
            finally:
                for future in futures:
                    future.cancel()


@contextmanager
def _interrupts_held() -> Iterator[list[int]]:
    """Ctrl-C is noted in the list, not raised; a second one is raised as ever.

    In the middle of starting or joining threads it may leave locks behind, and the process then hangs or crashes at its end.
    """
    held: list[int] = []
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield held
        return

    def hold(number: int, frame: FrameType | None) -> None:
        if held:
            signal.default_int_handler(number, frame)
        held.append(number)

    signal.signal(signal.SIGINT, hold)
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, usual)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def write(matrices: Sequence[np.ndarray], tile: Tile) -> None:
    """Write a tile, and its mirror image."""
    first, second = tile.where
    for matrix, values in zip(matrices, tile.values, strict=True):
        matrix[first, second] = values
        if tile.mirrored:
            matrix[second, first] = values.T


def mirrored(lower: np.ndarray) -> np.ndarray:
    """The lower triangle and its mirror image."""
    out = lower.T.copy()
    np.copyto(out, lower, where=np.tri(len(lower), dtype=bool))
    return out


def _square_band(grid: Grid, square: Callable[[int, int], tuple[Array, ...]], band: int) -> Iterator[Callable[[], Tile]]:
    row = band * grid.tile
    for column in range(0, row + 1 if grid.symmetric else grid.columns, grid.tile):
        yield partial(_square, grid, square, row, column)


def _square(grid: Grid, square: Callable[[int, int], tuple[Array, ...]], row: int, column: int) -> Tile:
    rows, columns = slice(row, min(row + grid.tile, grid.rows)), slice(column, min(column + grid.tile, grid.columns))
    values = tuple(np.asarray(padded)[: rows.stop - row, : columns.stop - column] for padded in square(row, column))
    if grid.symmetric and row == column:
        values = tuple(map(mirrored, values))
    return Tile((rows, columns), values, grid.symmetric and row != column)


def _paired_band(grid: Grid, evaluate: Callable[[np.ndarray, np.ndarray], Any], band: int) -> Iterator[Callable[[], Tile]]:
    own = grid.rows_of(band)
    rows = np.arange(own.start, own.stop)
    counts = rows + 1 if grid.symmetric else np.full(len(rows), grid.columns)
    first = np.repeat(rows, counts).astype(np.int32)
    second = np.concatenate([np.arange(count, dtype=np.int32) for count in counts])
    for start in range(0, len(first), grid.tile):
        part = slice(start, start + grid.tile)
        yield partial(_paired, grid, evaluate, first[part], second[part])


def _paired(grid: Grid, evaluate: Callable[[np.ndarray, np.ndarray], Any], first: np.ndarray, second: np.ndarray) -> Tile:
    return Tile((first, second), evaluate(first, second), grid.symmetric)


def _pairs(
    layers: Layers, kinds: Kinds, x1: Array, x2: Array, tile: int, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, ...]:
    room = (0, tile - len(first))  # all tiles have one shape
    out = pairs(layers, kinds, x1, x2, np.pad(first, room), np.pad(second, room))
    return tuple(np.asarray(values)[: len(first)] for values in out)


def _padded(x: Array, tile: int, mode: str = "constant") -> Array:
    """Up to whole tiles; a function that is not ours sees copies of the last input there, not zeros."""
    return jnp.pad(x, [(0, -len(x) % tile)] + [(0, 0)] * (x.ndim - 1), mode=mode)
