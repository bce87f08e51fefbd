"""Laws of convolution layers, on random architectures and kernels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ntkit.orthoconv import frobenius_error, l_orth, singular_values, symbol
from ntkit.strategies import convolutions, seeds

SIZES = st.integers(0, 2)  # output points beyond 2 q + 1, where lags stop to alias
TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}


def orthogonal(seed, n):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


@given(convolutions(), SIZES)
def test_the_frobenius_error_is_the_regulariser_at_every_size(convolution, more):
    layer, kernel = convolution.layer, convolution.kernel
    size = 2 * layer.q + 1 + more
    error = frobenius_error(kernel, layer.S, size=size)
    np.testing.assert_allclose(error**2, size**layer.d * l_orth(kernel, layer.S), **TOLERANCE)


@given(convolutions(), SIZES)
def test_the_spectral_error_is_bounded_by_the_regulariser(convolution, more):
    layer, kernel = convolution.layer, convolution.kernel
    values = singular_values(kernel, layer.S, size=2 * layer.q + 1 + more)
    bound = (2 * layer.q + 1) ** layer.d * l_orth(kernel, layer.S)
    assert np.abs(values**2 - 1).max() ** 2 <= bound * (1 + 1e-10) + 1e-12


@given(convolutions(styles=("gaussian",)), st.integers(1, 4))
def test_blocks_keep_the_energy(convolution, size):
    layer, kernel = convolution.layer, convolution.kernel
    blocks = symbol(kernel, layer.S, size=size)
    if size * layer.S >= layer.k:
        np.testing.assert_allclose((np.abs(blocks) ** 2).sum(), size**layer.d * (kernel**2).sum(), rtol=1e-12)
    singular = singular_values(kernel, layer.S, size=size)
    np.testing.assert_allclose((singular**2).sum(), (np.abs(blocks) ** 2).sum(), rtol=1e-12)


@given(convolutions(styles=("gaussian",)))
def test_the_regulariser_never_falls_below_the_missing_rank(convolution):
    layer = convolution.layer
    rank = min(layer.M, layer.inputs, layer.C * min(layer.k, layer.S) ** layer.d)
    attainable = min(layer.M, layer.inputs, layer.C * layer.k**layer.d)
    value = l_orth(convolution.kernel, layer.S)
    assert value >= min(layer.M, layer.inputs) - attainable - 1e-12
    assert attainable >= rank


@given(convolutions(), seeds())
def test_the_regulariser_ignores_rotations_of_channels_and_reflections_of_space(convolution, seed):
    layer, kernel = convolution.layer, convolution.kernel
    value = l_orth(kernel, layer.S)
    outputs = np.einsum("ab,b...->a...", orthogonal(seed, layer.M), kernel)
    inputs = np.einsum("ab,cb...->ca...", orthogonal(seed, layer.C), kernel)
    for same in (outputs, inputs, np.flip(kernel, axis=2), np.flip(kernel, axis=-1)):
        np.testing.assert_allclose(l_orth(same, layer.S), value, **TOLERANCE)
