"""The format of MNIST: arrays of images and of labels in two files, which may be packed by gzip."""

import gzip
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ntkit.data._data import Data
from ntkit.data._limits import Budget, DataError, Source, check_claim, check_unpacked, opened, parsing, size_of, take_bytes

KIND = "IDX file"
_MOST_AXES = 8
_DTYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def is_idx(start: bytes) -> bool:
    """Whether a file begins like one."""
    return len(start) >= 4 and start[:2] == b"\0\0" and start[2] in _DTYPES and 0 < start[3] <= _MOST_AXES


def read_idx(file: Path, labels: str | None, budget: Budget) -> Data:
    """Images with the labels of the file beside it by its usual name, or of the file that is given."""
    x = _array(file, budget)
    if x.ndim == 1:
        raise DataError(f"{file}: must hold inputs, got a single number for each, as files of labels have")
    beside = _beside(file) if labels is None else Path(labels)
    images = x[..., None] if x.ndim == 3 else x
    if beside is None:
        return Data(images, None, f"inputs of {file.name}", (file,))
    try:
        y = _array(beside, budget)
    except DataError as error:
        raise DataError(f"labels {error}", "labels") from None
    notes = () if labels else (f"labels of {file.name} are those of {beside.name}",)
    return Data(images, y, f"inputs of {file.name}", (file, beside), notes)


def _beside(file: Path) -> Path | None:
    """The file of labels that goes with one of images: train-labels-idx1-ubyte with train-images-idx3-ubyte."""
    name = file.name.replace("images", "labels").replace("idx3", "idx1")
    bare = name.removesuffix(".gz")
    found = [file.with_name(other) for other in (name, bare, f"{bare}.gz")]
    return next((other for other in found if other.name != file.name and os.path.exists(other)), None)


def _array(file: Path, budget: Budget) -> np.ndarray:
    with _unpacked(file) as (stream, size):
        start = stream.read(4)
        if not is_idx(start):
            raise DataError(f"{file}: is no {KIND}, or is damaged")
        dtype = np.dtype(_DTYPES[start[2]])
        sizes = stream.read(4 * start[3])
        if len(sizes) < 4 * start[3]:
            raise DataError(f"{file}: is damaged: it ends within its header")
        shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
        claimed = math.prod(shape) * dtype.itemsize
        if _is_packed(file):
            check_unpacked(file, claimed, size)
        else:
            check_claim(file, claimed, size - len(start) - len(sizes))
        found = take_bytes(stream, claimed, file, budget)
        if stream.read(1):
            raise DataError(f"{file}: is damaged: it says to hold {claimed:,} bytes, and has more")
        return found.view(dtype).reshape(shape)


@contextmanager
def _unpacked(file: Path) -> Iterator[tuple[Source, int]]:
    """The contents of a file, and its own length."""
    with opened(file) as stream, parsing(file, KIND):
        if not _is_packed(file):
            yield stream, size_of(stream)
        else:
            with gzip.GzipFile(fileobj=stream) as contents:
                yield contents, size_of(stream)


def _is_packed(file: Path) -> bool:
    return file.suffix.lower() == ".gz"
