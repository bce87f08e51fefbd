"""What is no kernel, no key, no size: refused by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ntkit.orthoconv as oc
from ntkit.orthoconv import Architecture

K = np.ones((2, 2, 3))
OF_A_KERNEL = {
    "apply": lambda k: oc.apply(k, np.ones((2, 4))),
    "adjoint": lambda k: oc.adjoint(k, np.ones((2, 4))),
    "autocorrelation": oc.autocorrelation,
    "condition_number": lambda k: oc.condition_number(k, 4),
    "extreme_singular_values": lambda k: oc.extreme_singular_values(k, 4),
    "frobenius_error": lambda k: oc.frobenius_error(k, 4),
    "l_orth": oc.l_orth,
    "layer_matrix": lambda k: oc.layer_matrix(k, 4),
    "nearest": oc.nearest,
    "singular_values": lambda k: oc.singular_values(k, 4),
    "spectral_error": lambda k: oc.spectral_error(k, 4),
    "spectral_error_bounds": oc.spectral_error_bounds,
    "spectral_norm": lambda k: oc.spectral_norm(k, 4),
    "symbol": lambda k: oc.symbol(k, 4),
}


@pytest.mark.parametrize("name", OF_A_KERNEL)
@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ([[[1.0]]], r"kernel must be a NumPy or JAX array, got list: \[\[\[1.0\]\]\]"),
        (None, "kernel must be a NumPy or JAX array, got NoneType: None"),
        (1.0, "kernel must be a NumPy or JAX array, got float: 1.0"),
        (np.float64(3.0), r"kernel must have shape \(M, C, k_1, .., k_d\) with d = 1, 2 or 3, got \(\)"),
        (np.ones((2, 3)), r"kernel must have shape \(M, C, k_1, .., k_d\) with d = 1, 2 or 3, got \(2, 3\)"),
        (K.astype(np.float16), "kernel must be float32 or float64, got dtype float16"),
        (K.astype(np.longdouble), "kernel must be float32 or float64, got dtype"),
        (K.astype(int), "kernel must be float32 or float64, got dtype int64"),
        (K * 1j, "kernel must be float32 or float64, got dtype complex128"),
        (K * np.nan, "kernel must be finite, got NaN or infinite entries"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_what_is_no_kernel_is_refused_by_every_function(name, kernel, message):
    with pytest.raises(ValueError, match=message):
        OF_A_KERNEL[name](kernel)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: oc.apply(K, [[1.0]]), "x must be a NumPy or JAX array, got list"),
        (lambda: oc.adjoint(K, None), "y must be a NumPy or JAX array, got NoneType"),
        (lambda: oc.train_orthogonal([K]), "kernels must be a NumPy or JAX array, got list"),
        (lambda: oc.train_orthogonal(K[None][:0]), r"kernels must have shape .* nothing empty, got \(0, 2, 2, 3\)"),
        (lambda: oc.train_orthogonal(K), r"kernels must have shape .* got \(2, 2, 3\)"),
        (lambda: oc.train_orthogonal(K[None], rate=True), "rate must be a positive, finite number, got True"),
        (lambda: oc.train_orthogonal(K[None], rate=np.inf), "rate must be a positive, finite number, got inf"),
        (lambda: oc.train_orthogonal(K[None], rate="3"), "rate must be a positive, finite number, got '3'"),
        (lambda: oc.gaussian_kernel(jax.random.key(0), (1, 1, 2)), r"layer must be an Architecture, got \(1, 1, 2\)"),
        (lambda: Architecture(1, 1, 3, ndim=1.0), "ndim must be a whole number of at least 1, got 1.0"),
        (lambda: Architecture(1, 1, 3, ndim=True), "ndim must be a whole number of at least 1, got True"),
        (lambda: Architecture(1, 1, 3, ndim=4), "ndim must be 1, 2 or 3, got 4"),
        (lambda: Architecture(2, 1, 2).input_size(3, "Valid"), "padding must be one of circular, same, valid, got 'Valid'"),
        (lambda: Architecture(2, 1, 2).margin("Same"), "padding must be one of circular, same, valid, got 'Same'"),
        (lambda: oc.singular_values(np.ones((4, 4, 3, 3)), 100_000), r"size must have at most 134217728 output points in all"),
        (lambda: oc.spectral_norm(np.ones((4, 4, 3, 3)), 100_000), r"size must have at most 134217728 output points in all"),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_other_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("key", [0, None, np.zeros(2), jax.random.split(jax.random.key(0), 2)])
@pytest.mark.usefixtures("without_type_checks")
def test_what_is_no_key_is_refused(key):
    layer = {"out_channels": 1, "in_channels": 1, "kernel_size": 2}
    for call in (
        lambda: oc.construct(key, **layer),
        lambda: oc.gaussian_kernel(key, Architecture(**layer)),
        lambda: oc.search_orthogonal(key, **layer, size=3),
    ):
        with pytest.raises(ValueError, match=r"key must be one JAX PRNG key, as of jax.random.key\(0\), got"):
            call()


def test_strides_may_be_an_array():
    np.testing.assert_array_equal(oc.singular_values(K, 4, np.array([2])), oc.singular_values(K, 4, 2))


def test_descent_that_leaves_the_finite_numbers_is_an_error():
    with pytest.raises(FloatingPointError, match=r"descent of 1 of 1 starts left the finite numbers, at the rate 0\.03"):
        oc.train_orthogonal(jnp.asarray(1e200 * K[None]), steps=2)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_matrices_are_not_traced_and_answers_are_in_kind(padding):
    for function in (oc.singular_values, oc.frobenius_error, oc.spectral_error, oc.condition_number):
        assert isinstance(function(jnp.asarray(K), 4, padding=padding), jax.Array)
        with pytest.raises(ValueError, match=rf"kernel must be an array, not traced by JAX .* padding='{padding}'"):
            jax.jit(lambda k, function=function: function(k, 4, padding=padding))(jnp.asarray(K))


def test_in_traced_code_the_norm_of_nan_is_nan():
    assert np.isnan(jax.jit(lambda k: oc.spectral_norm(k, 4))(jnp.asarray(K * np.nan)))
