"""Exact local Lipschitz constants of small dense ReLU networks, in two ways: by every pattern, and by integer programs.

The constant of output c is the largest ||J_c||_1 over the activation patterns whose open cell meets the interior of the box.
Names are those of `lipschitz_reference`.
"""

import numpy as np
import scipy.optimize

from tests.oracles import lipschitz_reference as reference

INTERIOR = 1e-9  # a cell counts if a ball of a larger radius fits into it


def exact_by_enumeration(weights, biases, x0, radius, leak=0.0):
    """Largest ||J_c||_1 over all patterns, one for each output c, and the number of patterns.

    Depth first over neurons in the order of the layers: below a prefix of signs, the next neuron is affine in x.
    """
    found = []

    def descend(k, signs, layer, rows, constants):
        """`layer` = (A, c) with z_k = A x + c; `signs` are those of its first neurons; rows x + constants > 0 hold."""
        A, c = layer
        i = len(signs)
        if k == len(weights) - 1:
            found.append(np.abs(A).sum(axis=1))
        elif i == len(A):
            s = np.where(np.array(signs) > 0, 1.0, leak)
            W, b = weights[k + 1], biases[k + 1]
            descend(k + 1, [], (W @ (s[:, None] * A), W @ (s * c) + b), rows, constants)
        elif not A[i].any():  # a constant neuron: no point has the other sign
            descend(k, [*signs, 1 if c[i] > 0 else -1], layer, rows, constants)
        else:
            for sign in (1, -1):
                below = [*rows, sign * A[i]], [*constants, sign * c[i]]
                if interior_radius(*below, x0, radius) > INTERIOR:
                    descend(k, [*signs, sign], layer, *below)

    descend(0, [], (weights[0], biases[0]), [], [])
    return np.max(found, axis=0), len(found)


def interior_radius(rows, constants, x0, radius):
    """Largest r such that a ball (l_inf) of radius r fits into the box where rows x + constants >= 0; -inf if none does."""
    rows, d = np.array(rows), len(x0)
    inequalities = np.vstack(
        [
            np.column_stack([-rows, np.abs(rows).sum(axis=1)]),  # rows x + constants >= r ||row||_1
            np.column_stack([np.eye(d), np.ones(d)]),  # x + r <= x0 + radius
            np.column_stack([-np.eye(d), np.ones(d)]),  # x - r >= x0 - radius
        ]
    )
    limits = np.concatenate([constants, x0 + radius, radius - x0])
    objective = np.append(np.zeros(d), -1.0)
    result = scipy.optimize.linprog(objective, inequalities, limits, bounds=[(None, None)] * d + [(0, None)])
    if result.status not in (0, 2):
        raise RuntimeError(result.message)
    return -result.fun if result.status == 0 else -np.inf


def exact_by_milp(weights, biases, x0, radius, coupled=True):
    """Largest ||J_c||_1, one for each output c, by mixed-integer programs in (x, z, a, delta, v, h, sign, t).

    Boxes of z are those of "both", boxes of v those of "lirpa". With `coupled` off, signs need not belong to any x.
    """
    forward = reference.forward_bounds(weights, biases, x0, radius, "both")[:-1]
    ranges = [reference.RELU.derivative_range(*pair) for pair in forward]
    return np.array([_largest_row(weights, biases, x0, radius, row, forward, ranges, coupled) for row in weights[-1]])


def _largest_row(weights, biases, x0, radius, row, forward, ranges, coupled):
    program = _Program()
    v_bounds, _ = reference.row_bounds(weights, ranges, row, "lirpa")
    deltas = [program.variables(s_lo, s_hi, integral=True) for s_lo, s_hi in ranges]  # a stable neuron has s_lo = s_hi
    if coupled:
        a = program.variables(x0 - radius, x0 + radius)
        for W, b, (lo, hi), delta in zip(weights, biases, forward, deltas, strict=False):
            z = program.variables(lo, hi)
            program.equal([(np.eye(len(b)), z), (-W, a)], b)
            a = program.relu(z, delta, lo, hi)
    v = program.variables(row, row)
    for W, delta, (lo, hi), v_box in zip(weights[-2::-1], deltas[::-1], v_bounds[-1:0:-1], v_bounds[-2::-1], strict=True):
        h = program.product(delta, v, lo, hi)
        v = program.variables(*v_box)
        program.equal([(np.eye(len(v)), v), (-W.T, h)], np.zeros(len(v)))
    return program.maximum(program.absolute_value(v, *v_bounds[0]))


class _Program:
    """A mixed-integer linear program that grows by blocks of variables and of elementwise constraints."""

    def __init__(self):
        self.low, self.high, self.integral, self.constraints = [], [], [], []

    def variables(self, low, high, integral=False):
        """Indices of new variables."""
        start = len(self.low)
        self.low.extend(low)
        self.high.extend(high)
        self.integral.extend([integral] * len(low))
        return np.arange(start, len(self.low))

    def at_most(self, terms, limit):
        """Sum of coefficients @ variables over the terms <= limit; a vector of coefficients is a diagonal matrix."""
        self.constraints.append((terms, np.full(len(limit), -np.inf), limit))

    def equal(self, terms, value):
        self.constraints.append((terms, value, value))

    def relu(self, z, delta, lo, hi):
        """New a = max(z, 0), with delta = 1 where z > 0."""
        one, zero = np.ones(len(z)), np.zeros(len(z))
        a = self.variables(zero, np.maximum(hi, 0))
        self.at_most([(one, z), (-one, a)], zero)
        self.at_most([(one, a), (-hi, delta)], zero)
        self.at_most([(one, a), (-one, z), (-lo, delta)], -lo)
        return a

    def product(self, delta, v, lo, hi):
        """New h = delta v."""
        one, zero = np.ones(len(v)), np.zeros(len(v))
        h = self.variables(np.minimum(lo, 0), np.maximum(hi, 0))
        self.at_most([(one, h), (-hi, delta)], zero)
        self.at_most([(-one, h), (lo, delta)], zero)
        self.at_most([(one, h), (-one, v), (-lo, delta)], -lo)
        self.at_most([(-one, h), (one, v), (hi, delta)], hi)
        return h

    def absolute_value(self, v, lo, hi):
        """New t <= |v|, which is an equality where t is maximised; the sign is free where lo < 0 < hi."""
        one = np.ones(len(v))
        positive = self.variables(np.where(lo >= 0, 1.0, 0.0), np.where((hi <= 0) & (lo < 0), 0.0, 1.0), integral=True)
        t = self.variables(0 * one, np.maximum(np.abs(lo), np.abs(hi)))
        self.at_most([(one, t), (-one, v), (-2 * lo, positive)], -2 * lo)  # t <= v where positive
        self.at_most([(one, t), (one, v), (-2 * hi, positive)], 0 * one)  # t <= -v where not
        return t

    def maximum(self, summands):
        """The largest sum of these variables, to a relative gap of 1e-7."""
        blocks = []
        for terms, lower, upper in self.constraints:
            matrix = np.zeros((len(upper), len(self.low)))
            for coefficients, index in terms:
                matrix[:, index] += np.diag(coefficients) if coefficients.ndim == 1 else coefficients
            blocks.append(scipy.optimize.LinearConstraint(matrix, lower, upper))
        objective = np.zeros(len(self.low))
        objective[summands] = -1.0
        bounds = scipy.optimize.Bounds(self.low, self.high)
        options = {"mip_rel_gap": 1e-7}
        result = scipy.optimize.milp(objective, integrality=self.integral, bounds=bounds, constraints=blocks, options=options)
        if not result.success:
            raise RuntimeError(result.message)
        return -result.fun
