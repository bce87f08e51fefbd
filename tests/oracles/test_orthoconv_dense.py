"""Convolution layers against their dense matrices, written out entry by entry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkit.orthoconv import frobenius_error, singular_values
from ntkit.strategies import convolutions


def dense_matrix(kernel, stride, size):
    """A of y[m, n] = sum_{c, i} K[m, c, i] x[c, (S n + i) mod S N]."""
    (m, c), taps = kernel.shape[:2], kernel.shape[2:]
    d = len(taps)
    strides = stride if isinstance(stride, tuple) else (stride,) * d
    sides = tuple(s * size for s in strides)
    matrix = np.zeros((m, *(size,) * d, c, *sides))
    for n in np.ndindex((size,) * d):
        for i in np.ndindex(taps):
            position = tuple((s * a + b) % side for s, side, a, b in zip(strides, sides, n, i, strict=True))
            matrix[(slice(None), *n, slice(None), *position)] += kernel[(slice(None), slice(None), *i)]
    return matrix.reshape(m * size**d, c * np.prod(sides))


@given(convolutions(), st.integers(1, 4))
def test_singular_values_are_those_of_the_matrix(convolution, size):
    kernel, stride = convolution.kernel, convolution.layer.stride
    expected = np.linalg.svd(dense_matrix(kernel, stride, size), compute_uv=False)
    got = singular_values(kernel, size, stride)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13 * expected[0])


@given(convolutions(), st.integers(1, 4))
def test_the_frobenius_error_is_that_of_the_matrix(convolution, size):
    kernel, layer = convolution.kernel, convolution.layer
    matrix = dense_matrix(kernel, layer.stride, size)
    gram = matrix @ matrix.T if layer.rows_only else matrix.T @ matrix
    expected = np.linalg.norm(gram - np.eye(len(gram)))
    np.testing.assert_allclose(frobenius_error(kernel, size, layer.stride), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_matrix_is_the_layer(stride):
    """The dense matrix itself, against the sum of the definition on one input."""
    rng = np.random.default_rng(0)
    kernel, x = rng.normal(size=(2, 3, 3)), rng.normal(size=(3, 4 * stride))
    y = np.zeros((2, 4))
    for m, n in np.ndindex(2, 4):
        y[m, n] = sum(kernel[m, c, i] * x[c, (stride * n + i) % (4 * stride)] for c in range(3) for i in range(3))
    np.testing.assert_allclose(dense_matrix(kernel, stride, 4) @ x.ravel(), y.ravel(), rtol=1e-12)
