"""One array in NumPy's format: its header is believed only as far as there are bytes."""

import io
import math
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ntkit.data._limits import PICKLED, Budget, DataError, Source, check_claim, fill, size_of

MAGIC = b"\x93NUMPY"
PICKLE = b"\x80"  # how pickles begin, and nothing else that is read here
KIND = ".npy or .npz file of plain numbers"
_ADVICE = "save plain arrays, as numpy.savez does"
_MOST_HEADER = 10_000  # as NumPy has it


class Header(NamedTuple):
    """What an array says of itself.

    Attributes:
        shape, dtype: of the array.
        order: "F" if the first index runs fastest, else "C".
        length: of the header, in bytes.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    order: str
    length: int

    @property
    def size(self) -> int:
        """Of the array, in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def pickled(file: str | Path) -> DataError:
    """The error for files that would run code."""
    return DataError(f"{file}: {PICKLED}; {_ADVICE}")


def damaged(file: str | Path) -> DataError:
    """The error for files that are something else."""
    return DataError(f"{file}: is no {KIND}, or is damaged")


def read_header(stream: Source, file: str | Path) -> Header:
    """The header at the beginning of a stream; a DataError if there is none that a plain array has."""
    start = stream.read(len(MAGIC) + 2)
    if start[: len(MAGIC)] != MAGIC:
        raise pickled(file) if start[:1] == PICKLE else damaged(file)
    old = start[len(MAGIC) :] == b"\1\0"
    size = stream.read(2 if old else 4)
    length = int.from_bytes(size, "little")
    if length > _MOST_HEADER:
        raise damaged(file)
    text = io.BytesIO(size + stream.read(length))
    parse = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = parse(text)
    if dtype.hasobject:
        raise pickled(file)
    if min(shape, default=0) < 0 or not dtype.itemsize:
        raise damaged(file)
    return Header(shape, dtype, "F" if fortran else "C", len(start) + len(size) + length)


def read_array(stream: Source, there: int, file: str | Path, budget: Budget, what: str = "it") -> np.ndarray:
    """The array that a stream of so many bytes holds."""
    header = read_header(stream, file)
    check_claim(file, header.size, there - header.length, what)
    budget.take(file, header.size)
    found: np.ndarray = np.empty(header.shape, header.dtype, header.order)  # type: ignore[call-overload]
    if header.size:
        fill(stream, found.reshape(-1, order="A").view(np.uint8), file)
    return found


def mapped(stream: BinaryIO, file: str | Path) -> np.ndarray:
    """The array of a file, which stays there until it is used."""
    header = read_header(stream, file)
    check_claim(file, header.size, size_of(stream) - header.length)
    if not header.size:
        return np.empty(header.shape, header.dtype)
    return np.memmap(stream, header.dtype, "r", header.length, header.shape, header.order)  # type: ignore[call-overload,no-any-return]
