"""What a figure shows, as columns: a view draws a table and nothing else, so the CSV beside it holds all of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = Mapping[str, NDArray[Any]]  # columns of one length, by name
Rows = list[dict[str, object]]


def rows_of(table: Table, part: str, control: str) -> Rows:
    """The table's rows, each beginning with the part and the control that it belongs to."""
    columns = {name: column.tolist() for name, column in table.items()}
    return [
        {"part": part, "control": control, **dict(zip(columns, values, strict=True))}
        for values in zip(*columns.values(), strict=True)
    ]


def csv_text(rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as CSV under the union of their columns; numbers keep all digits, what a row lacks stays empty."""
    rows = list(rows)
    header = list(dict.fromkeys(name for row in rows for name in row)) or ["part", "control"]
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def tidy(arrays: Mapping[str, NDArray[Any]], axes: Sequence[str]) -> Table:
    """Arrays that broadcast together as columns, one row per element, with a column for each axis.

    Args:
        arrays: name -> array; those of fewer dimensions are aligned at the last axis.
        axes: names for the axes of the largest array, the last ones first used.
    """
    shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    places = np.indices(shape).reshape(len(shape), -1)
    names = axes[len(axes) - len(shape) :] if len(axes) >= len(shape) else [f"axis{i}" for i in range(len(shape))]
    columns = dict(zip(names, places, strict=True))
    return columns | {name: np.broadcast_to(array, shape).ravel() for name, array in arrays.items()}


def thinned(severity: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
    """The places of at most `limit` elements, in order: the severest half, and the rest evenly spread over all.

    Example:
        >>> thinned(np.array([0.0, 5.0, 1.0, 0.0]), 2).tolist()
        [0, 1]
    """
    if severity.size <= limit:
        return np.arange(severity.size)
    worst = np.argsort(-np.nan_to_num(severity, nan=np.inf), kind="stable")[: limit - limit // 2]
    spread = np.linspace(0, severity.size - 1, limit // 2).astype(np.intp)
    return np.union1d(worst, spread)
