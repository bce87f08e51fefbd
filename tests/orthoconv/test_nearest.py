"""Orthogonal kernels near a given one: exactly orthogonal, and no farther than what is known to be near."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings

from ntkit.orthoconv import Architecture, construct, gaussian_kernel, nearest, spectral_error
from ntkit.strategies import architectures, convolutions


@settings(max_examples=15)
@given(convolutions(architectures(max_channels=3, max_taps=3, max_stride=2), styles=("noisy", "orthogonal")))
def test_an_orthogonal_kernel_is_found_within_the_noise(convolution):
    layer, kernel = convolution.layer, convolution.kernel
    if convolution.style == "gaussian":  # no orthogonal layer
        with pytest.raises(ValueError, match="kernel must have a shape that allows an orthogonal layer, but none exists"):
            nearest(kernel, layer.stride)
        return
    found = nearest(kernel, layer.stride)
    exact = construct(jax.random.key(convolution.seed), **vars(layer))
    assert found.distance <= np.linalg.norm(kernel - exact) * (1 + 1e-6) + 1e-9
    np.testing.assert_allclose(found.distance, np.linalg.norm(found.kernel - kernel), rtol=1e-9, atol=1e-12)
    assert spectral_error(found.kernel, 4, layer.stride) <= found.spectral_error + 1e-13
    assert found.spectral_error < 1e-9


@pytest.mark.parametrize(
    "layer", [Architecture(3, 2, 3), Architecture(3, 3, 3), Architecture(9, 1, 3, 2, 2), Architecture(2, 1, 5, 3)]
)
def test_far_kernels_end_in_a_local_minimum(layer):
    kernel = gaussian_kernel(jax.random.key(1), layer)
    found = nearest(kernel, layer.stride)
    assert found.converged
    assert float(spectral_error(found.kernel, 5, layer.stride)) < 1e-9
    # Rotations of the outputs keep a layer orthogonal: none of those close by is nearer.
    rng = np.random.default_rng(0)
    for _ in range(20):
        turn = rng.normal(size=(layer.out_channels, layer.out_channels))
        u, _, vh = np.linalg.svd(np.eye(layer.out_channels) + 1e-2 * (turn - turn.T))
        beside = np.tensordot(u @ vh, found.kernel, axes=1)
        assert np.linalg.norm(beside - kernel) >= found.distance * (1 - 1e-5)


def test_one_tap_is_the_polar_factor():
    kernel = np.random.default_rng(0).normal(size=(3, 5, 1))
    u, _, vh = np.linalg.svd(kernel[..., 0], full_matrices=False)
    np.testing.assert_allclose(nearest(kernel).kernel[..., 0], u @ vh, atol=1e-7)
