"""What every step of a network can be on a ball: intervals, and lines of its activations.

Source: interval arithmetic; CROWN, Zhang et al. (2018), adaptive slopes.
"""

from typing import Literal

import jax.numpy as jnp

from ntkit.lipschitz._lines import activation_lines
from ntkit.lipschitz._network import Activate, Affine, Network
from ntkit.lipschitz._relaxation import Ball, Map, Relaxation, Sum, between
from ntkit.lipschitz._rounding import Rounding

Forward = Literal["ibp", "crown", "both"]
FORWARDS: tuple[Forward, ...] = ("ibp", "crown", "both")
Slopes = Literal["adaptive", "zero"]


def relax(net: Network, ball: Ball, forward: Forward, slopes: Slopes, rounding: Rounding) -> Relaxation:
    """The steps of a network on a ball, as a relaxation whose node i is step i.

    Args:
        net: the network.
        ball: inputs.
        forward: intervals of what goes into activations: "ibp" by interval arithmetic from step to step, "crown" by pulling
            each back to the ball, "both" their intersection, which later layers build on.
        slopes: the lower lines of piecewise linear activations.
        rounding: of all bounds.
    """
    known = Relaxation(rounding)
    known.add(ball)
    for step in net.steps:
        if isinstance(step, Affine):
            known.add(Map(step.linear, step.parent, step.bias))
        elif isinstance(step, Activate):
            before = step.parent
            if forward != "ibp":
                low, high = known.range(before)
                if forward == "both":
                    low, high = jnp.maximum(low, known.low[before]), jnp.minimum(high, known.high[before])
                known.tighten(before, low, high)
            low, high = known.low[before], known.high[before]
            lines = activation_lines(step.activation, low, high, slopes, rounding)
            least, largest = step.activation.values(low, high)
            size, error = jnp.maximum(jnp.abs(least), jnp.abs(largest)) + 1, int(step.activation.library_error)
            if not step.activation.piecewise:
                least, largest = rounding.down(least, size, error), rounding.up(largest, size, error)
            known.add(between(before, lines, least, largest))
        else:
            known.add(Sum(step.parents, known.nodes[step.parents[0]].shape))
    return known
