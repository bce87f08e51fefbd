"""Kernels of many vectors from one matrix product, and from differences where the product loses digits.

A product of unit vectors has an absolute error of a few units of rounding; 1 - rho and 1 + rho inherit it. So pairs with
either below 0.03 are computed again, from differences.
"""

from functools import partial
from typing import Any, NamedTuple

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
    """Vectors in rows, and what every tile needs of them."""

    x: Float[Array, "n d"]
    units: Float[Array, "n d"]
    variances: Float[Array, " n"]


def worth_products(layers: Layers, x: Float[Array, "n ..."]) -> bool:
    """Whether the network sees vectors long enough for a matrix product to pay."""
    flat = x.ndim == 2 or isinstance(next((layer for layer in layers if not isinstance(layer, Identity)), None), Flatten)
    return flat and x[0].size >= _LEAST_DIM


def vectors(x: Float[Array, "n ..."], tile: int) -> Vectors:
    """Inputs as vectors, with zeros up to whole tiles."""
    flat = x.reshape(len(x), -1)
    out: Vectors = _vectors(jnp.pad(flat, ((0, -len(x) % tile), (0, 0))))
    return out


def product_block(
    layers: Layers, kinds: Kinds, tile: int, first: Vectors, second: Vectors, row: ArrayLike, column: ArrayLike, same: ArrayLike
) -> tuple[Array, ...]:
    """The tile at row and column; `same` where its diagonal pairs every vector with itself."""
    *values, least = _from_products(layers, kinds, tile, first, second, row, column, same)
    if float(least) >= _NEAR:
        return tuple(values)
    a, b, folded = _angles(tile, first, second, row, column)
    angles = np.array(folded)
    rows, columns = np.nonzero(np.abs(angles) < _NEAR)
    if len(rows) > _MANY * angles.size:
        angles = np.asarray(_by_differences(a, b))
    else:
        room = max(_LEAST_ROOM, 1 << (len(rows) - 1).bit_length())
        near = _of_pairs(a, b, *(np.resize(index, room) for index in (rows, columns)))
        angles[rows, columns] = np.asarray(near)[: len(rows)]
    out: tuple[Array, ...] = _from_angles(layers, kinds, tile, first, second, row, column, angles)
    return out


def temporary_bytes(layers: Layers, kinds: Kinds, tile: int, x: Array) -> int:
    """Memory that one tile takes at most."""
    part = Vectors(*(placeholder((tile, *shape), x.dtype) for shape in ((x[0].size,), (x[0].size,), ())))
    programs = (
        _from_products.lower(layers, kinds, tile, part, part, 0, 0, False),
        _from_angles.lower(layers, kinds, tile, part, part, 0, 0, placeholder((tile, tile), x.dtype)),
        _by_differences.lower(part.x, part.x),
    )
    # Angles, their copy and the near pairs' indices stay while the second program runs.
    kept = tile * tile * (3 * x.dtype.itemsize + 16)
    return kept + max(map(program_bytes, programs))


@jax.jit
def _vectors(x: Array) -> Vectors:
    norms = jnp.linalg.norm(x, axis=1, keepdims=True)
    return Vectors(x, x / jnp.where(norms > 0, norms, 1), jnp.mean(x**2, axis=1))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _from_products(
    layers: Layers, kinds: Kinds, tile: int, first: Vectors, second: Vectors, row: ArrayLike, column: ArrayLike, same: ArrayLike
) -> tuple[Array, ...]:
    """Kernels from the product alone, and the least sin^2 or cos^2; where `same`, of all pairs but equal ones."""
    one, two = _slice(first, row, tile), _slice(second, column, tile)
    rho = _product(one, two)
    equal = jnp.eye(tile, dtype=bool) & same
    sin2, cos2 = jnp.where(equal, 0, 0.5 - 0.5 * rho), jnp.where(equal, 1, 0.5 + 0.5 * rho)
    values = _evaluate(layers, kinds, one, two, sin2, cos2)
    return *values, 0.5 - 0.5 * jnp.max(jnp.where(equal, 0, jnp.abs(rho)))


@partial(jax.jit, static_argnums=(0,))
def _angles(tile: int, first: Vectors, second: Vectors, row: ArrayLike, column: ArrayLike) -> tuple[Array, Array, Array]:
    """The vectors of a tile, and their angles: the smaller one of sin2 and cos2, with a minus sign if that is cos2."""
    one, two = _slice(first, row, tile), _slice(second, column, tile)
    rho = _product(one, two)
    return one.x, two.x, jnp.copysign(0.5 - 0.5 * jnp.abs(rho), rho)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _from_angles(
    layers: Layers, kinds: Kinds, tile: int, first: Vectors, second: Vectors, row: ArrayLike, column: ArrayLike, folded: Array
) -> tuple[Array, ...]:
    one, two = _slice(first, row, tile), _slice(second, column, tile)
    less, turned = jnp.abs(folded), jnp.signbit(folded)
    return _evaluate(layers, kinds, one, two, jnp.where(turned, 1 - less, less), jnp.where(turned, less, 1 - less))


def _slice(vectors: Vectors, start: ArrayLike, count: int) -> Vectors:
    return Vectors(*(jax.lax.dynamic_slice_in_dim(part, start, count) for part in vectors))


def _product(one: Vectors, two: Vectors) -> Array:
    return jnp.matmul(one.units, two.units.T, precision="highest")


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
