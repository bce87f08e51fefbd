"""Data to measure on: real images that ship with a dependency, arrays in local files, and points on spheres."""

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, PRNGKeyArray

_DAMAGED = "is no .npy or .npz file of plain numbers, or is damaged"
_BROKEN = (EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, tokenize.TokenError)  # what NumPy raises on them
_PICKLE = b"\x80"  # how pickles begin, and nothing else that NumPy reads
_PICKLED = "holds pickled Python objects, which are not read, since that can run code; save plain arrays, as numpy.savez does"


class Digits(NamedTuple):
    """Images with their labels, NumPy arrays (JAX would cut float64 to float32 unless told otherwise).

    Attributes:
        images: float64, shape (1797, 8, 8), pixels in [0, 1].
        labels: int64, shape (1797,), digits 0 to 9.
    """

    images: Float[np.ndarray, "n height width"]
    labels: Int[np.ndarray, " n"]


def digits() -> Digits:
    """The 1797 handwritten digits of 8 x 8 pixels that ship with scikit-learn.

    Returns:
        Images scaled from 0..16 to [0, 1], and labels; new arrays at every call, in the order of the source.

    Example:
        >>> images, labels = digits()
        >>> images.shape, float(images.max()), labels[:5].tolist()
        ((1797, 8, 8), 1.0, [0, 1, 2, 3, 4])

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), its test part.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Digits(images=bunch.images.astype(np.float64) / 16.0, labels=bunch.target.astype(np.int64))


def load(file: str | Path, key: str | None = None) -> np.ndarray:
    """One array from a .npy or .npz file, in the dtype that it has there; a .npy file is mapped, not read as a whole.

    Args:
        file: its path; nothing that would run code (pickled objects) is read.
        key: which array of a .npz file; None if it has only one.

    Raises:
        ValueError: there is no such file, it is no .npy or .npz file, or it has no such array; the message names the file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/points.npz", x=np.eye(2), y=np.array([3, 4]))
        ...     load(f"{folder}/points.npz", "y").tolist()
        [3, 4]
    """
    with _reading(file):
        found = np.load(file, mmap_mode="r", allow_pickle=False)
    if isinstance(found, np.ndarray):
        if key is not None:
            raise ValueError(f"{file}: a .npy file holds one array without a name, got key {key!r}; leave it out")
        return found
    with found:
        names = list(found.files)
        if key is None and len(names) != 1:
            raise ValueError(f"{file}: holds {len(names)} arrays ({', '.join(names)}); choose one by its key")
        if key is not None and key not in names:
            raise ValueError(f"{file}: holds no array {key!r}, only {', '.join(names)}")
        with _reading(file):
            array = found[names[0] if key is None else key]
    return _array(array, file)


def arrays(file: str | Path) -> dict[str, np.ndarray]:
    """All arrays of a .npz, .npy or .safetensors file by their names, in the dtypes that they have there.

    The array of a .npy file is named like the file. Numbers in bfloat16, which NumPy lacks, come as float32, which holds them.

    Args:
        file: its path; nothing that would run code (pickled objects) is read.

    Raises:
        ValueError: there is no such file, or it is none of that format; the message names the file.
        ImportError: a .safetensors file, and the extra `safetensors` is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/points.npz", x=np.eye(2), y=np.array([3, 4]))
        ...     {name: array.shape for name, array in arrays(f"{folder}/points.npz").items()}
        {'x': (2, 2), 'y': (2,)}
    """
    if Path(file).suffix == ".safetensors":
        return _safetensors(file)
    with _reading(file), Path(file).open("rb") as stream:
        found = np.load(stream, allow_pickle=False)
        every = {Path(file).stem: found} if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    return {name: _array(array, file) for name, array in every.items()}


def _safetensors(file: str | Path) -> dict[str, np.ndarray]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        message = f"{file}: safetensors is not installed; reading such files needs the extra, pip install 'ntkit[safetensors]'"
        raise ImportError(message, name="safetensors") from None
    every, small = {}, {}
    try:
        with _reading(file), safe_open(file, framework="np") as found:
            for name in found.keys():  # noqa: SIM118 - it is no dict
                dtype = found.get_slice(name).get_dtype()
                if dtype.startswith(("F4", "F6_", "F8_")):
                    small[name] = dtype
                    continue
                array = found.get_tensor(name)
                every[name] = array.astype(np.float32) if dtype == "BF16" else array
    except SafetensorError:
        raise ValueError(f"{file}: is no .safetensors file, or is damaged") from None
    for name, dtype in small.items():
        raise ValueError(f"{file}: arrays must be of a dtype that NumPy has, or bfloat16, but {name} is {dtype}")
    return every


def _array(found: object, file: str | Path) -> np.ndarray:
    """An array, or a ValueError for what NumPy gives in its place where a zip file holds something else."""
    if isinstance(found, np.ndarray):
        return found
    with zipfile.ZipFile(file) as archive:
        pickled = any(name.endswith(".pkl") for name in archive.namelist())  # as PyTorch writes them
    raise ValueError(f"{file}: {_PICKLED if pickled else _DAMAGED}")


@contextmanager
def _reading(file: str | Path) -> Iterator[None]:
    """What NumPy raises on files of all kinds, as a ValueError that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError(f"{file}: there is no such file") from None
    except OSError as error:
        raise ValueError(f"{file}: cannot be read ({error.strerror or error})") from None
    except MemoryError:
        raise ValueError(f"{file}: holds, or says that it holds, more than fits into memory") from None
    except _BROKEN as error:
        with Path(file).open("rb") as bytes_:
            pickled = str(error).startswith("Object arrays") or bytes_.read(1) == _PICKLE
        raise ValueError(f"{file}: {_PICKLED if pickled else _DAMAGED}") from None


def sphere(key: PRNGKeyArray, count: int, dim: int, *, dtype: DTypeLike = float) -> Float[Array, "count dim"]:
    """Independent points, uniform on the unit sphere of R^dim.

    Args:
        key: JAX PRNG key.
        count: number of points, at least 1.
        dim: dimension of the surrounding space, at least 1 (the sphere of R^1 is {-1, 1}).
        dtype: of the result; by default JAX's default float.

    Returns:
        Shape (count, dim), rows of norm 1 up to rounding.

    Raises:
        ValueError: count or dim is below 1.

    Example:
        >>> bool(jnp.allclose(jnp.linalg.norm(sphere(jax.random.key(0), 5, 3), axis=1), 1))
        True
    """
    for name, value in (("count", count), ("dim", dim)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    normal = jax.random.normal(key, (count, dim), dtype)
    points: Array = normal / jnp.linalg.norm(normal, axis=1, keepdims=True)
    return points
