"""Checks of arguments, in one place."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float


def as_inputs(name: str, x: ArrayLike) -> Float[Array, "n ..."]:
    """The argument as a batch of inputs, or a ValueError that names it. Values are seen only outside of `jax.jit`."""
    inputs = jnp.asarray(x)
    if inputs.ndim < 2 or 0 in inputs.shape:
        raise ValueError(f"{name} must have shape (inputs, ..., channels) without empty axes, got shape {inputs.shape}")
    if inputs.dtype not in (jnp.float32, jnp.float64):
        raise ValueError(f"{name} must be float32 or float64, got dtype {inputs.dtype}; convert it with astype")
    if not isinstance(inputs, jax.core.Tracer):
        bad = int((~np.isfinite(np.asarray(inputs))).sum())  # NumPy: a constant inside of `jax.jit` is looked at too
        if bad:
            raise ValueError(f"{name} must be finite, got {bad} values (of {inputs.size}) that are nan or infinite")
    return inputs


def as_pair(x1: ArrayLike, x2: ArrayLike | None) -> tuple[Float[Array, "n ..."], Float[Array, "m ..."]]:
    """Both arguments of a kernel, of one shape of input and dtype; None stands for the first."""
    first = as_inputs("x1", x1)
    if x2 is None:
        return first, first
    second = as_inputs("x2", x2)
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(f"x1 and x2 must hold inputs of the same shape, got {first.shape[1:]} and {second.shape[1:]}")
    if first.dtype != second.dtype:
        raise ValueError(f"x1 and x2 must have the same dtype, got {first.dtype} and {second.dtype}")
    return first, second
