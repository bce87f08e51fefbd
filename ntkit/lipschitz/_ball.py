"""Bounds in ball arithmetic, by python-flint (the extra `exact`): every number is enclosed, and the last is rounded up.

The formulas are those of `_forward`, `_backward`, `_lines` and `_product`, written for numbers that carry their own error, so
that none is said about rounding. Ends of intervals are exact numbers, those of their balls outward: whether a unit is stable,
and which line it gets, is decided on these. Numbers of a step are flat here, and every linear map is its matrix.

Source: Johansson (2017), Arb, for the arithmetic.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from ntkit._compat.flint import load_flint
from ntkit.lipschitz._activation import Activation, LeakyRelu, Relu, Sigmoid, Softplus, Tanh
from ntkit.lipschitz._ball_relaxation import (
    Ball,
    Balls,
    Between,
    Box,
    Line,
    Lines,
    Map,
    Matrix,
    Relaxation,
    Sum,
    chord,
    column,
    each,
    product_lines,
)
from ntkit.lipschitz._cells import dense
from ntkit.lipschitz._door import Ask
from ntkit.lipschitz._linear import Convolution, Linear, Reshape
from ntkit.lipschitz._network import Activate, Affine, Network

BITS = 128
LARGEST = 1024  # numbers of the input and of what linear maps make: seconds for each output
METHODS = ("product", "absolute", "ibp", "recurjac", "lirpa")


def _logistic(z: Ball) -> Ball:
    return (1 + (z / 2).tanh()) / 2


# Smooth activations: values and derivatives, in forms that do not overflow.
CURVES: dict[type[Activation], tuple[Callable[[Ball], Ball], Callable[[Ball], Ball]]] = {
    Tanh: (lambda z: z.tanh(), lambda z: z.sech() ** 2),
    Sigmoid: (_logistic, lambda z: (z / 2).sech() ** 2 / 4),
    Softplus: (lambda z: z.max(0) + (-abs(z)).exp().log1p(), _logistic),
}
ACTIVATIONS: tuple[type[Activation], ...] = (Relu, LeakyRelu, *CURVES)


def check_ball(asked: Ask, method: str, slopes: str) -> None:
    """Refuse what ball arithmetic cannot do.

    Raises:
        ValueError: the message says what it can.
        ImportError: the extra `exact` is not installed.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))} for arithmetic='ball', got {method!r}")
    if slopes == "optimised":
        raise ValueError(f"slopes must be 'adaptive' or 'zero' for arithmetic='ball', got {slopes!r}")
    if asked.norm != np.inf:
        raise ValueError(f"norm must be inf for arithmetic='ball', got {asked.norm!r}")
    for step in asked.net.steps:
        if isinstance(step, Activate) and type(step.activation) not in ACTIVATIONS:
            known = ", ".join(kind.__name__ for kind in ACTIVATIONS)
            raise ValueError(
                f"net must have activations {known} for arithmetic='ball', got {step.activation!r}; "
                "'float64+outward' bounds others"
            )
    maps = [step.linear for step in asked.net.steps if isinstance(step, Affine) and not isinstance(step.linear, Reshape)]
    size = prod(asked.net.input_shape) + sum(prod(linear.outputs) for linear in maps)
    if size > LARGEST:
        raise ValueError(
            f"net must have at most {LARGEST} inputs, units and outputs for arithmetic='ball', got {size} in {asked.net!r}; "
            "'float64+outward' bounds larger ones"
        )
    load_flint()


def ball_rows(
    asked: Ask, chosen: Int[np.ndarray, " chosen"], method: str, forward: str, slopes: str
) -> Float[np.ndarray, "batch chosen"]:
    """Upper bounds of the constants of chosen outputs, rounded up from balls of 128 bits."""
    flint, net = load_flint(), asked.net
    with flint.ctx.workprec(BITS):
        matrices = {
            number: _matrix(step.linear)
            for number, step in enumerate(net.steps, 1)
            if isinstance(step, Affine) and not isinstance(step.linear, Reshape)
        }
        if method in ("product", "absolute"):
            everywhere = _products(net, matrices, method)
            return np.tile([_float_above(everywhere[output]) for output in chosen], (len(asked.centres), 1))
        rows = []
        for centre, radius in zip(np.asarray(asked.centres), np.asarray(asked.radii), strict=True):
            box = Box(column(centre.tolist()), column(np.broadcast_to(radius, centre.shape).tolist()))
            known = _relax(net, matrices, box, forward, slopes)
            rows.append([_float_above(_norm(net, matrices, known, int(output), method)) for output in chosen])
    return np.array(rows)


class Steps(Relaxation):
    """The steps of a network on a box.

    Attributes:
        at: the node of every step.
        slopes: the least and the largest derivative of each unit, by the number of the step.
    """

    def __init__(self) -> None:
        super().__init__()
        self.at: list[int] = []
        self.slopes: dict[int, list[tuple[Ball, Ball]]] = {}


def _relax(net: Network, matrices: Mapping[int, Matrix], box: Box, forward: str, slopes: str) -> Steps:
    """What every step can be; one that only reshapes is the node before it."""
    known = Steps()
    known.at.append(known.add(box))
    for number, step in enumerate(net.steps, 1):
        if isinstance(step, Activate):
            before, activation = known.at[step.parent], step.activation
            if forward != "ibp":
                known.tighten(before, intersect=forward == "both")
            ends = list(zip(known.low[before], known.high[before], strict=True))
            known.slopes[number] = [_derivatives(activation, *pair) for pair in ends]
            lines = [_activation_lines(activation, *pair, slopes) for pair in ends]
            low, high = ([_value(activation, z) for z in side] for side in (known.low[before], known.high[before]))
            known.at.append(known.add(Between(before, lines, low, high)))
        elif isinstance(step, Affine):
            parent = known.at[step.parent]
            if number in matrices:
                bias = np.zeros(()) if step.bias is None else np.asarray(step.bias, np.float64)
                constants = column(np.broadcast_to(bias, net.shapes[number]).ravel().tolist())
                parent = known.add(Map(matrices[number], parent, constants))
            known.at.append(parent)
        else:
            known.at.append(known.add(Sum([known.at[p] for p in step.parents])))
    return known


def _norm(net: Network, matrices: Mapping[int, Matrix], known: Steps, output: int, method: str) -> Ball:
    """An upper bound of the sum of the absolute values of an output's derivatives."""
    back = Relaxation()
    one = column([int(place == output) for place in range(net.outputs)])
    arriving: dict[int, list[int]] = {len(net.steps): [back.add(Box(one, 0 * one))]}
    for number in range(len(net.steps), -1, -1):
        zero = column([0] * prod(net.shapes[number]))
        terms = arriving.pop(number, None) or [back.add(Box(zero, zero))]  # zero: nothing depends on it
        v = terms[0] if len(terms) == 1 else back.add(Sum(terms))
        step = net.steps[number - 1] if number else None
        if method != "ibp" and (step is None or isinstance(step, Activate)):
            back.tighten(v)
        if isinstance(step, Activate):
            arriving.setdefault(step.parent, []).append(back.add(_times(back, v, known.slopes[number], method)))
        elif number in matrices:
            assert isinstance(step, Affine)
            matrix = matrices[number].transpose()
            arriving.setdefault(step.parent, []).append(back.add(Map(matrix, v, column([0] * matrix.nrows()))))
        elif step is not None:
            for parent in step.parents:
                arriving.setdefault(parent, []).append(v)
    low, high = back.low[v], back.high[v]
    size = [max(abs(a), abs(b)) for a, b in zip(low, high, strict=True)]
    if method == "ibp":
        return sum(size)
    lines = [product_lines(a, b, load_flint().arb(-1), load_flint().arb(1)) for a, b in zip(low, high, strict=True)]
    return back.most(back.add(Between(v, lines, [0 * x for x in size], size)), column([1] * len(size)).transpose())[0]


def _times(back: Relaxation, v: int, slopes: Sequence[tuple[Ball, Ball]], method: str) -> Between:
    """The node of h = s v."""
    lines, least, largest = [], [], []
    for low, high, (below, above) in zip(back.low[v], back.high[v], slopes, strict=True):
        corners = [s * end for s in (below, above) for end in (low, high)]
        least.append(min(x.lower() for x in corners))
        largest.append(max(x.upper() for x in corners))
        constants = method == "recurjac" and low < 0 < high
        ends = Lines(Line(0 * low, least[-1]), Line(0 * low, largest[-1]))
        lines.append(ends if constants else product_lines(low, high, below, above))
    return Between(v, lines, least, largest)


def _products(net: Network, matrices: Mapping[int, Matrix], method: str) -> Balls:
    """Bounds on all inputs: products of norms, or of matrices of absolute values."""
    one = load_flint().arb(1)
    grown: list[Balls] = [[one] * prod(net.input_shape)]
    for number, step in enumerate(net.steps, 1):
        if isinstance(step, Affine):
            before = grown[step.parent]
            before = before if method == "absolute" else [max(x.upper() for x in before)] * len(before)
            grown.append((each(abs, matrices[number]) * column(before)).entries() if number in matrices else before)
        elif isinstance(step, Activate):
            grown.append([x * step.activation.steepest for x in grown[step.parent]])
        else:
            grown.append([sum(terms) for terms in zip(*[grown[p] for p in step.parents], strict=True)])
    return grown[-1]


def _activation_lines(activation: Activation, low: Ball, high: Ball, slopes: str) -> Lines:
    at_low, at_high, zero = _value(activation, low), _value(activation, high), 0 * low
    if isinstance(activation, LeakyRelu):
        one, flat = zero + 1, zero + activation.below
        if low >= 0 or high <= 0:
            line = Line(one if low >= 0 else flat, zero)
            return Lines(line, line)
        steep = slopes == "adaptive" and high > -low
        return Lines(Line(one if steep else flat, zero), chord(low, high, at_low, at_high))
    slope = _derivatives(activation, low, high)[0]
    return Lines(Line(slope, at_low - slope * low), Line(slope, at_high - slope * high))


def _value(activation: Activation, z: Ball) -> Ball:
    if isinstance(activation, LeakyRelu):
        return z if z > 0 else activation.below * z
    return CURVES[type(activation)][0](z)


def _derivatives(activation: Activation, low: Ball, high: Ball) -> tuple[Ball, Ball]:
    """The least and the largest derivative on an interval, exact numbers."""
    if isinstance(activation, LeakyRelu):
        one, flat = 0 * low + 1, 0 * low + activation.below
        return one if low > 0 else flat, flat if high < 0 else one
    ends = [CURVES[type(activation)][1](z) for z in (low, high)]
    peak = isinstance(activation, Tanh | Sigmoid) and low < 0 < high
    largest = 0 * low + activation.steepest if peak else max(x.upper() for x in ends)
    return min(x.lower() for x in ends), largest


def _matrix(linear: Linear) -> Matrix:
    """The matrix of a linear map; weights are rounded nowhere."""
    parts = [linear]
    if isinstance(linear, Convolution) and any(k > n for k, n in zip(linear.weights.shape[2:], linear.inputs[1:], strict=True)):
        # A circular window that is larger than the image adds weights: here as balls, one place of the window after the other.
        window = prod(linear.weights.shape[2:])
        places = jnp.arange(linear.weights.size).reshape(linear.weights.shape) % window
        parts = [replace(linear, weights=jnp.where(places == place, linear.weights, 0)) for place in range(window)]
    matrices = [load_flint().arb_mat(dense(part).tolist()) for part in parts]
    return sum(matrices[1:], matrices[0])


def _float_above(x: Ball) -> float:
    """A float that is no less than all of a ball."""
    end, found = x.upper(), float(x)
    while not load_flint().arb(found) >= end:
        found = float(np.nextafter(found, np.inf))
    return found
