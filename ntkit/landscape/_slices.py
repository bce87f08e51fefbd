"""The loss along lines and on planes through the parameters, with the conventions that the picture was made by."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import jax
import numpy as np
from jaxtyping import Float

from ntkit.landscape._directions import Direction, between, cosine
from ntkit.landscape._loss import Loss, Params, check_direction, check_loss
from ntkit.landscape._plane import Plane
from ntkit.landscape._resume import Saved

Grid = Float[np.ndarray, " points"] | Sequence[float]
Progress = Callable[[int, int], None]
ALONG = 16  # points of a line that are computed at once, so that they can be saved
CHUNK = 16  # points that an accelerator computes at once; on a CPU a point at a time is fastest


class _Slice:
    """What lines and planes have in common."""

    values: Float[np.ndarray, "..."]
    conventions: tuple[str, ...]

    @property
    def nonfinite(self) -> int:
        """At how many points the loss is NaN or infinite."""
        return int((~np.isfinite(self.values)).sum())

    def __str__(self) -> str:
        return "\n".join(self.conventions)


@dataclass(frozen=True, eq=False)
class Slice1D(_Slice):
    """A loss along a line.

    Attributes:
        grid: multiples of the direction, shape (points,).
        values: the loss there; NaN and infinity are kept.
        metrics: other functions there, by name.
        centre: the loss at the parameters, whether or not the grid has 0.
        conventions: how the picture was made, a sentence each.
    """

    grid: Float[np.ndarray, " points"]
    values: Float[np.ndarray, " points"]
    metrics: Mapping[str, Float[np.ndarray, " points"]]
    centre: float
    conventions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Slice2D(_Slice):
    """A loss on a plane.

    Attributes:
        first_grid, second_grid: multiples of the two directions.
        values: the loss, [i, j] at (first_grid[i], second_grid[j]); NaN and infinity are kept.
        metrics: other functions there, by name.
        centre: the loss at the parameters, whether or not the grids have 0.
        cosine: of the angle between the directions.
        conventions: how the picture was made, a sentence each.
    """

    first_grid: Float[np.ndarray, " first"]
    second_grid: Float[np.ndarray, " second"]
    values: Float[np.ndarray, "first second"]
    metrics: Mapping[str, Float[np.ndarray, "first second"]]
    centre: float
    cosine: float
    conventions: tuple[str, ...]


def slice_1d(
    loss: Loss,
    params: Params,
    direction: Direction | Params,
    grid: Grid,
    *,
    metrics: Mapping[str, Loss] | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    chunk: int | None = None,
) -> Slice1D:
    """The loss at params + a direction, for every a of a grid.

    Args:
        loss: of the parameters, a number; an `AffineFirst` computes its first layer once for all points, a `SumOfParts`
            takes its data in parts.
        params: a pytree of floating point arrays of one dtype, in which the loss is computed.
        direction: from `filter_normalized` and the like, which know how they were made, or any pytree like `params`.
        grid: increasing numbers.
        metrics: other functions of the parameters, each a number, by name.
        resume: a file for what is computed, written after every 16 points; one that is there is gone on with, if parameters,
            direction, grid, the loss at the parameters and the names of metrics are the same.
        progress: is told how many of how many points are done.
        chunk: points that are computed at once; None for 1 on a CPU, where that is fastest, and 16 elsewhere.

    Raises:
        ValueError: `params` are no floating point arrays; the direction has another structure, shape or dtype; the grid is
            empty, not finite or does not increase; the loss is no number or not the same twice; the file of `resume` belongs
            to another slice.

    Example:
        >>> params, direction = jax.numpy.array([1.0, 0.0]), jax.numpy.array([0.0, 2.0])
        >>> line = slice_1d(lambda w: (w**2).sum(), params, direction, [-1.0, 0.0, 1.0])
        >>> line.values.tolist(), line.centre
        ([5.0, 1.0, 5.0], 1.0)
    """
    grid = _checked_grid("grid", grid)
    points = grid[:, None]
    count = min(ALONG, len(points))
    starts = [min(start, len(points) - count) for start in range(0, len(points), count)]  # the last one overlaps
    rows = [points[start : start + count] for start in starts]
    found, centre, conventions = _computed(
        loss, params, {"direction": direction}, rows, (grid,), metrics, resume, progress, chunk
    )
    values = {name: np.empty(len(grid), all_rows.dtype) for name, all_rows in found.items()}
    for name, all_rows in found.items():
        for start, row in zip(starts, all_rows, strict=True):
            values[name][start : start + count] = row
    loss_values = values.pop("loss")
    conventions += _counted(loss_values)
    return Slice1D(grid, loss_values, values, centre, conventions)


def slice_2d(
    loss: Loss,
    params: Params,
    first: Direction | Params,
    second: Direction | Params,
    first_grid: Float[np.ndarray, " first"] | Sequence[float],
    second_grid: Float[np.ndarray, " second"] | Sequence[float],
    *,
    metrics: Mapping[str, Loss] | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    chunk: int | None = None,
) -> Slice2D:
    """The loss at params + a first + b second, for every a and b of two grids; see `slice_1d`.

    Example:
        >>> ways = jax.numpy.array([1.0, 0.0]), jax.numpy.array([0.0, 1.0])
        >>> plane = slice_2d(lambda w: w[0] + 10 * w[1], jax.numpy.zeros(2), *ways, [0.0, 1.0], [0.0, 1.0, 2.0])
        >>> plane.values.tolist()
        [[0.0, 10.0, 20.0], [1.0, 11.0, 21.0]]
    """
    grids = _checked_grid("first_grid", first_grid), _checked_grid("second_grid", second_grid)
    rows = [np.stack([np.full_like(grids[1], a), grids[1]], axis=1) for a in grids[0]]
    ways = {"first": first, "second": second}
    values, centre, conventions = _computed(loss, params, ways, rows, grids, metrics, resume, progress, chunk)
    angle = cosine(*(_tree(way) for way in ways.values()))
    conventions += (f"The cosine of the two directions is {angle:.3g}.",)
    loss_values = values.pop("loss")
    conventions += _counted(loss_values)
    return Slice2D(*grids, loss_values, values, centre, angle, conventions)


def interpolate(loss: Loss, start: Params, end: Params, grid: Grid, **options: object) -> Slice1D:
    """The loss on the line through two points, of which 0 is the first and 1 the second; options of `slice_1d`.

    Example:
        >>> line = interpolate(lambda w: w**2, jax.numpy.array(-1.0), jax.numpy.array(1.0), [0.0, 0.5, 1.0])
        >>> line.values.tolist()
        [1.0, 0.0, 1.0]
    """
    return slice_1d(loss, start, between(start, end), grid, **options)  # type: ignore[arg-type]


def _computed(
    loss: Loss,
    params: Params,
    ways: Mapping[str, Direction | Params],
    rows: Sequence[Float[np.ndarray, "points coordinates"]],
    grids: tuple[np.ndarray, ...],
    metrics: Mapping[str, Loss] | None,
    resume: str | os.PathLike[str] | None,
    progress: Progress | None,
    chunk: int | None,
) -> tuple[dict[str, np.ndarray], float, tuple[str, ...]]:
    """All functions at all rows of points, the loss at the centre, and the conventions."""
    functions = {**dict(metrics or {}), "loss": loss}
    if metrics and "loss" in metrics:
        raise ValueError("metrics must have other names than 'loss'")
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}")
    centre = check_loss(loss, params)
    for name, metric in (metrics or {}).items():
        check_loss(metric, params, f"metrics[{name!r}]")
    trees = {name: _tree(way) for name, way in ways.items()}
    for name, tree in trees.items():
        check_direction(name, tree, params)
    chunk = chunk or (1 if jax.default_backend() == "cpu" else CHUNK)
    dtype = jax.tree.leaves(params)[0].dtype
    saved = Saved(resume, params, trees, grids, centre, (len(rows), len(rows[0])), list(functions), np.dtype(dtype))
    missing = [number for number in range(len(rows)) if not saved.done[number]]

    def store(number: int, found: dict[str, np.ndarray]) -> None:
        saved.store(missing[number], found)
        if progress is not None:
            total = prod(len(grid) for grid in grids)
            progress(min(int(saved.done.sum()) * len(rows[0]), total), total)

    if missing:
        Plane(functions, params, list(trees.values()), chunk).rows([rows[number] for number in missing], store)
    names = [way.convention if isinstance(way, Direction) else "given" for way in ways.values()]
    conventions = tuple(f"The {name} is {convention}." for name, convention in zip(ways, names, strict=True))
    if not all((grid == 0).any() for grid in grids):
        conventions += (f"The grid does not have the parameters themselves, where the loss is {centre:.6g}.",)
    return saved.values, centre, (*conventions, f"Losses are computed in {dtype}.")


def _counted(values: np.ndarray) -> tuple[str, ...]:
    lost = int((~np.isfinite(values)).sum())
    return (f"At {lost} of {values.size} points the loss is NaN or infinite.",) if lost else ()


def _tree(way: Direction | Params) -> Params:
    return way.tree if isinstance(way, Direction) else way


def _checked_grid(name: str, grid: Grid) -> Float[np.ndarray, " points"]:
    array = np.asarray(grid, dtype=float)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} must be a row of at least one number, got shape {array.shape}")
    if not np.isfinite(array).all() or not (np.diff(array) > 0).all():
        raise ValueError(f"{name} must be finite and increase, got {array}")
    return array
