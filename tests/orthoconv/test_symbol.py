"""The symbol of a layer and what is read off it: singular values and Frobenius error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.orthoconv import Architecture, frobenius_error, gaussian_kernel, singular_values, symbol


def test_the_blocks_have_the_energy_of_the_layer():
    layer = Architecture(3, 2, 3, 2, 2)
    kernel = gaussian_kernel(jax.random.key(0), layer)
    blocks = symbol(kernel, 4, 2)
    assert blocks.shape == (16, 3, 8)
    np.testing.assert_allclose((np.abs(blocks) ** 2).sum(), 16 * (kernel**2).sum(), rtol=1e-13)


def test_a_shift_has_singular_values_one():
    kernel = np.zeros((1, 1, 3))
    kernel[0, 0, 2] = 1.0
    np.testing.assert_allclose(singular_values(kernel, 5), 1.0, rtol=1e-15)
    assert float(frobenius_error(kernel, 5)) < 1e-14


def test_subsampling_is_orthogonal_by_rows():
    kernel = np.ones((1, 1, 1))
    np.testing.assert_allclose(singular_values(kernel, 4, 3), 1.0, rtol=1e-15)


def test_a_kernel_longer_than_its_input_is_wrapped():
    # Ones at taps 0 and 2 on two points: both fall on the same point.
    np.testing.assert_allclose(singular_values(np.array([[[1.0, 0.0, 1.0]]]), 2), 2.0, rtol=1e-15)


@pytest.mark.parametrize(("m", "c"), [(2, 3), (3, 2)])
def test_the_error_is_that_of_the_smaller_gram_matrix(m, c):
    kernel = gaussian_kernel(jax.random.key(1), Architecture(m, c, 2))
    expected = np.sqrt(((singular_values(kernel, 5) ** 2 - 1) ** 2).sum())
    np.testing.assert_allclose(frobenius_error(kernel, 5), expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_answered_in_kind(dtype):
    kernel = gaussian_kernel(jax.random.key(2), Architecture(2, 3, 2)).astype(dtype)
    for function in (singular_values, frobenius_error):
        plain = function(kernel, 4)
        compiled = jax.jit(function, static_argnums=1)(jnp.asarray(kernel), 4)
        assert isinstance(plain, np.ndarray | np.generic)
        assert isinstance(compiled, jax.Array)
        assert plain.dtype == compiled.dtype == dtype
        np.testing.assert_allclose(compiled, plain, rtol=64 * np.finfo(dtype).eps)


def test_a_size_below_one_is_refused():
    for function in (symbol, singular_values, frobenius_error):
        with pytest.raises(ValueError, match="size must be a whole number of at least 1, got 0"):
            function(np.ones((1, 1, 1)), 0)
