"""Checks of arguments, in one place."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float


def as_points(name: str, x: ArrayLike) -> Float[Array, "n d"]:
    """The argument as points in rows, or a ValueError that names it. Values are seen only outside of `jax.jit`."""
    points = jnp.asarray(x)
    if points.ndim != 2 or points.shape[1] == 0:
        raise ValueError(f"{name} must have shape (points, dim) with dim >= 1, got shape {points.shape}")
    if not jnp.issubdtype(points.dtype, jnp.floating):
        raise ValueError(f"{name} must be real floating point, got dtype {points.dtype}; convert it with astype(float)")
    if not isinstance(points, jax.core.Tracer):
        bad = int((~jnp.isfinite(points)).sum())
        if bad:
            raise ValueError(f"{name} must be finite, got {bad} values (of {points.size}) that are nan or infinite")
    return points


def as_pair(x1: ArrayLike, x2: ArrayLike | None) -> tuple[Float[Array, "n d"], Float[Array, "m d"]]:
    """Both arguments of a kernel, of one dimension and dtype; None stands for the first."""
    first = as_points("x1", x1)
    if x2 is None:
        return first, first
    second = as_points("x2", x2)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"x1 and x2 must have the same dim, got {first.shape[1]} and {second.shape[1]}")
    if first.dtype != second.dtype:
        raise ValueError(f"x1 and x2 must have the same dtype, got {first.dtype} and {second.dtype}")
    return first, second
