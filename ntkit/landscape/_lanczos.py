"""Lanczos steps from a vector, every new one made orthogonal to all before, twice."""

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
        steps: how many rows of the basis are there.
    """

    diagonal: Float[np.ndarray, " steps"]
    beside: Float[np.ndarray, " steps-1"]
    basis: Float[Array, "steps params"]
    steps: int


class Lanczos:
    """So many steps with a loss's curvature from any vector, compiled once.

    Args:
        flat: the curvature.
        steps: at most; no more than there are parameters.
    """

    def __init__(self, flat: Flat, steps: int) -> None:
        self._flat, self.steps = flat, min(steps, flat.size)
        self.compiled = jax.jit(self._iterate)

    def __call__(self, start: Vector) -> Tridiagonal:
        """The steps from a vector, or fewer if the Krylov space ends earlier."""
        *found, basis = self.compiled(self._flat.params, start)
        self._flat.products += self.steps
        diagonal, beside = (np.asarray(row, float) for row in found)
        # A step out of the space that is no more than rounding ends it.
        scale = max(float(abs(diagonal).max()), float(beside.max()), float(np.finfo(float).tiny))
        ended = np.flatnonzero(beside <= self.steps * float(np.finfo(self._flat.dtype).eps) * scale)
        used = int(ended[0]) + 1 if len(ended) else self.steps
        return Tridiagonal(diagonal[:used], beside[: used - 1], basis, used)

    def _iterate(self, params: Params, start: Vector) -> tuple[Array, Array, Array]:
        flat = self._flat

        def step(state: tuple[Array, Vector], i: Array) -> tuple[tuple[Array, Vector], tuple[Array, Array]]:
            basis, q = state
            basis = basis.at[i].set(q)
            w = flat.traced(params, q)
            height = jnp.vdot(q, w, precision=jax.lax.Precision.HIGHEST)
            for _ in range(2):
                shares = jnp.matmul(basis, w, precision=jax.lax.Precision.HIGHEST)
                w = w - jnp.matmul(shares, basis, precision=jax.lax.Precision.HIGHEST)
            length = jnp.linalg.norm(w)
            return (basis, jnp.where(length > 0, w / jnp.where(length > 0, length, 1), 0)), (height, length)

        basis = jnp.zeros((self.steps, flat.size), flat.dtype)
        start = start / jnp.linalg.norm(start)
        (basis, _), (diagonal, beside) = jax.lax.scan(step, (basis, start), jnp.arange(self.steps))
        return diagonal, beside, basis


def ritz(found: Tridiagonal) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, "steps steps"]]:
    """Ritz values, rising, and their vectors in the basis, as columns."""
    matrix = np.diag(found.diagonal) + np.diag(found.beside, 1) + np.diag(found.beside, -1)
    values, vectors = np.linalg.eigh(matrix)
    return values, vectors
