"""Angles of many vectors from one matrix product, and from differences where the product loses digits.

A product of unit vectors has an absolute error of a few units of rounding; 1 - rho and 1 + rho inherit it. So pairs with
either below 0.03 are computed again, from differences.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.kernels._inputs import half_angles
from ntkit.kernels._layer import Layer
from ntkit.kernels._shape import Flatten, Identity

_NEAR = 0.015  # sin^2 of half the angle, (1 - rho) / 2
_MANY = 1 / 16  # share of near pairs from which the whole tile is computed from differences
_LEAST_DIM = 24  # below it, differences are as fast


def worth_products(layers: tuple[Layer, ...], x: Float[Array, "n ..."]) -> bool:
    """Whether the network sees vectors long enough for a matrix product to pay."""
    flat = x.ndim == 2 or isinstance(next((layer for layer in layers if not isinstance(layer, Identity)), None), Flatten)
    return flat and x[0].size >= _LEAST_DIM


def angles_of_products(x1: Float[Array, "n ..."], x2: Float[Array, "m ..."]) -> tuple[Float[Array, "n m"], Float[Array, "n m"]]:
    """sin^2 and cos^2 of half the angle of all pairs; not to be traced."""
    a, b = x1.reshape(len(x1), -1), x2.reshape(len(x2), -1)
    sin2, cos2, least = _by_products(a, b)
    if float(least) >= _NEAR:
        return sin2, cos2
    sines, cosines = np.array(sin2), np.array(cos2)
    rows, columns = np.nonzero(np.minimum(sines, cosines) < _NEAR)
    if len(rows) > _MANY * sines.size:
        differences: tuple[Array, Array] = _by_differences(a, b)
        return differences
    room = max(256, 1 << (len(rows) - 1).bit_length())  # few shapes, few compilations
    indices = [np.resize(index, room) for index in (rows, columns)]
    near = _of_pairs(a, b, *indices)
    sines[rows, columns], cosines[rows, columns] = (np.asarray(part)[: len(rows)] for part in near)
    return jnp.asarray(sines), jnp.asarray(cosines)


@jax.jit
def _by_products(a: Float[Array, "n d"], b: Float[Array, "m d"]) -> tuple[Array, Array, Array]:
    """sin2 and cos2, and the least of either."""
    rho = jnp.matmul(_directions(a), _directions(b).T, precision="highest")
    sin2, cos2 = 0.5 - 0.5 * rho, 0.5 + 0.5 * rho
    return sin2, cos2, jnp.minimum(jnp.min(sin2), jnp.min(cos2))


def _directions(x: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Unit vectors; zero stays zero."""
    norms = jnp.linalg.norm(x, axis=1, keepdims=True)
    return x / jnp.where(norms > 0, norms, 1)


@jax.jit
def _by_differences(a: Float[Array, "n d"], b: Float[Array, "m d"]) -> Any:
    return half_angles(a.T[:, :, None], b.T[:, None, :])


@jax.jit
def _of_pairs(a: Float[Array, "n d"], b: Float[Array, "m d"], rows: Array, columns: Array) -> Any:
    return half_angles(a[rows].T, b[columns].T)
