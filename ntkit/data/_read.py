"""A user's data, whatever format they are in."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ntkit.data._arrays import load
from ntkit.data._cifar import batches, check_not_pickled, read_cifar
from ntkit.data._data import Data, spread_rows
from ntkit.data._idx import is_idx, read_idx
from ntkit.data._images import read_images
from ntkit.data._limits import Budget, DataError, opened, parsing
from ntkit.data._npy import KIND, PICKLE, damaged, mapped, pickled
from ntkit.data._npy import MAGIC as NPY
from ntkit.data._npz import MAGIC as ZIP
from ntkit.data._npz import Archive
from ntkit.data._sets import SETS, named
from ntkit.data._table import SUFFIXES, read_table

X, Y = "X", "y"  # arrays of a .npz file, unless others are asked for
_APART = (".npy", ".npz")  # of files that may hold labels alone
_SET, _ARCHIVE, _IMAGES = "set", "archive", "images"
_ENDINGS = {"table": SUFFIXES, "CIFAR": (".bin",), "IDX": (".gz",)}
_KNOWN = ".npy, .npz, .csv, .tsv, IDX as of MNIST (also .gz), .bin of CIFAR, or a folder of images"


def read(
    source: str | Path,
    *,
    labels: str | None = None,
    key: str | None = None,
    count: int | None = None,
    max_bytes: int | None = None,
) -> Data:
    """Inputs and their labels, from a file, a folder, or a set that ships with scikit-learn.

    | source | inputs | labels |
    | --- | --- | --- |
    | `breast_cancer`, `diabetes`, `digits`, `iris`, `linnerud`, `wine` | as their source has them; `digits` in [0, 1] | their own; of linnerud, the column `labels` |
    | .npy | the array, mapped into memory | |
    | .npz | the array `key`; by default the only one, or `X` | the array `labels`; by default `y` beside `X` |
    | .csv, .tsv | the columns, float64; a first line without numbers is a header | the column `labels`, a name of the header or a number from 1 |
    | a folder of folders of images | PNG, JPEG, BMP or PPM, all of one size and mode | names of the folders |
    | IDX, as MNIST has it, also .gz | the array | the IDX file `labels`; by default train-labels-idx1-ubyte beside train-images-idx3-ubyte, and the like |
    | CIFAR, binary version: a .bin file, or the folder, of which what is for training is read | the images | its own; of CIFAR-100 `fine` (default) or `coarse` |

    Labels may also be a .npy or .npz file of their own. Images have shape (n, height, width, channels), grey ones one channel.
    Numbers are those of the file, in its dtype: pixels of 8 bits come as uint8, 0 to 255; nothing is scaled or centred.

    Nothing that would run code is read (pickles, and CIFAR's pickled version), nothing larger than `max_bytes` by what it says
    or in truth, and nothing is allocated for numbers that a damaged file only claims to hold.

    Args:
        source: a name from above, or a path; a file that has such a name is ./digits, or a Path.
        labels: where labels are, as above.
        key: which array of a .npz file holds the inputs.
        count: how many inputs to take, evenly spread over all; these alone are decoded of a folder of images.
        max_bytes: that inputs and labels may take together, but for mapped ones; by default a quarter of the machine's memory.

    Raises:
        DataError: a ValueError that names the file, and what is wrong with it.

    Example:
        >>> data = read("iris")
        >>> data.x.shape, data.y[0], data.name
        ((150, 4), np.str_('setosa'), 'iris flowers')
    """  # noqa: E501 - a table
    if count is not None and count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    budget = Budget(max_bytes)
    apart = labels is not None and labels.endswith(_APART)
    inside = None if apart else labels
    form = _SET if isinstance(source, str) and source in SETS else _format(source)
    if key is not None and form != _ARCHIVE:
        raise DataError(f"{source}: a key chooses one of several arrays of a .npz file, got key {key!r}; leave it out")
    if form == _SET:
        found = named(str(source), inside)
    elif form == _ARCHIVE:
        found = _read_archive(Path(source), inside, key, budget)
    elif form == _IMAGES:
        found = read_images(Path(source), inside, budget, count)
    else:
        found = _READERS[form](Path(source), inside, budget)
    if apart:
        found = replace(found, y=_labels_apart(Path(str(labels)), budget), files=(*found.files, Path(str(labels))))
    _check(found, source, labels, apart)
    return _chosen(found, count, source, budget, apart)


def _format(source: str | Path) -> str:
    """What a path is, by its ending or, where that does not tell, by how it begins."""
    file = Path(source)
    if os.path.isdir(file):
        check_not_pickled(file)
        return "CIFAR" if batches(file) else _IMAGES
    by_ending = next((form for form, endings in _ENDINGS.items() if file.suffix.lower() in endings), None)
    if by_ending:
        return by_ending
    if file.name == source and not file.suffix and not os.path.lexists(file):
        raise DataError(f"{source}: there is no such file or folder, nor a data set of that name ({', '.join(SETS)})")
    with opened(file) as stream:
        start = stream.read(len(NPY))
    if start == NPY:
        return "array"
    if start.startswith(ZIP):
        return _ARCHIVE
    if is_idx(start):
        return "IDX"
    if start.startswith(PICKLE):
        check_not_pickled(file)
        raise pickled(file)
    raise damaged(file) if file.suffix in _APART else DataError(f"{source}: must be {_KNOWN}")


def _read_array(file: Path, labels: str | None, budget: Budget) -> Data:
    """A .npy file."""
    if labels is not None:
        raise DataError(f"labels {labels}: {file} holds one array; must be a .npy or .npz file of labels", "labels")
    with opened(file) as stream, parsing(file, KIND):
        return Data(mapped(stream, file), None, f"inputs of {file.name}", (file,))


def _read_archive(file: Path, labels: str | None, key: str | None, budget: Budget) -> Data:
    """A .npz file, in which X and y need not be named."""
    with opened(file) as stream, parsing(file, KIND):
        archive = Archive(stream, file, budget)
        usual = key is None and X in archive.names and len(archive.names) > 1
        x = archive.chosen(X if usual else key)
        labels = Y if labels is None and usual and Y in archive.names else labels
        try:
            y = None if labels is None else archive.chosen(labels)
        except DataError as error:
            raise DataError(f"labels {labels}: {error}", "labels") from None
    return Data(x, y, f"inputs of {file.name}", (file,))


def _labels_apart(file: Path, budget: Budget) -> np.ndarray:
    """Labels in a file of their own."""
    try:
        return load(file, max_bytes=max(budget.left, 1))
    except DataError as error:
        raise DataError(f"labels {error}", "labels") from None


def _check(found: Data, source: str | Path, labels: str | None, apart: bool) -> None:
    """Real numbers, and a label for each input; labels in a file of their own are those of all inputs, also of some."""
    x, y = found.x, found.y
    if x.dtype.kind not in "iubf":
        raise DataError(f"{source}: must hold real numbers, got dtype {x.dtype}")
    if not x.ndim:
        raise DataError(f"{source}: must have shape (inputs, ...), got a single number")
    if y is not None and (y.shape != (found.total if apart else len(x),) or y.dtype.kind not in "iubfUS"):
        where = labels or (Y if len(found.files) == 1 else found.files[-1])
        wanted = f"must be one number or word for each of the {found.total} inputs"
        raise DataError(f"labels {where}: {wanted}, got shape {y.shape} of {y.dtype}", "labels")


def _chosen(found: Data, count: int | None, source: str | Path, budget: Budget, apart: bool) -> Data:
    """So many of the inputs, if they are more; and their labels."""
    if found.rows is None:
        rows = spread_rows(count, len(found.x))
        if len(rows) == len(found.x):
            return found
        if isinstance(found.x, np.memmap):  # of which nothing is in memory yet
            size = len(rows) * found.x[:1].nbytes
            budget.take(source, size, f"{len(rows)} of its {len(found.x)} inputs have")
        y = None if found.y is None else found.y[rows]
        return replace(found, x=found.x[rows], y=y, rows=rows, among=len(found.x))
    return replace(found, y=found.y[found.rows]) if found.y is not None and apart else found


_READERS: dict[str, Callable[[Path, str | None, Budget], Data]] = {
    "array": _read_array, "table": read_table, "IDX": read_idx, "CIFAR": read_cifar,
}  # fmt: skip
