"""Boxes that hold parts of balls where units are on given sides."""

from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.lipschitz import LeakyRelu, Network
from ntkit.lipschitz._parts import Units, relaxed
from ntkit.lipschitz._relaxation import Ball
from ntkit.lipschitz._rounding import Rounding
from ntkit.strategies import seeds

pytestmark = pytest.mark.usefixtures("hardly_optimised")


def part_of(net, x, radius, sides):
    units = Units(net)
    ball = Ball(jnp.asarray(x), jnp.full(len(x), radius))
    return units, relaxed(net, units, ball, jnp.asarray(sides), "both", "adaptive", Rounding(True))


@given(seeds(), st.sampled_from([0.0, 0.01, 1.0]))
@settings(max_examples=10)
def test_a_part_keeps_every_point_of_it(seed, radius):
    """Of 300 points those whose units are on the sides of the first, for a random half of the units."""
    rng = np.random.default_rng(seed)
    layers = [(1.5 * rng.normal(size=(m, n)) / np.sqrt(n), 0.4 * rng.normal(size=m)) for n, m in pairwise((2, 5, 4, 2))]
    net, x = Network.sequential(layers, LeakyRelu(0.1)), rng.normal(size=2)
    points = x + radius * rng.uniform(-1, 1, (300, 2))
    points[:2] = x, x + radius
    values = net.values(jnp.asarray(points))
    signs = np.sign(np.concatenate([values[step] for step in (1, 3)], axis=1)).astype(np.int8)
    sides = np.where(rng.random(9) < 0.5, signs[0], 0).astype(np.int8)
    inside = ((sides == 0) | (signs == sides)).all(axis=1)
    _, known = part_of(net, x, radius, sides)
    assert not known.empty
    for step, numbers in enumerate(values[:4]):
        assert (np.asarray(known.low[step]) <= np.asarray(numbers)[inside]).all()
        assert (np.asarray(known.high[step]) >= np.asarray(numbers)[inside]).all()


def test_a_kink_cuts_the_box_and_two_may_leave_nothing():
    """x + y >= 1.5 and x - y >= 0.8 on [-1, 1]^2."""
    net = Network.sequential([([[1.0, 1.0], [1.0, -1.0]], [-1.5, -0.8]), ([[1.0, 1.0]], None)])
    _, known = part_of(net, np.zeros(2), 1.0, np.array([1, 0], np.int8))
    np.testing.assert_allclose(known.low[0], [0.5, 0.5], rtol=1e-12)
    np.testing.assert_allclose(known.high[0], [1.0, 1.0], rtol=1e-12)
    assert not known.empty
    assert part_of(net, np.zeros(2), 1.0, np.array([1, 1], np.int8))[1].empty
    assert not part_of(net, np.zeros(2), 1.0, np.array([-1, 1], np.int8))[1].empty
