"""Cells of a piecewise linear network: where all units are on given sides of their kinks."""

import operator
from collections.abc import Mapping
from functools import reduce

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linprog

from ntkit.lipschitz._activation import LeakyRelu
from ntkit.lipschitz._network import Activate, Affine, Network

Floats = Float[np.ndarray, "..."]


def interior(net: Network, above: Mapping[int, Bool[np.ndarray, "..."]], low: Floats, high: Floats) -> tuple[Floats, float]:
    """A point of a box well inside a cell, and how far it may move in the l_inf norm without leaving it.

    Args:
        net: piecewise linear.
        above: which units are above their kink, by the number of the step.
        low: corner of the box, flat.
        high: the other one.

    Returns:
        The point, and its distance from the borders of cell and box, up to the solver's error; not above 0 where the cell has
        no interior in the box.
    """
    size = low.size
    # Numbers of steps as functions of x: row 0 the constants, then one row for each input.
    forms = [jnp.concatenate([jnp.zeros((1, size)), jnp.eye(size)]).reshape(-1, *net.input_shape)]
    normals, offsets = [np.eye(size), -np.eye(size)], [-low, high]
    for number, step in enumerate(net.steps, 1):
        if isinstance(step, Affine):
            moved = step.linear(forms[step.parent])
            forms.append(moved if step.bias is None else moved.at[0].add(step.bias))
        elif isinstance(step, Activate):
            assert isinstance(step.activation, LeakyRelu)
            before = np.asarray(forms[step.parent]).reshape(size + 1, -1)
            side = np.where(np.asarray(above[number]).ravel(), 1.0, -1.0)
            normals.append((before[1:] * side).T)
            offsets.append(before[0] * side)
            slope = jnp.where(jnp.asarray(above[number]), 1.0, step.activation.below).reshape(net.shapes[number])
            forms.append(forms[step.parent] * slope[None])
        else:
            forms.append(reduce(operator.add, [forms[p] for p in step.parents]))
    matrix, constant = np.concatenate(normals), np.concatenate(offsets)
    reach = np.abs(matrix).sum(axis=1)
    held = reach > 0  # others do not depend on x
    if (constant[~held] < 0).any():
        return (low + high) / 2, -np.inf
    cost = np.r_[np.zeros(size), -1.0]
    found = linprog(
        cost,
        A_ub=np.column_stack([-matrix[held], reach[held]]),
        b_ub=constant[held],
        bounds=[*zip(low, high, strict=True), (None, None)],
    )
    return (found.x[:size], float(found.x[size])) if found.status == 0 else ((low + high) / 2, -np.inf)
