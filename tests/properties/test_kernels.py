"""Laws of kernels, on random networks and points, degenerate ones among them."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from ntkit.kernels import Dense, Relu, serial
from ntkit.strategies import networks, spheres

EPS = np.finfo(float).eps
ROUNDING = 50 * EPS  # kernels are exact to a few epsilon a layer; the networks have at most seven layers


def kernels(net, x, z=None):
    """NNGP and NTK; plain, since compiling each network would take longer than running it."""
    return np.asarray(net.nngp(x, z)), np.asarray(net.ntk(x, z))


@given(networks(), spheres())
def test_kernels_are_symmetric_and_positive(chain, sphere):
    for kernel in kernels(chain.network, sphere.points):
        np.testing.assert_allclose(kernel, kernel.T, rtol=ROUNDING, atol=ROUNDING)
        assert np.linalg.eigvalsh(kernel).min() >= -ROUNDING * np.trace(kernel)


@given(networks(), spheres())
def test_one_set_of_points_is_two_equal_ones(chain, sphere):
    net, x = chain.network, sphere.points
    for once, twice in zip(kernels(net, x), kernels(net, x, x), strict=True):
        np.testing.assert_array_equal(once, twice)


@given(networks(), spheres(counts=(4,)))
def test_a_part_of_the_points_has_a_part_of_the_kernel(chain, sphere):
    net, x = chain.network, sphere.points
    for whole, part in zip(kernels(net, x), kernels(net, x[:1], x), strict=True):
        np.testing.assert_allclose(part, whole[:1], rtol=ROUNDING, atol=ROUNDING)


@given(networks(), spheres(counts=(4,), dims=(3,)))
def test_rotations_change_nothing(chain, sphere):
    net = chain.network
    rotation, _ = np.linalg.qr(np.random.default_rng(sphere.seed).normal(size=(3, 3)))
    # Points that are 1e-6 apart keep a relative distance of 1e-10 under rotation: absolutely, that is rounding again.
    for before, after in zip(kernels(net, sphere.points), kernels(net, sphere.points @ rotation), strict=True):
        np.testing.assert_allclose(after, before, rtol=0, atol=2e-8 if _mixed(net) else ROUNDING * 4)


def _mixed(net):
    """Whether a Relu comes after an Erf: the one case whose small angles are known to the root of rounding only."""
    names = [type(layer).__name__ for layer in net.layers]
    return "Erf" in names and "Relu" in names[names.index("Erf") :]


@given(st.integers(0, 3), spheres(), st.floats(0.01, 100))
def test_relu_without_bias_is_homogeneous(hidden, sphere, scale):
    net = serial(*[layer for _ in range(hidden) for layer in (Dense(1.3), Relu())], Dense(0.8))
    x = sphere.points
    for kernel, scaled in zip(kernels(net, x), kernels(net, scale * x, x), strict=True):
        np.testing.assert_allclose(scaled, scale * kernel, rtol=0, atol=ROUNDING * scale)


@given(networks(), spheres())
def test_the_tangent_kernel_exceeds_the_other_by_a_positive_matrix(chain, sphere):
    nngp, ntk = kernels(chain.network, sphere.points)
    assert np.linalg.eigvalsh(ntk - nngp).min() >= -ROUNDING * np.trace(ntk)


@given(networks(activations=(Relu(),)), spheres(counts=(4,)))
def test_equal_points_have_equal_rows(chain, sphere):
    assume(sphere.style == "equal")
    for kernel in kernels(chain.network, sphere.points):
        np.testing.assert_array_equal(kernel[0], kernel[1])
