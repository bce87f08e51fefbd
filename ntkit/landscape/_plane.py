"""Losses at many points of a line or plane through the parameters, compiled once, a row of points at a time."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit._threads import each
from ntkit.landscape._loss import AffineFirst, Loss, Params

LINEAR = 1e3  # roundings by which a first layer may be off being affine
Rows = dict[str, np.ndarray]


class Plane:
    """The points params + sum of coordinates times directions, and functions of them.

    Args:
        functions: of the parameters, each a number, by name.
        params: the centre.
        ways: directions, pytrees like the parameters.
        chunk: how many points are computed at once.
    """

    def __init__(self, functions: Mapping[str, Loss], params: Params, ways: Sequence[Params], chunk: int) -> None:
        firsts = {name: function.first for name, function in functions.items() if isinstance(function, AffineFirst)}
        known = {}
        for name, first in firsts.items():
            moved = [jax.jvp(first, (params,), (way,)) for way in ways]
            known[name] = (first(params), [change for _, change in moved])
            _check_affine(first, params, ways, *known[name])

        def at(point: Float[Array, " coordinates"], params: Params, ways: Sequence[Params], known: Any) -> dict[str, Array]:
            here = _moved(params, ways, point)
            made = {name: _moved(start, changes, point) for name, (start, changes) in known.items()}
            return {
                name: function.rest(made[name], here) if isinstance(function, AffineFirst) else function(here)
                for name, function in functions.items()
            }

        def row(points: Float[Array, "points coordinates"], *rest: Any) -> dict[str, Array]:
            found: dict[str, Array] = jax.lax.map(
                lambda point: at(point, *rest), points, batch_size=chunk if chunk > 1 else None
            )
            return found

        self._row, self._rest = jax.jit(row), (params, list(ways), known)
        self._dtype = jax.tree.leaves(params)[0].dtype

    def rows(self, rows: Sequence[Float[np.ndarray, "points coordinates"]], store: Callable[[int, Rows], None]) -> None:
        """Compute rows of points of one length, on all cores, and hand over each as it is there, with its number."""

        def one(points: np.ndarray) -> Rows:
            return {name: np.asarray(found) for name, found in self._row(jnp.asarray(points, self._dtype), *self._rest).items()}

        with closing(each(one, rows)) as made:  # where storing fails, what is queued is not computed
            for number, found in enumerate(made):
                store(number, found)


def _moved(start: Any, ways: Sequence[Any], point: Float[Array, " coordinates"]) -> Any:
    def leaf(own: Array, *others: Array) -> Array:
        for share, other in zip(point, others, strict=True):
            own = own + share.astype(own.dtype) * other
        return own

    return jax.tree.map(leaf, start, *ways)


def _check_affine(
    first: Callable[[Params], Any], params: Params, ways: Sequence[Params], start: Any, changes: Sequence[Any]
) -> None:
    point = jnp.asarray([0.5 + 0.25 * i for i in range(len(ways))], jax.tree.leaves(params)[0].dtype)
    told, right = jax.tree.leaves(_moved(start, changes, point)), jax.tree.leaves(first(_moved(params, ways, point)))
    sizes = [abs(leaf) for tree in (start, *changes) for leaf in jax.tree.leaves(tree)]
    scale = max([float(jnp.max(size, initial=0)) for size in sizes], default=0.0)
    off = max([float(jnp.max(abs(one - two), initial=0)) for one, two in zip(told, right, strict=True)], default=0.0)
    limit = LINEAR * float(np.finfo(point.dtype).eps) * scale
    if not off <= limit:
        raise ValueError(
            f"first must be affine in the parameters, got {off:.3g} from being so, where at most {limit:.3g} is rounding"
        )
