"""Local Lipschitz bounds of dense networks, formula by formula, in plain float64 NumPy; nothing is shared with ntkit.

Network f: a_0 = x, z_k = W_k a_{k-1} + b_k for k = 1..L, a_k = sigma(z_k) for k < L, f = z_L; lists are indexed from W_1.
Box: |x - x0| <= radius in each coordinate (a number or one per coordinate). All norms are those of l_inf to l_inf, so the
constant of output c is the sup of ||J_c||_1.
Jacobian: v_{L-1} = W_L^T e_c; h_k = s_k v_k with s_k in sigma'(z_k), v_{k-1} = W_k^T h_k; v_0 = J_c.

Everything is a bound of a linear function through lines `low_slope z + low <= y <= high_slope z + high` for each neuron.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Lines(NamedTuple):
    """low_slope z + low <= y <= high_slope z + high, elementwise."""

    low_slope: np.ndarray
    low: np.ndarray
    high_slope: np.ndarray
    high: np.ndarray

    def substitute(self, A):
        """(A', c) with A y <= A' z + c for all y between the lines."""
        positive, negative = np.maximum(A, 0), np.minimum(A, 0)
        return positive * self.high_slope + negative * self.low_slope, positive @ self.high + negative @ self.low


# Activations


class LeakyRelu(NamedTuple):
    """max(z, leak z) with 0 <= leak <= 1; leak = 0 is ReLU."""

    leak: float = 0.0
    sup_derivative: float = 1.0

    def value(self, z):
        return np.where(z > 0, z, self.leak * z)

    def derivative(self, z):
        return np.where(z > 0, 1.0, self.leak)

    def derivative_range(self, lo, hi):
        """Active and inactive are strict: at a bound of exactly 0 the kink can be reached."""
        return np.where(lo > 0, 1.0, self.leak), np.where(hi < 0, self.leak, 1.0)

    def lines(self, lo, hi, slopes):
        """Above the chord, below a line through the origin, whose slope is 1 or leak where the kink is inside."""
        crossing = (lo < 0) & (hi > 0)
        width = np.where(crossing, hi - lo, 1.0)
        steep = (hi / width > 0.5) & (slopes == "adaptive")
        stable_slope = np.where(lo >= 0, 1.0, self.leak)
        chord = (hi - self.leak * lo) / width
        return Lines(
            low_slope=np.where(crossing, np.where(steep, 1.0, self.leak), stable_slope),
            low=np.zeros_like(lo),
            high_slope=np.where(crossing, chord, stable_slope),
            high=np.where(crossing, self.leak * lo - chord * lo, 0.0),
        )


class Smooth(NamedTuple):
    """An increasing sigmoid whose derivative is even, and falls away from its peak at 0."""

    value: Callable
    derivative: Callable
    sup_derivative: float

    def derivative_range(self, lo, hi):
        left, right = self.derivative(lo), self.derivative(hi)
        return np.minimum(left, right), np.where((lo < 0) & (hi > 0), self.sup_derivative, np.maximum(left, right))

    def lines(self, lo, hi, slopes):
        """Parallel lines of the least slope on [lo, hi]: sigma(z) - slope z does not fall, so its ends are its extremes."""
        slope = self.derivative_range(lo, hi)[0]
        return Lines(slope, self.value(lo) - slope * lo, slope, self.value(hi) - slope * hi)


def _logistic(z):
    return 0.5 * (1 + np.tanh(z / 2))


RELU = LeakyRelu()
TANH = Smooth(np.tanh, lambda z: 1 - np.tanh(z) ** 2, 1.0)
SIGMOID = Smooth(_logistic, lambda z: _logistic(z) * _logistic(-z), 0.25)


# Forward: bounds of z_k


def forward_bounds(weights, biases, x0, radius, kind, slopes="adaptive", activation=RELU):
    """[(lo_1, hi_1), ..., (lo_L, hi_L)]: bounds of z_k on the box, those of the output last.

    Args:
        kind: "ibp" (interval arithmetic), "crown" (full backward substitution from every layer), or "both" (at every layer
            the smaller of the intervals by crown and by one step of interval arithmetic from the layer below).
        slopes: lower slope of ReLU, "adaptive" or "zero" (leak, for leaky ReLU).
    """
    bounds = []
    for k in range(len(weights)):
        if kind == "ibp":
            lo, hi = _interval_step(weights, biases, x0, radius, bounds, activation)
        else:
            lines = [activation.lines(*pair, slopes) for pair in bounds]
            hi = _linear_upper(weights[k], biases[k], weights, biases, lines, x0, radius)
            lo = -_linear_upper(-weights[k], -biases[k], weights, biases, lines, x0, radius)
        if kind == "both":
            step_lo, step_hi = _interval_step(weights, biases, x0, radius, bounds, activation)
            lo, hi = np.maximum(lo, step_lo), np.minimum(hi, step_hi)
            hi = np.maximum(lo, hi)  # rounding can cross two intervals that are points
        bounds.append((lo, hi))
    return bounds


def _interval_step(weights, biases, x0, radius, bounds, activation):
    """Bounds of the next z from those of the last."""
    if bounds:
        low, high = (activation.value(z) for z in bounds[-1])
    else:
        low, high = x0 - radius, x0 + radius
    W, b = weights[len(bounds)], biases[len(bounds)]
    positive, negative = np.maximum(W, 0), np.minimum(W, 0)
    return positive @ low + negative @ high + b, positive @ high + negative @ low + b


def _linear_upper(A, c, weights, biases, lines, x0, radius):
    """Upper bound of A a_k + c, with k = len(lines): substitute a_j, then z_j, down to x."""
    for j in reversed(range(len(lines))):
        A, constant = lines[j].substitute(A)
        A, c = A @ weights[j], c + constant + A @ biases[j]
    return A @ x0 + np.abs(A) @ np.broadcast_to(radius, np.shape(x0)) + c


# Backward: bounds of v_k, and of the norm of v_0


def backward_lines(lo, hi, s_lo, s_hi, method):
    """Lines of h = s v, with v in [lo, hi] and s in [s_lo, s_hi], s_lo >= 0.

    "lirpa": the convex hull, by chords of max(s_lo v, s_hi v) and of min(s_lo v, s_hi v).
    "recurjac": the same where the sign of v is known, constants where it is not, also at active neurons.
    "ibp": constants everywhere.
    """
    constant_low, constant_high = np.minimum(lo * s_lo, lo * s_hi), np.maximum(hi * s_lo, hi * s_hi)
    zero = np.zeros_like(lo)
    constants = Lines(zero, constant_low, zero, constant_high)
    if method == "ibp":
        return constants
    crossing = (lo < 0) & (hi > 0)
    width = np.where(crossing, hi - lo, 1.0)
    high_slope, low_slope = (s_hi * hi - s_lo * lo) / width, (s_lo * hi - s_hi * lo) / width
    hull = Lines(low_slope, s_hi * lo - low_slope * lo, high_slope, s_lo * lo - high_slope * lo)
    known = Lines(np.where(lo >= 0, s_lo, s_hi), zero, np.where(lo >= 0, s_hi, s_lo), zero)
    unknown = {"lirpa": hull, "recurjac": constants}[method]
    return Lines(*(np.where(crossing, one, other) for one, other in zip(unknown, known, strict=True)))


def jacobian_bound(weights, biases, x0, radius, method, forward, norm="joint", slopes="adaptive", activation=RELU):
    """Bounds of ||J_c||_1 on the box, one for each output c.

    Args:
        method: "product", "absolute", "ibp", "recurjac" or "lirpa"; the first two are global and use no box.
        forward: a kind of `forward_bounds`, or what it returned.
        norm: "joint" propagates sum_j |v_j| of "recurjac" and "lirpa" as one function, "separate" adds max(|lo_j|, |hi_j|);
            "ibp" always does the latter.
    """
    sup = activation.sup_derivative ** (len(weights) - 1)
    if method == "product":
        inner = np.prod([np.abs(W).sum(axis=1).max() for W in weights[:-1]])
        return sup * inner * np.abs(weights[-1]).sum(axis=1)
    if method == "absolute":
        product = np.abs(weights[0])
        for W in weights[1:]:
            product = np.abs(W) @ product
        return sup * product.sum(axis=1)
    ranges = derivative_ranges(weights, biases, x0, radius, forward, slopes, activation)
    rows = []
    for row in weights[-1]:
        ((lo, hi), *_), lines = row_bounds(weights, ranges, row, method)
        if norm == "separate" or method == "ibp":
            rows.append(np.maximum(np.abs(lo), np.abs(hi)).sum())
        else:
            slope, offset = absolute_value_lines(lo, hi)
            rows.append(offset.sum() + _upper(slope[None], 0, weights, lines, row)[0])
    return np.array(rows)


def jacobian_entries(weights, biases, x0, radius, method, forward, slopes="adaptive", activation=RELU):
    """(lo, hi), each (output, input): bounds of every entry of J on the box by "ibp", "recurjac" or "lirpa"."""
    ranges = derivative_ranges(weights, biases, x0, radius, forward, slopes, activation)
    rows = [row_bounds(weights, ranges, row, method)[0][0] for row in weights[-1]]
    return np.array([lo for lo, _ in rows]), np.array([hi for _, hi in rows])


def derivative_ranges(weights, biases, x0, radius, forward, slopes="adaptive", activation=RELU):
    """[(s_lo, s_hi) of layer 1, ..., of layer L - 1]."""
    if isinstance(forward, str):
        forward = forward_bounds(weights, biases, x0, radius, forward, slopes, activation)
    return [activation.derivative_range(*pair) for pair in forward[: len(weights) - 1]]


def row_bounds(weights, ranges, row, method):
    """([bounds of v_0, ..., of v_{L-1}], {k: lines of h_k}) of one output; each v_k by the lines of the layers above."""
    bounds, lines = [(row, row)], {}
    for k in reversed(range(len(weights) - 1)):
        lines[k + 1] = backward_lines(*bounds[0], *ranges[k], method)
        identity = np.eye(weights[k].shape[1])
        upper, minus_lower = (_upper(A, k, weights, lines, row) for A in (identity, -identity))
        bounds.insert(0, (-minus_lower, upper))
    return bounds, lines


def _upper(A, k, weights, lines, row):
    """Upper bound of A v_k: substitute v_j = W_{j+1}^T h_{j+1}, then h_{j+1}, up to v_{L-1} = row."""
    c = 0.0
    for j in range(k, len(weights) - 1):
        A, constant = lines[j + 1].substitute(A @ weights[j].T)
        c = c + constant
    return A @ row + c


def absolute_value_lines(lo, hi):
    """(slope, offset) of a line above |v| on [lo, hi]: v, -v, or the chord."""
    crossing = (lo < 0) & (hi > 0)
    width = np.where(crossing, hi - lo, 1.0)
    slope = np.where(crossing, (hi + lo) / width, np.where(lo >= 0, 1.0, -1.0))
    return slope, np.where(crossing, -2 * hi * lo / width, 0.0)


# Lower bounds


def evaluate(weights, biases, x, activation=RELU):
    """[z_1, ..., z_L] at one x."""
    z = [weights[0] @ x + biases[0]]
    for W, b in zip(weights[1:], biases[1:], strict=True):
        z.append(W @ activation.value(z[-1]) + b)
    return z


def jacobian(weights, biases, x, activation=RELU):
    """J (output, input) at one x; at a kink, that of the side z < 0."""
    J = weights[0]
    for W, z in zip(weights[1:], evaluate(weights, biases, x, activation), strict=False):
        J = W @ (activation.derivative(z)[:, None] * J)
    return J


def points_of_box(x0, radius, count, rng):
    """The centre, and `count` random points, of which a quarter are vertices."""
    steps = rng.uniform(-1, 1, size=(count, len(x0)))
    steps[::4] = np.sign(steps[::4])
    return np.vstack([x0, x0 + radius * steps])


def sampled(weights, biases, x0, radius, count, rng, activation=RELU):
    """The largest ||J_c(x)||_1 among points of the box, one for each output c."""
    points = points_of_box(x0, radius, count, rng)
    return np.max([np.abs(jacobian(weights, biases, x, activation)).sum(axis=1) for x in points], axis=0)
