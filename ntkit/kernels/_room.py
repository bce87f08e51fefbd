"""Whether there is memory for a network's tiles, asked before anything is allocated."""

from collections.abc import Sequence
from dataclasses import replace

import jax
from jaxtyping import Array

from ntkit._memory import memory_bytes
from ntkit.kernels._evaluate import Kinds, Layers, block, evaluate, pairs, pixels_of, placeholder, program_bytes
from ntkit.kernels._inputs import Inputs
from ntkit.kernels._layer import Layer
from ntkit.kernels._moments import Needs
from ntkit.kernels._near import temporary_bytes, worth_products
from ntkit.kernels._tiles import Grid, Source, available_cores, network_grid, network_source

_ARRAYS = 32  # of one number for each pair of pixels: more than most networks keep at once (a chain keeps 3 to 8)
_REMEDY = "take smaller images, a stride in an earlier layer, a pooling before the first layer with weights, or Flatten()"


def source_with_room(layers: Layers, kinds: Kinds, x1: Array, x2: Array | None, tile: int | None) -> Source:
    """`network_source`, of tiles that fit into memory, and with as many threads as do.

    Raises:
        ValueError: a single pair of inputs does not fit, or the tile that was asked for.
    """
    grid = network_grid(layers, x1.shape[1:], len(x1), None if x2 is None else len(x2), tile)
    room, entries = available_bytes(), grid.tile if grid.paired else grid.tile**2
    if available_cores() * entries * _bound(layers, x1) <= room:  # nearly always, so that nothing has to be compiled
        return network_source(layers, kinds, x1, x2, tile)
    least = tile_bytes(layers, kinds, replace(grid, tile=1), x1, x2)
    if least > room:
        raise ValueError(
            f"{_asking(layers)}: a single pair of inputs of x1, of shape {x1.shape[1:]}, takes {_said(least)} of memory, and "
            f"there are {_said(room)}; {_REMEDY}"
        )
    one = least if grid.tile == 1 else tile_bytes(layers, kinds, grid, x1, x2)
    if one > room and tile is not None:
        raise ValueError(f"tile must be smaller: tiles of {tile} take {_said(one)} of memory, and there are {_said(room)}")
    tile, one = (1, least) if one > room else (tile, one)
    return network_source(layers, kinds, x1, x2, tile)._replace(most=room // one)


def check_room_at_once(layers: Layers, kinds: Kinds, x1: Array, x2: Array) -> None:
    """ValueError if all pairs of inputs together do not fit into memory, as they have to inside of `jax.jit`."""
    room = available_bytes()
    if len(x1) * len(x2) * _bound(layers, x1) <= room:
        return
    whole = jax.jit(lambda x1, x2: evaluate(layers, Inputs(x1, x2), kinds))
    needed = program_bytes(whole.lower(*(placeholder(x.shape, x.dtype) for x in (x1, x2))))
    if needed > room:
        raise ValueError(
            f"{_asking(layers)}: inside of jax.jit all {len(x1)} x {len(x2)} pairs of inputs of x1, of shape {x1.shape[1:]}, "
            f"take {_said(needed)} of memory at once, and there are {_said(room)}; call it outside, where it works tile by "
            f"tile; or {_REMEDY}"
        )


def tile_bytes(layers: Layers, kinds: Kinds, grid: Grid, x1: Array, x2: Array | None) -> int:
    """Memory that one tile takes beyond the inputs; it only compiles."""
    first, second = (placeholder(x.shape, x.dtype) for x in (x1, x1 if x2 is None else x2))
    if grid.paired:
        indices = placeholder((grid.tile,), "int32")
        return program_bytes(pairs.lower(layers, kinds, first, second, indices, indices))
    if worth_products(layers, x1):
        return temporary_bytes(layers, kinds, grid.tile, x1)
    part = placeholder((grid.tile, *x1.shape[1:]), x1.dtype)
    return program_bytes(block.lower(layers, kinds, grid.tile, part, part, 0, 0))


def available_bytes() -> int:
    """Memory that there is in all: of JAX's device, or of the machine or the control group that the process runs in."""
    device = jax.local_devices()[0].memory_stats()
    if device and "bytes_limit" in device:
        return int(device["bytes_limit"])
    memory = memory_bytes()
    return 2**63 if memory is None else memory


def _bound(layers: Layers, x: Array) -> int:
    """Bytes for one pair of inputs, generously."""
    return _ARRAYS * pixels_of(layers, x.shape[1:]) * x.dtype.itemsize


def _asking(layers: Sequence[Layer]) -> str:
    """The first layer that needs all pairs of pixels, named from outside to inside."""
    for i, layer in enumerate(layers):
        if layer.needs(Needs()).pairs:
            inner = [branch for branch in getattr(layer, "branches", ()) if any(part.needs(Needs()).pairs for part in branch)]
            return f"layer {i}, {layer}, " + (_asking(inner[0]) if inner else "needs all pairs of pixels")
    return "the network needs too much memory"


def _said(size: int) -> str:
    """A number of bytes in words."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB")):
        if size >= 1000**power:
            return f"{size / 1000**power:.3g} {unit}"
    return f"{size} bytes"
