"""What a slice has computed so far, in memory and, if asked for, in a file."""

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ntkit.landscape._loss import Params

SAME = 1e3  # roundings by which losses of one slice may differ, on another machine


class Saved:
    """Rows of values, of which those that a file holds already are done.

    Args:
        path: of an .npz file, or None.
        params, ways, grids, centre: of the slice, which must be the file's.
        shape: rows and points of each.
        names: of the functions.
        dtype: of the values.

    Attributes:
        done: which rows are there.
        values: by the name of the function.

    Raises:
        ValueError: the file is none, or belongs to another slice: what differs is named.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        params: Params,
        ways: Mapping[str, Params],
        grids: Sequence[np.ndarray],
        centre: float,
        shape: tuple[int, int],
        names: Sequence[str],
        dtype: np.dtype,
    ) -> None:
        self._path = None if path is None else Path(path)
        self.done = np.zeros(shape[0], bool)
        self.values = {name: np.full(shape, np.nan, dtype) for name in names}
        self._slice = {
            "params": _digest(params),
            **{name: _digest(way) for name, way in ways.items()},
            "grid": _digest(list(grids)),
            "functions": np.asarray(sorted(names)),
        }
        self._centre = np.asarray(centre)
        if self._path is not None and self._path.exists():
            self._load(self._path, np.finfo(dtype).eps)

    def store(self, row: int, found: Mapping[str, np.ndarray]) -> None:
        """Keep a row, and write the file anew."""
        for name, values in found.items():
            self.values[name][row] = values
        self.done[row] = True
        if self._path is None:
            return
        whole = self._path.with_name(f".{self._path.name}.part")
        with open(whole, "wb") as file:  # np.savez would append a suffix to a name
            content = {f"values/{name}": values for name, values in self.values.items()}
            np.savez(file, done=self.done, centre=self._centre, **content, **self._slice)  # type: ignore[arg-type]
        whole.replace(self._path)

    def _load(self, path: Path, eps: float) -> None:
        try:
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                stored = {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"resume must name a file that a slice wrote, or none, got {path}: {error}") from None
        expected = {"done", "centre", *self._slice}
        if not expected <= set(stored):
            raise ValueError(
                f"resume must name a file that this slice wrote, got {path} without {sorted(expected - set(stored))}"
            )
        other = [name for name, digest in self._slice.items() if not np.array_equal(stored[name], digest)]
        apart = abs(float(stored["centre"]) - float(self._centre))
        if not (apart <= SAME * eps * max(abs(float(self._centre)), eps) or np.isnan([stored["centre"], self._centre]).all()):
            other.append(f"loss, which was {stored['centre']} at the centre and is {self._centre}")
        if other:
            raise ValueError(f"resume must name a file of the same slice, got {path} with another {', another '.join(other)}")
        self.done = stored["done"]
        self.values = {name: stored[f"values/{name}"] for name in self.values}


def _digest(tree: Any) -> np.ndarray:
    """A hash of structure, shapes, dtypes and numbers."""
    hasher = hashlib.sha256(str(jax.tree.structure(tree)).encode())
    for leaf in jax.tree.leaves(tree):
        array = np.asarray(leaf)
        hasher.update(f"{array.dtype}{array.shape}".encode())
        hasher.update(np.ascontiguousarray(array).tobytes())
    return np.asarray(hasher.hexdigest())
