"""Weights of files in their precision."""

import jax.numpy as jnp
import numpy as np


def kept(name: str, array: np.ndarray) -> np.ndarray:
    """The array, if JAX will not round it; half precision as float32, which holds it.

    Raises:
        ValueError: it is no array of float16, bfloat16, float32 or float64, or of the last while JAX is in single precision.
    """
    if array.dtype.name in ("float16", "bfloat16"):
        return array.astype(np.float32)
    if array.dtype.name not in ("float32", "float64"):
        raise ValueError(f"{name} must be float16, bfloat16, float32 or float64, got {array.dtype} of shape {array.shape}")
    if array.dtype == np.float64 and jnp.zeros(0, float).dtype != np.float64:
        raise ValueError(
            f"{name} is float64, which JAX rounds while it is in single precision; "
            "jax.config.update('jax_enable_x64', True) turns double precision on"
        )
    return array
