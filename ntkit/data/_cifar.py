"""CIFAR-10 and CIFAR-100 in their binary versions: labels, then the red, green and blue pixels of an image, and the next."""

from pathlib import Path

import numpy as np

from ntkit.data._data import Data
from ntkit.data._limits import Budget, DataError, opened, parsing, size_of, take_bytes
from ntkit.data._npy import PICKLE

SIDE, CHANNELS = 32, 3
_PIXELS = CHANNELS * SIDE * SIDE
_CLASSES = {1: (10,), 2: (20, 100)}  # by the number of labels: CIFAR-10, and CIFAR-100 with its coarse and fine ones
_LABELS = ("coarse", "fine")
_PICKLED = (
    "is the pickled version of CIFAR, which is not read, since that can run code; take the binary version, "
    "cifar-10-binary.tar.gz or cifar-100-binary.tar.gz, unpacked"
)


def batches(folder: Path) -> list[Path]:
    """The files of a folder that CIFAR is trained on; none if it is not CIFAR's."""
    return sorted(folder.glob("data_batch_[0-9]*.bin")) or list(folder.glob("train.bin"))


def check_not_pickled(place: Path) -> None:
    """A DataError for what CIFAR's pickled version consists of, or for its folder."""
    names = ("data_batch_1", "test_batch", "batches.meta", "train", "test", "meta")
    for file in (place / name for name in names) if place.is_dir() else [place] if place.name.startswith(names) else []:
        if file.is_file():
            with opened(file) as stream:
                if stream.read(1) == PICKLE:
                    raise DataError(f"{place}: {_PICKLED}")


def read_cifar(place: Path, labels: str | None, budget: Budget) -> Data:
    """A file, or those of a folder that are for training; labels of CIFAR-100 are the fine ones unless coarse is asked for."""
    files = batches(place) if place.is_dir() else [place]
    parts = [_rows(file, budget) for file in files]
    rows = parts[0] if len(parts) == 1 else _joined(place, parts, budget)
    count = rows.shape[1] - _PIXELS
    if labels is not None and (count == 1 or labels not in _LABELS):
        known = "has labels of its own; leave it out" if count == 1 else f"has the labels {' and '.join(_LABELS)}"
        raise DataError(f"labels {labels}: {place} {known}", "labels")
    y = rows[:, _LABELS.index(labels or "fine") if count == 2 else 0].astype(np.int64)
    images = rows[:, count:].reshape(-1, CHANNELS, SIDE, SIDE)
    return Data(np.moveaxis(images, 1, -1), y, f"images of {place.resolve().name}", tuple(files))


def _rows(file: Path, budget: Budget) -> np.ndarray:
    """The bytes of one file, a row for each image."""
    with opened(file) as stream, parsing(file, "CIFAR file"):
        size = size_of(stream)
        fitting = [count for count in _CLASSES if size and not size % (_PIXELS + count)]
        if not fitting:
            each = " or ".join(str(_PIXELS + count) for count in _CLASSES)
            raise DataError(f"{file}: must be a CIFAR file, of {each} bytes for each image, got {size:,} bytes")
        found = take_bytes(stream, size, file, budget)
    for count in fitting:
        rows = found.reshape(-1, _PIXELS + count)
        if (rows[:, :count] < _CLASSES[count]).all():
            return rows
    raise DataError(f"{file}: must be a CIFAR file, but has labels that CIFAR has not")


def _joined(place: Path, parts: list[np.ndarray], budget: Budget) -> np.ndarray:
    """The rows of all files."""
    if len({part.shape[1] for part in parts}) > 1:
        raise DataError(f"{place}: must hold files of one data set, got CIFAR-10 and CIFAR-100")
    budget.take(place, sum(part.nbytes for part in parts))
    return np.concatenate(parts)
