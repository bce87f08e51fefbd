"""Permutations of hidden units that leave a network's function as it is, and the one that brings two networks closest.

A symmetry says for each axis of each leaf of the parameters which permutation acts on it: a pytree like the parameters with, in
the place of each leaf, a tuple of names, None where nothing acts. Units that a residual connection adds to each other share a
name. An axis that is several times as long as a permutation is one of flattened positions and channels, channels last.

Source: Ainsworth, Hayase, Srinivasa (2023), matching weights by coordinate descent over linear assignments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jaxtyping import Float, Int, PRNGKeyArray

from ntkit.landscape._loss import Params, check_direction, check_params

Names = tuple[str | None, ...]
Symmetry = Any  # a pytree like the parameters, with a tuple of names at each leaf
Permutations = Mapping[str, Int[np.ndarray, " units"]]


@dataclass(frozen=True, eq=False)
class Matching:
    """The permutations that bring one network close to another.

    Attributes:
        params: the second network with its units permuted.
        permutations: by name; unit i of the permuted network is unit permutation[i] of the second one.
        objective: the inner product of what permutations move, at the start and after every assignment, never falling.
        sweeps: how often every permutation was assigned; the last sweep changed nothing.
    """

    params: Params
    permutations: Permutations
    objective: Float[np.ndarray, " assignments"]
    sweeps: int


def chain(params: Any) -> Symmetry:
    """The symmetry of a plain chain of layers, dense or convolution, whose hidden units may be permuted.

    Args:
        params: a list or tuple of layers, each a pytree of arrays with the output units along the last axis and the inputs
            along the one before (JAX and flax: dense (in, out), convolution HWIO); arrays with one axis are of the output
            units. A layer without weights of two axes, such as of normalisation, leaves units as they are.

    Raises:
        ValueError: `params` is no list or tuple of at least one layer.

    Example:
        >>> chain([{"w": jnp.zeros((3, 5)), "b": jnp.zeros(5)}, {"w": jnp.zeros((5, 2))}])
        [{'b': ('units0',), 'w': (None, 'units0')}, {'w': ('units0', None)}]
    """
    if not isinstance(params, list | tuple) or not params:
        raise ValueError(f"params must be a list or tuple of at least one layer, got {type(params).__name__}")
    check_params(params)
    weighted = [number for number, layer in enumerate(params) if any(leaf.ndim > 1 for leaf in jax.tree.leaves(layer))]
    made, before = [], None
    for number, layer in enumerate(params):
        after = before
        if number in weighted:
            after = f"units{weighted.index(number)}" if number != weighted[-1] else None
        made.append(jax.tree.map(partial(_names, before, after), layer))
        before = after
    return tuple(made) if isinstance(params, tuple) else made


def _names(before: str | None, after: str | None, leaf: Any) -> Names:
    """Of the axes of one leaf."""
    return (*(None,) * (leaf.ndim - 2), *((before,) if leaf.ndim > 1 else ()), *((after,) if leaf.ndim else ()))


def permuted(params: Params, symmetry: Symmetry, permutations: Permutations) -> Params:
    """The parameters with units in another order: unit i is what unit permutation[i] was.

    Raises:
        ValueError: the symmetry does not fit the parameters, a name has no permutation, or one is none of its units.

    Example:
        >>> layers = [{"w": jnp.array([[1.0, 2.0]])}, {"w": jnp.array([[3.0], [4.0]])}]
        >>> permuted(layers, chain(layers), {"units0": np.array([1, 0])})[0]["w"].tolist()
        [[2.0, 1.0]]
    """
    sizes = units(params, symmetry)
    for name, size in sizes.items():
        if name not in permutations:
            raise ValueError(f"permutations must have {name!r}, got {sorted(permutations)}")
        order = np.asarray(permutations[name])
        if order.dtype.kind not in "iu" or not np.array_equal(np.sort(order), np.arange(size)):
            raise ValueError(f"permutations[{name!r}] must have each of 0 to {size - 1} once, got {permutations[name]!r}")
    return jax.tree.map(lambda leaf, names: jnp.asarray(_moved(leaf, names, permutations)), params, symmetry)


def units(params: Params, symmetry: Symmetry) -> dict[str, int]:
    """How many units each permutation of a symmetry moves.

    Raises:
        ValueError: the symmetry does not fit the parameters.

    Example:
        >>> units([jnp.zeros((3, 5)), jnp.zeros((10, 2))], [(None, "a"), ("a", None)])  # two positions of five channels
        {'a': 5}
    """
    check_params(params)
    lengths: dict[str, list[int]] = {}
    for leaf, names in _leaves(params, symmetry):
        for name, length in zip(names, leaf.shape, strict=True):
            if name is not None:
                lengths.setdefault(name, []).append(length)
    for name, found in lengths.items():
        if not min(found) or any(length % min(found) for length in found):
            raise ValueError(f"symmetry must name axes whose lengths are multiples of the shortest, got {found} for {name!r}")
    return {name: min(found) for name, found in lengths.items()}


def match(first: Params, second: Params, symmetry: Symmetry, *, key: PRNGKeyArray) -> Matching:
    """The order of the second network's units in which its parameters have a large inner product with the first one's.

    One permutation after another, in random order, is the best for the others, by linear assignment, until none changes. With
    one hidden layer that is the best of all; with more it may be a local maximum. Where a permutation acts on two axes of a
    leaf, as with square weights between residual streams, assignment is a heuristic, and only taken if it is no worse.

    Args:
        first: the network to come close to.
        second: the network whose units are permuted, of the same structure and shapes.
        symmetry: see `chain`, or written by hand.
        key: of the order.

    Raises:
        ValueError: the networks differ in structure, shapes or dtype, or the symmetry does not fit them or names nothing.

    Example:
        >>> one = [{"w": jnp.array([[1.0, 2.0]])}, {"w": jnp.array([[3.0], [4.0]])}]
        >>> other = permuted(one, chain(one), {"units0": np.array([1, 0])})
        >>> match(one, other, chain(one), key=jax.random.key(0)).params[0]["w"].tolist()
        [[1.0, 2.0]]
    """
    check_params(first)
    check_direction("second", second, first)
    sizes = units(first, symmetry)
    if not sizes:
        raise ValueError("symmetry must name at least one permutation, got none")
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    pairs = [
        (np.asarray(one, float), np.asarray(two, float), names)
        for (one, names), two in zip(_leaves(first, symmetry), jax.tree.leaves(second), strict=True)
        if any(names)  # others could hide gains in their rounding
    ]
    found = {name: np.arange(size) for name, size in sizes.items()}
    objective = [_product(pairs, found)]
    for sweep in count(1):
        changed = False
        for name in rng.permutation(sorted(sizes)):
            rows, columns = scipy.optimize.linear_sum_assignment(_gains(pairs, found, name, sizes[name]), maximize=True)
            new = {**found, name: columns[np.argsort(rows)]}
            value = _product(pairs, new)
            # A gain within rounding is none, so that ties cannot go round for ever.
            better = value > objective[-1] + 1e-12 * max(abs(value), abs(objective[-1]))
            found, changed = (new, True) if better else (found, changed)
            objective.append(value if better else objective[-1])
        if not changed:
            return Matching(permuted(second, symmetry, found), found, np.asarray(objective), sweep)
    raise AssertionError("unreachable: the objective rises only finitely often")


def _gains(
    pairs: Sequence[tuple[np.ndarray, np.ndarray, Names]], found: Permutations, name: str, size: int
) -> Float[np.ndarray, "size size"]:
    """The inner product of every unit of the first network with every one of the second, in the other permutations."""
    gains = np.zeros((size, size))
    for one, two, names in pairs:
        for axis, own in enumerate(names):
            if own == name:
                others = tuple(other if at != axis else None for at, other in enumerate(names))
                rows = [_by_unit(array, axis, size) for array in (one, _moved(two, others, found))]
                gains += rows[0] @ rows[1].T
    return gains


def _by_unit(array: np.ndarray, axis: int, size: int) -> Float[np.ndarray, "size others"]:
    front = np.moveaxis(array, axis, -1)
    return np.moveaxis(front.reshape(*front.shape[:-1], -1, size), -1, 0).reshape(size, -1)


def _product(pairs: Sequence[tuple[np.ndarray, np.ndarray, Names]], found: Permutations) -> float:
    return float(sum(np.vdot(one, _moved(two, names, found)) for one, two, names in pairs))


def _moved(leaf: Any, names: Names, permutations: Permutations) -> Any:
    for axis, name in enumerate(names):
        if name is not None:
            order, length = np.asarray(permutations[name]), leaf.shape[axis]
            starts = np.arange(0, length, len(order))[:, None]
            leaf = leaf.take((starts + order[None]).ravel(), axis=axis)
    return leaf


def _leaves(params: Params, symmetry: Symmetry) -> list[tuple[Any, Names]]:
    """Leaves with their names, checked."""
    found: list[tuple[Any, Any, Any]] = []
    try:
        jax.tree_util.tree_map_with_path(lambda *one: found.append(one), params, symmetry)
    except ValueError as error:
        raise ValueError(f"symmetry must have the structure of params, with a tuple of names at each leaf: {error}") from None
    for path, leaf, names in found:
        where = f"symmetry{jax.tree_util.keystr(path)}"
        if not (isinstance(names, tuple) and all(name is None or isinstance(name, str) for name in names)):
            raise ValueError(f"{where} must be a tuple of names and None, got {names!r}")
        if len(names) != leaf.ndim:
            raise ValueError(f"{where} must have a name or None for each axis of {leaf.shape}, got {names!r}")
    return [(leaf, names) for _, leaf, names in found]
