"""Signs of a derivative that rounding cannot blur: a sum of numbers of one sign has that sign, however small it is."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float

from ntkit.lipschitz._backward import Gradient
from ntkit.lipschitz._forward import Steps
from ntkit.lipschitz._linear import Linear
from ntkit.lipschitz._network import Activate, Affine, Network


class Signs(NamedTuple):
    """Which numbers are never negative, and which never positive."""

    no_less: Bool[Array, "..."]
    no_more: Bool[Array, "..."]


def signs(net: Network, known: Steps, back: Gradient, output: Float[Array, " outputs"]) -> Signs:
    """The signs of the derivative in the input that follow from intervals or, layer by layer, from the signs of all terms.

    Bounds that should be 0 are rounded below it; that no term is negative still shows that the sum is not.

    Args:
        net: the network.
        known: its steps.
        back: the derivative.
        output: the combination of outputs.
    """
    rows = output.reshape(net.shapes[-1])
    arriving: dict[int, list[Signs]] = {len(net.steps): [Signs(rows >= 0, rows <= 0)]}
    for number in range(len(net.steps), -1, -1):
        terms, v = arriving.pop(number, []), back.v[number]
        found = Signs(back.low[v] >= 0, back.high[v] <= 0)
        if terms:
            every = [jnp.stack(part).all(axis=0) for part in zip(*terms, strict=True)]
            found = Signs(found.no_less | every[0], found.no_more | every[1])
        if not number:
            break
        step = net.steps[number - 1]
        if isinstance(step, Affine):
            arriving.setdefault(step.parent, []).append(_moved(step.linear.transposed, found, output.dtype))
        elif isinstance(step, Activate):
            rises = known.slopes[number][0] >= 0
            flat = known.slopes[number][1] <= 0
            times = Signs(
                (found.no_less & rises) | (found.no_more & flat),
                (found.no_more & rises) | (found.no_less & flat),
            )
            arriving.setdefault(step.parent, []).append(times)
        else:
            for parent in step.parents:
                arriving.setdefault(parent, []).append(found)
    return found


def _moved(linear: Linear, of: Signs, dtype: DTypeLike) -> Signs:
    """The signs of a linear map's sums: counts of terms that may be negative or positive, which are exact."""
    up, down = (linear.each(sign) for sign in (_positive, _negative))
    may_be_less, may_be_more = ((~part).astype(dtype)[None] for part in of)
    negative = up(may_be_less)[0] + down(may_be_more)[0]
    positive = up(may_be_more)[0] + down(may_be_less)[0]
    return Signs(negative == 0, positive == 0)


def _positive(weights: Float[Array, "..."]) -> Float[Array, "..."]:
    return (weights > 0).astype(weights.dtype)


def _negative(weights: Float[Array, "..."]) -> Float[Array, "..."]:
    return (weights < 0).astype(weights.dtype)
