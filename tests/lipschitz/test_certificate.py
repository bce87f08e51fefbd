"""Certificates: classes that do not change on a ball, outputs that are monotone there."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from ntkit.lipschitz import Conv, Dense, Flatten, Network, Residual, bounds, certified_radius, monotone_in
from ntkit.strategies import seeds

WIDTHS = (3, 6, 5, 3)


pytestmark = pytest.mark.usefixtures("hardly_optimised")


def case(seed, widths=WIDTHS):
    rng = np.random.default_rng(seed)
    layers = [(1.5 * rng.normal(size=(m, n)) / np.sqrt(n), 0.4 * rng.normal(size=m)) for n, m in pairwise(widths)]
    return Network.sequential(layers), rng


@given(seeds())
@settings(max_examples=25)
def test_no_point_of_a_certified_ball_has_another_class(seed):
    net, rng = case(seed)
    x = rng.normal(size=(2, 3))
    found = certified_radius(net, x)
    for centre, radius, label, margin in zip(x, found.radius, found.label, found.margin, strict=True):
        near = centre + radius * np.sign(rng.uniform(-1, 1, size=(300, 3))) * rng.uniform(size=(300, 3)) ** 0.1
        assert (np.asarray(net(jnp.asarray(near))).argmax(axis=1) == label).all()
        outputs = np.asarray(net(jnp.asarray(centre)))
        assert margin == pytest.approx(outputs[label] - np.delete(outputs, label).max(), rel=1e-9)
        assert margin <= outputs[label] - np.delete(outputs, label).max()


def test_the_radius_is_that_at_which_the_margin_form_ends():
    net, rng = case(1)
    x = rng.normal(size=3)
    found = certified_radius(net, x, limit=2.0)
    rows = np.eye(3)[found.label] - np.delete(np.eye(3), found.label, axis=0)
    gaps = rows @ np.asarray(net(jnp.asarray(x)))
    bound = jax.jit(bounds)
    for radius, holds in ((found.radius, True), (found.radius + 4e-6, False)):
        norms = np.asarray(bound(net, jnp.asarray(x), jnp.asarray(radius), outputs=jnp.asarray(rows)).norm)
        assert bool((radius * norms < gaps).all()) is holds


def test_a_linear_classifier_is_certified_up_to_its_border():
    net = Network.sequential([([[1.0, 2.0], [-1.0, 0.0]], [0.5, 0.0])])
    found = certified_radius(net, [0.2, 0.1])  # f_0 - f_1 = 2 x + 2 y + 1/2 = 1.1, which changes by 4 at most
    assert found.radius == pytest.approx(1.1 / 4, abs=2e-6)
    assert found.radius <= 1.1 / 4
    assert certified_radius(net, [0.2, 0.1], norm=2).radius == pytest.approx(1.1 / 8**0.5, abs=2e-6)
    assert certified_radius(net, [0.2, 0.1], limit=0.1).radius == 0.1
    wrong = certified_radius(net, [0.2, 0.1], label=1)
    assert (wrong.radius, float(wrong.margin)) == (0, pytest.approx(-1.1))
    cut = certified_radius(net, [0.2, 0.1], clip=(0.1, 1.0)).radius  # x >= 0.1, y >= 0.1: no point has another class
    assert cut == pytest.approx(1.1 / 4, abs=2e-6)  # but the margin form asks how far changes go at this distance


@pytest.mark.parametrize(("norm", "dual"), [(np.inf, 1), (2, 2), (1, np.inf)])
def test_of_an_affine_network_it_is_the_distance_to_the_border(norm, dual):
    rng = np.random.default_rng(0)
    weights, bias, x = rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=(6, 4))
    found = certified_radius(Network.sequential([(weights, bias)]), x, limit=10.0, norm=norm)
    for own, some, radius in zip(found.label, x @ weights.T + bias, found.radius, strict=True):
        others = [j for j in range(3) if j != own]
        distance = min((some[own] - some[j]) / np.linalg.norm(weights[own] - weights[j], ord=dual) for j in others)
        assert distance - 1e-5 <= radius <= distance  # bisection ends at 1e-6 of the limit


def test_where_two_outputs_are_equal_nothing_is_certain():
    found = certified_radius(Network.sequential([(np.ones((2, 3)), None)]), np.ones((1, 3)), limit=0.1, norm=2)
    assert found.radius.tolist() == [0.0]


def test_single_precision_counts_how_far_the_centre_is_moved():
    net = Network.sequential([(np.float32([[1, 0], [0, 1]]), None)])
    x = np.array([1 / 3, 0.0])
    found = certified_radius(net, x, arithmetic="float32+outward")
    assert found.radius <= 1 / 6
    assert found.radius == pytest.approx(1 / 6, abs=1e-5)
    assert found.radius.dtype == np.float32


@given(seeds())
@settings(max_examples=25)
def test_outputs_are_monotone_where_they_are_said_to_be(seed):
    net, rng = case(seed)
    x, radius = rng.normal(size=3), 0.2
    found = monotone_in(net, x, radius)
    pairs = x + radius * rng.uniform(-1, 1, size=(100, 3))
    for i in range(3):
        further = pairs.copy()
        further[:, i] = rng.uniform(pairs[:, i], x[i] + radius)
        change = np.asarray(net(jnp.asarray(further)) - net(jnp.asarray(pairs)))
        assert (change[:, found.rising[:, i]] >= -1e-12).all()
        assert (change[:, found.falling[:, i]] <= 1e-12).all()


def test_batches():
    net, rng = case(2)
    x = rng.normal(size=(2, 3))
    many, one = monotone_in(net, x, 0.2), monotone_in(net, x[1], 0.2)
    assert many.rising.shape == (2, 3, 3)
    np.testing.assert_array_equal(many.rising[1], one.rising)
    several, single = certified_radius(net, x), certified_radius(net, x[1])
    assert (several.radius.shape, single.radius.shape) == ((2,), ())
    np.testing.assert_allclose(several.radius[1], single.radius, atol=2e-6)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"label": 3}, "label must be from 0 to 2, got 3"),
        ({"label": [0, 1]}, r"label must be a class, or one for each of 1 inputs, got \[0, 1\]"),
        ({"label": 0.5}, "label must be a class, or one for each of 1 inputs, got 0.5"),
        ({"limit": 0.0}, "limit must be positive and finite, got 0.0"),
        ({"method": "exact"}, "method must be one of 'ibp', 'recurjac', 'lirpa', 'coupled', got 'exact'"),
        ({"net": Network.sequential([(np.ones((1, 3)), None)])}, "net must have two outputs at least"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_wrong_arguments_are_named(given_, message):
    arguments = {"net": case(0)[0], "x0": np.zeros(3)} | given_
    with pytest.raises(ValueError, match=message):
        certified_radius(**arguments)


def test_bounds_of_signs_hold_for_the_jacobian():
    net, rng = case(5)
    x = rng.normal(size=3)
    found = monotone_in(net, x, 0.3)
    points = jnp.asarray(x + 0.3 * rng.uniform(-1, 1, size=(200, 3)))
    jacobians = np.asarray(jax.vmap(net.jacobian)(points))
    assert (jacobians[:, found.rising] >= 0).all()
    assert (jacobians[:, found.falling] <= 0).all()
    assert found.rising.any() or found.falling.any()


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_networks_without_negative_weights_rise_although_their_bounds_are_0(activation):
    rng = np.random.default_rng(0)
    layers = [Conv(rng.uniform(size=(2, 1, 2))), Flatten(), Residual([Dense(rng.uniform(size=(4, 4)))])]
    layers += [Dense(rng.uniform(size=(1, 4)))]
    net = Network.from_layers(layers, input_shape=(1, 3), activation=activation)
    found = monotone_in(net, np.zeros(3), 2.0)
    assert found.rising.all() == (activation != "gelu")  # whose derivative is negative somewhere
    assert not found.falling.any()
