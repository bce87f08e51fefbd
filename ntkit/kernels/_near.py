"""Kernels of many vectors from one matrix product, and from differences where the product loses digits.

A product of unit vectors has an absolute error of a few units of rounding; 1 - rho and 1 + rho inherit it. So pairs with
either below 0.03 are computed again, from differences.
"""

from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ntkit.kernels._evaluate import Kinds, Layers, evaluate, placeholder, program_bytes
from ntkit.kernels._inputs import Inputs, Known, half_angles
from ntkit.kernels._shape import Flatten, Identity

_NEAR = 0.015  # sin^2 of half the angle, (1 - rho) / 2
_MANY = 1 / 16  # share of near pairs from which the whole tile is computed from differences
_LEAST_DIM = 24  # below it, differences are as fast
_LEAST_ROOM = 256  # near pairs are computed together, in few different numbers: few compilations


class Vectors(NamedTuple):
    """The vectors of one side of a tile in rows, and what every tile needs of them."""

    x: Float[Array, "n d"]
    units: Float[Array, "n d"]
    variances: Float[Array, " n"]


def worth_products(layers: Layers, x: Float[Array, "n ..."]) -> bool:
    """Whether the network sees vectors long enough for a matrix product to pay."""
    flat = x.ndim == 2 or isinstance(next((layer for layer in layers if not isinstance(layer, Identity)), None), Flatten)
    return flat and x[0].size >= _LEAST_DIM


def vectors(x: Float[Array, "n ..."], tile: int) -> list[Vectors]:
    """Inputs as vectors, tile by tile, with zeros up to whole tiles: sliced once, for all tiles of a row or column."""
    flat = x.reshape(len(x), -1)
    parts = (flat[start : start + tile] for start in range(0, len(flat), tile))
    return [_vectors(part if len(part) == tile else jnp.pad(part, ((0, tile - len(part)), (0, 0)))) for part in parts]


def product_block(layers: Layers, kinds: Kinds, first: Vectors, second: Vectors, same: bool) -> tuple[Array, ...]:
    """Kernels of all pairs of two sides; `same` where they are equal, so that the diagonal pairs every vector with itself."""
    folded, least = _angles(first, second, same)
    if float(least) < _NEAR:
        folded = _refined(np.array(folded), first.x, second.x)
    out: tuple[Array, ...] = _from_angles(layers, kinds, first, second, folded)
    return out


def _refined(folded: np.ndarray, x1: Array, x2: Array) -> np.ndarray | Array:
    """Angles of which the small ones are computed again, from differences."""
    rows, columns = np.nonzero(np.abs(folded) < _NEAR)
    if len(rows) > _MANY * folded.size:
        return cast(Array, _by_differences(x1, x2))
    room = max(_LEAST_ROOM, 1 << (len(rows) - 1).bit_length())
    near = _of_pairs(x1, x2, *(np.resize(index, room) for index in (rows, columns)))
    folded[rows, columns] = np.asarray(near)[: len(rows)]
    return folded


def temporary_bytes(layers: Layers, kinds: Kinds, tile: int, x: Array) -> int:
    """Memory that one tile takes at most."""
    part = Vectors(*(placeholder((tile, *shape), x.dtype) for shape in ((x[0].size,), (x[0].size,), ())))
    programs = (
        _angles.lower(part, part, False),
        _from_angles.lower(layers, kinds, part, part, placeholder((tile, tile), x.dtype)),
        _by_differences.lower(part.x, part.x),
    )
    # Angles, their copy and the near pairs' indices stay while the second program runs.
    kept = tile * tile * (3 * x.dtype.itemsize + 16)
    return kept + max(map(program_bytes, programs))


@jax.jit
def _vectors(x: Array) -> Vectors:
    norms = jnp.linalg.norm(x, axis=1, keepdims=True)
    return Vectors(x, x / jnp.where(norms > 0, norms, 1), jnp.mean(x**2, axis=1))


@jax.jit
def _angles(one: Vectors, two: Vectors, same: ArrayLike) -> tuple[Array, Array]:
    """The smaller one of sin2 and cos2 of each pair, with a minus sign if that is cos2, and the least of different vectors."""
    rho = jnp.matmul(one.units, two.units.T, precision="highest")
    equal = jnp.eye(len(rho), dtype=bool) & same
    folded = jnp.where(equal, 0, jnp.copysign(0.5 - 0.5 * jnp.abs(rho), rho))
    return folded, 0.5 - 0.5 * jnp.max(jnp.where(equal, 0, jnp.abs(rho)))


@partial(jax.jit, static_argnums=(0, 1))
def _from_angles(layers: Layers, kinds: Kinds, one: Vectors, two: Vectors, folded: Array) -> tuple[Array, ...]:
    less, turned = jnp.abs(folded), jnp.signbit(folded)
    return _evaluate(layers, kinds, one, two, jnp.where(turned, 1 - less, less), jnp.where(turned, less, 1 - less))


def _evaluate(layers: Layers, kinds: Kinds, one: Vectors, two: Vectors, sin2: Array, cos2: Array) -> tuple[Array, ...]:
    known = Known(one.variances[:, None], two.variances[None, :], sin2, cos2)
    return evaluate(layers, Inputs(one.x, two.x, known), kinds)


@jax.jit
def _by_differences(a: Float[Array, "n d"], b: Float[Array, "m d"]) -> Any:
    return _folded(*half_angles(a.T[:, :, None], b.T[:, None, :]))


@jax.jit
def _of_pairs(a: Float[Array, "n d"], b: Float[Array, "m d"], rows: Array, columns: Array) -> Any:
    return _folded(*half_angles(a[rows].T, b[columns].T))


def _folded(sin2: Array, cos2: Array) -> Array:
    return jnp.where(sin2 <= cos2, sin2, -cos2)
