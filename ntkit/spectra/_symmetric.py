"""Symmetric matrices at the door: dense arrays, and operators that only know products, which are counted."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator

Seed = int | ArrayLike | np.random.Generator
UNIT = np.finfo(np.float64).eps / 2  # the largest relative error of one operation
SLACK = 1 + 1e-8  # covers the rounding of norms and of bounds themselves, each below n UNIT with n < 10^7
_CHUNK = 512  # rows whose products are summed at once


def as_symmetric(matrix: ArrayLike) -> Float[np.ndarray, "n n"]:
    """The same numbers in float64, or a ValueError."""
    given = np.asarray(matrix)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or given.size == 0:
        raise ValueError(f"matrix must have shape (n, n) with n >= 1, got {given.shape}")
    if given.dtype.kind not in "fiu" or given.dtype.itemsize > 8:
        raise ValueError(f"matrix must be real, of at most 64 bits, got dtype {given.dtype}")
    if not np.isfinite(given).all():
        raise ValueError(f"matrix must be finite, got {given[~np.isfinite(given)][0]}")
    if (given != given.T).any():
        most = np.abs(given.astype(np.float64) - given.T).max()
        raise ValueError(f"matrix must be symmetric, got entries that differ by {most:.3g}: if rounding, take the mean with .T")
    return given.astype(np.float64)


def resolution(matrix: ArrayLike) -> float:
    """Epsilon of the matrix' own dtype."""
    dtype = np.asarray(matrix).dtype
    return float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)


def generator(seed: Seed) -> np.random.Generator:
    """Random numbers from an integer, several (the data of a JAX key), or a generator, which goes on."""
    if isinstance(seed, np.random.Generator):
        return seed
    given = np.asarray(seed)
    if given.dtype.kind not in "iu" or given.size == 0 or (given < 0).any():
        raise ValueError(f"seed must be integers >= 0, such as jax.random.key_data(key), or a NumPy generator, got {seed}")
    return np.random.default_rng(given.ravel().tolist())


def check_integer(name: str, value: int, least: int, most: int) -> None:
    """Refuse what is not an integer in a range."""
    if not is_integer(value, least, most):
        raise ValueError(f"{name} must be an integer from {least} to {most}, got {value!r}")


def is_integer(value: Any, least: int, most: int) -> bool:
    """Whether something is a whole number in a range, of whatever type of number.

    Example:
        >>> [is_integer(value, 2, 9) for value in (3, 3.0, 2.5, np.nan, np.inf, None, True, 10**400)]
        [True, True, False, False, False, False, False, False]
    """
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return number and bool(least <= value <= most and value % 1 == 0)


def inner(first: Float[np.ndarray, "n j"], second: Float[np.ndarray, "n k"]) -> tuple[Float[np.ndarray, "j k"], float]:
    """first^T second, and the largest error of an entry per unit of the two columns' norms.

    Summed in chunks, so that the bound grows with their number, not with n.
    """
    total = np.zeros((first.shape[1], second.shape[1]))
    for start in range(0, len(first), _CHUNK):
        total += first[start : start + _CHUNK].T @ second[start : start + _CHUNK]
    return total, (min(_CHUNK, len(first)) + len(first) / _CHUNK + 1) * UNIT * SLACK


class Products:
    """Products of a symmetric matrix with blocks of vectors, in float64 as far as the matrix allows.

    Attributes:
        size: n.
        calls: products so far, each of which recomputes a matrix that is not kept.
        columns: vectors multiplied so far.
        norm: of the matrix; a bound for arrays, for operators the largest seen with orthonormal vectors.
    """

    def __init__(self, matrix: ArrayLike | LinearOperator, rounding: float | None = None) -> None:
        self.calls = self.columns = 0
        self.dense: Float[np.ndarray, "n n"] | None = None
        self._rounding, self.norm = rounding, 0.0
        self._multiply: Any = matrix
        if rounding is not None and not 0 <= rounding < 1:
            raise ValueError(f"rounding must lie in [0, 1), got {rounding}")
        if not isinstance(matrix, LinearOperator):
            self.dense = self._multiply = as_symmetric(matrix)
            self.size = len(self.dense)
            # Both bound the norm of |A| too, which is what the rounding of a product depends on.
            self.norm = SLACK * float(min(np.abs(self.dense).sum(0).max(), np.linalg.norm(self.dense)))
            return
        if matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
            raise ValueError(f"matrix must have shape (n, n) with n >= 1, got {matrix.shape}")
        if np.dtype(matrix.dtype).kind not in "fiu":
            raise ValueError(f"matrix must be real, got dtype {matrix.dtype}")
        self.size = int(matrix.shape[0])

    def __call__(self, block: Float[np.ndarray, "n b"]) -> Float[np.ndarray, "n b"]:
        """The product with orthonormal columns; a ValueError if it is not finite."""
        product = np.asarray(self._multiply @ block)
        self.calls += 1
        self.columns += block.shape[1]
        if not np.isfinite(product).all():
            raise ValueError("matrix must be finite, but its product with finite vectors is not")
        if self.dense is None and self._rounding is None:
            self._rounding = self.size * float(np.finfo(product.dtype).eps)
        product = product.astype(np.float64, copy=False)
        if self.dense is None:
            self.norm = max(self.norm, float(np.linalg.norm(product.T @ product, 2)) ** 0.5)
        return product

    @property
    def error(self) -> float:
        """A bound of |computed A v - A v| for unit vectors.

        Proved for arrays. For operators n epsilon times the norm, with epsilon of the dtype that products come in.
        """
        return ((self.size + 1) * UNIT * SLACK if self.dense is not None else self._rounding or 0.0) * self.norm

    def check_symmetric(self, block: Float[np.ndarray, "n b"], product: Float[np.ndarray, "n b"]) -> None:
        """Refuse an operator whose product with orthonormal vectors shows that it is not symmetric."""
        if self.dense is not None:
            return
        part = block.T @ product
        if np.linalg.norm(part - part.T, 2) > 8 * len(part) ** 0.5 * (self.error + self.size * UNIT * self.norm):
            raise ValueError(
                f"matrix must be symmetric, got x^T A y and y^T A x that differ by {np.abs(part - part.T).max():.3g}"
            )
