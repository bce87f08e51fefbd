"""The finite face of a network: parameters, outputs and empirical tangent kernels."""

import math
from dataclasses import replace
from functools import partial

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.kernels import (
    AvgPool,
    Conv,
    Dense,
    Erf,
    Flatten,
    GlobalAvgPool,
    LayerNorm,
    Relu,
    empirical_ntk,
    parallel,
    product,
    residual,
    serial,
)

pytestmark = pytest.mark.usefixtures("hardly_optimised")

NET = serial(Dense(1.5, 0.2), Relu(), Dense(1.2), Erf(), Dense(0.7, 0.3))
KEY = jax.random.key(0)


def test_parameters_have_the_shapes_of_the_layers():
    params = NET.init(KEY, (5,), width=7, outputs=2)
    shapes = [None if p == () else (p.w.shape, None if p.b is None else p.b.shape) for p in params]
    assert shapes == [((5, 7), (7,)), None, ((7, 7), None), None, ((7, 2), (2,))]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_parameters_and_outputs_have_the_dtype_asked_for(dtype):
    params = NET.init(KEY, (5,), width=7, dtype=dtype)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(dtype)}
    assert NET.apply(params, jnp.ones((2, 5), dtype)).dtype == dtype


def test_layers_draw_independent_parameters():
    first, _, second, _, _ = serial(Dense(), Relu(), Dense(), Relu(), Dense()).init(KEY, (6,), width=6)
    assert not np.isclose(first.w, second.w).any()


def test_outputs_are_the_formula():
    first, _, second, _, last = NET.init(KEY, (5,), width=7)
    x = np.random.default_rng(0).normal(size=(3, 5))
    w, b, last_w, last_b = (np.asarray(a) for a in (first.w, first.b, last.w, last.b))
    h = np.maximum(1.5 / np.sqrt(5) * x @ w + 0.2 * b, 0)
    h = np.vectorize(math.erf)(1.2 / np.sqrt(7) * h @ np.asarray(second.w))
    expected = 0.7 / np.sqrt(7) * h @ last_w + 0.3 * last_b
    np.testing.assert_allclose(NET.apply((first, (), second, (), last), x), expected, rtol=1e-13)


@pytest.mark.parametrize("outputs", [1, 3])
def test_both_ways_to_the_empirical_kernel_agree(outputs):
    params = NET.init(KEY, (5,), width=7, outputs=outputs)
    x1, x2 = np.random.default_rng(1).normal(size=(2, 4, 5))
    for z in (None, x2[:3]):
        fast = jax.jit(NET.empirical_ntk)(params, x1, z)
        plain = jax.jit(partial(empirical_ntk, NET.apply))(params, x1, z)
        np.testing.assert_allclose(fast, plain, rtol=1e-12, atol=1e-13)


def test_the_empirical_kernel_is_the_gram_matrix_of_gradients_by_finite_differences():
    net = serial(Dense(1.0, 0.5), Erf(), Dense())
    params = net.init(KEY, (2,), width=3)
    flat, unravel = jax.flatten_util.ravel_pytree(params)
    x = np.random.default_rng(2).normal(size=(4, 2))
    step = 1e-5
    outputs = jax.jit(lambda flat: net.apply(unravel(flat), x)[:, 0])
    columns = [(outputs(flat + step * e) - outputs(flat - step * e)) / (2 * step) for e in np.eye(flat.size)]
    jacobian = np.stack(columns, axis=1)
    # Central differences: errors of step^2 and epsilon / step, both 1e-10.
    np.testing.assert_allclose(jax.jit(partial(empirical_ntk, net.apply))(params, x), jacobian @ jacobian.T, atol=1e-8)


IMAGES = serial(
    Conv(2, 2, "same", 1.2, 0.5), residual(Erf(), Conv(3, 1, "circular")), Relu(), Dense(), LayerNorm(1e-3),
    product(serial(Erf(), Conv(1)), serial(Conv(2, 1, "same"))), AvgPool(2, 1, "same"), Flatten(), Dense(1.0, 0.2),
)  # fmt: skip


def test_the_empirical_kernel_of_images_is_the_gram_matrix_of_jacobians():
    params = IMAGES.init(KEY, (5, 2), width=3, outputs=2)
    flat, unravel = jax.flatten_util.ravel_pytree(params)
    x = np.random.default_rng(2).normal(size=(3, 5, 2))
    jacobian = np.asarray(jax.jit(jax.jacrev(lambda flat: IMAGES.apply(unravel(flat), x)))(flat))
    np.testing.assert_allclose(
        jax.jit(IMAGES.empirical_ntk)(params, x), np.einsum("nop,mop->nm", jacobian, jacobian) / 2, rtol=1e-12, atol=1e-12
    )


def test_a_wide_network_of_images_has_almost_the_limit():
    """Width 2000: the relative fluctuation of kernels with one hidden layer is a few times 2000^-1/2 = 2 %."""
    net = serial(Conv(2, 1, "same", 2.0), Relu(), GlobalAvgPool(), Dense())
    x = np.random.default_rng(3).normal(size=(2, 3, 2))
    params = net.init(KEY, (3, 2), width=2000)
    limit = np.asarray(net.ntk(x))
    assert np.abs(jax.jit(net.empirical_ntk)(params, x) - limit).max() < 0.1 * limit.max()


def test_layers_with_widths_of_their_own():
    own = serial(Dense(width=4), Relu(), parallel(Dense(width=5), Dense(width=5)), Relu(), Dense(width=2))
    shapes = [leaf.shape for leaf in jax.tree.leaves(own.init(KEY, (3,)))]
    assert shapes == [(3, 4), (4, 5), (4, 5), (5, 2)]
    x = np.random.default_rng(4).normal(size=(3, 3))
    same = serial(Dense(width=4), Relu(), Dense(width=4), Relu(), Dense(width=2))
    plain = serial(Dense(), Relu(), Dense(), Relu(), Dense())
    assert jax.tree.all(jax.tree.map(np.array_equal, same.init(KEY, (3,)), plain.init(KEY, (3,), 4, 2)))
    np.testing.assert_array_equal(same.ntk(x), plain.ntk(x))  # the limit knows no widths
    images = serial(Conv((2, 2), width=3), Relu(), Conv(2, width=4), GlobalAvgPool())
    assert [leaf.shape for leaf in jax.tree.leaves(images.init(KEY, (4, 4, 1)))] == [(2, 2, 1, 3), (2, 2, 3, 4)]


def test_hidden_units_can_be_permuted():
    first, act, last = serial(Dense(), Relu(), Dense()).init(KEY, (3,), width=4)
    order = np.array([2, 0, 3, 1])
    permuted = (replace(first, w=first.w[:, order]), act, replace(last, w=last.w[order]))
    net = serial(Dense(), Relu(), Dense())
    x = np.random.default_rng(3).normal(size=(3, 3))
    kernel = jax.jit(net.empirical_ntk)
    np.testing.assert_allclose(kernel(permuted, x), kernel((first, act, last), x), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NET.init(KEY, (5,)), "layer 0, .* has no width, and none is given to init"),
        (lambda: serial(Dense(width=4)).init(KEY, (5,), outputs=3), "outputs must be the width of the last layer, 4, got 3"),
        (lambda: serial(Dense(width=4)).init(KEY, (5,), 4, parametrization="mup"), '"mup" needs one width for all layers, got'),
        (lambda: NET.init(KEY, (), width=4), r"input_shape must be \(dim,\), .* got \(\)"),
        (lambda: NET.init(KEY, (3,), 4, parametrization="ntp"), "parametrization must be one of ntk, standard, mup, got 'ntp'"),
        (lambda: NET.init(KEY, (0,), width=4), r"input_shape\[0\] must be at least 1, got 0"),
        (lambda: NET.init(KEY, (3,), width=0), "width must be at least 1, got 0"),
        (lambda: NET.init(KEY, (3,), width=4, outputs=0), "outputs must be at least 1, got 0"),
        (lambda: NET.apply((), np.ones((2, 3))), "params must have one entry for each of the 5 layers, got 0"),
        (lambda: NET.apply(NET.init(KEY, (3,), 4), np.ones(3)), r"x must have shape \(inputs, ..., channels\)"),
        (
            lambda: empirical_ntk(lambda p, x: (x @ p)[:, 0], jnp.ones((3, 1)), np.ones((2, 3))),
            r"apply must map shape \(2, 3\) to \(2, outputs\), got \(2,\)",
        ),
        (
            lambda: empirical_ntk(lambda p, x: x, (), np.ones((2, 3))),
            "params must hold at least one array, got none",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
