"""Cells of a piecewise linear network: parts of a box where units are on given sides of their kinks."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linprog

from ntkit.lipschitz._activation import LeakyRelu
from ntkit.lipschitz._linear import Linear
from ntkit.lipschitz._network import Activate, Affine, Network

Floats = Float[np.ndarray, "..."]
Sides = Mapping[int, Int[np.ndarray, " units"]]  # 1 above the kink, -1 below, by the number of the step


@dataclass(frozen=True)
class Inside:
    """Where a linear program ended that looks for a point far from the kinks.

    Attributes:
        point: of the box, flat.
        distance: the least of |z| over the most that z varies by on the box, over all units; not above 0 where the cell has no
            interior.
        multipliers: of the units, none negative, by the number of the step: if the distance is negative, the sum of multipliers
            times side times z is negative on the whole box, up to the solver's error.
    """

    point: Floats
    distance: float
    multipliers: Mapping[int, Floats]


class Cells:
    """The cells of a network in a box.

    Args:
        net: piecewise linear.
        matrices: its linear maps, see `matrices_of`.
        low: corner of the box, flat.
        high: the other one.
    """

    def __init__(self, net: Network, matrices: Mapping[int, Floats], low: Floats, high: Floats) -> None:
        self._net, self._matrices = net, matrices
        self._centre, self._half = (low + high) / 2, (high - low) / 2

    def forms(self, sides: Sides, last: int) -> dict[int, Floats]:
        """Numbers of steps as functions of x, where all units before the last step are on these sides.

        Returns:
            By step, in rows: the numbers at the centre, then the change from there to the face of the box along each axis.
        """
        forms: dict[int, Floats] = {0: np.concatenate([self._centre[None], np.diag(self._half)])}
        for number, step in enumerate(self._net.steps[:last], 1):
            if isinstance(step, Affine):
                forms[number] = forms[step.parent] @ self._matrices[number].T
                if step.bias is not None:
                    forms[number][0] += np.asarray(step.bias, np.float64).ravel()
            elif isinstance(step, Activate):
                assert isinstance(step.activation, LeakyRelu)
                forms[number] = forms[step.parent] * np.where(sides[number] > 0, 1.0, step.activation.below)
            else:
                forms[number] = reduce(operator.add, [forms[p] for p in step.parents])
        return forms

    def interior(self, forms: Mapping[int, Floats], imposed: Sides) -> Inside:
        """A point as far as can be from the kinks of units.

        Args:
            forms: see `forms`, as far as the last step of units that count.
            imposed: their sides; 0 of a unit that does not count.
        """
        places = [(number, np.flatnonzero(side)) for number, side in imposed.items() if side.any()]
        size = self._centre.size
        multipliers = {number: np.zeros(side.size) for number, side in imposed.items()}
        if not places:
            return Inside(self._centre, 1.0, multipliers)
        rows = np.concatenate([forms[self._parent(n)][:, units] * imposed[n][units] for n, units in places], axis=1).T
        reach = np.abs(rows[:, 1:]).sum(axis=1)
        held = reach > 0  # others do not depend on x
        weights = np.zeros(reach.size)
        if (rows[~held, 0] < 0).any():
            weights[~held & (rows[:, 0] < 0)] = 1.0
            return Inside(self._centre, -1.0, self._spread(weights, places, multipliers))
        scaled = rows[held] / reach[held, None]
        found = linprog(
            np.r_[np.zeros(size), -1.0],
            A_ub=np.column_stack([-scaled[:, 1:], np.ones(len(scaled))]),
            b_ub=scaled[:, 0],
            bounds=[(-1, 1)] * size + [(None, 1)],
        )
        if found.status != 0:
            raise RuntimeError(f"a linear program of {len(scaled)} rows must have an optimum, but HiGHS says: {found.message}")
        weights[held] = np.maximum(-found.ineqlin.marginals, 0) / reach[held]
        point = self._centre + self._half * found.x[:size]
        return Inside(point, float(found.x[size]), self._spread(weights, places, multipliers))

    def away(self, form: Floats, point: Floats) -> float:
        """The value of a unit's form at a point, in units of the most that it varies by on the box; 0 if it does not."""
        moved = np.divide(point - self._centre, self._half, out=np.zeros_like(point), where=self._half > 0)
        reach = np.abs(form[1:]).sum()
        return float((form[0] + form[1:] @ moved) / reach) if reach > 0 else 0.0

    def _parent(self, number: int) -> int:
        return self._net.steps[number - 1].parents[0]

    @staticmethod
    def _spread(weights: Floats, places: list[tuple[int, np.ndarray]], into: dict[int, Floats]) -> dict[int, Floats]:
        start = 0
        for number, units in places:
            into[number][units] = weights[start : start + units.size]
            start += units.size
        return into


def matrices_of(net: Network) -> dict[int, Floats]:
    """The matrices (out, in) of a network's linear maps, by the number of the step."""
    return {number: dense(step.linear) for number, step in enumerate(net.steps, 1) if isinstance(step, Affine)}


def dense(linear: Linear) -> Floats:
    """The matrix of a linear map."""
    count = int(np.prod(linear.inputs))
    leaves = jax.tree_util.tree_leaves(linear)
    dtype = leaves[0].dtype if leaves else float
    columns = linear(jnp.eye(count, dtype=dtype).reshape(count, *linear.inputs))
    return np.asarray(columns, np.float64).reshape(count, -1).T
