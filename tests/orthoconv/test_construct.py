"""Architectures and the kernels made for them: when orthogonal ones exist, and that they are."""

import jax
import numpy as np
import pytest

from ntkit.orthoconv import Architecture, construct, gaussian_kernel, l_orth, singular_values

LAYERS = [
    Architecture(3, 2, 4, 2, 1),
    Architecture(2, 3, 3, 1, 2),
    Architecture(5, 1, 4, 2, 2),
    Architecture(4, 1, 5, 2, 2),
    Architecture(1, 1, 3, 1, 1),
]


@pytest.mark.parametrize("layer", LAYERS)
def test_orthogonal_kernels_are_orthogonal_at_every_size(layer):
    kernel = construct(jax.random.key(0), **vars(layer))
    for size in (1, 2, 5):
        np.testing.assert_allclose(singular_values(kernel, size, layer.stride), 1.0, rtol=1e-13)


@pytest.mark.parametrize(
    "layer",
    [
        Architecture(3, 2, 5, 2, 2),
        Architecture(2, 2, (3, 4, 2), (2, 1, 3)),
        Architecture(9, 2, 5, 2, 2),
        Architecture(2, 1, (3, 5), (2, 3)),
        Architecture(2, 3, 2, 4),
        Architecture(5, 1, 3, 2),
    ],
)
def test_dense_kernels_have_no_zeros(layer):
    kernel = construct(jax.random.key(1), **vars(layer))
    assert abs(float(l_orth(kernel, layer.stride))) < 1e-12
    assert (np.abs(kernel) > 1e-6).all()


def test_the_largest_lag_of_a_single_tap_forces_zeros():
    layer = Architecture(1, 1, 3, 2)  # R at lag 1 is K[0] K[2]
    kernel = construct(jax.random.key(1), **vars(layer))
    assert kernel[0, 0, 0] * kernel[0, 0, 2] == 0


def test_gaussian_kernels_keep_the_variance_of_their_inputs():
    layer = Architecture(400, 4, 5, 1, 2)
    kernel = gaussian_kernel(jax.random.key(2), layer)
    # 40 000 entries: five standard errors of a variance are 5 sqrt(2 / 40 000) = 3.5 %.
    np.testing.assert_allclose(kernel.var() * 100, 1.0, rtol=0.035)


@pytest.mark.parametrize("make", [gaussian_kernel, lambda key, layer: construct(key, **vars(layer))])
def test_kernels_are_functions_of_their_key(make):
    layer = LAYERS[0]
    np.testing.assert_array_equal(make(jax.random.key(3), layer), make(jax.random.key(3), layer))
    assert not np.isclose(make(jax.random.key(3), layer), make(jax.random.key(4), layer)).any()
    np.testing.assert_array_equal(make(jax.random.PRNGKey(3), layer), make(jax.random.key(3), layer))


def test_what_does_not_exist_is_refused_with_the_reason():
    with pytest.raises(ValueError, match=r"no orthogonal layer exists: 3 outputs and 3 inputs of a stride need rank"):
        construct(jax.random.key(0), out_channels=3, in_channels=1, kernel_size=2, stride=3)


def test_an_unknown_kind_is_refused(without_type_checks):
    with pytest.raises(ValueError, match="kind must be dense or delta, got 'sparse'"):
        construct(jax.random.key(0), out_channels=1, in_channels=1, kernel_size=1, kind="sparse")
