"""Kernels of distances, and kernels of angles: what tangent kernels of networks are compared with.

All share one shape: `gram(x1, x2)` for inputs in rows, and `of_angle(theta)` for unit vectors at that angle.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ntkit.kernels._door import as_pair


class Stationary(ABC):
    """A kernel of the distance between two points, with value 1 at distance 0; all subclasses are final."""

    def gram(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """The kernel of all pairs of points.

        Args:
            x1: points, floating point, shape (n, dim).
            x2: points, shape (m, dim), of the dtype of x1; None stands for x1.

        Returns:
            Shape (n, m), in the dtype of x1. Distances are those of differences, |x - z|, so that close points keep their
            digits. Derivatives exist for equal points too; where the kernel has a kink there, they are 0, the mean of both
            sides.

        Raises:
            ValueError: wrong shape or dtype, or values that are not finite (seen only outside of `jax.jit`).
        """
        return self._of_square(squared_distances(*as_points(x1, x2)))

    def of_angle(self, theta: ArrayLike) -> Float[Array, "..."]:
        """The kernel of unit vectors at angle theta, in [0, pi], any shape, floating point: of distance 2 sin(theta / 2).

        Raises:
            ValueError: theta is no real floating point, or outside of [0, pi].
        """
        return self._of_square(4 * jnp.sin(as_angles("theta", theta) / 2) ** 2)

    @abstractmethod
    def _of_square(self, square: Float[Array, "..."]) -> Float[Array, "..."]:
        """The kernel as a function of the squared distance."""


@dataclass(frozen=True)
class Laplace(Stationary):
    """exp(-|x - z| / bandwidth).

    Raises:
        ValueError: bandwidth is not a positive number.

    Example:
        >>> round(float(Laplace(2.0).gram(jnp.array([[0.0]]), jnp.array([[2.0]]))[0, 0]), 6)  # exp(-1)
        0.367879
    """

    bandwidth: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "bandwidth", _positive(self.bandwidth))

    def _of_square(self, square: Float[Array, "..."]) -> Float[Array, "..."]:
        value: Array = _matern_of(0, square / self.bandwidth**2)
        return value


@dataclass(frozen=True)
class GammaExponential(Stationary):
    """exp(-(|x - z| / bandwidth)^gamma), 0 < gamma <= 2: Laplace for 1, and for 2 Gaussian of bandwidth / sqrt(2).

    Raises:
        ValueError: gamma is outside of (0, 2], or bandwidth is not a positive number.

    Example:
        >>> round(float(GammaExponential(1.0, 1.0).of_angle(jnp.pi)), 6)  # exp(-2)
        0.135335

    Source: Rasmussen and Williams (2006), section 4.2 (from memory).
    """

    gamma: float
    bandwidth: float

    def __post_init__(self) -> None:
        if not 0 < self.gamma <= 2:
            raise ValueError(f"gamma must be in (0, 2], got {self.gamma!r}")
        object.__setattr__(self, "bandwidth", _positive(self.bandwidth))

    def _of_square(self, square: Float[Array, "..."]) -> Float[Array, "..."]:
        scaled = square / self.bandwidth**2
        if self.gamma == 2:
            return jnp.exp(-scaled)
        positive = scaled > 0  # a power of 0 has no finite derivative
        return jnp.exp(-jnp.where(positive, jnp.where(positive, scaled, 1) ** (self.gamma / 2), 0))


@dataclass(frozen=True)
class Gaussian(Stationary):
    """exp(-|x - z|^2 / (2 bandwidth^2)).

    Raises:
        ValueError: bandwidth is not a positive number.

    Example:
        >>> round(float(Gaussian(2.0).of_angle(jnp.pi)), 6)  # exp(-1/2)
        0.606531
    """

    bandwidth: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "bandwidth", _positive(self.bandwidth))

    def _of_square(self, square: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.exp(-square / (2 * self.bandwidth**2))


@dataclass(frozen=True)
class Matern(Stationary):
    """2^(1-nu) / Gamma(nu) s^nu K_nu(s), s = sqrt(2 nu) |x - z| / bandwidth, for half-integer nu = 1/2, 3/2, ...

    Value 1 at distance 0. nu = 1/2 is Laplace; for nu to infinity it becomes Gaussian, of the same bandwidth.

    Raises:
        ValueError: nu is no half-integer between 1/2 and 21/2, or bandwidth is not a positive number.

    Example:
        >>> round(float(Matern(1.5, 3**0.5).of_angle(jnp.pi / 3)), 6)  # (1 + s) exp(-s) at s = 1
        0.735759

    Source: Rasmussen and Williams (2006), equations 4.14 and 4.16 (from memory).
    """

    nu: float
    bandwidth: float

    def __post_init__(self) -> None:
        if self.nu - 0.5 not in range(11):
            raise ValueError(f"nu must be a half-integer, 1/2, 3/2, 5/2, ... 21/2, got {self.nu!r}")
        object.__setattr__(self, "bandwidth", _positive(self.bandwidth))

    def _of_square(self, square: Float[Array, "..."]) -> Float[Array, "..."]:
        value: Array = _matern_of(int(self.nu - 0.5), square * (2 * self.nu / self.bandwidth**2))
        return value


def as_points(x1: ArrayLike, x2: ArrayLike | None) -> tuple[Float[Array, "n d"], Float[Array, "m d"]]:
    """Both arguments of a kernel as points in rows, or a ValueError; None stands for the first."""
    first, second = as_pair(x1, x2)
    if first.ndim != 2:
        raise ValueError(f"x1 must have shape (points, dim), got shape {first.shape}")
    return first, second


def as_angles(name: str, theta: ArrayLike) -> Float[Array, "..."]:
    """The argument as angles in [0, pi], or a ValueError that names it. Values are seen only outside of `jax.jit`."""
    angles = jnp.asarray(theta)
    if not jnp.issubdtype(angles.dtype, jnp.floating):
        raise ValueError(f"{name} must be real floating point, got dtype {angles.dtype}; convert it with astype(float)")
    if not isinstance(angles, jax.core.Tracer):
        bad = int((~((angles >= 0) & (angles <= jnp.asarray(jnp.pi, angles.dtype)))).sum())
        if bad:
            raise ValueError(f"{name} must lie in [0, pi], got {bad} values (of {angles.size}) outside")
    return angles


@jax.jit  # one fused loop: neither n x m x dim numbers in memory nor the cancellation of |x|^2 + |z|^2 - 2 <x, z>
def squared_distances(x1: Float[Array, "n d"], x2: Float[Array, "m d"]) -> Float[Array, "n m"]:
    """|x - z|^2 of all pairs."""
    return jnp.sum((x1[:, None, :] - x2[None, :, :]) ** 2, axis=-1)


@partial(jax.jit, static_argnums=0)  # traced once, not at every call
def _matern_of(p: int, square: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.asarray(_matern(p, square))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _matern(p: int, square: Float[Array, "..."]) -> Float[Array, "..."]:
    """The Matern kernel of nu = p + 1/2 as a function of s^2: exp(-s) times a polynomial in s of degree p."""
    s = jnp.sqrt(square)
    first = math.factorial(p) / math.factorial(2 * p)
    falling = [first * math.perm(p, i) * math.comb(p + i, i) for i in range(p + 1)]  # of (2s)^p, (2s)^(p-1), ... 1
    return jnp.polyval(jnp.array(falling, s.dtype), 2 * s) * jnp.exp(-s)


@_matern.defjvp
def _matern_jvp(
    p: int, primals: tuple[Float[Array, "..."]], tangents: tuple[Float[Array, "..."]]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """In s^2, the derivative of one Matern kernel is the next rougher one: no division by the distance until p is 0."""
    (square,), (tangent,) = primals, tangents
    if p:
        slope = _matern(p - 1, square) / (2 - 4 * p)
    else:
        positive = square > 0
        s = jnp.sqrt(jnp.where(positive, square, 1))
        slope = jnp.where(positive, -jnp.exp(-s) / (2 * s), 0)
    return _matern(p, square), slope * tangent


def _positive(bandwidth: float) -> float:
    """The bandwidth as a Python float, which changes no dtype, as a NumPy scalar would."""
    if not 0 < bandwidth < math.inf:
        raise ValueError(f"bandwidth must be a positive number, got {bandwidth!r}")
    return float(bandwidth)
