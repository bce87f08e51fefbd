"""Folders of images, one for each label."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from ntkit.data._data import Data, spread_rows
from ntkit.data._limits import Budget, DataError, InParts, opened, parsing

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm")
_FORMATS = ("PNG", "JPEG", "BMP", "PPM")  # Pillow knows others, some of which run programs
_MODES = {"L": (1, np.uint8), "LA": (2, np.uint8), "RGB": (3, np.uint8), "RGBA": (4, np.uint8), "I;16": (1, np.uint16)}
_MOST_AT_ONCE = 2**24  # bytes of a piece of an image file
_PIXEL = 16  # bytes that decoding takes beside its result


def read_images(folder: Path, labels: str | None, budget: Budget, count: int | None) -> Data:
    """Images of a folder: those in its folders, whose names are their labels, else its own; in the order of names.

    Of those that are not asked for, not even the header is read.
    """
    if labels is not None:
        raise DataError(f"labels {labels}: images of {folder} are labelled by their folders; leave it out", "labels")
    every, words, passed = _listed(folder)
    rows = spread_rows(count, len(every))
    files, words = [every[row] for row in rows], [words[row] for row in rows] if words else []
    with _decoded(files[0]) as first:
        kind = size, mode = first.size, first.mode
    if mode not in _MODES:
        raise DataError(f"{files[0]}: must be grey or in colours of 8 bits (modes {', '.join(_MODES)}), got mode {mode}")
    (width, height), (channels, dtype) = size, _MODES[mode]
    budget.take(files[0], _PIXEL * width * height)
    budget.take(folder, len(files) * height * width * channels * np.dtype(dtype).itemsize)
    budget.take(folder, 4 * len(words) * max(map(len, words), default=0))
    x = np.empty((len(files), height, width, channels), dtype)
    for place, file in enumerate(files):
        with _decoded(file) as image:
            if (image.size, image.mode) != kind:
                raise DataError(
                    f"{file}: must be an image of {width} x {height} pixels in mode {mode}, as {files[0]}, got "
                    f"{image.size[0]} x {image.size[1]} in mode {image.mode}"
                )
            x[place] = np.asarray(image, dtype).reshape(height, width, channels)
    notes = (f"{passed} files of {folder} are no images ({', '.join(SUFFIXES)}), and are passed over",) if passed else ()
    y = np.array(words) if words else None
    found = Data(x, y, f"images of {folder.resolve().name}", tuple(files), notes)
    return found if len(files) == len(every) else replace(found, rows=rows, among=len(every))


def _listed(folder: Path) -> tuple[list[Path], list[str], int]:
    """Images, their labels, and how many other files there are; hidden ones do not count."""
    own, inner = _entries(folder)
    files, words, others = [], [], []
    for place in inner:
        found, deeper = _entries(place)
        if deeper:
            raise DataError(f"{deeper[0]}: must be an image, got a folder in a folder; name the one that holds the labels")
        files += [file for file in found if _is_image(file)]
        others += [file for file in found if not _is_image(file)]
        words += [place.name for file in found if _is_image(file)]
    if files and any(map(_is_image, own)):
        stray = next(file for file in own if _is_image(file))
        raise DataError(f"{stray}: must lie in a folder that is its label, as others do")
    files = files or [file for file in own if _is_image(file)]
    if not files:
        raise DataError(
            f"{folder}: holds no images ({', '.join(SUFFIXES)}) in folders that are their labels, nor CIFAR's files"
        )
    return files, words, len(others) + sum(not _is_image(file) for file in own)


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files and folders in a folder, in the order of their names."""
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror or error})") from None
    return [path for path in found if not os.path.isdir(path)], [path for path in found if os.path.isdir(path)]


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


@contextmanager
def _decoded(file: Path) -> "Iterator[Image]":
    """An image of which only the header is read, until its pixels are asked for."""
    from PIL import Image

    with opened(file) as stream, parsing(file, f"image ({', '.join(_FORMATS)})"):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(cast(BinaryIO, InParts(stream, file, _MOST_AT_ONCE)), formats=_FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise DataError(f"{file}: says to have more pixels than any image here may have") from None
        with image:
            yield image
