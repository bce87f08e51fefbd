"""Points on spheres."""

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray


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
