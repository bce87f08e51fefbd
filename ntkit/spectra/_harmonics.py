"""Spherical harmonics of degree k on the unit sphere of R^dim: how many there are, and the one that only knows the angle."""

from collections.abc import Sequence
from math import comb

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ntkit.spectra._symmetric import is_integer

Degrees = Sequence[int] | np.ndarray


def multiplicity(dim: int, degree: int) -> int:
    """N(dim, k): the dimension of the space of spherical harmonics of one degree, an exact integer.

    Args:
        dim: dimension of the surrounding space, at least 2 (2 is the circle, whose harmonics are cosine and sine).
        degree: k, at least 0.

    Raises:
        ValueError: dim is below 2, or degree is negative.

    Example:
        >>> [multiplicity(3, k) for k in range(4)]  # 2k + 1
        [1, 3, 5, 7]

    Source: Atkinson and Han (2012), Spherical Harmonics and Approximations on the Unit Sphere, chapter 2 (from memory).
    """
    check_dim(dim)
    k = int(check_degrees([degree])[0])
    # Homogeneous polynomials of degree k, minus those that are |x|^2 times one of degree k - 2.
    return comb(k + dim - 1, k) - (comb(k + dim - 3, k - 2) if k >= 2 else 0)


def gegenbauer(dim: int, degrees: Degrees, angles: ArrayLike) -> Float[np.ndarray, "degrees angles"]:
    """P_k(cos angle), the Gegenbauer polynomials of index (dim - 2) / 2, normalised to P_k(1) = 1.

    Chebyshev polynomials for dim = 2, Legendre polynomials for dim = 3.

    Args:
        dim: dimension of the surrounding space, at least 2.
        degrees: integers k >= 0.
        angles: in [0, pi], shape (angles,). In the angle, not its cosine, the ends of the interval keep their digits.

    Returns:
        float64, shape (degrees, angles). Absolute errors are a few epsilon, and up to some k epsilon for dim = 2.

    Raises:
        ValueError: dim is below 2, a degree is negative or no integer, an angle is outside of [0, pi].

    Example:
        >>> gegenbauer(3, [0, 1, 2], [np.pi / 3]).ravel().round(6).tolist()  # 1, t, (3 t^2 - 1) / 2 at t = 1/2
        [1.0, 0.5, -0.125]

    Source: the three-term recurrence in its difference form (Reinsch's modification of Clenshaw's algorithm).
    """
    check_dim(dim)
    wanted, theta = check_degrees(degrees), check_angles(angles)
    # P_k is even or odd about pi/2: with the nearer end as origin, `gap` = 1 - |cos| never cancels, nor do the differences.
    left = theta <= np.pi / 2
    gap = 2 * np.where(left, np.sin(theta / 2), np.cos(theta / 2)) ** 2
    rows = {0: np.ones_like(theta)}
    value, difference = 1 - gap, -gap
    for k in range(1, int(wanted.max(initial=0)) + 1):
        rows[k] = value
        difference = (k * difference - (2 * k + dim - 2) * gap * value) / (k + dim - 2)
        value = value + difference
    return np.stack([rows[k] if k % 2 == 0 else np.where(left, rows[k], -rows[k]) for k in wanted.tolist()])


def check_dim(dim: int) -> None:
    """Refuse dimensions without a sphere that is connected."""
    if not is_integer(dim, 2, 2**53):
        raise ValueError(f"dim must be an integer, at least 2 (the circle), got {dim!r}")


def check_degrees(degrees: Degrees) -> np.ndarray:
    """Degrees as int64, shape (degrees,), or a ValueError."""
    given = np.asarray(degrees)
    if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "iu":
        raise ValueError(f"degrees must be a non-empty sequence of integers, got shape {given.shape} and dtype {given.dtype}")
    if (given < 0).any():
        raise ValueError(f"degrees must be at least 0, got {given.min()}")
    return given.astype(np.int64)


def check_angles(angles: ArrayLike) -> Float[np.ndarray, " angles"]:
    """Angles as float64, shape (angles,), or a ValueError."""
    theta = np.asarray(angles, dtype=np.float64)
    if theta.ndim != 1:
        raise ValueError(f"angles must have shape (angles,), got {theta.shape}")
    outside = ~((theta >= 0) & (theta <= np.pi))
    if outside.any():
        raise ValueError(f"angles must lie in [0, pi], got {theta[outside][0]} (and {outside.sum() - 1} more outside)")
    return theta
