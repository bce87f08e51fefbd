"""Training in a random subspace: how many dimensions does a problem need?

Source: Li, Farkhoor, Liu, Yosinski (2018), intrinsic dimension.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isfinite
from operator import index

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.landscape._loss import Loss, Params, check_params


class Subspace:
    """Points origin + P z, P with random columns of norm 1.

    Args:
        key: of the columns.
        origin: a pytree of floating point arrays of one dtype, usually the initialisation.
        dim: how many columns, at most the number of parameters. They are held in memory, dim times the parameters.
        axes: whether columns are different coordinates, at random, in place of Gaussian directions.

    Attributes:
        basis: P, shape (params, dim).

    Raises:
        ValueError: `dim` is out of range, or see `slice_1d` for `params`.

    Example:
        >>> space = Subspace(jax.random.key(0), {"w": jnp.ones(3)}, 2)
        >>> space(jnp.zeros(2))["w"].tolist(), jnp.linalg.norm(space.basis, axis=0).round(6).tolist()
        ([1.0, 1.0, 1.0], [1.0, 1.0])
    """

    def __init__(self, key: PRNGKeyArray, origin: Params, dim: int, *, axes: bool = False) -> None:
        check_params(origin)
        self._origin, self._unravel = ravel_pytree(origin)
        size, dtype = self._origin.size, self._origin.dtype
        if not 1 <= dim <= size:
            raise ValueError(f"dim must be from 1 to the number of parameters, {size}, got {dim}")
        if axes:
            self.basis = jnp.zeros((size, dim), dtype).at[jax.random.permutation(key, size)[:dim], jnp.arange(dim)].set(1)
        else:
            columns = jax.random.normal(key, (size, dim), dtype)
            self.basis = columns / jnp.linalg.norm(columns, axis=0, keepdims=True)

    def __call__(self, z: Float[Array, " dim"]) -> Params:
        """The parameters at coordinates."""
        if z.shape != self.basis.shape[1:]:
            raise ValueError(f"z must have shape {self.basis.shape[1:]}, one number for each direction, got {z.shape}")
        return self._unravel(self._origin + jnp.matmul(self.basis, z, precision=jax.lax.Precision.HIGHEST))

    def restricted(self, loss: Loss) -> Callable[[Float[Array, " dim"]], Float[Array, ""]]:
        """A loss of the parameters as one of the coordinates."""
        return lambda z: loss(self(z))


def intrinsic_dimension(
    performance: Callable[[int], float], dims: Sequence[int], *, baseline: float, share: float = 0.9
) -> tuple[int | None, dict[int, float]]:
    """The first dimension at which training in a subspace reaches a share of the whole space's performance.

    Args:
        performance: of a dimension, larger is better, such as the accuracy after training in a `Subspace`.
        dims: rising, from 1 on. None after the one that is found is tried.
        baseline: the performance in the whole space, above 0.
        share: of it that counts, above 0.

    Returns:
        The dimension, None if no one reaches it, and the performances that were measured.

    Raises:
        ValueError: `dims` is empty or does not rise, or `baseline` or `share` is not above 0.

    Example:
        >>> intrinsic_dimension(lambda dim: min(dim / 10, 1.0), [4, 8, 9, 16], baseline=1.0)
        (9, {4: 0.4, 8: 0.8, 9: 0.9})
    """
    dims = [index(dim) for dim in dims]
    if not dims or dims[0] < 1 or any(before >= after for before, after in pairwise(dims)):
        raise ValueError(f"dims must be at least one, from 1 on, and rise, got {dims}")
    for name, number in (("baseline", baseline), ("share", share)):
        if not (number > 0 and isfinite(number)):
            raise ValueError(f"{name} must be above 0 and finite, got {number}")
    found: dict[int, float] = {}
    for dim in dims:
        found[dim] = performance(dim)
        if found[dim] >= share * baseline:
            return dim, found
    return None, found
