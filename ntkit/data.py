"""Data to measure on: real images that ship with a dependency, arrays in local files, and points on spheres."""

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
    if not isinstance(array, np.ndarray):  # a zip file of something else
        raise ValueError(f"{file}: {_DAMAGED}")
    return array


@contextmanager
def _reading(file: str | Path) -> Iterator[None]:
    """What NumPy raises on files of all kinds, as a ValueError that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError(f"{file}: there is no such file") from None
    except OSError as error:
        raise ValueError(f"{file}: cannot be read ({error.strerror or error})") from None
    except (EOFError, ValueError, zipfile.BadZipFile, zlib.error):
        raise ValueError(f"{file}: {_DAMAGED}") from None


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
