"""What lies between solutions: barriers along lines, layer by layer, and what is left when units are left out.

Source: linear mode connectivity, Frankle, Dziugaite, Roy, Carbin (2020); layer-wise, Adilova et al. (2024); dropout stability,
    Shevchenko and Mondelli (2020).
"""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.landscape._loss import Loss, Params, check_direction, check_loss
from ntkit.landscape._symmetry import Symmetry, _leaves, units

POINTS = 25  # of a line, unless asked for

Reference = Literal["models", "ends"]


@dataclass(frozen=True, eq=False)
class Barrier:
    """How far the loss on a line rises above a chord.

    Attributes:
        value: the largest rise at the points of the grid, a bound from below of that on the line; NaN if the loss is NaN or
            infinite at one of them.
        at: where, from 0 to 1.
        grid: the points, shape (points,).
        losses: there.
        chord: what losses are compared with.
        reference: in words, what the chord joins.
    """

    value: float
    at: float
    grid: Float[np.ndarray, " points"]
    losses: Float[np.ndarray, " points"]
    chord: Float[np.ndarray, " points"]
    reference: str


@dataclass(frozen=True, eq=False)
class Thinned:
    """How a loss changes when random units are left out.

    Attributes:
        mean: of the change, over draws of units.
        interval: Student's t at 95 %.
        changes: of all draws, shape (draws,).
        kept: how many units each layer keeps.
    """

    mean: float
    interval: tuple[float, float]
    changes: Float[np.ndarray, " draws"]
    kept: dict[str, int]


def barrier(loss: Loss, first: Params, second: Params, *, points: int = POINTS) -> Barrier:
    """How far the loss on the line through two solutions rises above the chord of their losses.

    Args:
        loss: of the parameters.
        first: a pytree of floating point arrays of one dtype.
        second: another one like it.
        points: of the grid from 0 to 1, both of which are there.

    Raises:
        ValueError: `points` is below 3, the two differ in structure, shapes or dtype, or see `slice_1d` for `loss` and
            `params`.

    Example:
        >>> found = barrier(lambda w: (w**2 - 1) ** 2, jnp.array(-1.0), jnp.array(1.0))
        >>> found.value, found.at
        (1.0, 0.5)
    """
    return _Line(loss, first, second, points)(second, None, "the chord of both losses")


def layer_barriers(
    loss: Loss, first: Params, second: Params, *, points: int = POINTS, reference: Reference = "models"
) -> dict[str, Barrier]:
    """Barriers along the lines on which one layer of the first solution becomes that of the second.

    Args:
        loss: of the parameters.
        first: as for `barrier`. Layers are what the pytree has at its top.
        second: likewise.
        points: likewise.
        reference: what the loss is compared with: "models", the chord of the two solutions' losses, or "ends", that of the
            line's own ends, of which one is the first solution with a foreign layer. The latter can be so bad that there is
            no barrier for want of anything to fall from.

    Returns:
        By the path of each layer.

    Raises:
        ValueError: `reference` is neither, there are no layers, or see `barrier`.

    Example:
        >>> one, other = ({"a": jnp.array(sign), "b": jnp.array(sign)} for sign in (1.0, -1.0))
        >>> found = layer_barriers(lambda w: (w["a"] * w["b"] - 1) ** 2, one, other)
        >>> found["['a']"].value, found["['a']"].at  # there, a b = -1
        (4.0, 1.0)
    """
    if reference not in ("models", "ends"):
        raise ValueError(f"reference must be 'models' or 'ends', got {reference!r}")
    line = _Line(loss, first, second, points)
    tops = dict.fromkeys(path[:1] for path, _ in jax.tree_util.tree_leaves_with_path(first))
    if () in tops:
        raise ValueError("first must have layers, as a list or a dictionary, for a barrier of each, got one array")
    models = check_loss(loss, second) if reference == "models" else None
    words = "the chord of both solutions' losses" if reference == "models" else "the chord of the line's ends"
    found = {}
    for top in tops:
        end = jax.tree_util.tree_map_with_path(lambda path, one, two: two if path[:1] == top else one, first, second)  # noqa: B023
        found[jax.tree_util.keystr(top)] = line(end, models, words)
    return found


class _Line:
    """The loss on lines from one point, compiled once."""

    def __init__(self, loss: Loss, first: Params, second: Params, points: int) -> None:
        if points < 3:
            raise ValueError(f"points must be at least 3, got {points}")
        check_loss(loss, first)
        check_direction("second", second, first)
        self._first, self._grid = first, np.linspace(0, 1, points)

        grid = jnp.asarray(self._grid, jax.tree.leaves(first)[0].dtype)

        @jax.jit
        def losses(start: Params, end: Params) -> Float[Array, " points"]:
            def at(a: Float[Array, ""]) -> Float[Array, ""]:
                return loss(jax.tree.map(lambda one, two: (1 - a) * one + a * two, start, end))

            found: Array = jax.lax.map(at, grid)
            return found

        self._losses = losses

    def __call__(self, end: Params, loss_there: float | None, reference: str) -> Barrier:
        """Along the line to an end, above the chord to a loss; None for that at the end."""
        losses = np.asarray(self._losses(self._first, end), float)
        chord = (1 - self._grid) * losses[0] + self._grid * (losses[-1] if loss_there is None else loss_there)
        rises = losses - chord
        if not np.isfinite(rises).all():
            return Barrier(np.nan, np.nan, self._grid, losses, chord, reference)
        most = int(np.argmax(rises))
        return Barrier(float(rises[most]), float(self._grid[most]), self._grid, losses, chord, reference)


def dropout_stability(
    loss: Loss, params: Params, symmetry: Symmetry, keep: float, *, key: PRNGKeyArray, draws: int = 100
) -> Thinned:
    """How the loss changes when each hidden layer keeps a random subset of its units, and scales what they give to make up.

    Units that are left out are those that `symmetry` names; what the others send on is multiplied by units / kept.

    Args:
        loss: of the parameters.
        params: a pytree of floating point arrays of one dtype, output units along the last axis.
        symmetry: see `chain`; it says which units there are and which weights they feed.
        keep: the share of units that stay, above 0 and at most 1; at least one of each layer does.
        key: of the draws.
        draws: how many, at least 2.

    Raises:
        ValueError: `keep` or `draws` is out of range, the symmetry does not fit, names nothing, or names units but no weights
            that they feed, or see `slice_1d`.

    Example:
        >>> layers = [jnp.ones((1, 2)), jnp.array([[1.0], [3.0]])]  # two units, which give 1 and 3
        >>> symmetry = [(None, "units"), ("units", None)]
        >>> found = dropout_stability(lambda p: (p[0] @ p[1]).sum(), layers, symmetry, 0.5, key=jax.random.key(0))
        >>> sorted(set(found.changes.tolist())), found.kept  # twice one of them, in the place of 4
        ([-2.0, 2.0], {'units': 1})
    """
    if not 0 < keep <= 1:
        raise ValueError(f"keep must be above 0 and at most 1, got {keep}")
    if draws < 2:
        raise ValueError(f"draws must be at least 2, got {draws}")
    check_loss(loss, params)
    sizes = units(params, symmetry)
    if not sizes:
        raise ValueError("symmetry must name at least one layer of units, got none")
    fed = {name for _, names in _leaves(params, symmetry) for name in names[:-1]}
    unfed = sorted(set(sizes) - fed)
    if unfed:
        raise ValueError(
            f"symmetry must name, of each layer of units, an axis before the last of weights that it feeds, not so {unfed}"
        )
    kept = {name: max(1, round(keep * size)) for name, size in sizes.items()}
    factors = {name: jnp.ones((1, size)) for name, size in sizes.items()}  # the first draw keeps all
    for own, (name, size) in zip(jax.random.split(key, len(sizes)), sizes.items(), strict=True):
        ranks = jax.vmap(lambda one, size=size: jax.random.permutation(one, size))(jax.random.split(own, draws))
        factors[name] = jnp.concatenate([factors[name], jnp.where(ranks < kept[name], size / kept[name], 0.0)])

    def thinned(factors: dict[str, Array]) -> Float[Array, ""]:
        return loss(jax.tree.map(lambda leaf, names: _scaled(leaf, names, factors), params, symmetry))

    losses = np.asarray(jax.jit(lambda factors: jax.lax.map(thinned, factors))(factors), float)
    changes = losses[1:] - losses[0]
    reach = float(scipy.stats.t.ppf(0.975, draws - 1) * changes.std(ddof=1) / draws**0.5)
    mean = float(changes.mean())
    return Thinned(mean, (mean - reach, mean + reach), changes, kept)


def _scaled(leaf: Array, names: tuple[str | None, ...], factors: dict[str, Array]) -> Array:
    """The weights that units send on, by their factors: all named axes but the last, which is of the units that are fed."""
    for axis, name in enumerate(names[:-1]):
        if name is not None:
            row = jnp.tile(factors[name], leaf.shape[axis] // factors[name].size).astype(leaf.dtype)
            leaf = leaf * row.reshape([-1 if at == axis else 1 for at in range(leaf.ndim)])
    return leaf
