"""Exact constants: one integer program for each output and input."""

import time

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ntkit.lipschitz._backward import derivative
from ntkit.lipschitz._cells import Cells, matrices_of
from ntkit.lipschitz._door import Ask
from ntkit.lipschitz._forward import relax
from ntkit.lipschitz._lower import at_points
from ntkit.lipschitz._milp import solve
from ntkit.lipschitz._relaxation import Ball
from ntkit.lipschitz._rounding import Rounding

Rows = Float[np.ndarray, "batch outputs"]


def exact_rows(asked: Ask, outputs: np.ndarray, deadline: float | int | None) -> tuple[Rows, Rows, bool]:
    """Upper bounds, what the Jacobian attains in the cell where the solver ended, and whether all programs were solved.

    Args:
        asked: of a piecewise linear network, in the l_inf norm.
        outputs: which.
        deadline: seconds in all; programs that it leaves no time for are bounded by "lirpa".
    """
    end = None if deadline is None else time.perf_counter() + deadline
    shape = (len(asked.centres), len(outputs))
    shape_in = asked.net.input_shape
    upper, lower, closed = np.empty(shape), np.zeros(shape), True
    matrices = matrices_of(asked.net)
    for i, centre in enumerate(asked.centres):
        reach = asked.radii[i]
        ball = Ball(centre.reshape(shape_in), reach.reshape(shape_in) if reach.ndim else reach)
        known = relax(asked.net, ball, "both", "adaptive", Rounding(True))
        cells = Cells(asked.net, matrices, *(np.asarray(end).ravel() for end in (known.low[0], known.high[0])))
        for j, output in enumerate(outputs):
            row = jnp.eye(asked.net.outputs)[output]
            bound = float(derivative(asked.net, known, row, "lirpa", np.inf).norm)
            left = None if end is None else end - time.perf_counter()
            if left is not None and left <= 0:
                upper[i, j], closed = bound, False
                continue
            found = solve(asked.net, known, np.asarray(row), left)
            upper[i, j] = min(bound, found.bound)
            if found.above:
                sides = {number: np.where(above, 1, -1) for number, above in found.above.items()}
                x = cells.interior(cells.forms(sides, len(asked.net.steps)), sides).point
                lower[i, j] = float(at_points(asked.net, jnp.asarray(x)[None], np.inf)[0, output])
            closed &= found.closed
    return upper, lower, closed
