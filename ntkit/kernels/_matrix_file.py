"""A matrix in a .npy file that is written band by band, and can be gone on with."""

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np


class MatrixFile:
    """The file, and beside it `NAME.progress`: what it belongs to, and which bands are finished.

    Attributes:
        matrix: mapped to the file.
        bands: those that are finished.
    """

    def __init__(
        self, path: Path, shape: tuple[int, int], dtype: np.dtype[Any], content: Sequence[str], arrays: Sequence[np.ndarray]
    ) -> None:
        if path.suffix != ".npy":
            raise ValueError(f"out must be the path of a .npy file, got {str(path)!r}")
        self._path, self._journal = path, path.with_name(path.name + ".progress")
        digest = hashlib.sha256("\0".join(content).encode())
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
        key = digest.hexdigest()
        self.bands: set[int] = set()
        if self._journal.exists() and path.exists():
            lines = self._journal.read_text().split()
            if not lines or lines[0] != key:
                raise ValueError(f"out: {path} was begun with another kernel, other inputs or tiles; remove it to begin anew")
            self.bands = {int(line) for line in lines[1:]}
            self.matrix = np.lib.format.open_memmap(path, mode="r+")
        elif path.exists():
            raise ValueError(f"out: {path} exists already; remove it to begin anew")
        else:
            self.matrix = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
            try:
                self._reserve()
            except OSError as error:
                path.unlink()
                size = self.matrix.nbytes
                raise ValueError(f"out: there is no room for {path} of {size} bytes ({error.strerror})") from None
            self._journal.unlink(missing_ok=True)  # of a file that is gone
            self._append(key)
        self._descriptor = path.open("rb+")

    def finish(self, band: int) -> None:
        """Write a band's pages to disk, then say that it is there."""
        self._flush()
        self._append(str(band))
        self.bands.add(band)

    def finished(self) -> np.ndarray:
        """The whole matrix, read-only."""
        self._journal.unlink()
        matrix: np.ndarray = np.load(self._path, mmap_mode="r")
        return matrix

    def __enter__(self) -> "MatrixFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._flush()
        self._descriptor.close()
        if error is not None and not self.bands:  # nothing to go on with
            self._path.unlink()
            self._journal.unlink()

    def _flush(self) -> None:
        if sys.platform == "linux":  # the same as the map's own method, which stops all threads of Python meanwhile
            os.fdatasync(self._descriptor.fileno())
        else:
            self.matrix.flush()

    def _reserve(self) -> None:
        """Take the file's room on disk: where it runs out later, writing to a map ends the process."""
        if hasattr(os, "posix_fallocate"):
            with self._path.open("rb+") as file:
                os.posix_fallocate(file.fileno(), 0, self._path.stat().st_size)

    def _append(self, line: str) -> None:
        with self._journal.open("a") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
