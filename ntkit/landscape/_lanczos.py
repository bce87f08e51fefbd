"""Lanczos steps from a vector, every new one made orthogonal to all before, twice."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.landscape._curvature import Flat, Vector
from ntkit.landscape._loss import Params


class Tridiagonal(NamedTuple):
    """What so many steps know of a matrix A.

    Attributes:
        diagonal, beside: of the tridiagonal matrix Q A Q^T.
        basis: Q, orthonormal rows; zero after the Krylov space is exhausted.
        rest: the norm of what the last step leads out of the basis.
        steps: how many rows of the basis are there.
    """

    diagonal: Float[np.ndarray, " steps"]
    beside: Float[np.ndarray, " steps-1"]
    basis: Float[Array, "steps params"]
    rest: float
    steps: int


def lanczos(flat: Flat, start: Vector, steps: int) -> Tridiagonal:
    """So many steps, or fewer if the Krylov space ends earlier."""
    steps = min(steps, flat.size)
    *found, basis = _iterate(flat, steps)(flat.params, start)
    flat.products += steps
    diagonal, beside = (np.asarray(row, float) for row in found)
    # A step out of the space that is no more than rounding ends it.
    scale = max(float(abs(diagonal).max()), float(beside.max()), float(np.finfo(float).tiny))
    ended = np.flatnonzero(beside <= steps * float(np.finfo(flat.dtype).eps) * scale)
    used = int(ended[0]) + 1 if len(ended) else steps
    return Tridiagonal(diagonal[:used], beside[: used - 1], basis, float(beside[used - 1]), used)


def ritz(found: Tridiagonal) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, "steps steps"]]:
    """Ritz values, rising, and their vectors in the basis, as columns."""
    matrix = np.diag(found.diagonal) + np.diag(found.beside, 1) + np.diag(found.beside, -1)
    values, vectors = np.linalg.eigh(matrix)
    return values, vectors


def _iterate(flat: Flat, steps: int) -> Callable[[Params, Vector], tuple[Array, Array, Array]]:
    traced = flat.traced

    def step(state: tuple[Params, Array, Vector], i: Array) -> tuple[tuple[Params, Array, Vector], tuple[Array, Array]]:
        params, basis, q = state
        basis = basis.at[i].set(q)
        w = traced(params, q)
        height = jnp.vdot(q, w, precision=jax.lax.Precision.HIGHEST)
        for _ in range(2):
            shares = jnp.matmul(basis, w, precision=jax.lax.Precision.HIGHEST)
            w = w - jnp.matmul(shares, basis, precision=jax.lax.Precision.HIGHEST)
        length = jnp.linalg.norm(w)
        return (params, basis, jnp.where(length > 0, w / jnp.where(length > 0, length, 1), 0)), (height, length)

    @jax.jit
    def iterate(params: Params, start: Vector) -> tuple[Array, Array, Array]:
        basis = jnp.zeros((steps, flat.size), flat.dtype)
        (_, basis, _), (diagonal, beside) = jax.lax.scan(
            step, (params, basis, start / jnp.linalg.norm(start)), jnp.arange(steps)
        )
        return diagonal, beside, basis

    return iterate
