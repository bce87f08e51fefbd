"""Kernels of any scale: nothing over- or underflows on the way to a norm."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.orthoconv import (
    condition_number,
    construct,
    extreme_singular_values,
    frobenius_error,
    nearest,
    singular_values,
    spectral_norm,
)

SCALES = tuple(2.0**power for power in (-1000, -660, -538, -100, 100, 515, 1000))  # exact, so that nothing else differs


def kernel(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("padding", ["circular", "same", "valid"])
@pytest.mark.parametrize("scale", SCALES)
def test_the_norm_scales_with_the_kernel(padding, scale):
    plain = kernel(3, 2, 3)
    expected = float(spectral_norm(plain, 8, padding=padding)) * scale
    np.testing.assert_allclose(spectral_norm(plain * scale, 8, padding=padding), expected, rtol=2e-6)


@pytest.mark.parametrize("shape", [(3, 2, 3), (1, 1, 2), (30, 2, 3)])
@pytest.mark.parametrize("scale", SCALES[::3])
def test_ends_of_large_layers_hold_at_every_scale(shape, scale):
    plain = kernel(*shape)
    whole = [extreme_singular_values(plain * s, 4000, padding="valid") for s in (1.0, scale)]
    for one, other in zip(*[(*found.largest, *found.smallest) for found in whole], strict=True):
        assert other == one * scale
    assert whole[1].largest[0] <= whole[1].largest[1]
    assert whole[1].smallest[0] <= whole[1].smallest[1]


def test_the_upper_bound_of_a_tiny_layer_is_one():
    """Two equal taps: the norm of n of them is 2 cos(pi / (2 n + 2)) times their size, here 1.99999985."""
    found = extreme_singular_values(np.full((1, 1, 2), 1e-161), 4000, padding="valid")
    truth = 2 * np.cos(np.pi / 8002) * 1e-161
    assert found.largest[0] <= truth * (1 + 1e-12)
    assert found.largest[1] >= truth * (1 - 1e-12)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_large_layer_of_zeros_has_nothing_but_zeros(padding):
    found = extreme_singular_values(np.zeros((3, 2, 3)), 4000, padding=padding)
    assert found.largest == found.smallest == (0.0, 0.0)
    assert spectral_norm(np.zeros((40, 40, 3)), 64) == 0


def test_conditions_do_not_depend_on_the_size_of_the_image():
    """A diagonal layer of stride 1 has the singular values of its one tap, however long the axis."""
    for dtype, small in ((np.float32, 1e-4), (np.float64, 1e-11)):
        diagonal = np.diag([1.0, small]).astype(dtype)[:, :, None]
        for size in (10, 4000, 100_000):
            np.testing.assert_allclose(condition_number(diagonal, size), 1 / small, rtol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_kernels_of_many_taps_that_are_singular_have_no_condition(seed):
    """Taps that sum to 0 for each input: frequency 0 has the singular value 0."""
    taps = np.random.default_rng(seed).normal(size=(1, 1, 202))
    assert condition_number(taps - taps.mean(), 2) == np.inf


def test_the_error_of_kernels_that_overflow_is_refused():
    for padding in ("circular", "valid"):
        with pytest.raises(ValueError, match=r"kernel must have entries whose fourth powers are finite, got some of 1e\+155"):
            frobenius_error(np.full((1, 1, 2), 1e155), 4, padding=padding)
    with pytest.raises(ValueError, match=r"kernel must have entries of at most 1e\+50, got 1e\+155"):
        nearest(np.full((1, 1, 2), 1e155))


def test_the_frobenius_error_has_the_gradient_0_where_it_is_0():
    eye = jnp.eye(3)[:, :, None]
    np.testing.assert_array_equal(jax.grad(lambda k: frobenius_error(k, 5))(eye), 0)
    assert float(jnp.abs(jax.grad(lambda k: frobenius_error(k, 5))(1.1 * eye)).max()) > 0.1


def test_singular_values_in_more_than_one_part_are_the_same():
    plain = kernel(2, 3, 3, 3)
    np.testing.assert_allclose(float(spectral_norm(plain, (40, 300))), singular_values(plain, (40, 300)).max(), rtol=1e-6)


@pytest.mark.parametrize(
    ("layer", "seed"),
    [
        ({"out_channels": 4, "in_channels": 1, "kernel_size": (3, 2), "stride": (2, 1)}, 59),
        ({"out_channels": 2, "in_channels": 2, "kernel_size": 3, "ndim": 2}, 4),
        ({"out_channels": 2, "in_channels": 2, "kernel_size": 3, "ndim": 2}, 39),
    ],
)
def test_beside_an_orthogonal_kernel_there_is_one_that_is_nearer(layer, seed):
    orthogonal = construct(jax.random.key(seed), **layer)
    beside = orthogonal + 1e-3 * np.random.default_rng(seed).normal(size=orthogonal.shape)
    found = nearest(beside, layer.get("stride", 1))
    assert found.distance <= np.linalg.norm(beside - orthogonal)
    assert found.spectral_error < 1e-6
