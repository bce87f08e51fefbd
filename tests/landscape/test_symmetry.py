"""Permutations: functions that stay, planted ones that are found, and all permutations tried."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.landscape import chain, match, permuted
from ntkit.landscape._symmetry import units
from ntkit.strategies import seeds
from tests.landscape.models import outputs, perceptron

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)


def orders(rng, params, symmetry):
    return {name: rng.permutation(size) for name, size in units(params, symmetry).items()}


def inner(one, other):
    return sum(float(np.vdot(a, b)) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


@given(seeds(), st.lists(st.integers(1, 6), min_size=3, max_size=6))
@settings(max_examples=15)
def test_functions_stay_and_planted_orders_are_the_best(seed, widths):
    rng = np.random.default_rng(seed)
    params, x = perceptron(rng, widths), jnp.asarray(rng.normal(size=(5, widths[0])))
    symmetry = chain(params)
    twin = permuted(params, symmetry, orders(rng, params, symmetry))
    np.testing.assert_allclose(outputs(twin, x), outputs(params, x), atol=1e-12)
    found = match(params, twin, symmetry, key=KEY)
    assert (np.diff(found.objective) >= 0).all()
    still = float((params[-1]["bias"] ** 2).sum())  # what nothing moves
    assert found.objective[-1] + still <= inner(params, params) * (1 + 1e-12)  # by Cauchy and Schwarz
    np.testing.assert_allclose(found.objective[-1] + still, inner(params, found.params), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(outputs(found.params, x), outputs(params, x), atol=1e-12)


@given(seeds(), st.integers(1, 5))
@settings(max_examples=10)
def test_with_one_hidden_layer_it_is_the_best_of_all(seed, width):
    one, other = (perceptron(np.random.default_rng(seed + i), (3, width, 2)) for i in (0, 10**6))
    symmetry = chain(one)
    every = [inner(one, permuted(other, symmetry, {"units0": np.array(p)})) for p in permutations(range(width))]
    best = match(one, other, symmetry, key=KEY)
    assert inner(one, best.params) == pytest.approx(max(every), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("width", [8, 32, 128])
def test_planted_orders_of_two_hidden_layers_are_recovered(width):
    rng = np.random.default_rng(0)
    params = perceptron(rng, (16, width, width, 4))
    symmetry = chain(params)
    found = match(params, permuted(params, symmetry, orders(rng, params, symmetry)), symmetry, key=KEY)
    for one, other in zip(jax.tree.leaves(found.params), jax.tree.leaves(params), strict=True):
        np.testing.assert_array_equal(one, other)


def cnn(rng):
    """3 x 3 convolutions 1-4-6 on 4 x 4 pixels, flattened with channels last, then dense."""
    shapes = [(3, 3, 1, 4), (3, 3, 4, 6), (4 * 4 * 6, 5)]
    return [{"w": jnp.asarray(rng.normal(size=shape)), "b": jnp.asarray(rng.normal(size=shape[-1]))} for shape in shapes]


def convolved(params, x):
    for layer in params[:-1]:
        z = jax.lax.conv_general_dilated(x, layer["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(z + layer["b"][None, None, None])
    return jnp.matmul(x.reshape(len(x), -1), params[-1]["w"]) + params[-1]["b"][None]


def test_convolutions_and_flattened_channels():
    rng = np.random.default_rng(0)
    params, x = cnn(rng), jnp.asarray(rng.normal(size=(2, 4, 4, 1)))
    symmetry = chain(params)
    assert units(params, symmetry) == {"units0": 4, "units1": 6}
    twin = permuted(params, symmetry, orders(rng, params, symmetry))
    np.testing.assert_allclose(convolved(twin, x), convolved(params, x), atol=1e-10)
    found = match(params, twin, symmetry, key=KEY).params
    np.testing.assert_array_equal(found[1]["w"], params[1]["w"])


@pytest.mark.parametrize("between", [(), {"scale": jnp.ones(4), "shift": jnp.zeros(4)}], ids=["nothing", "normalisation"])
def test_layers_without_weights_leave_the_units_as_they_are(between):
    rng = np.random.default_rng(0)
    params = ({"w": jnp.asarray(rng.normal(size=(3, 4)))}, between, {"w": jnp.asarray(rng.normal(size=(4, 2)))})
    symmetry = chain(params)
    assert units(params, symmetry) == {"units0": 4}
    assert symmetry[2] == {"w": ("units0", None)}
    assert symmetry[1] == ({"scale": ("units0",), "shift": ("units0",)} if between else ())
    assert isinstance(match(params, params, symmetry, key=KEY).params, tuple)


def test_a_large_leaf_that_nothing_moves_hides_no_gain():
    one, other = (perceptron(np.random.default_rng(seed), (3, 4, 2)) for seed in (1, 2))
    for layers in (one, other):
        layers[1]["bias"] = jnp.full(2, 1e8)
    small = [{**layer, "bias": layer["bias"] * float(i == 0)} for i, layer in enumerate(other)]
    every = [inner(one, permuted(small, chain(one), {"units0": np.array(p)})) for p in permutations(range(4))]
    assert match(one, other, chain(one), key=KEY).objective[-1] == pytest.approx(max(every), rel=1e-10)


def residual(params, x):
    x = jnp.matmul(x, params["in"])
    for block in params["blocks"]:
        x = x + jnp.matmul(jax.nn.relu(jnp.matmul(x, block["up"])), block["down"])
    return jnp.matmul(x, params["out"])


def residual_case(rng, square=False):
    blocks = [{"up": jnp.asarray(rng.normal(size=(4, 6))), "down": jnp.asarray(rng.normal(size=(6, 4)))} for _ in range(2)]
    params = {"in": jnp.asarray(rng.normal(size=(3, 4))), "blocks": blocks, "out": jnp.asarray(rng.normal(size=(4, 2)))}
    symmetry = {
        "in": (None, "stream"),
        "blocks": [{"up": ("stream", f"hidden{i}"), "down": (f"hidden{i}", "stream")} for i in range(2)],
        "out": ("stream", None),
    }
    if square:
        params["mix"], symmetry["mix"] = jnp.asarray(rng.normal(size=(4, 4))), ("stream", "stream")
    return params, symmetry


def test_residual_streams_share_one_order():
    rng = np.random.default_rng(0)
    params, symmetry = residual_case(rng)
    x = jnp.asarray(rng.normal(size=(5, 3)))
    twin = permuted(params, symmetry, orders(rng, params, symmetry))
    np.testing.assert_allclose(residual(twin, x), residual(params, x), atol=1e-10)
    found = match(params, twin, symmetry, key=KEY)
    np.testing.assert_array_equal(found.params["in"], params["in"])


@given(seeds())
@settings(max_examples=10)
def test_where_an_order_acts_twice_on_a_leaf_the_objective_still_never_falls(seed):
    rng = np.random.default_rng(seed)
    (params, symmetry), (other, _) = residual_case(rng, square=True), residual_case(rng, square=True)
    assert (np.diff(match(params, other, symmetry, key=KEY).objective) >= 0).all()


def test_equal_units_are_ties_and_end():
    params = [{"w": jnp.zeros((2, 5)), "b": jnp.zeros(5)}, {"w": jnp.zeros((5, 1)), "b": jnp.zeros(1)}]
    assert match(params, params, chain(params), key=KEY).sweeps == 1


@pytest.mark.usefixtures("without_type_checks")
def test_what_is_wrong_is_said():
    params = perceptron(np.random.default_rng(0), (3, 4, 2))
    symmetry = chain(params)
    for call, said in (
        (lambda: chain(jnp.zeros(3)), "params must be a list or tuple of at least one layer, got ArrayImpl"),
        (lambda: permuted(params, symmetry, {}), r"permutations must have 'units0', got \[\]"),
        (
            lambda: permuted(params, symmetry, {"units0": np.array([0, 0, 1, 2])}),
            r"permutations\['units0'\] must have each of 0 to 3 once, got array\(\[0, 0, 1, 2\]\)",
        ),
        (
            lambda: permuted(params, symmetry, {"units0": np.arange(4.0)}),
            r"permutations\['units0'\] must have each of 0 to 3 once, got array\(\[0., 1., 2., 3.\]\)",
        ),
        (lambda: permuted(params, [{}], {}), "symmetry must have the structure of params, with a tuple of names at each leaf"),
        (lambda: units([jnp.zeros((2, 3))], [("a",)]), r"symmetry\[0\] must have a name or None for each axis of \(2, 3\)"),
        (lambda: units([jnp.zeros(2)], [3]), r"symmetry\[0\] must be a tuple of names and None, got 3"),
        (
            lambda: units([jnp.zeros((2, 3))], [("a", "a")]),
            r"symmetry must name axes whose lengths are multiples of the shortest, got \[2, 3\] for 'a'",
        ),
        (lambda: match(params, params, jax.tree.map(lambda leaf: (None,) * leaf.ndim, params), key=KEY), "got none"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
