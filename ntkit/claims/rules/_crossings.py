"""Where error curves fall to a target, and the slope of that place."""

from __future__ import annotations

import numpy as np

from ntkit.claims._evidence import Crossings, Floats
from ntkit.claims.rules._intervals import Interval, expanded_level, resampling_weights, tails


class NeverCrosses(Exception):
    """The mean curve of some point does not cross the target inside its grid: there is no crossing to judge."""


def crossing_slope(evidence: Crossings, level: float) -> tuple[float, Interval]:
    """Slope of log(crossing) over log(x), with a percentile bootstrap interval at Hesterberg's expanded level.

    Each resample of the repeats recomputes mean curves, isotonic fits, crossings and slope. A resample without a crossing
    counts against both ends of the interval.

    Raises:
        NeverCrosses: a mean curve does not cross inside its grid.
    """
    x, grid, errors = np.asarray(evidence.x), np.asarray(evidence.grid), np.asarray(evidence.errors)
    log_x = np.log(x) - np.log(x).mean()
    weights = log_x / (log_x @ log_x)
    crossings = np.array([_log_crossing(g, e, evidence.target) for g, e in zip(grid, errors.mean(0), strict=True)])
    if np.isnan(crossings).any():
        missing = ", ".join(f"{value:g}" for value in x[np.isnan(crossings)])
        raise NeverCrosses(f"the error does not cross {evidence.target:g} inside the grid at x = {missing}")
    repeats = len(errors)
    means = np.tensordot(resampling_weights(repeats) / repeats, errors, axes=1)
    draws = np.array(
        [weights @ [_log_crossing(g, e, evidence.target) for g, e in zip(grid, mean, strict=True)] for mean in means]
    )
    return float(weights @ crossings), tails(draws, expanded_level(level, repeats))


def _log_crossing(grid: Floats, curve: Floats, target: float) -> float:
    """The log of the place where the isotonic (falling) fit of the curve meets the target; nan if it never does.

    Between grid points the fit is linear in log(grid); where it is flat at the target, the middle of the flat counts.
    """
    from scipy.optimize import isotonic_regression

    fit = isotonic_regression(curve, increasing=False).x
    if fit[0] < target or fit[-1] > target:
        return float("nan")
    log_grid = np.log(grid)
    above, below = int(np.flatnonzero(fit >= target)[-1]), int(np.flatnonzero(fit <= target)[0])
    if below <= above:
        return float((log_grid[below] + log_grid[above]) / 2)
    share = (fit[above] - target) / (fit[above] - fit[below])
    return float(log_grid[above] + share * (log_grid[below] - log_grid[above]))
