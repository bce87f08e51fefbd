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
    rank(loss, params)                                           # with the gap that it rests on

    sharpness(loss, params, "scaled-ball", key=key)              # seven definitions, and what each does not see
    inner_maximum(loss, params, radius, key=key)                 # the largest rise in a ball
    barrier(loss, first, second)                                 # between solutions, and `layer_barriers`
    match(first, second, chain(first), key=key).params           # the second one's units in the first one's order
    dropout_stability(loss, params, chain(params), 0.5, key=key) # half of all units left out
    Subspace(key, params, 100).restricted(loss)                  # a loss of 100 random coordinates
    train(loss, params, Adam(1e-3), 1000, data=data, batch=64, key=key)

A loss is a function of a pytree of parameters. `SumOfParts` is one on data in parts, `AffineFirst` one whose first layer is
computed once for a slice, `GaussNewton` and `EmpiricalFisher` take the Hessian's place in spectra.
"""

from ntkit.landscape._ascent import InnerMaximum, ascent, inner_maximum
from ntkit.landscape._connectivity import Barrier, Thinned, barrier, dropout_stability, layer_barriers
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
from ntkit.landscape._rank import Rank, rank
from ntkit.landscape._sharpness import Sharpness, directional_sharpness, sharpness
from ntkit.landscape._slices import Slice1D, Slice2D, interpolate, slice_1d, slice_2d
from ntkit.landscape._subspace import Subspace, intrinsic_dimension
from ntkit.landscape._symmetry import Matching, chain, match, permuted
from ntkit.landscape._trace import Trace, trace, trace_squared
from ntkit.landscape._train import Adam, Descent, Training, train
from ntkit.landscape._trajectory import Projection, Trajectory, project, trajectory

__all__ = [
    "Adam",
    "AffineFirst",
    "Barrier",
    "Curvature",
    "Density",
    "Descent",
    "Direction",
    "Eigenpairs",
    "EmpiricalFisher",
    "GaussNewton",
    "InnerMaximum",
    "Matching",
    "Pair",
    "Projection",
    "Rank",
    "Sharpness",
    "Slice1D",
    "Slice2D",
    "Smallest",
    "Subspace",
    "SumOfParts",
    "Thinned",
    "Trace",
    "Training",
    "Trajectory",
    "ascent",
    "barrier",
    "between",
    "chain",
    "density",
    "direction_pair",
    "directional_sharpness",
    "dropout_stability",
    "expected_memory",
    "filter_normalized",
    "gaussian",
    "hvp",
    "inner_maximum",
    "interpolate",
    "intrinsic_dimension",
    "layer_barriers",
    "layer_normalized",
    "match",
    "permuted",
    "project",
    "rank",
    "sharpness",
    "slice_1d",
    "slice_2d",
    "smallest_eigenvalue",
    "top_eigenpairs",
    "trace",
    "trace_squared",
    "train",
    "trajectory",
]
