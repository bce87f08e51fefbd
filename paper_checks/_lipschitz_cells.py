"""Exact local Lipschitz constants of ReLU networks of two inputs: a square is cut into the polygons where they are linear."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Floats = Float[np.ndarray, "..."]
Layers = list[tuple[Floats, Floats]]  # weights (out, in) and biases (out,) of one network

WIDTHS = (2, 8, 8, 2)
CENTRES = 3  # inputs of each network
THIN = 1e-12  # of the square: pieces of no more area have no interior, up to rounding


class Cell(NamedTuple):
    """A part of the square, and where the numbers of a layer are affine there.

    Attributes:
        corners: of the polygon, in order.
        slopes: A, shape (units, 2), of z = A x + c.
        offsets: c.
        signs: of all earlier hidden units, 1 or -1.
    """

    corners: Float[np.ndarray, "corners 2"]
    slopes: Float[np.ndarray, "units 2"]
    offsets: Float[np.ndarray, " units"]
    signs: Int[np.ndarray, " earlier"]


def cells_of(layers: Layers, x0: Floats, radius: float) -> list[Cell]:
    """All cells of one network in a square, with the output as a function of x."""
    square = x0 + radius * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    cells = [Cell(square, *layers[0], np.zeros(0, dtype=int))]
    for weights, biases in layers[1:]:
        cells = [
            Cell(corners, weights @ (on[:, None] * slopes), weights @ (on * offsets) + biases, np.append(before, signs))
            for _, slopes, offsets, before, pieces in ((*cell, _cut(cell, radius)) for cell in cells)
            for corners, signs in pieces
            for on in ((signs > 0).astype(float),)
        ]
    return cells


def exact_rows(cells: list[Cell]) -> Float[np.ndarray, " outputs"]:
    """The largest sum of absolute derivatives over all cells, for each output."""
    return np.asarray(np.max([np.abs(cell.slopes).sum(axis=1) for cell in cells], axis=0))


def free_rows(layers: Layers, cells: list[Cell]) -> Float[np.ndarray, " outputs"]:
    """The same over all patterns of the units that change their signs in the square, whether some x has them or not."""
    signs = np.stack([cell.signs for cell in cells])
    open_ = np.flatnonzero(signs.min(axis=0) < signs.max(axis=0))
    patterns = np.repeat(signs[:1], 2 ** len(open_), axis=0)
    patterns[:, open_] = 2 * ((np.arange(len(patterns))[:, None] >> np.arange(len(open_))) & 1) - 1
    jacobian, start = np.broadcast_to(np.eye(2), (len(patterns), 2, 2)), 0
    for weights, _ in layers[:-1]:
        on = patterns[:, start : start + len(weights)] > 0
        jacobian, start = on[:, :, None] * (weights @ jacobian), start + len(weights)
    return np.asarray(np.abs(layers[-1][0] @ jacobian).sum(axis=2).max(axis=0))


def _cut(cell: Cell, radius: float) -> list[tuple[Floats, np.ndarray]]:
    """The polygon along the lines where units change their signs: corners and signs of each piece."""
    pieces = [(cell.corners, np.zeros(0, dtype=int))]
    for slope, offset in zip(cell.slopes, cell.offsets, strict=True):
        pieces = [
            (part, np.append(signs, sign))
            for corners, signs in pieces
            for sign in (1, -1)
            for part in (_half(corners, sign * (corners @ slope + offset)),)
            if _area(part) > THIN * 4 * radius**2
        ]
    return pieces


def _half(corners: Floats, values: Floats) -> Floats:
    """The part of a convex polygon where an affine function with these values at the corners is not negative."""
    kept = []
    for here, there, at, then in zip(corners, np.roll(corners, -1, axis=0), values, np.roll(values, -1), strict=True):
        if at >= 0:
            kept.append(here)
        if at * then < 0:
            kept.append(here + at / (at - then) * (there - here))
    return np.array(kept).reshape(-1, 2)


def _area(corners: Floats) -> float:
    if len(corners) < 3:
        return 0.0
    x, y = (corners - corners[0]).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def cases(rng: np.random.Generator, nets: int) -> list[tuple[Layers, Floats, float, list[list[Cell]]]]:
    """Random networks of two inputs: layers, centres, a radius from 0.2 to 1, and the cells of each square."""
    found = []
    for _ in range(nets):
        shapes = list(zip(WIDTHS[1:], WIDTHS[:-1], strict=True))
        layers = [(rng.normal(size=shape) * np.sqrt(2 / shape[1]), 0.5 * rng.normal(size=shape[0])) for shape in shapes]
        centres, radius = rng.normal(size=(CENTRES, 2)), float(10 ** rng.uniform(-0.7, 0))
        found.append((layers, centres, radius, [cells_of(layers, x0, radius) for x0 in centres]))
    return found
