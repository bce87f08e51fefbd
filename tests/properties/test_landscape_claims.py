"""Landscapes: rescalings that leave a function as it is, and what slices then show, over random networks."""

import importlib
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from ntkit.landscape import filter_normalized, layer_normalized, slice_1d
from ntkit.strategies import seeds

FOLDER = str(Path(__file__).parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

landscapes, li2018 = importlib.import_module("_landscapes"), importlib.import_module("li2018")

WIDTHS = (3, 4, 4, 2)  # as many layers as factors
GRID = [-1.0, -0.3, 0.5]


def case(seed, kind):
    """A network with biases, its rescaled twin and the loss of both."""
    rng = np.random.default_rng(seed)
    x, labels = jnp.asarray(rng.normal(size=(9, 3))), jnp.asarray(rng.integers(0, 2, 9))
    layers = [
        {**layer, "bias": jnp.asarray(rng.normal(size=layer["bias"].size))}
        for layer in landscapes.perceptron(jax.random.key(seed), WIDTHS)
    ]
    hidden = li2018.batch_normalised if kind == "filters" else jax.nn.relu

    def loss(params):
        return landscapes.cross_entropy(params, x, labels, hidden)

    twin = li2018.rescaled(layers, kind, rng)
    before, after = (landscapes.logits(params, x, hidden) for params in (layers, twin))
    np.testing.assert_allclose(after, before, atol=1e-10 * max(1.0, float(abs(before).max())))
    return loss, layers, twin


@pytest.mark.parametrize(("kind", "same"), [("layers", True), ("filters", True), ("units", False)])
@settings(max_examples=8)
@given(seed=seeds())
def test_normalised_filters_see_through_layers_and_batch_norm_but_not_through_units(kind, same, seed):
    loss, layers, twin = case(seed, kind)
    one, other = (
        slice_1d(loss, params, filter_normalized(jax.random.key(seed), params), GRID).values for params in (layers, twin)
    )
    apart = float(np.max(abs(one - other) / (abs(one) + 1e-12)))
    assert apart <= 1e-9 if same else apart > 1e-6


def test_normalised_layers_see_through_layers_alone():
    for kind, same in (("layers", True), ("filters", False)):
        loss, layers, twin = case(0, kind)
        one, other = (
            slice_1d(loss, params, layer_normalized(jax.random.key(0), params), GRID).values for params in (layers, twin)
        )
        assert np.allclose(one, other, rtol=1e-9) == same


@settings(max_examples=8)
@given(seed=seeds())
def test_the_mean_curvature_of_normalised_filters_is_that_of_their_blocks(seed):
    """For a Hessian whose blocks are multiples of the identity each direction has exactly that curvature."""
    _, layers, _ = case(seed, "layers")
    rng = np.random.default_rng(seed)
    heights = jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(rng.normal(size=leaf.shape[-1])), leaf.shape), layers)
    hessian = np.diag(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(heights)]))
    way = filter_normalized(jax.random.key(seed), layers).tree
    curvature = sum(float((h * v**2).sum()) for h, v in zip(jax.tree.leaves(heights), jax.tree.leaves(way), strict=True))
    np.testing.assert_allclose(curvature, li2018.filtered_mean(layers, hessian, None), rtol=1e-10, atol=1e-12)
