"""Where error curves fall to a target, and the slope of that place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ntkit.claims._evidence import Crossings, Floats
from ntkit.claims.rules._intervals import Interval, expanded_level, resampling_weights, tails

TIE = 1e-12  # sums that differ by less, in units of their largest term, are equal: shares like 3/5 are not exact


class NoCrossingError(Exception):
    """The mean curve of some point does not cross the target inside its grid: there is no crossing to judge."""


def crossing_slope(evidence: Crossings, level: float) -> tuple[float, Interval, float]:
    """Slope of log(crossing) over log(x), with a percentile bootstrap interval at Hesterberg's expanded level.

    Each resample of the repeats recomputes mean curves, isotonic fits, crossings and slope. A resample without a crossing
    counts against both ends of the interval.

    Returns:
        Slope, interval, and the share of resamples without a crossing.

    Raises:
        NoCrossingError: a mean curve does not cross inside its grid.
    """
    x, log_grid, errors = np.asarray(evidence.x), np.log(np.asarray(evidence.grid)), np.asarray(evidence.errors)
    log_x = np.log(x) - np.log(x).mean()
    slope = log_x / (log_x @ log_x)
    crossings = log_crossings(log_grid, errors.mean(0), evidence.target)
    if np.isnan(crossings).any():
        missing = ", ".join(f"{value:g}" for value in x[np.isnan(crossings)])
        raise NoCrossingError(f"the error does not cross {evidence.target:g} inside the grid at x = {missing}")
    repeats = len(errors)
    expanded = expanded_level(level, repeats)
    weights = resampling_weights(repeats, expanded) / repeats
    blocks = np.array_split(weights, 1 + weights.shape[0] * log_grid.size // 500_000)  # a few arrays of 4 MB at a time
    draws = np.concatenate([log_crossings(log_grid, np.tensordot(b, errors, axes=1), evidence.target) @ slope for b in blocks])
    return float(slope @ crossings), tails(draws, expanded), float(np.isnan(draws).mean())


def log_crossings(log_grid: Floats, curves: Floats, target: float) -> Floats:
    """The log of the place where the isotonic (falling) fit of each curve meets the target; nan where it never does.

    The fit is at or above the target up to the place where the partial sums of (curve - target) peak (the switch relation of
    Groeneboom 1985), and its values beside that place are the least mean of the points up to it and the greatest mean of those
    after it: no fit has to be computed. Between grid points the fit is linear in log(grid); where it is flat at the
    target, the middle of the flat counts.

    Args:
        log_grid: shape (point, j), increasing along j.
        curves: shape (..., point, j).
        target: the level.

    Returns:
        Shape (..., point).
    """
    size = curves.shape[-1]
    above = np.ascontiguousarray(np.moveaxis(curves - target, -1, 0))  # short axis first: NumPy reduces over it faster
    grids = np.broadcast_to(log_grid.T.reshape(size, *[1] * (curves.ndim - 2), -1), above.shape)
    sums = np.concatenate([np.zeros((1, *above.shape[1:])), np.cumsum(above, axis=0)])
    peak = sums >= sums.max(0) - TIE * np.abs(above).max(0)
    first, last = peak.argmax(0), size - peak[::-1].argmax(0)  # how many points lie before the first and the last peak
    top = np.take_along_axis(sums, first[None], 0)[0]

    def place(index: NDArray[np.intp]) -> Floats:
        return np.asarray(np.take_along_axis(grids, np.clip(index, 0, size - 1)[None], 0)[0])

    rise = top - sums
    ahead = first - np.arange(size + 1).reshape(-1, *[1] * first.ndim)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = rise / ahead  # of the points between each place and the peak, less the target
        before = np.where(ahead > 0, means, np.inf).min(0)
        after = np.where(ahead < 0, means, -np.inf).max(0)
        between = place(first - 1) + before / (before - after) * (place(first) - place(first - 1))
    outside = (first == 0) | (first == size)
    flat = (place(first) + place(last - 1)) / 2
    return np.where(last > first, flat, np.where(outside, np.nan, between))
