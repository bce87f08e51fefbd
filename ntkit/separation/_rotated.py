"""Data of a signal task in full, rotated to where few coordinates are left.

Take standard normal vectors g_1, g_2, ... in dimension D, and rotate them so that g_j lies in the span of the first j axes.
Then its coordinate on its own axis is a chi variable with D - j + 1 degrees of freedom, the ones before it are standard normal,
the ones after it 0, all independent of each other and of the rotation (Bartlett 1933). A learner that is equivariant under
rotations cannot tell, nor can an error that does not change with them. So n samples have at most n coordinates of noise for a
filter, whatever D: half of n^2 numbers to draw in place of n D.

Rotations leave the signals where they are: these have coordinates of their own.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ntkit.separation._layout import Architecture, layout_of
from ntkit.separation._signal import SignalTask


class Rotated(NamedTuple):
    """Samples with y taken out: y x, which has one law for both labels.

    Attributes:
        x: for the fcn there is one patch, the whole input. Along the last axis: signals, then noise.
        start: standard normal vectors in the same coordinates, where filters may start; one for each, or none.
    """

    x: Float[np.ndarray, "n patches coordinates"]
    start: Float[np.ndarray, "starts coordinates"]


def rotated_sample(
    architecture: Architecture, task: SignalTask, n: int, rng: np.random.Generator, *, starts: int = 0
) -> Rotated:
    """A data set, exact in law for what does not change with rotations that leave the signals.

    Args:
        architecture: whose rotations: of the whole input, of each patch, or common to all patches.
        task: how the data are drawn.
        n: number of samples; the first ones of a larger n are those of a smaller one, up to rotation.
        rng: where the numbers come from.
        starts: number of initial vectors for each space that is rotated by itself.
    """
    layout = layout_of(architecture, task.patches, task.dim)
    placing, along, own, before = rng.spawn(4)
    rows, spaces = int(layout.draws(np.array([n]))[0]), layout.filters
    rest = layout.dim - layout.signals
    x = np.zeros((rows + starts, spaces, layout.signals + min(rows + starts, rest)))
    x[..., : layout.signals] = along.normal(size=(rows + starts, spaces, layout.signals))
    _fill_triangular(x[..., layout.signals :], rest, own, before)
    noisy, start = x[:rows].reshape(n, -1, x.shape[-1]), x[rows:].reshape(starts * spaces, x.shape[-1])
    noisy *= task.noise
    places = task.places_of(placing, n)
    if architecture == "fcn":
        noisy[np.arange(n), 0, places] += 1
    else:
        noisy[np.arange(n), places, 0] += 1
    return Rotated(noisy, start)


def most_rotated(architecture: Architecture, task: SignalTask, numbers: int) -> int:
    """The most samples whose noise takes so many numbers.

    Example:
        >>> from ntkit.separation import DynamicSignal
        >>> most_rotated("lcn", DynamicSignal(4, 10**6, 0.1), 40_000)  # 4 patches of 100 coordinates
        100
    """
    layout = layout_of(architecture, task.patches, task.dim)
    rows, spaces = int(layout.draws(np.array([1]))[0]), layout.filters
    wide = math.isqrt(numbers // spaces) // rows  # as many coordinates as rows
    return max(wide, numbers // (rows * spaces * layout.dim), 1)


def _fill_triangular(
    x: Float[np.ndarray, "rows spaces columns"], dim: int, own: np.random.Generator, before: np.random.Generator
) -> None:
    """Fill zeros with standard normal vectors of this dimension, a set of them for each space, rotated to lower triangular."""
    rows, spaces, columns = x.shape
    diagonal = np.arange(columns)
    x[diagonal, :, diagonal] = np.sqrt(own.chisquare(np.repeat(dim - diagonal, spaces)).reshape(columns, spaces))
    for row in range(1, columns):
        x[row, :, :row] = before.normal(size=(spaces, row))
    x[columns:] = before.normal(size=(rows - columns, spaces, columns))
