"""Lines below activations that are found by gradient, against linear programs."""

from functools import cache, partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from ntkit.lipschitz import LeakyRelu, Network, Relu, bounds, certified_radius, local_lipschitz
from ntkit.lipschitz._forward import relax
from ntkit.lipschitz._relaxation import Ball
from ntkit.lipschitz._rounding import Rounding
from ntkit.strategies import seeds

pytestmark = pytest.mark.usefixtures("hardly_optimised")


def weights_of(seed, widths):
    rng = np.random.default_rng(seed)
    layers = [(1.5 * rng.normal(size=(m, n)) / np.sqrt(n), 0.4 * rng.normal(size=m)) for n, m in pairwise(widths)]
    return layers, rng.normal(size=widths[0])


def triangle_program(first, second, x, radius, flat):
    """The least and the largest second pre-activations over the hull of each unit's graph, by linear programs."""
    (w, b), (v, c) = first, second
    units, inputs = w.shape
    middle, half = w @ x + b, radius * np.abs(w).sum(axis=1)
    rows, limits = [], []
    for i in range(units):
        low, high = middle[i] - half[i], middle[i] + half[i]
        own, z = np.eye(units)[i], np.append(w[i], np.zeros(units))
        a = np.append(np.zeros(inputs), own)
        for slope in (1.0, flat):  # above both lines, which are the function if it is stable
            rows.append(slope * z - a)
            limits.append(-slope * b[i])
        steep = (max(high, flat * high) - max(low, flat * low)) / (high - low)
        rows.append(a - steep * z)
        limits.append(max(low, flat * low) + steep * (b[i] - low))
    box = [(n - radius, n + radius) for n in x] + [(None, None)] * units
    ends = []
    for row, constant in zip(v, c, strict=True):
        target = np.append(np.zeros(inputs), row)
        least, most = (sign * linprog(sign * target, rows, limits, bounds=box).fun for sign in (1, -1))
        ends.append((least + constant, most + constant))
    return np.transpose(ends)


@pytest.mark.parametrize("activation", [Relu(), LeakyRelu(0.2)])
def test_intervals_after_one_layer_are_nearly_those_of_linear_programs(activation):
    """Which no slopes can pass, as both bound over the same hull."""
    (first, second, last), x = weights_of(12, (6, 12, 8, 2))
    net, radius = Network.sequential([first, second, last], activation), 0.4
    expected = triangle_program(first, second, x, radius, activation.below)
    width = {}
    for slopes in ("adaptive", "optimised"):
        known = relax(net, Ball(jnp.asarray(x), jnp.asarray(radius)), "crown", slopes, Rounding(True))
        low, high = np.asarray(known.low[3]), np.asarray(known.high[3])
        assert (low <= expected[0] + 1e-7).all()  # the solver's tolerance
        assert (high >= expected[1] - 1e-7).all()
        width[slopes] = (high - low) / (expected[1] - expected[0])
    assert width["optimised"].max() < 1.01
    assert width["adaptive"].max() > 1.05


@cache
def compiled(slopes, outward):
    return jax.jit(partial(bounds, slopes=slopes, outward=outward))


@given(seeds(), st.sampled_from([0.0, 0.05, 0.3, 1.0]))
@settings(max_examples=25)
def test_optimised_bounds_hold_and_are_never_looser(seed, radius):
    layers, x = weights_of(seed, (3, 6, 6, 2))
    net = Network.sequential(layers)
    plain, found = (compiled(slopes, True)(net, jnp.asarray(x), radius) for slopes in ("adaptive", "optimised"))
    assert (found.norm <= plain.norm * (1 + 1e-12)).all()
    shifts = np.random.default_rng(seed).uniform(-1, 1, (200, 3))
    shifts[:100] = np.sign(shifts[:100])
    sampled = np.abs(jax.vmap(net.jacobian)(jnp.asarray(x + radius * shifts))).sum(axis=2).max(axis=0)
    assert (sampled <= found.norm).all()


def test_they_decide_units_that_fixed_slopes_leave_open():
    layers, x = weights_of(4, (6, 12, 12, 12, 3))
    net = Network.sequential(layers)
    plain, found = (local_lipschitz(net, x, 0.2, slopes=slopes).rows for slopes in ("adaptive", "optimised"))
    assert (found < 0.97 * plain).any()
    certified = [certified_radius(net, x, limit=1.0, slopes=slopes).radius for slopes in ("adaptive", "optimised")]
    assert certified[1] >= certified[0] * (1 - 1e-9)
