"""Loss landscapes: slices through trained networks, spectra of their Hessians, and what these can and cannot show.

    direction = filter_normalized(key, params)                  # and others, which know how they were made
    slice_1d(loss, params, direction, jnp.linspace(-1, 1, 51))   # a loss along a line, with its conventions
    pair = direction_pair(key, params)
    slice_2d(loss, params, pair.first, pair.second, grid, grid, resume="surface.npz")
    trajectory(points).directions                                # of a path of training, by principal components

    top_eigenpairs(loss, params, 10, key=key)                    # with residuals
    smallest_eigenvalue(loss, params, key=key)
    density(loss, params, key=key)                               # of all eigenvalues, with an interval
    trace(loss, params, key=key, rtol=0.05)                      # until half of a 95 % interval is that small

A loss is a function of a pytree of parameters. `SumOfParts` is one on data in parts, `AffineFirst` one whose first layer is
computed once for a slice, `GaussNewton` and `EmpiricalFisher` take the Hessian's place in spectra.
"""

from ntkit.landscape._curvature import Curvature, EmpiricalFisher, GaussNewton, hvp
from ntkit.landscape._density import Density, density, expected_memory
from ntkit.landscape._directions import (
    Direction,
    Pair,
    between,
    direction_pair,
    filter_normalized,
    gaussian,
    layer_normalized,
)
from ntkit.landscape._eigen import Eigenpairs, Smallest, smallest_eigenvalue, top_eigenpairs
from ntkit.landscape._loss import AffineFirst, SumOfParts
from ntkit.landscape._slices import Slice1D, Slice2D, interpolate, slice_1d, slice_2d
from ntkit.landscape._trace import Trace, trace, trace_squared
from ntkit.landscape._trajectory import Projection, Trajectory, project, trajectory

__all__ = [
    "AffineFirst",
    "Curvature",
    "Density",
    "Direction",
    "Eigenpairs",
    "EmpiricalFisher",
    "GaussNewton",
    "Pair",
    "Projection",
    "Slice1D",
    "Slice2D",
    "Smallest",
    "SumOfParts",
    "Trace",
    "Trajectory",
    "between",
    "density",
    "direction_pair",
    "expected_memory",
    "filter_normalized",
    "gaussian",
    "hvp",
    "interpolate",
    "layer_normalized",
    "project",
    "slice_1d",
    "slice_2d",
    "smallest_eigenvalue",
    "top_eigenpairs",
    "trace",
    "trace_squared",
    "trajectory",
]
