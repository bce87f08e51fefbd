"""Bounds that know no input: products of layer norms.

They hold everywhere. Each step has a number by which its values can change at most, in the same norm, for a change of the input
of norm 1. A linear map multiplies it by its operator norm, an activation by its steepest slope, and a sum adds.
"""

import operator
from functools import reduce
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.lipschitz._linear import Convolution, Linear, Matrix
from ntkit.lipschitz._network import Activate, Affine, Network
from ntkit.lipschitz._relaxation import dual_norm
from ntkit.lipschitz._rounding import Rounding
from ntkit.orthoconv import extreme_singular_values

Real = Float[Array, "..."]
Global = Literal["product", "absolute"]


def products(net: Network, method: Global, norm: float | int, rounding: Rounding) -> Float[Array, " outputs"]:
    """A bound of each output's constant, on all inputs.

    Args:
        net: the network.
        method: "product": of operator norms, in the last linear map of its rows; "absolute", for the l_inf norm: of matrices of
            absolute values, times the input (1, .., 1).
        norm: of the input.
        rounding: of the bounds.
    """
    dtype = _dtype(net)
    grown: list[Real] = [jnp.ones(net.input_shape, dtype)]  # by number for the l_inf norm, else the same everywhere
    for number, step in enumerate(net.steps, 1):
        if isinstance(step, Affine):
            before = grown[step.parent]
            if norm == np.inf:
                before = before if method == "absolute" else jnp.broadcast_to(before.max(), before.shape)
                after = step.linear.absolute()(before[None])[0]
            elif number == len(net.steps):
                after = before.max() * _row_norms(step.linear, norm, dtype)
            else:
                after = jnp.broadcast_to(before.max() * operator_norm(step.linear, norm, rounding, dtype), step.linear.outputs)
            grown.append(rounding.up(after, after, step.linear.terms))
        elif isinstance(step, Activate):
            after = grown[step.parent] * step.activation.steepest
            grown.append(rounding.up(after, after, 1))
        else:
            total = reduce(operator.add, [grown[p] for p in step.parents])
            grown.append(rounding.up(total, total, len(step.parents)))
    return grown[-1].reshape(-1)


def operator_norm(linear: Linear, norm: float | int, rounding: Rounding, dtype: np.dtype) -> Float[Array, ""]:
    """An upper bound of the operator norm of a linear map for the Euclidean or the l_1 norm.

    l_1: the largest column sum of absolute values. Euclidean: of a matrix, and of a convolution that is one of the layers of
    `ntkit.orthoconv` or part of one, their upper bound; never more than the square root of largest row sum times largest column
    sum.
    """
    one = jnp.ones((1, *linear.outputs), dtype), jnp.ones((1, *linear.inputs), dtype)
    columns = linear.absolute().pull(one[0]).max()
    columns = rounding.up(columns, columns, linear.terms)
    if norm == 1:
        return columns
    rows = linear.absolute()(one[1]).max()
    rows = rounding.up(rows, rows, linear.terms)
    crude = jnp.sqrt(rows * columns)
    crude = rounding.up(crude, crude, 2)
    if isinstance(linear, Matrix):
        kernel, size = np.asarray(linear.weights)[:, :, None], [1]
    elif isinstance(linear, Convolution) and linear.groups == 1:
        kernel = np.asarray(linear.weights)
        # Zeros around an image are part of a larger one that is continued periodically: of windows that cover both.
        reach = [n + sum(p) for n, p in zip(linear.inputs[1:], linear.pads, strict=True)]
        sides = linear.inputs[1:] if linear.circular else reach
        if linear.circular and any(n % s for n, s in zip(sides, linear.stride, strict=True)):
            return crude  # the image begins again within a stride, as in none of those layers
        size = [-(-n // s) for n, s in zip(sides, linear.stride, strict=True)]
    else:
        return crude
    largest = extreme_singular_values(kernel, size, getattr(linear, "stride", 1), "circular").largest[1]
    return jnp.minimum(crude, jnp.asarray(largest, crude.dtype) * (1 + 2 * float(np.finfo(crude.dtype).eps)))


def _row_norms(linear: Linear, norm: float | int, dtype: np.dtype) -> Real:
    """The dual norms of the rows, upper bounds but for rounding."""
    count = int(np.prod(linear.outputs))
    rows = linear.pull(jnp.eye(count, dtype=dtype).reshape(count, *linear.outputs)).reshape(count, -1)
    return dual_norm(rows, norm).reshape(linear.outputs)


def _dtype(net: Network) -> np.dtype:
    arrays = [step.linear for step in net.steps if isinstance(step, Affine)]
    found = [getattr(linear, name).dtype for linear in arrays for name in ("weights", "factors") if hasattr(linear, name)]
    return np.result_type(*found) if found else np.dtype(np.float64)
