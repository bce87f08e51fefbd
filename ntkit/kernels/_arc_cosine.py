"""Arc-cosine kernels: what one layer of random features step(<w, x>) <w, x>^order has as its kernel."""

from dataclasses import dataclass
from functools import partial
from math import factorial

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ntkit.kernels._stationary import as_angles, as_points, squared_distances


@dataclass(frozen=True)
class ArcCosine:
    """|x|^n |z|^n J_n(theta) / J_n(0), theta the angle between x and z, for order n = 0, 1, 2.

    J_0 = pi - theta, J_1 = sin(theta) + (pi - theta) cos(theta), J_2 = 3 sin(theta) cos(theta) + (pi - theta) (1 + 2
    cos(theta)^2), so that the kernel of x with itself is |x|^(2n). Order 1 is the NNGP kernel of one hidden ReLU layer, and
    order 0 the factor that a ReLU layer gives to the tangent kernel.

    Raises:
        ValueError: order is not 0, 1 or 2.

    Example:
        >>> [round(float(ArcCosine(n).of_angle(jnp.pi / 2)), 6) for n in (0, 1, 2)]  # 1/2, 1/pi, 1/6
        [0.5, 0.31831, 0.166667]

    Source: Cho and Saul (2009), equations for orders 0, 1 and 2 (from memory).
    """

    order: int

    def __post_init__(self) -> None:
        if self.order not in (0, 1, 2):
            raise ValueError(f"order must be 0, 1 or 2, got {self.order!r}")

    def gram(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """The kernel of all pairs of points.

        Args:
            x1: points, floating point, shape (n, dim).
            x2: points, shape (m, dim), of the dtype of x1; None stands for x1.

        Returns:
            Shape (n, m), in the dtype of x1. Relative errors are a few epsilon for angles near 0 and near pi, given the
            directions. Derivatives exist for equal and opposite points too; at the kinks of order 0 they are 0. The zero vector
            counts as orthogonal to everything, itself included.

        Raises:
            ValueError: wrong shape or dtype, or values that are not finite (seen only outside of `jax.jit`).
        """
        first, second = as_points(x1, x2)
        norms1, directions1 = _polar(first)
        norms2, directions2 = _polar(second)
        sin2, cos2 = squared_distances(directions1, directions2) / 4, squared_distances(directions1, -directions2) / 4
        lost = sin2 + cos2 == 0
        sin2, cos2 = jnp.where(lost, 0.5, sin2), jnp.where(lost, 0.5, cos2)
        scale = norms1[:, None] ** self.order * norms2[None, :] ** self.order
        normalised: Array = _arc_cosine_of(self.order, sin2, cos2)
        return scale * normalised

    def of_angle(self, theta: ArrayLike) -> Float[Array, "..."]:
        """The kernel of unit vectors at angle theta, in [0, pi], any shape, floating point.

        Raises:
            ValueError: theta is no real floating point, or outside of [0, pi].
        """
        half = as_angles("theta", theta) / 2
        value: Array = _arc_cosine_of(self.order, jnp.sin(half) ** 2, jnp.cos(half) ** 2)
        return value


@partial(jax.jit, static_argnums=0)  # traced once, not at every call
def _arc_cosine_of(order: int, sin2: Float[Array, "..."], cos2: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.asarray(_arc_cosine(order, sin2, cos2))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _arc_cosine(order: int, sin2: Float[Array, "..."], cos2: Float[Array, "..."]) -> Float[Array, "..."]:
    """J_n / J_n(0) as a function of sin^2 and cos^2 of half the angle."""
    sin_half, cos_half = jnp.sqrt(sin2), jnp.sqrt(cos2)
    rest = 2 * jnp.arctan2(cos_half, sin_half)  # pi - theta
    sin, cos = 2 * sin_half * cos_half, cos2 - sin2
    if order == 0:
        return rest / jnp.pi
    # Near angle pi the closed forms are differences of almost equal numbers: there, their Taylor series in pi - theta.
    small = jnp.where(rest < 1, rest, 1)
    if order == 1:
        terms = [(-1) ** i * (2 * i + 2) / factorial(2 * i + 3) for i in range(9)]
        series, closed = small**3 * _polynomial(terms, small**2), sin + rest * cos
        return jnp.where(rest < 1, series, closed) / jnp.pi
    terms = [(-1) ** i * (i + 1) / factorial(2 * i + 5) for i in range(12)]
    series, closed = (2 * small) ** 5 * _polynomial(terms, (2 * small) ** 2), 3 * sin * cos + rest * (1 + 2 * cos**2)
    return jnp.where(rest < 1, series, closed) / (3 * jnp.pi)


@_arc_cosine.defjvp
def _arc_cosine_jvp(
    order: int, primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """In the cosine, the derivative of J_n is n^2 J_(n-1): no division by the sine until n is 0."""
    sin2, cos2 = primals
    if order:
        slope = (order**2 if order == 1 else order**2 / 3) * _arc_cosine(order - 1, sin2, cos2)
    else:
        product = sin2 * cos2
        inside = product > 0
        slope = jnp.where(inside, 1 / (2 * jnp.pi * jnp.sqrt(jnp.where(inside, product, 1))), 0)
    return _arc_cosine(order, sin2, cos2), slope * (tangents[1] - tangents[0])


def _polynomial(coefficients: list[float], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Horner's rule; the constant term comes first."""
    return jnp.polyval(jnp.array(coefficients[::-1], x.dtype), x)


def _polar(x: Float[Array, "n d"]) -> tuple[Float[Array, " n"], Float[Array, "n d"]]:
    """Norms and directions, zero where there is none, with finite derivatives."""
    square = jnp.sum(x**2, axis=1)
    positive = square > 0
    root = jnp.sqrt(jnp.where(positive, square, 1))
    return jnp.where(positive, root, 0), x / root[:, None]
