"""The networks that claims on parametrisations train are those of `Network.init`."""

import jax
import numpy as np
import pytest

from ntkit.kernels import Weights
from paper_checks._parametrizations import DIM, TWO_HIDDEN, generator, outputs, path, start

WIDTH = 400


@pytest.mark.parametrize("parametrization", ["ntk", "standard", "mup"])
def test_networks_have_the_factors_and_sizes_of_the_instrument(parametrization):
    params = TWO_HIDDEN.init(jax.random.key(0), (DIM,), WIDTH, parametrization=parametrization)
    layers = [layer for layer in params if isinstance(layer, Weights)]
    begin = start(np.random.default_rng(0), TWO_HIDDEN, DIM, WIDTH, parametrization, count=1)
    assert begin.scales == [layer.w_scale for layer in layers]
    for ours, theirs in zip(begin.weights, layers, strict=True):
        assert ours.shape == (1, *theirs.w.shape)
        # At least 400 numbers each: four standard errors of the ratio of standard deviations are 20 %.
        assert abs(np.log(ours.std() / float(np.std(theirs.w)))) < 0.2


def test_outputs_are_those_of_the_network():
    params = TWO_HIDDEN.init(jax.random.key(0), (DIM,), 16)
    layers = [layer for layer in params if isinstance(layer, Weights)]
    x = np.random.default_rng(0).normal(size=(3, DIM))
    ours = outputs(TWO_HIDDEN, [layer.w for layer in layers], [layer.w_scale for layer in layers], x)
    np.testing.assert_allclose(ours, TWO_HIDDEN.apply(params, x)[:, 0], rtol=1e-13)


def test_one_rate_is_maximal_update_but_for_the_first_layers_updates():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(4, DIM)), random.normal(size=4)
    mup, one = (path(generator(jax.random.key(1)), x, y, 16, name) for name in ("mup", "one-rate"))
    for a, b in zip(mup.first, one.first, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    moves = [[after - before for before, after in zip(run.first, run.second, strict=True)] for run in (mup, one)]
    for factor, a, b in zip((16, 1, 1), *moves, strict=True):
        np.testing.assert_allclose(a, factor * b, rtol=1e-9, atol=1e-13)
