"""Bands of rows of a Gram matrix: each can be computed by itself, in any process, and put into the matrix."""

from collections.abc import Sequence

import numpy as np

from ntkit.kernels._tiles import Grid, Source, mirrored, run

Band = tuple[np.ndarray, ...]  # of each matrix, its part of the band


def compute_band(source: Source, band: int, dtype: np.dtype, kinds: int, threads: int | None) -> Band:
    """A band's rows of each matrix; of symmetric ones, up to the diagonal, beyond which numbers mean nothing."""
    grid = source.grid
    rows = grid.rows_of(band)
    width = rows.stop if grid.symmetric else grid.columns
    parts = tuple(np.zeros((rows.stop - rows.start, width), dtype) for _ in range(kinds))
    for tile in run(source, [band], lambda tile: tile, threads):
        first, second = tile.where
        for part, values in zip(parts, tile.values, strict=True):
            part[_moved(first, rows.start), second] = values
    return parts


def write_band(grid: Grid, matrices: Sequence[np.ndarray], band: int, parts: Band) -> None:
    """Put a band into its matrices, and its mirror image.

    Raises:
        ValueError: parts of another shape or dtype.
    """
    rows = grid.rows_of(band)
    shape = (rows.stop - rows.start, rows.stop if grid.symmetric else grid.columns)
    for matrix, part in zip(matrices, parts, strict=True):
        if part.shape != shape or part.dtype != matrix.dtype:
            raise ValueError(f"band {band} must have shape {shape} and dtype {matrix.dtype}, got {part.shape} and {part.dtype}")
        if not grid.symmetric:
            matrix[rows] = part
            continue
        before = part[:, : rows.start]
        matrix[rows, : rows.start], matrix[: rows.start, rows] = before, before.T
        matrix[rows, rows] = mirrored(part[:, rows.start :])


def _moved(rows: slice | np.ndarray, start: int) -> slice | np.ndarray:
    return slice(rows.start - start, rows.stop - start) if isinstance(rows, slice) else rows - start
