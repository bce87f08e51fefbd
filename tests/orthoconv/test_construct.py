"""Architectures and the kernels made for them: when orthogonal ones exist, and that they are."""

import jax
import numpy as np
import pytest

from ntkit.orthoconv import Architecture, gaussian_kernel, orthogonal_kernel, singular_values

LAYERS = [
    Architecture(3, 2, 4, 2, 1),
    Architecture(2, 3, 3, 1, 2),
    Architecture(5, 1, 4, 2, 2),
    Architecture(4, 1, 5, 2, 2),
    Architecture(1, 1, 3, 1, 1),
]


@pytest.mark.parametrize("layer", LAYERS)
def test_orthogonal_kernels_are_orthogonal_at_every_size(layer):
    kernel = orthogonal_kernel(jax.random.key(0), layer)
    for size in (1, 2, 5):
        np.testing.assert_allclose(singular_values(kernel, layer.S, size=size), 1.0, rtol=1e-13)


def test_orthogonal_kernels_fill_their_support():
    layer = Architecture(3, 2, 5, 2, 2)
    kernel = orthogonal_kernel(jax.random.key(1), layer)
    assert (np.abs(kernel[:, :, :4, :4]) > 1e-6).all()
    assert (kernel[:, :, 4:, :] == 0).all()


def test_gaussian_kernels_keep_the_variance_of_their_inputs():
    layer = Architecture(400, 4, 5, 1, 2)
    kernel = gaussian_kernel(jax.random.key(2), layer)
    # 40 000 entries: five standard errors of a variance are 5 sqrt(2 / 40 000) = 3.5 %.
    np.testing.assert_allclose(kernel.var() * 100, 1.0, rtol=0.035)


@pytest.mark.parametrize("make", [gaussian_kernel, orthogonal_kernel])
def test_kernels_are_functions_of_their_key(make):
    layer = LAYERS[0]
    np.testing.assert_array_equal(make(jax.random.key(3), layer), make(jax.random.key(3), layer))
    assert not np.isclose(make(jax.random.key(3), layer), make(jax.random.key(4), layer)).any()
    np.testing.assert_array_equal(make(jax.random.PRNGKey(3), layer), make(jax.random.key(3), layer))


def test_a_stride_above_the_taps_is_refused():
    with pytest.raises(ValueError, match="layer must have stride S <= k, got S=3 and k=2"):
        orthogonal_kernel(jax.random.key(0), Architecture(1, 1, 2, 3))
