"""Kernel matrices of a chain of layers: at once, or tile by tile."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.kernels._chain import check_gaussian
from ntkit.kernels._evaluate import Kinds, Layers, evaluate, pixels_of
from ntkit.kernels._inputs import Inputs
from ntkit.kernels._room import check_room_at_once, source_with_room
from ntkit.kernels._tiles import run, write

_ALIGNMENT = 64  # bytes
_SMALL = 2**16  # pairs of numbers up to which nothing is gained by compiling, or by tiles


def matrices(layers: Layers, kinds: Kinds, x1: Float[Array, "n ..."], x2: Float[Array, "m ..."] | None) -> tuple[Array, ...]:
    """One matrix per kind; exactly symmetric if x2 is None."""
    check_gaussian(layers, before=False)
    second = x1 if x2 is None else x2
    traced = isinstance(x1, jax.core.Tracer) or isinstance(second, jax.core.Tracer)
    pixels = pixels_of(layers, x1.shape[1:])
    if traced:
        check_room_at_once(layers, kinds, x1, second)
    if traced or (pixels == 1 and len(x1) * len(second) <= _SMALL):
        out = evaluate(layers, Inputs(x1, second), kinds)
        return tuple(map(symmetric, out)) if x2 is None else out
    source = source_with_room(layers, kinds, x1, x2, None)
    filled = [_aligned((len(x1), len(second)), x1.dtype) for _ in kinds]
    for _ in run(source, range(source.grid.bands), lambda tile: write(filled, tile), None):
        pass
    return tuple(map(jnp.from_dlpack, filled))


def _aligned(shape: tuple[int, int], dtype: np.dtype[np.floating]) -> np.ndarray:
    """Memory that JAX can take over without a copy."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def symmetric(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """Its lower triangle, mirrored."""
    lower = jnp.tril(jnp.ones(matrix.shape, bool))
    return jnp.where(lower, matrix, matrix.T)
