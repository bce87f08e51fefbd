"""Laws of kernels, on random networks and inputs, degenerate ones among them."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.kernels import Dense, GlobalAvgPool, Relu, serial
from ntkit.strategies import images, networks, spheres

pytestmark = pytest.mark.usefixtures("hardly_optimised")

EPS = np.finfo(float).eps
ROUNDING = 50 * EPS  # kernels are exact to a few epsilon a layer; the networks have at most seven layers
POINTS = spheres(counts=(4,), dims=(3,))  # few shapes: each one compiles


def laws(network, x):
    """What holds for every network and batch; the two kernels."""
    nngp, ntk = kernels = [np.asarray(kernel) for kernel in network.kernels(x)]
    order = np.arange(len(x))[::-1]
    for kernel, twice, mixed in zip(kernels, network.kernels(x, x), network.kernels(x[order], x), strict=True):
        size = np.sqrt(np.diag(kernel))
        slack = ROUNDING * np.outer(size, size)
        assert np.isfinite(kernel).all()
        np.testing.assert_array_equal(kernel, kernel.T)
        assert (np.abs(twice - kernel) <= slack).all()
        assert (np.abs(mixed - kernel[order]) <= slack[order]).all()
        assert (np.abs(kernel) <= np.outer(size, size) + slack).all()  # Cauchy-Schwarz
        assert np.linalg.eigvalsh(kernel).min() >= -ROUNDING * np.trace(kernel)
    assert np.linalg.eigvalsh(ntk - nngp).min() >= -ROUNDING * np.trace(ntk)
    return nngp, ntk


@given(networks(), POINTS)
def test_kernels_of_points_are_symmetric_and_positive(chain, sphere):
    for kernel in laws(chain.network, sphere.points):
        if sphere.style == "equal":
            np.testing.assert_allclose(kernel[0], kernel[1], rtol=ROUNDING, atol=ROUNDING)


@settings(max_examples=10)
@given(networks(max_hidden=2), spheres(counts=(1,), dims=(1,)))
def test_a_single_number_has_kernels(chain, sphere):
    laws(chain.network, sphere.points)


@given(networks(), POINTS)
def test_rotations_change_nothing(chain, sphere):
    net = chain.network
    rotation, _ = np.linalg.qr(np.random.default_rng(sphere.seed).normal(size=(3, 3)))
    # Points that are 1e-6 apart keep a relative distance of 1e-10 under rotation: absolutely, that is rounding again.
    for before, after in zip(net.kernels(sphere.points), net.kernels(sphere.points @ rotation), strict=True):
        np.testing.assert_allclose(after, before, rtol=0, atol=2e-8 if _mixed(net) else ROUNDING * 4)


def _mixed(net):
    """Whether a Relu comes after an Erf: the one case whose small angles are known to the root of rounding only."""
    names = [type(layer).__name__ for layer in net.layers]
    return "Erf" in names and "Relu" in names[names.index("Erf") :]


@given(st.integers(0, 3), POINTS, st.floats(0.01, 100))
def test_relu_without_bias_is_homogeneous(hidden, sphere, scale):
    net = serial(*[layer for _ in range(hidden) for layer in (Dense(1.3), Relu())], Dense(0.8))
    x = sphere.points
    for kernel, scaled in zip(net.kernels(x, x), net.kernels(scale * x, x), strict=True):
        np.testing.assert_allclose(scaled, scale * kernel, rtol=0, atol=ROUNDING * scale)


@pytest.fixture(scope="module", autouse=True)
def _fast_compilation():
    """Networks of images compile, each by itself; XLA's costly passes change no result by more than rounding."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@settings(max_examples=6)
@given(networks(max_hidden=2, space=1), images(shapes=((5, 2),)))
def test_kernels_of_sequences_are_symmetric_and_positive(chain, drawn):
    nngp, ntk = laws(chain.network, drawn.images)
    if drawn.style == "zero" and "0.3" not in str(chain):  # no bias
        assert nngp[1, 1] == ntk[1, 1] == 0


@settings(max_examples=4)
@given(
    networks(
        max_hidden=2,
        activations=(Relu(),),
        biases=(0.0,),
        space=2,
        paddings=("circular",),
        strides=(1,),
        ends=(GlobalAvgPool(),),
    ),
    images(shapes=((3, 4, 2),), styles=("shifted", "opposite")),
)
def test_periodic_networks_ignore_where_images_begin_and_scale_with_them(chain, drawn):
    """Moving one of two images, not both: the mean over all pixels has forgotten where they were."""
    net, x = chain.network, drawn.images
    nngp, ntk = laws(net, x)
    for kernel, moved in zip((nngp, ntk), net.kernels(np.roll(x, (1, 2), (1, 2)), x), strict=True):
        np.testing.assert_allclose(moved, kernel, rtol=0, atol=ROUNDING * np.trace(kernel))
    degree = np.log2(np.diag(net.nngp(2 * x)) / np.diag(nngp)) / 2
    np.testing.assert_allclose(degree, np.round(degree[0]), atol=1e-12)  # one, doubled by every product
