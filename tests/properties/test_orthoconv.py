"""Laws of convolution layers, on random architectures and kernels."""

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ntkit.orthoconv import (
    exists,
    frobenius_error,
    l_orth,
    layer_matrix,
    singular_values,
    spectral_error,
    spectral_error_bounds,
    symbol,
)
from ntkit.strategies import convolutions, seeds

SIZES = st.integers(0, 2)  # output points beyond 2 q + 1, where lags stop to alias
TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}


def orthogonal(seed, n):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


@given(convolutions(), SIZES)
def test_the_frobenius_error_is_the_regulariser_at_every_size(convolution, more):
    layer, kernel = convolution.layer, convolution.kernel
    sizes = tuple(2 * q + 1 + more for q in layer.lags)
    error = frobenius_error(kernel, sizes, layer.stride)
    np.testing.assert_allclose(error**2, prod(sizes) * l_orth(kernel, layer.stride), **TOLERANCE)


@given(convolutions(), st.integers(1, 5))
def test_the_spectral_error_lies_between_its_bounds(convolution, size):
    layer, kernel = convolution.layer, convolution.kernel
    bounds = spectral_error_bounds(kernel, layer.stride)
    error = spectral_error(kernel, size, layer.stride)
    assert error <= bounds.upper * (1 + 1e-10) + 1e-7  # the root of a regulariser of 1e-14
    assert bounds.upper <= bounds.paper
    values = singular_values(kernel, size, layer.stride)[: layer.rank * size**layer.ndim]
    low, high = bounds.singular_values
    assert low - 1e-7 <= values[-1]
    assert values[0] <= high + 1e-7
    if all(size >= least for least in bounds.least_size):
        assert error >= bounds.lower * (1 - 1e-10) - 1e-7


@given(convolutions(styles=("gaussian",)), st.integers(1, 4))
def test_blocks_keep_the_energy(convolution, size):
    layer, kernel = convolution.layer, convolution.kernel
    blocks = symbol(kernel, size, layer.stride)
    if all(size * s >= k for s, k in zip(layer.stride, layer.kernel_size, strict=True)):
        np.testing.assert_allclose((np.abs(blocks) ** 2).sum(), size**layer.ndim * (kernel**2).sum(), rtol=1e-12)
    singular = singular_values(kernel, size, layer.stride)
    np.testing.assert_allclose((singular**2).sum(), (np.abs(blocks) ** 2).sum(), rtol=1e-12)


@given(convolutions(styles=("gaussian",)))
def test_the_regulariser_never_falls_below_the_missing_rank(convolution):
    layer = convolution.layer
    least = exists(**vars(layer)).least_l_orth
    assert least == min(layer.out_channels, layer.inputs) - layer.rank
    assert l_orth(convolution.kernel, layer.stride) >= least - 1e-12


@given(convolutions(), seeds())
def test_the_regulariser_ignores_rotations_of_channels_and_reflections_of_space(convolution, seed):
    layer, kernel = convolution.layer, convolution.kernel
    value = l_orth(kernel, layer.stride)
    outputs = np.einsum("ab,b...->a...", orthogonal(seed, layer.out_channels), kernel)
    inputs = np.einsum("ab,cb...->ca...", orthogonal(seed, layer.in_channels), kernel)
    for same in (outputs, inputs, np.flip(kernel, axis=2), np.flip(kernel, axis=-1)):
        np.testing.assert_allclose(l_orth(same, layer.stride), value, **TOLERANCE)


@given(convolutions(), st.integers(1, 3), st.sampled_from(("circular", "same", "valid")))
def test_rows_and_columns_miss_orthogonality_alike_up_to_a_constant(convolution, size, padding):
    """|A A^T - I|^2 - |A^T A - I|^2 is the number of rows less the number of columns: one regulariser serves both cases."""
    matrix = layer_matrix(convolution.kernel, size, convolution.layer.stride, padding).toarray()
    rows, columns = matrix.shape
    by_rows = ((matrix @ matrix.T - np.eye(rows)) ** 2).sum()
    by_columns = ((matrix.T @ matrix - np.eye(columns)) ** 2).sum()
    np.testing.assert_allclose(by_rows - by_columns, rows - columns, atol=1e-11 * max(by_rows, by_columns, 1.0))
