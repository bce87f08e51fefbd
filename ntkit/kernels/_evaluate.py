"""Kernels of a chain of layers on two sets of inputs, all at once."""

import math
from functools import partial
from typing import Any, Literal

import jax
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Float, Int

from ntkit.kernels._chain import needs_of, propagate
from ntkit.kernels._inputs import Inputs
from ntkit.kernels._layer import Layer
from ntkit.kernels._moments import Needs

Kind = Literal["nngp", "ntk"]
Layers = tuple[Layer, ...]
Kinds = tuple[Kind, ...]


def evaluate(layers: Layers, inputs: Inputs, kinds: Kinds) -> tuple[Float[Array, "n m"], ...]:
    """Kernels of two sets of inputs, one array per kind."""
    moments = propagate(layers, inputs, Needs())
    moments = moments.moments(Needs()) if isinstance(moments, Inputs) else moments
    if moments.space:
        pixels = " x ".join(map(str, moments.ntk.shape[: moments.space]))
        raise ValueError(
            f"the network's outputs have pixels ({pixels}); its kernels need Flatten() or GlobalAvgPool() at the end"
        )
    return tuple(moments.nngp if kind == "nngp" else moments.ntk for kind in kinds)


@partial(jax.jit, static_argnums=(0, 1, 2))
def block(
    layers: Layers, kinds: Kinds, tile: int, x1: Array, x2: Array, row: ArrayLike, column: ArrayLike
) -> tuple[Array, ...]:
    """The square tile of all pairs at row and column, compiled."""
    first, second = (jax.lax.dynamic_slice_in_dim(x, start, tile) for x, start in ((x1, row), (x2, column)))
    return evaluate(layers, Inputs(first, second), kinds)


@partial(jax.jit, static_argnums=(0, 1))
def pairs(
    layers: Layers, kinds: Kinds, x1: Array, x2: Array, first: Int[Array, " b"], second: Int[Array, " b"]
) -> tuple[Float[Array, " b"], ...]:
    """The pairs with given indices, compiled."""
    out = evaluate(layers, Inputs(x1[first], x2[second], paired=True), kinds)
    return tuple(values[0] for values in out)


def pixels_of(layers: Layers, shape: tuple[int, ...]) -> int:
    """Pixels, or pairs of pixels, that a pair of inputs needs at the start."""
    pixels = math.prod(shape[:-1])
    return pixels**2 if needs_at_start(layers).pairs else pixels


def needs_at_start(layers: Layers) -> Needs:
    """What the network asks of the moments of its inputs."""
    return needs_of(layers, Needs())[0]


def program_bytes(program: Any) -> int:
    """Memory that one run of a lowered program takes beyond its arguments."""
    memory = program.compile().memory_analysis()
    return int(memory.temp_size_in_bytes + memory.output_size_in_bytes)


def placeholder(shape: tuple[int, ...], dtype: DTypeLike) -> Any:
    """An array without numbers, for which a program can be lowered."""
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]
