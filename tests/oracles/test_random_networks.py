"""Thirty random networks against neural-tangents, and against their definition in 40 digits."""

import jax
import numpy as np
import pytest

from ntkit.kernels._chain import Branches
from tests.oracles import reference, stax
from tests.oracles.random_networks import LAYERS, random_network

pytestmark = pytest.mark.usefixtures("hardly_optimised")

SEEDS = range(30)


@pytest.fixture(autouse=True)
def _fast_compilation():
    """XLA's costly passes change no result by more than rounding, and take half of the time here."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.filterwarnings("ignore:.*FanIn.*:UserWarning", "ignore:Got potentially mismatching:UserWarning")
@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_have_the_kernels_of_both_references(seed):
    """All pairs of three inputs, the first of them twice.

    neural-tangents keeps correlations, so that it knows the angle of equal patches to the root of rounding only: 1e-8, times a
    few for the sum over pixels. That concerns its diagonal and the repeated input; there the definition judges alone.
    """
    network, shape = random_network(seed)
    x = np.random.default_rng(seed).normal(size=(3, *shape))
    x = np.concatenate([x, x[:1]])
    exact = reference.kernels(network, x)
    sizes = [np.sqrt(np.outer(np.diag(kernel), np.diag(kernel))) for kernel in exact]
    for got, kernel, size in zip(network.kernels(x), exact, sizes, strict=True):
        np.testing.assert_array_equal(got, got.T)
        assert (np.abs(got - kernel) <= 5e-14 * size).all()
    for got, kernel, size in zip(network.kernels(x, x[::-1]), exact, sizes, strict=True):
        assert (np.abs(got - kernel[:, ::-1]) <= 5e-14 * size[:, ::-1]).all()

    second = None if seed % 2 else x[::-1]
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        theirs = jax.jit(lambda x: tuple(stax.kernel_fn(network, len(shape) - 1)(x, second, ("nngp", "ntk"))))(x)
    equal = np.eye(4, dtype=bool)
    equal[0, 3] = equal[3, 0] = True
    for got, kernel, size in zip(theirs, exact, sizes, strict=True):
        got = np.asarray(got) if second is None else np.asarray(got)[:, ::-1]
        assert (np.abs(got - kernel)[~equal] <= 1e-10 * size[~equal]).all()
        assert (np.abs(got - kernel)[equal] <= 1e-6 * size[equal]).all()


def test_every_layer_is_drawn():
    drawn = set()

    def collect(layers):
        for layer in layers:
            drawn.add(type(layer))
            if isinstance(layer, Branches):
                drawn.add(layer.join)
                for branch in layer.branches:
                    collect(branch)

    for seed in SEEDS:
        collect(random_network(seed)[0].layers)
    assert drawn == {Branches, "sum", "product", *LAYERS}
