"""Directions in the space of parameters, with the convention that each was made by.

A filter is all weights that feed one output unit. Which axis numbers the output units depends on the layout: the last one in
JAX and flax (dense (in, out), convolution HWIO), the first one in PyTorch.

Source: Li, Xu, Taylor, Studer, Goldstein (2018), filter-wise normalisation; with exact division, where their code adds 1e-10
    to norms, which breaks the invariance under rescaling for small ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.landscape._loss import Params, check_direction, check_params

Biases = Literal["zero", "radial", "random"]
FilterAxis = int | Callable[[tuple[Any, ...], Array], int] | Any  # of all leaves, by path and leaf, or a pytree of integers


@dataclass(frozen=True)
class Direction:
    """A direction and how it was made.

    Attributes:
        tree: a pytree like the parameters.
        convention: in words, for the slices along it.
    """

    tree: Params
    convention: str

    def __mul__(self, factor: float | int) -> "Direction":
        """The direction, longer by a factor; -1 turns it round."""
        return Direction(jax.tree.map(lambda leaf: leaf * factor, self.tree), f"{factor:g} times {self.convention}")

    __rmul__ = __mul__


jax.tree_util.register_dataclass(Direction, ["tree"], ["convention"])


@dataclass(frozen=True)
class Pair:
    """Two directions.

    Attributes:
        first, second: the directions.
        cosine: of the angle between them.
    """

    first: Direction
    second: Direction
    cosine: float


def gaussian(key: PRNGKeyArray, params: Params) -> Direction:
    """Independent standard normal numbers in the place of all parameters.

    Example:
        >>> direction = gaussian(jax.random.key(0), {"w": jnp.zeros((2, 3))})
        >>> direction.tree["w"].shape, direction.convention
        ((2, 3), 'Gaussian')
    """
    check_params(params)
    return Direction(_normal(key, params), "Gaussian")


def filter_normalized(key: PRNGKeyArray, params: Params, *, biases: Biases = "zero", filter_axis: FilterAxis = -1) -> Direction:
    """A Gaussian direction, each filter of which has the norm of the filter in the parameters.

    Args:
        key: of the Gaussian numbers.
        params: the parameters. Leaves with at most one axis count as biases and normalisation.
        biases: their direction: "zero"; "radial", the parameters themselves, not random; "random", Gaussian of their norm.
        filter_axis: the axis of output units: -1 (JAX, flax), 0 (PyTorch), a pytree of integers like `params`, or a function
            of path and leaf.

    Returns:
        The direction. Filters that are zero have direction zero.

    Raises:
        ValueError: `params` has no arrays, integers or NaN; `biases` is none of the above; an axis does not exist.

    Example:
        >>> params = {"w": jnp.array([[3.0, 0.0], [4.0, 0.0]]), "b": jnp.ones(2)}
        >>> tree = filter_normalized(jax.random.key(0), params).tree
        >>> jnp.linalg.norm(tree["w"], axis=0).round(6).tolist(), tree["b"].tolist()
        ([5.0, 0.0], [0.0, 0.0])
    """
    axes = _axes(params, biases, filter_axis)
    return _filter_normalized(_normal(key, params), params, biases, axes)


def layer_normalized(key: PRNGKeyArray, params: Params, *, biases: Biases = "zero") -> Direction:
    """A Gaussian direction, each tensor of which has the norm of the tensor in the parameters; see `filter_normalized`.

    Example:
        >>> tree = layer_normalized(jax.random.key(0), {"w": jnp.full((2, 2), 3.0)}).tree
        >>> float(jnp.linalg.norm(tree["w"]).round(6))
        6.0
    """
    _axes(params, biases, 0)
    ways = jax.tree.map(lambda way, leaf: _scaled(way, leaf, biases, None), _normal(key, params), params)
    return Direction(ways, f"Gaussian, layer-normalised, biases {biases}")


def direction_pair(key: PRNGKeyArray, params: Params, *, biases: Biases = "zero", filter_axis: FilterAxis = -1) -> Pair:
    """Two filter-normalised directions, made from orthogonal Gaussian ones.

    Normalising filters turns directions, so that the two are nearly orthogonal at the end, and `cosine` says how nearly. Two
    independent ones have a cosine of about sqrt(2 / (pi P)) on average, which in a small network is not small.

    Example:
        >>> pair = direction_pair(jax.random.key(0), {"w": jnp.ones((4, 1))})
        >>> abs(round(pair.cosine, 6))  # one filter: it stays orthogonal
        0.0
    """
    axes = _axes(params, biases, filter_axis)
    first, second = (_normal(one, params) for one in jax.random.split(key))
    # Of what will be zero, nothing may count in the angle.
    first, second = (_without_biases(way, params) if biases != "random" else way for way in (first, second))
    length = dot(first, first)
    share = dot(first, second) / jnp.maximum(length, float(np.finfo(length.dtype).tiny))
    second = jax.tree.map(lambda two, one: two - share.astype(two.dtype) * one, second, first)
    one, two = (_filter_normalized(way, params, biases, axes) for way in (first, second))
    convention = f"{one.convention}, from an orthogonal pair"
    return Pair(Direction(one.tree, convention), Direction(two.tree, convention), cosine(one.tree, two.tree))


def between(start: Params, end: Params) -> Direction:
    """From one point to another: along it 0 is the start and 1 the end.

    Raises:
        ValueError: the two differ in structure, shapes or dtype.

    Example:
        >>> between(jnp.array([1.0, 1.0]), jnp.array([2.0, 0.0])).tree.tolist()
        [1.0, -1.0]
    """
    check_params(start)
    check_direction("end", end, start)
    return Direction(jax.tree.map(jnp.subtract, end, start), "from one solution to another")


def dot(first: Params, second: Params) -> Float[Array, ""]:
    """The inner product of two pytrees of one structure."""
    products = jax.tree.map(lambda one, two: jnp.vdot(one, two, precision=jax.lax.Precision.HIGHEST), first, second)
    total: Array = jnp.stack(jax.tree.leaves(products)).sum()
    return total


def cosine(first: Params, second: Params) -> float:
    """Of the angle between two pytrees of one structure; 0 if one of them is zero.

    Example:
        >>> cosine(jnp.array([1.0, 0.0]), jnp.array([2.0, 2.0])).__round__(6)
        0.707107
    """
    lengths = float(jnp.sqrt(dot(first, first))) * float(jnp.sqrt(dot(second, second)))
    return float(dot(first, second)) / lengths if lengths else 0.0


def _normal(key: PRNGKeyArray, params: Params) -> Params:
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))
    ways = [jax.random.normal(one, leaf.shape, leaf.dtype) for one, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, ways)


def _filter_normalized(ways: Params, params: Params, biases: Biases, axes: Params) -> Direction:
    tree = jax.tree.map(lambda way, leaf, axis: _scaled(way, leaf, biases, axis), ways, params, axes)
    return Direction(tree, f"Gaussian, filter-normalised, biases {biases}")


def _without_biases(ways: Params, params: Params) -> Params:
    return jax.tree.map(lambda way, leaf: way if leaf.ndim > 1 else jnp.zeros_like(way), ways, params)


def _scaled(way: Array, leaf: Array, biases: Biases, axis: int | None) -> Array:
    """With the norms of a leaf, over all axes but one; None for the whole leaf."""
    if leaf.ndim <= 1:
        if biases != "random":
            return leaf if biases == "radial" else jnp.zeros_like(leaf)
        axis = None
    over = None if axis is None else tuple(i for i in range(leaf.ndim) if i != axis % leaf.ndim)
    norms, own = (jnp.sqrt(jnp.sum(array**2, axis=over, keepdims=True)) for array in (leaf, way))
    return jnp.where(own > 0, way * (norms / jnp.where(own > 0, own, 1)), 0)


def _axes(params: Params, biases: Biases, filter_axis: FilterAxis) -> Params:
    """The axis of every leaf, checked."""
    check_params(params)
    if biases not in get_args(Biases):
        raise ValueError(f"biases must be one of {get_args(Biases)}, got {biases!r}")
    if callable(filter_axis):
        axes = jax.tree_util.tree_map_with_path(filter_axis, params)
    elif isinstance(filter_axis, int):
        axes = jax.tree.map(lambda _: filter_axis, params)
    else:
        axes = filter_axis
        own, others = (str(jax.tree.structure(tree)) for tree in (params, axes))
        if own != others:
            raise ValueError(f"filter_axis must be an integer, a function or have the structure of params, {own}, got {others}")
    for (path, leaf), axis in zip(jax.tree_util.tree_leaves_with_path(params), jax.tree.leaves(axes), strict=True):
        if leaf.ndim > 1 and not (isinstance(axis, int) and -leaf.ndim <= axis < leaf.ndim):
            raise ValueError(f"filter_axis must be an axis of params{jax.tree_util.keystr(path)}, {leaf.shape}, got {axis!r}")
    return axes
