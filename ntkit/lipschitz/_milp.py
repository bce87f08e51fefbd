"""The exact constant of a small piecewise linear network, by mixed-integer programming.

Maximise sum |v_0| over the inputs x of a box and over everything that the network and its derivative can be there. Numbers of
each step, and of each layer of the derivative, are variables between the ends of their relaxation; linear maps are equations.
A unit that may be on either side of its kink has a binary variable delta, 1 above: with l <= z <= u,

    r = max(z, 0):  r >= z, r <= u delta, r <= z - l (1 - delta), r >= 0;     g = delta v alike, for l' <= v <= u',

activation below z + (1 - below) r, derivative below v + (1 - below) g. |v| takes a binary variable for its sign. At z = 0 both
values of delta are allowed: for weights where kinks meet, the optimum may exceed what the Jacobian attains.

Source: Jordan and Dimakis (2020), with the box of the derivative from its linear relaxation.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Float
from scipy.optimize import Bounds, LinearConstraint, milp

from ntkit.lipschitz._activation import LeakyRelu
from ntkit.lipschitz._backward import gradient
from ntkit.lipschitz._cells import dense
from ntkit.lipschitz._forward import Steps
from ntkit.lipschitz._network import Activate, Affine, Network
from ntkit.lipschitz._relaxation import Ball

GAP = 1e-7  # relative, of the solver
Floats = Float[np.ndarray, "..."]


@dataclass(frozen=True)
class Solved:
    """The answer of the solver.

    Attributes:
        value: the best that it found.
        bound: nothing is larger, up to its tolerance.
        above: which units are above their kink there, by the number of the step.
        closed: whether they met.
    """

    value: float
    bound: float
    above: dict[int, np.ndarray]
    closed: bool


class Answer(NamedTuple):
    """Where the solver ended: its variables, if it found any, nothing is larger than the bound, whether it is done."""

    x: Floats | None
    bound: float
    closed: bool


class _Program:
    """Variables with their ranges, and rows of equations and inequalities."""

    def __init__(self) -> None:
        self.low: list[Floats] = []
        self.high: list[Floats] = []
        self.binary: list[Floats] = []
        self.count = 0
        self._rows: list[tuple[list[tuple[np.ndarray, scipy.sparse.sparray]], Floats, Floats]] = []

    def variables(self, low: Floats, high: Floats, binary: bool = False) -> np.ndarray:
        """The numbers of new variables."""
        low, high = (np.asarray(end, dtype=np.float64).ravel() for end in (low, high))
        self.low.append(low)
        self.high.append(high)
        self.binary.append(np.full(low.size, binary))
        self.count += low.size
        return np.arange(self.count - low.size, self.count)

    def rows(self, terms: list[tuple[np.ndarray, Any]], low: Any, high: Any) -> None:
        """The range of a sum of matrices times variables; a number or a vector stands for a diagonal matrix."""
        parts = []
        for places, matrix in terms:
            sparse = scipy.sparse.diags_array(np.broadcast_to(matrix, places.shape)) if np.ndim(matrix) < 2 else matrix
            parts.append((places, scipy.sparse.coo_array(sparse)))
        size = parts[0][1].shape[0]
        self._rows.append((parts, np.broadcast_to(low, (size,)), np.broadcast_to(high, (size,))))

    def gated(self, value: np.ndarray, gate: np.ndarray, low: Floats, high: Floats) -> np.ndarray:
        """New variables: gate times value, for a binary gate and low <= value <= high."""
        product = self.variables(np.minimum(low, 0), np.maximum(high, 0))
        self.rows([(product, 1.0), (gate, -high)], -np.inf, 0)
        self.rows([(product, 1.0), (gate, -low)], 0, np.inf)
        self.rows([(product, 1.0), (value, -1.0), (gate, -low)], -np.inf, -low)
        self.rows([(product, 1.0), (value, -1.0), (gate, -high)], -high, np.inf)
        return product

    def maximum(self, places: np.ndarray, seconds: float | None) -> Answer:
        """The solver's answer for the sum of these variables."""
        blocks, low, high, start = [], [], [], 0
        for parts, least, most in self._rows:
            for places_, matrix in parts:
                blocks.append((matrix.data, matrix.coords[0] + start, places_[matrix.coords[1]]))
            low.append(least)
            high.append(most)
            start += least.size
        data, rows, columns = (np.concatenate(part) for part in zip(*blocks, strict=True))
        # Tolerances of the solver are absolute: all is brought to size 1, by powers of two, which round nothing.
        scale = _power(np.maximum(np.abs(np.concatenate(self.low)), np.abs(np.concatenate(self.high))))
        matrix = scipy.sparse.csr_array((data * scale[columns], (rows, columns)), (start, self.count))
        by_row = 1 / _power(abs(matrix).max(axis=1).toarray().ravel())
        unit = scale[places].max()
        cost = np.zeros(self.count)
        cost[places] = -scale[places] / unit
        found = milp(
            cost,
            constraints=LinearConstraint(
                scipy.sparse.diags_array(by_row) @ matrix, by_row * np.concatenate(low), by_row * np.concatenate(high)
            ),
            bounds=Bounds(np.concatenate(self.low) / scale, np.concatenate(self.high) / scale),
            integrality=np.concatenate(self.binary).astype(int),
            options={"mip_rel_gap": GAP} | ({} if seconds is None else {"time_limit": seconds}),
        )
        bound = np.inf if found.mip_dual_bound is None else -found.mip_dual_bound * unit
        return Answer(None if found.x is None else found.x * scale, bound, found.status == 0)


def _power(sizes: Floats) -> Floats:
    """The next power of two, of 0 the number 1."""
    return np.where(sizes > 0, 2.0 ** np.ceil(np.log2(np.where(sizes > 0, sizes, 1.0))), 1.0)


def solve(net: Network, known: Steps, row: Floats, seconds: float | None = None, *, coupled: bool = True) -> Solved:
    """The largest sum of absolute values of a combination's derivative on a box.

    Args:
        net: piecewise linear.
        known: its relaxation on a `Ball` of the l_inf norm, in float64.
        row: the combination of outputs, shape (outputs,).
        seconds: after which the solver stops.
        coupled: False leaves the derivative free to choose any pattern of the units that may be on either side.
    """
    program, ball = _Program(), known.nodes[0]
    assert isinstance(ball, Ball)
    numbers = [program.variables(np.asarray(known.low[0]), np.asarray(known.high[0]))]
    gates: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for number, step in enumerate(net.steps, 1):
        low, high = np.asarray(known.low[number]).ravel(), np.asarray(known.high[number]).ravel()
        if isinstance(step, Affine):
            numbers.append(program.variables(low, high))
            bias = np.zeros(low.size) if step.bias is None else np.asarray(step.bias).ravel()
            program.rows([(numbers[-1], 1.0), (numbers[step.parent], -dense(step.linear))], bias, bias)
        elif isinstance(step, Activate):
            numbers.append(_activated(program, step, numbers[step.parent], known, gates, number, coupled))
        else:
            numbers.append(program.variables(low, high))
            program.rows([(numbers[-1], 1.0), *[(numbers[p], -1.0) for p in step.parents]], 0, 0)
    sizes = _derivative(program, net, known, row, gates)
    found = program.maximum(sizes, seconds)
    if found.x is None:
        return Solved(-np.inf, found.bound, {}, False)
    value = float(found.x[sizes].sum())
    above = {}
    for number, (open_, gate) in gates.items():
        above[number] = np.asarray(known.low[net.steps[number - 1].parents[0]]).ravel() > 0
        above[number][open_] = found.x[gate] > 0.5
    return Solved(value, max(found.bound, value), above, found.closed)


def _activated(
    program: _Program,
    step: Activate,
    before: np.ndarray,
    known: Steps,
    gates: dict[int, tuple[np.ndarray, np.ndarray]],
    number: int,
    coupled: bool,
) -> np.ndarray:
    """Variables for an activation's values; its open units and their gates are noted."""
    assert isinstance(step.activation, LeakyRelu)
    low, high = (np.asarray(end[step.parent]).ravel() for end in (known.low, known.high))
    flat = step.activation.below
    open_ = np.flatnonzero((low <= 0) & (high >= 0))
    after = program.variables(np.where(low > 0, low, flat * low), np.where(high > 0, high, flat * high))
    stable = np.setdiff1d(np.arange(low.size), open_)
    slope = np.where(low[stable] > 0, 1.0, flat)
    if stable.size:
        program.rows([(after[stable], 1.0), (before[stable], -slope)], 0, 0)
    gate = program.variables(np.zeros(open_.size), np.ones(open_.size), binary=True)
    if open_.size:
        z, least, most = before[open_], low[open_], high[open_]
        part = program.variables(np.zeros(open_.size), most)
        program.rows([(part, 1.0), (z, -1.0)], 0, np.inf)
        program.rows([(part, 1.0), (gate, -most)], -np.inf, 0)
        program.rows([(part, 1.0), (z, -1.0), (gate, -least)], -np.inf, -least)
        program.rows([(after[open_], 1.0), (z, -flat), (part, flat - 1)], 0, 0)
    free = gate if coupled else program.variables(np.zeros(open_.size), np.ones(open_.size), binary=True)
    gates[number] = open_, free
    return after


def _derivative(
    program: _Program, net: Network, known: Steps, row: Floats, gates: dict[int, tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Variables for the absolute values of the derivative in the input."""
    back = gradient(net, known, jnp.asarray(row))
    low, high = ({n: np.asarray(ends[v]).ravel() for n, v in back.v.items()} for ends in (back.low, back.high))
    arriving: dict[int, list[tuple[np.ndarray, Any]]] = {len(net.steps): []}
    v = np.empty(0, dtype=int)
    for number in range(len(net.steps), -1, -1):
        least, most = low[number], high[number]
        v = program.variables(least, most)
        if number == len(net.steps):
            program.rows([(v, 1.0)], row, row)
        else:
            program.rows([(v, 1.0), *arriving.get(number, [])], 0, 0)
        if number == 0:
            break
        step = net.steps[number - 1]
        if isinstance(step, Affine):
            arriving.setdefault(step.parent, []).append((v, -dense(step.linear).T))
        elif isinstance(step, Activate):
            assert isinstance(step.activation, LeakyRelu)
            flat, (open_, gate) = step.activation.below, gates[number]
            above = np.asarray(known.low[step.parent]).ravel() > 0
            slope = np.where(above, 1.0, flat)
            arriving.setdefault(step.parent, []).append((v, -slope))
            if open_.size:
                product = program.gated(v[open_], gate, least[open_], most[open_])
                spread = scipy.sparse.coo_array(
                    (np.full(open_.size, flat - 1), (open_, np.arange(open_.size))), (v.size, open_.size)
                )
                arriving[step.parent].append((product, spread))
        else:
            for parent in step.parents:
                arriving.setdefault(parent, []).append((v, -1.0))
    return _absolute(program, v, low[0], high[0])


def _absolute(program: _Program, v: np.ndarray, low: Floats, high: Floats) -> np.ndarray:
    """|v| from above: t <= v and t <= -v, by a binary variable where the sign is open."""
    size = program.variables(np.zeros(v.size), np.maximum(np.abs(low), np.abs(high)))
    sign = np.where(low >= 0, 1.0, -1.0)
    open_ = (low < 0) & (high > 0)
    if (~open_).any():
        program.rows([(size[~open_], 1.0), (v[~open_], -sign[~open_])], 0, 0)
    if open_.any():
        t, w, least, most = size[open_], v[open_], low[open_], high[open_]
        positive = program.variables(np.zeros(t.size), np.ones(t.size), binary=True)
        program.rows([(t, 1.0), (w, -1.0), (positive, -2 * least)], -np.inf, -2 * least)  # positive = 1: t <= v
        program.rows([(t, 1.0), (w, 1.0), (positive, -2 * most)], -np.inf, 0)  # positive = 0: t <= -v
    return size
