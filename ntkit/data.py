"""Data that claims are measured on: real images that ship with a dependency, and points on spheres."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, PRNGKeyArray


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
