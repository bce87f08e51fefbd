"""The autocorrelation and the regulariser L_orth: known values, gradients, messages."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.orthoconv import Architecture, autocorrelation, gaussian_kernel, l_orth

LAYERS = [Architecture(2, 3, 4, 1, 1), Architecture(3, 1, 3, 2, 2), Architecture(4, 2, 2, 3, 1), Architecture(2, 2, 3, 1, 2)]


def autocorrelation_by_loops(kernel, stride):
    (m, _, k), d = kernel.shape[:3], kernel.ndim - 2
    q = (k - 1) // stride
    out = np.zeros((m, m) + (2 * q + 1,) * d)
    for a, b in np.ndindex(m, m):
        for t in np.ndindex(out.shape[2:]):
            for i in np.ndindex(kernel.shape[2:]):
                j = tuple(x + stride * (y - q) for x, y in zip(i, t, strict=True))
                if all(0 <= x < k for x in j):
                    out[(a, b, *t)] += kernel[(a, slice(None), *j)] @ kernel[(b, slice(None), *i)]
    return out


@pytest.mark.parametrize("layer", LAYERS)
def test_autocorrelation_is_its_definition(layer):
    kernel = gaussian_kernel(jax.random.key(0), layer)
    expected = autocorrelation_by_loops(kernel, layer.stride[0])
    np.testing.assert_allclose(autocorrelation(kernel, layer.stride), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_regulariser_is_its_definition(layer):
    kernel = gaussian_kernel(jax.random.key(1), layer)
    target = autocorrelation_by_loops(kernel, layer.stride[0])
    target[(slice(None), slice(None), *layer.lags)] -= np.eye(layer.out_channels)
    expected = (target**2).sum() - max(0, layer.out_channels - layer.inputs)
    np.testing.assert_allclose(l_orth(kernel, layer.stride), expected, rtol=1e-13)


def test_known_values():
    assert float(l_orth(np.zeros((3, 4, 2)))) == 3.0  # RO: |I|^2
    assert float(l_orth(np.zeros((3, 1, 2)))) == 1.0  # CO: |I|^2 - (M - C), the smallest that a rank of 1 allows is 0
    assert float(l_orth(np.ones((1, 1, 2)))) == 3.0  # R = (1, 2, 1)
    assert float(l_orth(np.ones((1, 1, 2)), 2)) == 1.0  # the lags of 1 drop out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_answered_in_kind(dtype):
    kernel = gaussian_kernel(jax.random.key(2), LAYERS[0]).astype(dtype)
    on_jax = jnp.asarray(kernel)
    for function in (autocorrelation, l_orth):
        assert isinstance(function(kernel), np.ndarray | np.generic)
        assert isinstance(jax.jit(function)(on_jax), jax.Array)
        assert function(kernel).dtype == function(on_jax).dtype == dtype
        np.testing.assert_allclose(function(on_jax), function(kernel), rtol=16 * np.finfo(dtype).eps, atol=1e-6)


def test_the_gradient_is_that_of_finite_differences():
    kernel = jnp.asarray(gaussian_kernel(jax.random.key(3), Architecture(2, 2, 3, 2, 2)))
    direction = jax.random.normal(jax.random.key(4), kernel.shape)
    _, slope = jax.jvp(lambda k: l_orth(k, 2), (kernel,), (direction,))
    step = 1e-5
    difference = (l_orth(kernel + step * direction, 2) - l_orth(kernel - step * direction, 2)) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-7)


@pytest.mark.parametrize(
    ("kernel", "stride", "message"),
    [
        (np.ones((2, 3)), 1, r"kernel must have shape \(M, C, k_1, .., k_d\) with d = 1, 2 or 3, got \(2, 3\)"),
        (np.ones((2, 3, 3, 2)), (1, 2, 2), r"stride must be one number, or 2 for 2 axes, got \(1, 2, 2\)"),
        (np.ones((2, 3, 3)) * 1j, 1, "kernel must be float32 or float64, got dtype complex128"),
        (np.full((2, 3, 3), np.nan), 1, "kernel must be finite, got NaN or infinite entries"),
        (np.ones((2, 3, 3), int), 1, "kernel must be float32 or float64, got dtype int64"),
        (np.ones((2, 3, 3)), 0, "stride must be a whole number of at least 1, got 0"),
        (np.ones((2, 0, 3)), 1, "kernel must have at least one channel and tap along every axis"),
    ],
)
def test_wrong_arguments_are_refused(kernel, stride, message):
    for function in (autocorrelation, l_orth):
        with pytest.raises(ValueError, match=message):
            function(kernel, stride)


@pytest.mark.parametrize("name", ["out_channels", "in_channels", "kernel_size", "stride"])
def test_an_architecture_refuses_numbers_below_one(name):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, got 0"):
        Architecture(**{"out_channels": 1, "in_channels": 1, "kernel_size": 1, name: 0})


def test_an_architecture_has_one_to_three_axes():
    with pytest.raises(ValueError, match="ndim must be 1, 2 or 3, got 4"):
        Architecture(1, 1, 1, 1, 4)
    with pytest.raises(ValueError, match=r"stride must be one number, or 2 for 2 axes, got \(1, 1, 1\)"):
        Architecture(1, 1, (1, 1), (1, 1, 1))
