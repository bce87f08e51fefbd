"""Networks too large to be compiled as a whole: bounded step by step, parts of rows at a time on all cores."""

from math import prod

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ntkit._threads import cores
from ntkit.lipschitz._backward import Method, derivative
from ntkit.lipschitz._door import Ask
from ntkit.lipschitz._forward import Forward, Slopes, bend, relax
from ntkit.lipschitz._network import Activate, Network
from ntkit.lipschitz._relaxation import PART, Ball, at_once

DEEP = 8  # activations, above which one compiled function takes longer to compile than a large network to bound
MANY = 16  # parts in which all of a network's numbers are pulled back, likewise
KIND, STEP = 50_000_000, 2_700_000  # bytes that compiling a kind of step took, and taking one: mostly free, but not given back
COPIES = 14  # arrays of the size of a part that a core was seen to hold
KEPT = 10  # numbers that are kept for each number of a step: ends, lines, weights


def is_large(net: Network, dtype: np.dtype) -> bool:
    """Whether it is too large to be compiled as a whole."""
    places = [step.parent for step in net.steps if isinstance(step, Activate)]
    parts = [-(-prod(net.shapes[place]) // at_once(net.shapes[: place + 1], dtype)) for place in places]
    return len(places) > DEEP or sum(parts) > MANY


def expected_memory(net: Network, dtype: type | np.dtype = np.float64) -> int:
    """Bytes, above those of the libraries, that bounds of a large network are expected to take.

    A large one has more than eight activations, or rows that are pulled back in more than 16 parts. An estimate, most of it
    for compiling. Its constants were fitted to three networks on Linux, which it meets within a factor of 1.2, as another one.

    Args:
        net: the network.
        dtype: of its weights.

    Example:
        >>> net = Network.sequential([([[1.0]], None)] * 10)
        >>> 1e8 < expected_memory(net) < 1e9
        True
    """
    size, sizes = np.dtype(dtype).itemsize, [prod(shape) for shape in net.shapes]
    part = max(PART, 2 * max(sizes) * size)
    kinds = {(type(step), net.shapes[n], *(net.shapes[p] for p in step.parents)) for n, step in enumerate(net.steps, 1)}
    return KIND * len(kinds) + STEP * len(net.steps) + COPIES * cores() * part + KEPT * sum(sizes) * size


def step_by_step(
    asked: Ask, outputs: Int[np.ndarray, " outputs"], method: Method, forward: Forward, slopes: Slopes
) -> Float[Array, "batch outputs"]:
    """Bounds of the rows, without compiling more than a step at a time."""
    net, rows = asked.net, jnp.eye(asked.net.outputs, dtype=asked.centres.dtype)[outputs]
    found = []
    for centre, reach in zip(asked.centres, asked.radii, strict=True):
        ball = Ball(centre.reshape(net.input_shape), reach.reshape(net.input_shape) if reach.ndim else reach, asked.norm)
        known = relax(net, ball, forward, slopes, asked.rounding)
        if method == "coupled":
            bend(net, known)
        found.append(jnp.stack([derivative(net, known, row, method, asked.norm).norm for row in rows]))
    return jnp.stack(found)
