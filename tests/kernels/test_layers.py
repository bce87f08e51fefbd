"""Kernels and finite networks of single layers and their compositions: known values, laws, dtypes, messages."""

from math import asin, pi, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.kernels import Dense, Erf, Relu, serial

ROOT2 = 2**0.5
TWO_HIDDEN = serial(Dense(), Relu(), Dense(ROOT2), Relu(), Dense(ROOT2))


def arc_cosine_0(u):
    return (pi - np.arccos(u)) / pi


def arc_cosine_1(u):
    return (u * (pi - np.arccos(u)) + np.sqrt(1 - u**2)) / pi


def pairs(*cosines):
    """Inputs of mean square 1: one fixed point, and one at each of the given cosines to it."""
    u = np.array(cosines)
    return np.array([[ROOT2, 0.0]]), ROOT2 * np.stack([u, np.sqrt(1 - u**2)], axis=1)


def test_relu_has_the_recursion_of_arc_cosine_kernels():
    x, z = pairs(-1.0, -0.8, 0.0, 0.3, 0.9, 1.0)
    u = np.clip((x @ z.T)[0] / 2, -1, 1)
    s1, s2 = arc_cosine_1(u), arc_cosine_1(arc_cosine_1(u))
    t1 = u * arc_cosine_0(u) + s1
    np.testing.assert_allclose(TWO_HIDDEN.nngp(x, z)[0], s2, rtol=0, atol=1e-15)
    # arccos(s1) in the reference loses digits where s1 is 1 up to rounding, and nowhere else.
    np.testing.assert_allclose(TWO_HIDDEN.ntk(x, z)[0], t1 * arc_cosine_0(np.minimum(s1, 1)) + s2, rtol=0, atol=1e-14)


@pytest.mark.parametrize("hidden", [1, 2, 5])
def test_relu_tangent_kernel_on_the_diagonal_counts_the_layers(hidden):
    layers = [layer for _ in range(hidden) for layer in (Relu(), Dense(ROOT2))]
    x = np.random.default_rng(0).normal(size=(4, 7))
    x /= np.sqrt((x**2).mean(1, keepdims=True))
    kernel = serial(Dense(), *layers).ntk(x)
    np.testing.assert_allclose(np.diag(kernel), hidden + 1, rtol=1e-14)


def test_relu_knows_the_arc_cosine_constants():
    x, z = pairs(0.0, -1.0)
    one_hidden = serial(Dense(), Relu(), Dense(ROOT2))
    np.testing.assert_allclose(one_hidden.nngp(x, z)[0], [1 / pi, 0.0], rtol=1e-15, atol=0)
    np.testing.assert_allclose(one_hidden.ntk(x, z)[0], [1 / pi, 0.0], rtol=1e-15, atol=0)


def test_erf_has_the_arcsine_kernel_and_its_derivative():
    x, z = pairs(-1.0, -0.8, 0.0, 0.3, 0.9, 1.0)
    u = (x @ z.T)[0] / 2
    net = serial(Dense(), Erf(), Dense())
    nngp = np.array([2 / pi * asin(2 * c / 3) for c in u])
    np.testing.assert_allclose(net.nngp(x, z)[0], nngp, rtol=0, atol=1e-15)
    np.testing.assert_allclose(net.ntk(x, z)[0], nngp + u * 4 / pi / np.sqrt(9 - 4 * u**2), rtol=0, atol=1e-15)


def test_dense_layers_alone_are_linear_models_with_bias():
    x = np.random.default_rng(1).normal(size=(3, 5))
    z = np.random.default_rng(2).normal(size=(2, 5))
    kernel = 4.0 * x @ z.T / 5 + 0.25
    np.testing.assert_allclose(serial(Dense(2.0, 0.5)).nngp(x, z), kernel, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(serial(Dense(2.0, 0.5)).ntk(x, z), kernel, rtol=1e-13, atol=1e-14)
    two = serial(Dense(2.0, 0.5), Dense(3.0, 0.1))
    np.testing.assert_allclose(two.nngp(x, z), 9 * kernel + 0.01, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(two.ntk(x, z), 9 * kernel + 9 * kernel + 0.01, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("activation", [Relu(), Erf()])
def test_zero_inputs_have_the_kernels_of_the_biases(activation):
    x = np.array([[0.0, 0.0], [1.0, 2.0]])
    without = serial(Dense(), activation, Dense(), activation, Dense())
    for kernel in (without.nngp(x), without.ntk(x)):
        np.testing.assert_array_equal(kernel[0], 0.0)
        np.testing.assert_array_equal(kernel[:, 0], 0.0)
        assert kernel[1, 1] > 0.01
    # With a bias in the second layer only, the first two layers vanish on zero: what is left is a bias of variance b^2.
    with_bias = serial(Dense(), activation, Dense(1.0, 0.7), activation, Dense())
    b2 = 0.7**2
    nngp = b2 / 2 if activation == Relu() else 2 / pi * asin(2 * b2 / (1 + 2 * b2))
    slope = 1 / 2 if activation == Relu() else 4 / pi / sqrt((1 + 2 * b2) ** 2 - 4 * b2**2)
    np.testing.assert_allclose(with_bias.nngp(x)[0, 0], nngp, rtol=1e-15)
    np.testing.assert_allclose(with_bias.ntk(x)[0, 0], nngp + b2 * slope, rtol=1e-15)
    assert np.isfinite(with_bias.ntk(x)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [Relu(), Erf()])
def test_the_dtype_of_the_inputs_is_kept(activation, dtype):
    x = np.eye(3, dtype=dtype)
    net = serial(Dense(1.5, 0.1), activation, Dense(1.5, 0.1))
    assert net.nngp(x).dtype == dtype
    assert jax.jit(net.ntk)(x, x[:2]).dtype == dtype


def test_compiled_and_plain_kernels_agree():
    x = np.random.default_rng(3).normal(size=(4, 6))
    np.testing.assert_allclose(jax.jit(TWO_HIDDEN.ntk)(x), TWO_HIDDEN.ntk(x), rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Dense(0.0), "w_std must be a positive number, got 0.0"),
        (lambda: Dense(float("nan")), "w_std must be a positive number, got nan"),
        (lambda: Dense(1.0, -0.1), "b_std must be a number >= 0, got -0.1"),
        (lambda: serial(), "serial needs at least one layer, got none"),
        (
            lambda: serial(Relu(), Dense()).ntk(np.eye(2)),
            r"layer 0, Relu\(\), must directly follow a layer.*got nothing before",
        ),
        (lambda: serial(Dense(), Relu(), Erf()), r"layer 2, Erf\(\), must directly follow.*got Relu\(\) before it"),
    ],
)
def test_wrong_layers_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("x1", "x2", "message"),
    [
        (np.ones(3), None, r"x1 must have shape \(inputs, ..., channels\) without empty axes, got shape \(3,\)"),
        (np.ones((2, 0)), None, r"x1 must have shape .* got shape \(2, 0\)"),
        (np.ones((2, 3)), np.ones((2, 3, 1)), r"x1 and x2 must hold inputs of the same shape, got \(3,\) and \(3, 1\)"),
        (np.ones((2, 3)), np.ones((2, 4)), r"x1 and x2 must hold inputs of the same shape, got \(3,\) and \(4,\)"),
        (np.ones((2, 3)), np.ones((2, 3), np.float32), "the same dtype, got float64 and float32"),
        (np.ones((2, 3), int), None, r"x1 must be float32 or float64, got dtype int64; convert it with astype"),
        (np.array([[1.0, np.nan], [np.inf, 0.0]]), None, r"x1 must be finite, got 2 values \(of 4\)"),
    ],
)
def test_wrong_inputs_are_refused(x1, x2, message):
    for kernel in (TWO_HIDDEN.nngp, TWO_HIDDEN.ntk):
        with pytest.raises(ValueError, match=message):
            kernel(x1, x2)


def test_nested_chains_are_one_chain():
    assert serial(serial(Dense(), Relu()), serial(Dense())) == serial(Dense(), Relu(), Dense())
    assert hash(serial(Dense(), Relu())) == hash(serial(Dense(), Relu()))


def test_networks_without_readout_have_the_kernel_of_their_features():
    # Features max(0, h) average E max(0, h)^2 = 1/2 for h of variance 1.
    np.testing.assert_allclose(serial(Dense(), Relu()).nngp(jnp.ones((1, 4)))[0, 0], 0.5, rtol=1e-15)
