"""Arrays in files, one or all, as they are there."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from ntkit.data._limits import Budget, DataError, opened, parsing, size_of
from ntkit.data._npy import KIND, mapped, read_array
from ntkit.data._npz import MAGIC, Archive


def load(file: str | Path, key: str | None = None, *, max_bytes: int | None = None) -> np.ndarray:
    """One array from a .npy or .npz file, in the dtype that it has there; a .npy file is mapped, not read as a whole.

    Args:
        file: its path; nothing that would run code (pickled objects) is read.
        key: which array of a .npz file; None if it has only one.
        max_bytes: that an array of a .npz file may take; by default a quarter of the machine's memory.

    Raises:
        ValueError: there is no such file, it is no .npy or .npz file, or it has no such array, or one that is too large; the
            message names the file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/points.npz", x=np.eye(2), y=np.array([3, 4]))
        ...     load(f"{folder}/points.npz", "y").tolist()
        [3, 4]
    """
    budget = Budget(max_bytes)
    with opened(file) as stream, parsing(file, KIND):
        if zipped(stream):
            return Archive(stream, file, budget).chosen(key)
        found = mapped(stream, file)
    if key is not None:
        raise DataError(f"{file}: a .npy file holds one array without a name, got key {key!r}; leave it out")
    return found


def arrays(file: str | Path, *, max_bytes: int | None = None) -> dict[str, np.ndarray]:
    """All arrays of a .npz, .npy or .safetensors file by their names, in the dtypes that they have there.

    The array of a .npy file is named like the file. Numbers in bfloat16, which NumPy lacks, come as float32, which holds them.

    Args:
        file: its path; nothing that would run code (pickled objects) is read.
        max_bytes: that the arrays may take together; by default a quarter of the machine's memory.

    Raises:
        ValueError: there is no such file, or it is none of that format, or too large; the message names the file.
        ImportError: a .safetensors file, and the extra `safetensors` is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/points.npz", x=np.eye(2), y=np.array([3, 4]))
        ...     {name: array.shape for name, array in arrays(f"{folder}/points.npz").items()}
        {'x': (2, 2), 'y': (2,)}
    """
    budget = Budget(max_bytes)
    if Path(file).suffix == ".safetensors":
        return _safetensors(file, budget)
    with opened(file) as stream, parsing(file, KIND):
        if zipped(stream):
            return Archive(stream, file, budget).every()
        return {Path(file).stem: read_array(stream, size_of(stream), file, budget)}


def zipped(stream: BinaryIO) -> bool:
    """Whether a file is an archive, by how it begins."""
    start = stream.read(len(MAGIC))
    stream.seek(0)
    return start == MAGIC


def _safetensors(file: str | Path, budget: Budget) -> dict[str, np.ndarray]:
    try:
        from safetensors import safe_open
    except ImportError:
        message = f"{file}: safetensors is not installed; reading such files needs the extra, pip install 'ntkit[safetensors]'"
        raise ImportError(message, name="safetensors") from None
    every, small = {}, {}
    with opened(file) as stream:  # says what can be said before the library looks at it
        budget.take(file, size_of(stream))
    with parsing(file, ".safetensors file"), safe_open(file, framework="np") as found:
        for name in found.keys():  # noqa: SIM118 - it is no dict
            dtype = found.get_slice(name).get_dtype()
            if dtype.startswith(("F4", "F6_", "F8_")):
                small[name] = dtype
                continue
            array = found.get_tensor(name)
            if dtype == "BF16":
                budget.take(file, array.nbytes)  # once more than in the file
            every[name] = array.astype(np.float32) if dtype == "BF16" else array
    for name, dtype in small.items():
        raise DataError(f"{file}: arrays must be of a dtype that NumPy has, or bfloat16, but {name} is {dtype}")
    return every
