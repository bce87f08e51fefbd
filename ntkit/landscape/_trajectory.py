"""Paths of training, seen along a few directions.

Source: Li, Xu, Taylor, Studer, Goldstein (2018), principal components of optimisation trajectories. Coordinates are by least
    squares, where their code takes independent inner products, which are right for orthonormal directions only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.landscape._directions import Direction
from ntkit.landscape._loss import Params, check_direction, check_params


@dataclass(frozen=True, eq=False)
class Projection:
    """Points in the coordinates of some directions.

    Attributes:
        coordinates: multiples of the directions that come nearest, shape (points, directions).
        residuals: the distance from there, shape (points,).
    """

    coordinates: Float[np.ndarray, "points directions"]
    residuals: Float[np.ndarray, " points"]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The principal components of a path.

    Attributes:
        directions: those of most variance, of norm 1 and orthogonal.
        shares: of the variance, of all components, falling, adding up to 1. A random walk has about 6 / (pi k)^2, so that large
            ones say little by themselves.
        projection: the points, from the origin, in these directions.
    """

    directions: tuple[Direction, ...]
    shares: Float[np.ndarray, " components"]
    projection: Projection


def trajectory(points: Params, *, origin: Params | None = None, count: int = 2, centred: bool = True) -> Trajectory:
    """The directions in which a path of parameters varies most.

    Args:
        points: a pytree of parameters with an axis for the points in front, at least two of them.
        origin: that coordinates are counted from; None for the last point.
        count: how many directions.
        centred: whether components are those of the differences to the mean of all points, or to the origin.

    Raises:
        ValueError: there are fewer than two points, `count` is not from 1 to the number of components, the origin differs in
            structure, shapes or dtype, or the points are all the same.

    Example:
        >>> path = trajectory(jax.numpy.array([[0.0, 0.0], [3.0, 4.0]]), count=1)
        >>> abs(path.projection.coordinates).round(6).ravel().tolist(), path.shares.round(6).tolist()
        ([5.0, 0.0], [1.0, 0.0])
    """
    rows = _rows(points)
    if len(rows) < 2:
        raise ValueError(f"points must be at least 2, got {len(rows)}")
    most = min(rows.shape)
    if not 1 <= count <= most:
        raise ValueError(f"count must be from 1 to the number of components, {most}, got {count}")
    last = jax.tree.map(lambda leaf: leaf[-1], points)
    start = last if origin is None else origin
    check_direction("origin", start, last)
    off = rows - (rows.mean(axis=0) if centred else _row(start))
    _, sizes, ways = np.linalg.svd(off, full_matrices=False)
    if not sizes[0] > 0:
        raise ValueError(f"points must not all be the same, got {len(rows)} that are")
    # The sign of a component is arbitrary: the path comes from the negative side.
    ways = ways[:count] * np.where((rows[-1] - rows[0]) @ ways[:count].T < 0, -1, 1)[:, None]
    convention = f"of {len(rows)} points, {'centred' if centred else 'from the origin'}"
    directions = tuple(
        Direction(_tree(way, last), f"principal component {i} {convention}") for i, way in enumerate(ways, start=1)
    )
    return Trajectory(directions, sizes**2 / (sizes**2).sum(), project(points, start, directions))


def project(points: Params, origin: Params, directions: Sequence[Direction | Params]) -> Projection:
    """The coordinates of points in directions, which need not be orthogonal, by least squares.

    Args:
        points: a pytree of parameters with an axis for the points in front.
        origin: that they are counted from.
        directions: at least one, pytrees like the origin.

    Raises:
        ValueError: there is no direction, or one differs from the origin in structure, shapes or dtype.

    Example:
        >>> ways = jax.numpy.array([1.0, 0.0]), jax.numpy.array([1.0, 1.0])
        >>> found = project(jax.numpy.array([[3.0, 2.0]]), jax.numpy.zeros(2), ways)
        >>> found.coordinates.round(6).tolist()  # inner products would give 3 and 2.5
        [[1.0, 2.0]]
    """
    trees = [way.tree if isinstance(way, Direction) else way for way in directions]
    if not trees:
        raise ValueError("directions must be at least one, got none")
    check_params(origin)
    for i, tree in enumerate(trees):
        check_direction(f"directions[{i}]", tree, origin)
    check_direction("points", jax.tree.map(lambda leaf: leaf[0], points), origin)
    off = _rows(points) - _row(origin)
    ways = np.stack([_row(tree) for tree in trees])
    coordinates = np.linalg.lstsq(ways.T, off.T, rcond=None)[0].T
    return Projection(coordinates, np.linalg.norm(off - coordinates @ ways, axis=1))


def _rows(points: Params) -> Float[np.ndarray, "points params"]:
    leaves = jax.tree.leaves(points)
    counts = sorted({leaf.shape[0] if leaf.ndim else 0 for leaf in leaves})
    if len(counts) != 1 or counts[0] == 0:
        raise ValueError(f"points must be arrays with the same number of points, at least 1, along axis 0, got {counts}")
    check_params(points)
    return np.concatenate([np.asarray(leaf, float).reshape(counts[0], -1) for leaf in leaves], axis=1)


def _row(params: Params) -> Float[np.ndarray, " params"]:
    return np.concatenate([np.asarray(leaf, float).ravel() for leaf in jax.tree.leaves(params)])


def _tree(row: Float[np.ndarray, " params"], like: Params) -> Params:
    leaves, structure = jax.tree.flatten(like)
    parts = np.split(row, np.cumsum([leaf.size for leaf in leaves])[:-1])
    made: list[Array] = [jnp.asarray(part.reshape(leaf.shape), leaf.dtype) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, made)
