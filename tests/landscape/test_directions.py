"""Directions: norms filter by filter in both layouts, biases, orthogonal pairs, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from ntkit.landscape import between, direction_pair, filter_normalized, gaussian, layer_normalized
from ntkit.strategies import seeds

pytestmark = pytest.mark.usefixtures("hardly_optimised")

KEY = jax.random.key(0)


def filters(leaf, axis):
    return np.moveaxis(np.asarray(leaf), axis, 0).reshape(leaf.shape[axis], -1)


@given(seeds())
def test_filters_of_a_direction_have_the_norms_of_the_parameters_in_both_layouts(seed):
    rng = np.random.default_rng(seed)
    shapes = {"dense": (3, 5), "conv": (2, 3, 4, 6), "bias": (5,), "gain": ()}
    params = {name: jnp.asarray(rng.normal(size=shape)) for name, shape in shapes.items()}
    params["dense"] = params["dense"].at[:, 2].set(0)  # a filter that is dead
    turned = {name: jnp.moveaxis(leaf, -1, 0) if leaf.ndim > 1 else leaf for name, leaf in params.items()}
    for tree, axis in ((params, -1), (turned, 0)):
        way = filter_normalized(jax.random.key(seed), tree, filter_axis=axis).tree
        for name in ("dense", "conv"):
            norms, expected = (np.linalg.norm(filters(one[name], axis), axis=1) for one in (way, tree))
            np.testing.assert_allclose(norms, expected, rtol=1e-12)
        assert not way["bias"].any()
        assert not way["gain"].any()


def test_axes_may_be_given_by_path_or_as_a_pytree():
    params = {"torch": jnp.ones((2, 3)), "jax": jnp.full((2, 3), 2.0)}
    by_tree = filter_normalized(KEY, params, filter_axis={"torch": 0, "jax": -1})
    by_path = filter_normalized(KEY, params, filter_axis=lambda path, leaf: 0 if path[0].key == "torch" else 1)
    for name, axis, norm in (("torch", 0, np.sqrt(3)), ("jax", 1, np.sqrt(8))):
        np.testing.assert_allclose(np.linalg.norm(filters(by_tree.tree[name], axis), axis=1), norm)
        np.testing.assert_array_equal(by_tree.tree[name], by_path.tree[name])


@pytest.mark.parametrize("biases", ["zero", "radial", "random"])
def test_biases_stay_follow_or_are_random(biases):
    params = {"w": jnp.ones((2, 2)), "b": jnp.asarray([3.0, 4.0])}
    for make in (filter_normalized, layer_normalized):
        way = make(KEY, params, biases=biases)
        assert f"biases {biases}" in way.convention
        if biases == "random":
            np.testing.assert_allclose(np.linalg.norm(way.tree["b"]), 5)
            assert abs(way.tree["b"] - params["b"]).max() > 0.1
        else:
            np.testing.assert_array_equal(way.tree["b"], 0 * params["b"] if biases == "zero" else params["b"])


def test_scale_leaves_directions_relative_to_parameters_exactly():
    """Tiny filters, too: there is no 1e-10 in the denominator."""
    params = {"w": jnp.asarray(np.random.default_rng(0).normal(size=(3, 4)))}
    tiny = {"w": params["w"] * 2.0**-100}
    way, small = (filter_normalized(KEY, tree).tree["w"] for tree in (params, tiny))
    np.testing.assert_array_equal(way * 2.0**-100, small)


def test_layers_have_the_norms_of_the_parameters():
    params = {"w": jnp.asarray(np.random.default_rng(0).normal(size=(3, 4)))}
    np.testing.assert_allclose(jnp.linalg.norm(layer_normalized(KEY, params).tree["w"]), jnp.linalg.norm(params["w"]))


def test_pairs_say_their_angle_and_are_closer_to_orthogonal_than_independent_ones():
    params = [jnp.asarray(np.random.default_rng(0).normal(size=(4, 3))), jnp.ones(3)]
    pairs, alone = [], []
    for seed in range(50):
        pair = direction_pair(jax.random.key(seed), params)
        first, second = (np.concatenate([leaf.ravel() for leaf in way.tree]) for way in (pair.first, pair.second))
        np.testing.assert_allclose(pair.cosine, first @ second / np.linalg.norm(first) / np.linalg.norm(second), atol=1e-14)
        one, two = (filter_normalized(key, params).tree[0].ravel() for key in jax.random.split(jax.random.key(seed)))
        pairs.append(abs(pair.cosine))
        alone.append(abs(float(one @ two / jnp.linalg.norm(one) / jnp.linalg.norm(two))))
    assert np.mean(pairs) < 0.7 * np.mean(alone)


def test_a_direction_turns_round_and_says_so():
    way = -1 * gaussian(KEY, jnp.zeros(3))
    np.testing.assert_array_equal(way.tree, -gaussian(KEY, jnp.zeros(3)).tree)
    assert way.convention == "-1 times Gaussian"


PARAMS = {"w": jnp.ones((2, 3)), "b": jnp.ones(3)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gaussian(KEY, {}), r"params must have at least one array, got {}"),
        (lambda: gaussian(KEY, {"n": jnp.arange(3)}), r"params\['n'\] must be an array of floating point numbers, got int64"),
        (lambda: gaussian(KEY, [1.0]), r"params\[0\] must be an array of floating point numbers, got 1.0"),
        (lambda: gaussian(KEY, jnp.asarray([1.0, np.nan])), "params must be finite, got NaN or infinity in 1 of 2"),
        (
            lambda: gaussian(KEY, [jnp.ones(1, np.float32), jnp.ones(1)]),
            r"params must all have one dtype, got \['float32', 'float64'\]",
        ),
        (
            lambda: filter_normalized(KEY, PARAMS, biases="none"),
            "biases must be one of .*'zero', 'radial', 'random'.*, got 'none'",
        ),
        (lambda: filter_normalized(KEY, PARAMS, filter_axis=2), r"axis of params\['w'\], \(2, 3\), got 2"),
        (lambda: filter_normalized(KEY, PARAMS, filter_axis={"w": 0}), "filter_axis must be an integer, a function or have"),
        (lambda: between(jnp.ones(2), jnp.ones(3)), r"end must be float64\[2\], as in params, got float64\[3\]"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_bad_parameters_and_options_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
