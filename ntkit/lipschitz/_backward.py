"""What the derivative of one output can be on a ball: the layers' transposes, from the output to the input.

Write v for the derivative of an output in what a step makes, and h = s v for that in what goes into an activation, s being
any number between the least and the largest derivative of the activation on its interval. All products of such s contain the
Clarke Jacobian, so that bounds over them hold for every difference quotient of the network on the ball.

Source: Shi, Wang, Zhang, Kolter, Hsieh (2022), for ReLU; slopes between any two numbers are derived here. "recurjac": Zhang,
    Zhang, Hsieh (2019), in the form of the former paper.
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from ntkit.lipschitz._forward import Steps
from ntkit.lipschitz._linear import Rows
from ntkit.lipschitz._lines import Line, Lines, coupled_planes, product_lines, product_range, size_lines
from ntkit.lipschitz._network import Activate, Affine, Network
from ntkit.lipschitz._relaxation import Between, Constant, Map, Relaxation, Sum, between, dual_norm
from ntkit.lipschitz._rounding import Rounding

Real = Float[Array, "..."]
Method = Literal["ibp", "recurjac", "lirpa", "coupled"]
METHODS: tuple[Method, ...] = ("ibp", "recurjac", "lirpa", "coupled")


class Derivative(NamedTuple):
    """Bounds of the derivative of one output.

    Attributes:
        low, high: of each of its numbers, in the shape of an input.
        norm: of the sum of their absolute values, or of the norm that was asked for.
    """

    low: Real
    high: Real
    norm: Float[Array, ""]


class Gradient(Relaxation):
    """The derivative of a combination of outputs in what every step makes.

    Attributes:
        v: its node, by the number of the step; 0 is the input.
        h: the node of the derivative in what goes into an activation, by the number of its step.
    """

    def __init__(self, rounding: Rounding, after: Relaxation | None = None) -> None:
        super().__init__(rounding, after)
        self.v: dict[int, int] = {}
        self.h: dict[int, int] = {}

    def size_of(self, v: int) -> dict[int, Rows]:
        """A combination that is no less than the sum of the absolute values of a node's numbers."""
        size = self.size(v)
        lines = size_lines(self.low[v], self.high[v], self.rounding)
        return {self.add(between(v, lines, jnp.zeros_like(size), size)): jnp.ones_like(size)[None]}


def derivative(net: Network, known: Steps, output: Float[Array, " outputs"], method: Method, norm: float | int) -> Derivative:
    """Bounds of the derivative of a combination of outputs, given the relaxation of the steps.

    Args:
        net: the network.
        known: its steps on the ball; read only.
        output: coefficients of the combination.
        method: "ibp": intervals alone; "recurjac": lines where v has one sign, intervals where it may have both; "lirpa":
            lines everywhere; "coupled": of smooth activations planes in v and z, so that bounds stay functions of the input.
        norm: of the input; the derivative is measured in its dual: jointly for inf, else from the largest absolute values.
    """
    back = gradient(net, known, output, method)
    v = back.v[0]
    if norm == jnp.inf and method != "ibp":
        return Derivative(back.low[v], back.high[v], back.most(back.size_of(v))[0])
    size = back.size(v)
    total = dual_norm(size.reshape(1, -1), norm)[0]
    return Derivative(back.low[v], back.high[v], back.rounding.up(total, total, size.size))


def gradient(net: Network, known: Steps, output: Float[Array, " outputs"], method: Method = "lirpa") -> Gradient:
    """The derivative of a combination of outputs as a relaxation."""
    back = Gradient(known.rounding, known if method == "coupled" else None)
    arriving: dict[int, list[int]] = {len(net.steps): [back.add(Constant(output.reshape(net.shapes[-1])))]}
    for number in range(len(net.steps), -1, -1):
        shape, terms = net.shapes[number], arriving.pop(number, [])
        if not terms:  # nothing depends on it
            terms = [back.add(Constant(jnp.zeros(shape, output.dtype)))]
        back.v[number] = v = terms[0] if len(terms) == 1 else back.add(Sum(tuple(terms), shape))
        step = net.steps[number - 1] if number else None
        if method != "ibp" and (step is None or isinstance(step, Activate)):
            wanted = None if step is None or method == "coupled" else _open(back, v, known.slopes[number], method)
            back.tighten(v, *back.range(v, wanted=wanted))
        if isinstance(step, Affine):
            arriving.setdefault(step.parent, []).append(back.add(Map(step.linear.transposed, (v,))))
        elif isinstance(step, Activate):
            if number in known.bends and method == "coupled":
                node = _coupled(back, v, step.parent, known, number)
            else:
                node = _times(back, v, known.slopes[number], method)
            back.h[number] = h = back.add(node)
            arriving.setdefault(step.parent, []).append(h)
        elif step is not None:
            for parent in step.parents:
                arriving.setdefault(parent, []).append(v)
    return back


def _open(back: Relaxation, v: int, slopes: tuple[Real, Real], method: Method) -> Bool[Array, "..."] | None:
    """The numbers whose interval decides about the lines of h = s v; None where values are not known yet, but traced.

    Where v has one sign these are lines through 0, and where s is known they are one line, whatever the interval.
    """
    low, high = back.low[v], back.high[v]
    if any(isinstance(end, Tracer) for end in (low, high, *slopes)):
        return None
    least, largest = slopes
    either = least < largest if method == "lirpa" else jnp.maximum(jnp.abs(least), jnp.abs(largest)) > 0
    return (low < 0) & (high > 0) & either


def _times(back: Relaxation, v: int, slopes: tuple[Real, Real], method: Method) -> Between:
    """The node of h = s v."""
    low, high = back.low[v], back.high[v]
    lines = product_lines(low, high, *slopes, back.rounding)
    least, largest = product_range(low, high, *slopes)
    size = jnp.maximum(jnp.abs(least), jnp.abs(largest))
    least, largest = back.rounding.down(least, size, 1), back.rounding.up(largest, size, 1)
    if method == "recurjac":
        both = (low < 0) & (high > 0)
        zero = jnp.zeros_like(low)
        lines = Lines(
            *(
                Line(jnp.where(both, zero, line.slope), jnp.where(both, end, line.offset))
                for line, end in zip(lines, (least, largest), strict=True)
            )
        )
    return between(v, lines, least, largest)


def _coupled(back: Gradient, v: int, z: int, known: Steps, number: int) -> Between:
    """The node of h = s v, where s is a function of z."""
    ends, (least, largest) = (back.low[v], back.high[v]), known.slopes[number]
    below, above = coupled_planes(*ends, least, largest, known.bends[number], known.low[z], known.high[z], back.rounding)
    low, high = product_range(*ends, least, largest)
    size = jnp.maximum(jnp.abs(low), jnp.abs(high))
    low, high = back.rounding.down(low, size, 1), back.rounding.up(high, size, 1)
    parents = (v, z)
    return Between(parents, (below.slope, below.across), (above.slope, above.across), below.offset, above.offset, low, high)
