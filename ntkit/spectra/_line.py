"""Spectra of kernels of two real numbers under a Gaussian or a uniform measure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.polynomial.legendre import legvander
from numpy.typing import ArrayLike
from scipy.special import roots_hermitenorm, roots_legendre

Kernel = Callable[[Float[np.ndarray, "..."], Float[np.ndarray, "..."]], ArrayLike]
_MOST = 500  # eigenvalues


@dataclass(frozen=True, eq=False)
class LineSpectrum:
    """The largest eigenvalues of a kernel of two real numbers under a probability measure.

    Attributes:
        eigenvalues: shape (count,), the largest first.
        errors: estimates of their absolute errors, discretisation and rounding together.
        total: the integral of k(x, x), which is the sum of all eigenvalues.
    """

    eigenvalues: Float[np.ndarray, " count"]
    errors: Float[np.ndarray, " count"]
    total: float

    @property
    def trace(self) -> float:
        """Sum of these eigenvalues."""
        return float(self.eigenvalues.sum())

    @property
    def missing(self) -> float:
        """What they leave of the sum of all; not negative for a positive definite kernel, up to errors.sum()."""
        return self.total - self.trace

    def resolved(self, rtol: float = 0.01) -> Bool[np.ndarray, " count"]:
        """Which eigenvalues are known to a relative error of rtol; the others lie below, or near, the noise."""
        return np.asarray(self.errors <= rtol * np.abs(self.eigenvalues))


def gaussian_spectrum(kernel: Kernel, count: int, *, std: float = 1.0, nodes: int | None = None) -> LineSpectrum:
    """The largest eigenvalues of a kernel k(x, z) under the Gaussian measure N(0, std^2), by Gauss-Hermite quadrature.

    Args:
        kernel: called with float64 arrays of shapes (n, 1) and (1, n); returns shape (n, n), symmetric.
        count: how many eigenvalues, 1 to 500.
        std: of the measure.
        nodes: of the quadrature, at least 2 count; by default 256, or 2 count + 60 if that is more. For kernels narrower than
            the gaps between the nodes, about 5 std / sqrt(nodes), or with a kink at x = z, convergence is slow, and the
            errors say so.

    Returns:
        A `LineSpectrum`. An error is the change from half of the nodes, of this or of any larger eigenvalue, plus rounding.

    Raises:
        ValueError: an argument is out of range, or the kernel returns another shape, values that are not finite, or a matrix
            that is not symmetric.

    Example:
        >>> spectrum = gaussian_spectrum(lambda x, z: np.exp(-((x - z) ** 2) / 2), 3)
        >>> (spectrum.eigenvalues[1:] / spectrum.eigenvalues[:-1]).round(9).tolist()  # (3 - sqrt 5) / 2
        [0.381966011, 0.381966011]

    Source: Nystrom's method; for the Gaussian kernel Mehler's formula, Rasmussen and Williams (2006), section 4.3.1 (from
        memory).
    """
    size = _check_sizes(count, nodes, max(60, 256 - 2 * count))
    if not 0 < std < np.inf:
        raise ValueError(f"std must be a positive number, got {std!r}")

    def operator(n: int) -> tuple[np.ndarray, float]:
        x, weights = roots_hermitenorm(n)
        weights /= weights.sum()
        matrix = _values(kernel, std * x[:, None], std * x[None, :])
        _check_symmetric(matrix, matrix.T)
        root = np.sqrt(weights)
        return root[:, None] * (matrix + matrix.T) / 2 * root, float(weights @ np.diagonal(matrix))

    return _compare(operator, count, size, size // 2)


def uniform_spectrum(
    kernel: Kernel, count: int, *, low: float = -1.0, high: float = 1.0, polynomials: int | None = None
) -> LineSpectrum:
    """The largest eigenvalues of a kernel k(x, z) under the uniform probability measure on [low, high].

    Galerkin's method in Legendre polynomials, with the square split along x = z: it converges exponentially for kernels that
    are analytic on either side of the diagonal, such as min(x, z) and exp(-|x - z|).

    Args:
        kernel: called with float64 arrays x of shape (n, 1) and z of shape (n, n), z <= x; returns shape (n, n). The other
            half is its mirror image.
        count: how many eigenvalues, 1 to 500.
        low: where the interval begins.
        high: where it ends.
        polynomials: in the basis, at least 2 count, by default 2 count + 40. The quadrature has 3/2 as many nodes along each
            side of the triangles.

    Returns:
        A `LineSpectrum`. An error is the change from three quarters of the polynomials, of this or of any larger
        eigenvalue, plus rounding.

    Raises:
        ValueError: an argument is out of range, or the kernel returns another shape or values that are not finite, or is not
            symmetric where that can be seen.

    Example:
        >>> brownian = uniform_spectrum(np.minimum, 3, low=0.0, high=1.0)
        >>> (1 / np.sqrt(brownian.eigenvalues) / np.pi).round(9).tolist()  # k - 1/2
        [0.5, 1.5, 2.5]

    Source: Galerkin's method; the triangles are mapped as in Duffy (1982) (from memory).
    """
    size = _check_sizes(count, polynomials, 40, "polynomials")
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"low and high must be finite numbers, low < high, got {low!r} and {high!r}")

    def operator(n: int) -> tuple[np.ndarray, float]:
        x, weights = roots_legendre(3 * n // 2)  # products of polynomials and of a kernel of degree n
        weights, share = weights / weights.sum(), (1 + x[:, None]) / 2
        inner = -1 + (1 + x[:, None]) * (1 + x[None, :]) / 2  # in [-1, x]
        first, second = low + (high - low) * (1 + x[:, None]) / 2, low + (high - low) * (1 + inner) / 2
        below = _values(kernel, first, second)
        sample = np.s_[:: max(1, n // 8)]
        _check_symmetric(below[sample], _values(kernel, second[sample], np.broadcast_to(first, second.shape)[sample]))
        norms = np.sqrt(2 * np.arange(n) + 1)
        applied = np.stack([row @ legvander(z, n - 1) for row, z in zip(below * weights * share, inner, strict=True)]) * norms
        half = (legvander(x, n - 1) * norms * weights[:, None]).T @ applied
        diagonal = _values(kernel, first, first)[:, 0]
        return half + half.T, float(weights @ diagonal)

    return _compare(operator, count, size, 3 * size // 4)


def _compare(operator: Callable[[int], tuple[np.ndarray, float]], count: int, size: int, smaller: int) -> LineSpectrum:
    """Eigenvalues of an operator of some size, and how much they, or any larger ones, differ from those of a smaller size."""
    matrix, total = operator(size)
    fine, coarse = (np.linalg.eigvalsh(m)[::-1][:count] for m in (matrix, operator(smaller)[0]))
    largest = float(np.abs(fine).max())
    rounding = np.finfo(float).eps * size * (largest + 2 * abs(total))
    # Large eigenvalues converge first: what a rule is too coarse to see at all, it takes from those before.
    change = np.maximum.accumulate(np.abs(fine - coarse))
    return LineSpectrum(fine, change + rounding, total)


def _values(kernel: Kernel, x: Float[np.ndarray, "..."], z: Float[np.ndarray, "..."]) -> Float[np.ndarray, "n m"]:
    """The kernel's values, or a ValueError."""
    shape = np.broadcast_shapes(x.shape, z.shape)
    values: Any = np.asarray(kernel(x, z))
    if values.shape != shape or values.dtype.kind not in "biuf":
        raise ValueError(f"kernel must return real numbers of shape {shape}, got shape {values.shape}, dtype {values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError(f"kernel must be finite, got {values[~np.isfinite(values)][0]}")
    return np.asarray(values, dtype=np.float64)


def _check_symmetric(values: Float[np.ndarray, "n m"], mirrored: Float[np.ndarray, "n m"]) -> None:
    difference = float(np.abs(values - mirrored).max())
    if difference > 1e-8 * float(np.abs(values).max()):
        raise ValueError(f"kernel must be symmetric, k(x, z) = k(z, x), got values that differ by {difference:.3g}")


def _check_sizes(count: int, nodes: int | None, more: int, name: str = "nodes") -> int:
    """How many nodes or polynomials, or a ValueError."""
    if isinstance(count, bool) or count != int(count) or not 1 <= count <= _MOST:
        raise ValueError(f"count must be an integer from 1 to {_MOST}, got {count}")
    size = 2 * int(count) + more if nodes is None else nodes
    if size < max(4, 2 * count):
        raise ValueError(f"{name} must be at least 4 and at least 2 count = {2 * count}, got {nodes}")
    return size
