"""Bounds against the formulas in plain NumPy, against samples, and against each other."""

from functools import cache, partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.lipschitz import AvgPool, Conv, Dense, Flatten, Gelu, LeakyRelu, Network, Relu, Residual, Softplus, Tanh, bounds
from ntkit.strategies import seeds
from tests.oracles import lipschitz_reference as reference

pytestmark = pytest.mark.usefixtures("hardly_optimised")

WIDTHS = (3, 5, 4, 2)
METHODS, FORWARDS = ("lirpa", "recurjac", "ibp"), ("crown", "ibp", "both")
ACTIVATIONS = {
    "relu": reference.RELU, "leaky_relu": reference.LeakyRelu(0.01), "tanh": reference.TANH, "sigmoid": reference.SIGMOID,
}  # fmt: skip


def weights_of(seed, widths=WIDTHS):
    rng = np.random.default_rng(seed)
    layers = [(1.5 * rng.normal(size=(m, n)) / np.sqrt(n), 0.4 * rng.normal(size=m)) for n, m in pairwise(widths)]
    return layers, rng.normal(size=widths[0]), float(10 ** rng.uniform(-2, 0.3))


@cache
def compiled(method, forward, **options):
    return jax.jit(partial(bounds, method=method, forward=forward, **options))


def largest_sampled(net, x, radius, seed, norm=np.inf, count=300):
    """The largest dual norm of each output's derivative at random points."""
    rng = np.random.default_rng(seed)
    shifts = rng.uniform(-1, 1, (count, x.size))
    shifts[: count // 4] = np.sign(shifts[: count // 4])
    if norm != np.inf:
        shifts /= np.linalg.norm(shifts, ord=norm, axis=1, keepdims=True)
    jacobians = jax.vmap(net.jacobian)(jnp.asarray(x.ravel() + radius * shifts))
    return np.linalg.norm(np.asarray(jacobians), ord={np.inf: 1, 2: 2, 1: np.inf}[norm], axis=2).max(axis=0)


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bounds_are_those_of_the_formulas(activation, method, forward):
    for seed in range(5):
        layers, x, radius = weights_of(seed)
        net = Network.sequential(layers, activation)
        found = compiled(method, forward, outward=False)(net, jnp.asarray(x), radius)
        asked = (*zip(*layers, strict=True), x, radius, method, forward)
        expected = reference.jacobian_bound(*asked, activation=ACTIVATIONS[activation])
        low, high = reference.jacobian_entries(*asked, activation=ACTIVATIONS[activation])
        np.testing.assert_allclose(found.norm, expected, rtol=1e-11, atol=1e-13)
        scale = np.abs([low, high]).max() + 1e-13
        np.testing.assert_allclose(found.low, low, rtol=0, atol=1e-12 * scale)
        np.testing.assert_allclose(found.high, high, rtol=0, atol=1e-12 * scale)


@given(seeds(), st.sampled_from([0.0, 0.03, 1.0]))
def test_outward_bounds_are_above_plain_ones_and_hardly_so(seed, radius):
    layers, x, _ = weights_of(seed)
    net = Network.sequential(layers)
    plain, outward = (compiled("lirpa", "both", outward=way)(net, jnp.asarray(x), radius).norm for way in (False, True))
    assert (outward >= plain).all()
    np.testing.assert_allclose(outward, plain, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("activation", [Relu(), LeakyRelu(0.3), Tanh(), Gelu(), Softplus()])
@given(seed=seeds())
@settings(max_examples=15)
def test_no_derivative_at_a_point_of_the_ball_exceeds_a_bound(activation, seed):
    layers, x, radius = weights_of(seed, (3, 5, 2))
    net = Network.sequential(layers, activation)
    sampled = largest_sampled(net, x, radius, seed)
    for method, forward in (("lirpa", "both"), ("recurjac", "crown"), ("ibp", "ibp")):
        assert (compiled(method, forward)(net, jnp.asarray(x), radius).norm >= sampled * (1 - 1e-12)).all()


@pytest.mark.parametrize("norm", [2.0, 1.0])
@given(seed=seeds())
@settings(max_examples=15)
def test_bounds_hold_in_other_norms(norm, seed):
    layers, x, radius = weights_of(seed)
    net = Network.sequential(layers)
    found = compiled("lirpa", "both", norm=norm)(net, jnp.asarray(x), radius).norm
    assert (found >= largest_sampled(net, x, radius, seed, norm) * (1 - 1e-12)).all()


@given(seeds())
def test_the_ladder_holds_with_the_same_intervals(seed):
    layers, x, radius = weights_of(seed)
    net = Network.sequential(layers)
    for forward in FORWARDS:
        rungs = [compiled(method, forward, outward=False)(net, jnp.asarray(x), radius) for method in METHODS]
        for tight, loose in pairwise(rungs):
            assert (tight.norm <= loose.norm * (1 + 1e-11) + 1e-13).all()
            assert (tight.low >= loose.low - 1e-11).all()
            assert (tight.high <= loose.high + 1e-11).all()


@given(seeds(), st.sampled_from(["crown", "ibp"]))
def test_larger_balls_have_larger_bounds_where_intervals_are_nested(seed, forward):
    layers, x, radius = weights_of(seed)
    net, function = Network.sequential(layers), compiled("lirpa", forward, slopes="zero", outward=False)
    small, large = (function(net, jnp.asarray(x), r).norm for r in (radius, 1.5 * radius))
    assert (small <= large * (1 + 1e-11) + 1e-13).all()


@given(seeds())
def test_at_a_point_all_bounds_are_the_derivative(seed):
    layers, x, _ = weights_of(seed)
    net = Network.sequential(layers)
    exact = np.abs(net.jacobian(jnp.asarray(x))).sum(axis=1)
    for method in METHODS:
        found = compiled(method, "both", outward=False)(net, jnp.asarray(x), 0.0)
        np.testing.assert_allclose(found.norm, exact, rtol=1e-11, atol=1e-13)


@given(seeds(), st.integers(0, 4), st.floats(0.1, 10))
def test_scaling_a_unit_or_the_outputs_and_shifts_change_nothing_else(seed, unit, factor):
    layers, x, radius = weights_of(seed)
    function = compiled("lirpa", "both", outward=False)
    plain = function(Network.sequential(layers), jnp.asarray(x), radius).norm
    (first, start), (second, middle), (third, end) = layers
    scale = np.ones(5)
    scale[unit] = factor
    rescaled = [(first * scale[:, None], start * scale), (second / scale, middle), (third, end)]
    np.testing.assert_allclose(
        function(Network.sequential(rescaled), jnp.asarray(x), radius).norm, plain, rtol=1e-10, atol=1e-13
    )
    tripled = [*layers[:2], (-3 * third, end)]
    np.testing.assert_allclose(
        function(Network.sequential(tripled), jnp.asarray(x), radius).norm, 3 * plain, rtol=1e-10, atol=1e-13
    )
    shifted = [(first, start - first @ np.ones(3)), *layers[1:]]
    np.testing.assert_allclose(
        function(Network.sequential(shifted), jnp.asarray(x + 1), radius).norm, plain, rtol=1e-8, atol=1e-12
    )


def test_degenerate_networks():
    """Dead, linear and single units, a kink at the centre, and a box of no width."""
    x = jnp.zeros(2)
    dead = Network.sequential([(np.ones((3, 2)), -10 * np.ones(3)), (np.ones((1, 3)), None)])
    linear = Network.sequential([(np.array([[2.0, -3.0]]), None)])
    kink = Network.sequential([(np.array([[1.0, 0.0]]), None), (np.array([[1.0]]), None)])
    for radius, expected in ((0.5, (0.0, 5.0, 1.0)), (jnp.array([0.5, 0.0]), (0.0, 5.0, 1.0))):
        for net, value in zip((dead, linear, kink), expected, strict=True):
            for method in METHODS:
                found = bounds(net, x, radius, method=method, outward=False).norm
                np.testing.assert_allclose(found, [value], atol=1e-15)


def convolutional(seed):
    rng = np.random.default_rng(seed)
    layers = [
        Conv(rng.normal(size=(2, 1, 2, 2)), rng.normal(size=2), padding="same"),
        Relu(),
        Residual([Conv(rng.normal(size=(2, 2, 2, 2)) / 2, padding="circular"), Relu()]),
        AvgPool(2, 1),
        Flatten(),
        Dense(rng.normal(size=(2, 8)), rng.normal(size=2)),
    ]
    return Network.from_layers(layers, input_shape=(1, 3, 3)), rng.normal(size=(1, 3, 3))


def unrolled(net):
    """The same steps, every linear map as a matrix of flat numbers."""
    flat = [Flatten()]

    def dense(part, size):
        zero = part(jnp.zeros((1, size)))
        return Dense(np.asarray(part(jnp.eye(size)) - zero).T, np.asarray(zero[0]))

    shapes, steps = net.shapes, net.steps
    one = lambda i, j: Network(shapes[i], tuple(_moved(s, i) for s in steps[i:j]), shapes[i : j + 1])  # noqa: E731
    flat += [dense(one(0, 1), 9), Relu(), Residual([dense(one(2, 3), 18), Relu()]), dense(one(5, 8), 18)]
    return Network.from_layers(flat, input_shape=net.input_shape)


def _moved(step, by):
    return type(step)(step.linear, step.bias, step.parent - by)


def test_convolutions_have_the_bounds_of_their_matrices():
    net, x = convolutional(0)
    other = unrolled(net)
    np.testing.assert_allclose(other(jnp.asarray(x)), net(jnp.asarray(x)), rtol=1e-12)
    for method in METHODS:
        found, expected = (compiled(method, "crown", outward=False)(n, jnp.asarray(x), 0.1) for n in (net, other))
        np.testing.assert_allclose(found.norm, expected.norm, rtol=1e-12)
        np.testing.assert_allclose(found.high, expected.high, rtol=1e-12, atol=1e-12)
    assert (compiled("lirpa", "both")(net, jnp.asarray(x), 0.1).norm >= largest_sampled(net, x, 0.1, 0)).all()


def test_bounds_are_mapped_and_differentiated():
    layers, x, radius = weights_of(0, (3, 4, 2))
    net = Network.sequential(layers)
    points, radii = jnp.stack([jnp.asarray(x), jnp.asarray(x + 1)]), jnp.array([radius, 0.1])
    function = jax.jit(partial(bounds, method="lirpa", forward="both"))
    mapped = jax.vmap(lambda p, r: function(net, p, r).norm)(points, radii)
    np.testing.assert_allclose(mapped, [function(net, p, r).norm for p, r in zip(points, radii, strict=True)], rtol=1e-12)
    total = lambda r: function(net, points[0], r).norm.sum()  # noqa: E731
    slope = (total(radius + 1e-6) - total(radius - 1e-6)) / 2e-6
    np.testing.assert_allclose(jax.grad(total)(radius), slope, rtol=1e-6)
    weights = jax.grad(lambda n: function(n, points[0], 0.1).norm.sum())(net)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree_util.tree_leaves(weights))


def test_combinations_of_outputs_are_bounded():
    layers, x, radius = weights_of(1, (3, 4, 2))
    net = Network.sequential(layers)
    found = bounds(net, jnp.asarray(x), radius, outputs=jnp.array([[1.0, -1.0], [0.0, 1.0]]), outward=False)
    margin = Network.sequential([layers[0], (np.array([[1.0, -1.0], [0.0, 1.0]]) @ layers[1][0], None)])
    np.testing.assert_allclose(found.norm, bounds(margin, jnp.asarray(x), radius, outward=False).norm, rtol=1e-12)
