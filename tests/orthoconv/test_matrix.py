"""The layer as a matrix and as a function, against each other and against SciPy."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from ntkit.orthoconv import adjoint, apply, layer_matrix
from ntkit.strategies import architectures, convolutions

LAYERS = convolutions(architectures(dims=(1, 2, 3), max_channels=2, max_taps=3, max_stride=2), styles=("gaussian",))
PADDINGS = st.sampled_from(("circular", "same", "valid"))


@given(LAYERS, PADDINGS, st.integers(1, 3))
def test_the_function_is_the_matrix_and_the_adjoint_its_transpose(convolution, padding, size):
    kernel, layer = convolution.kernel, convolution.layer
    matrix = layer_matrix(kernel, size, layer.stride, padding)
    rng = np.random.default_rng(convolution.seed)
    x = rng.normal(size=(2, layer.in_channels, *layer.input_size(size, padding)))
    y = rng.normal(size=(2, layer.out_channels, *(size,) * layer.ndim))
    applied = apply(kernel, x, layer.stride, padding)
    np.testing.assert_allclose(applied.reshape(2, -1), x.reshape(2, -1) @ matrix.T, rtol=1e-12, atol=1e-13)
    back = adjoint(kernel, y, layer.stride, padding)
    assert isinstance(applied, np.ndarray)
    np.testing.assert_allclose(back.reshape(2, -1), y.reshape(2, -1) @ matrix, rtol=1e-12, atol=1e-13)


def test_scipy_agrees():
    rng = np.random.default_rng(0)
    kernel, x = rng.normal(size=(1, 1, 3, 4)), rng.normal(size=(1, 7, 9))
    valid = scipy.signal.correlate2d(x[0], kernel[0, 0], mode="valid")
    np.testing.assert_allclose(apply(kernel, x, padding="valid")[0], valid, rtol=1e-12)
    strided = scipy.signal.correlate2d(x[0], kernel[0, 0], mode="valid")[::2, ::3]
    np.testing.assert_allclose(apply(kernel, x, (2, 3), padding="valid")[0], strided, rtol=1e-12)
    odd = rng.normal(size=(1, 1, 3, 5))
    same = scipy.signal.correlate2d(x[0], odd[0, 0], mode="same")
    np.testing.assert_allclose(apply(odd, x, padding="same")[0], same, rtol=1e-12)
    wrapped = scipy.signal.correlate2d(x[0], odd[0, 0], mode="same", boundary="wrap")  # its window is centred
    np.testing.assert_allclose(np.roll(apply(odd, x)[0], (1, 2), axis=(0, 1)), wrapped, rtol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "x", "options", "message"),
    [
        (np.ones((1, 2, 3)), np.ones((1, 5)), {}, r"x must have shape \(.., 2, side\) for a kernel of shape \(1, 2, 3\), got"),
        (np.ones((1, 1, 3)), np.ones((1, 5), np.float32), {}, "x must have the kernel's dtype float64, got float32"),
        (
            np.ones((1, 1, 3)),
            np.ones((1, 5)),
            {"stride": 2},
            "stride must divide the sides of x for circular padding, got 2 and 5",
        ),
        (np.ones((1, 1, 3)), np.ones((1, 2)), {"padding": "valid"}, "x must have at least 3 points along an axis of 3 taps"),
        (np.ones((1, 1, 3)), np.ones((1, 2)), {"padding": "zero"}, "padding must be one of circular, same, valid, got 'zero'"),
    ],
)
def test_what_does_not_fit_is_refused(without_type_checks, kernel, x, options, message):
    with pytest.raises(ValueError, match=message):
        apply(kernel, x, **options)


def test_jax_arrays_are_answered_in_kind():
    assert isinstance(apply(jnp.ones((1, 1, 2)), jnp.ones((1, 3))), jnp.ndarray)
    assert layer_matrix(np.ones((1, 1, 2), np.float32), 3).dtype == np.float32
