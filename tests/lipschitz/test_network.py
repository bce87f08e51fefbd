"""Networks from layers: values, layers as matrices, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.lipschitz import AvgPool, BatchNorm, Conv, Dense, Flatten, LeakyRelu, Network, Relu, Residual, Tanh

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


def matrix_of(net):
    """The matrix of a network that is affine."""
    size = int(np.prod(net.input_shape))
    zero = net(jnp.zeros((1, size)))
    return np.asarray(net(jnp.eye(size)) - zero).T, np.asarray(zero[0])


def windows(x, weights, bias, stride, pads, wrap):
    """Cross-correlation, sum by sum."""
    x = np.pad(x, [(0, 0), *pads], mode="wrap" if wrap else "constant")
    sides = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:], weights.shape[2:], stride, strict=True)]
    out = np.zeros((len(weights), *sides))
    for place in np.ndindex(*sides):
        cut = tuple(slice(s * i, s * i + k) for s, i, k in zip(stride, place, weights.shape[2:], strict=True))
        out[(slice(None), *place)] = [float((x[(slice(None), *cut)] * w).sum()) for w in weights] + bias
    return out


@pytest.mark.parametrize(
    ("padding", "stride", "pads", "wrap"),
    [
        ("valid", (1, 1), [(0, 0), (0, 0)], False),
        ("valid", (2, 1), [(0, 0), (0, 0)], False),
        ("same", (1, 1), [(1, 1), (0, 1)], False),
        ("same", (2, 2), [(1, 1), (0, 0)], False),
        ("circular", (1, 1), [(1, 1), (0, 1)], True),
        (2, (1, 2), [(2, 2), (2, 2)], False),
        (((0, 1), (3, 0)), (1, 1), [(0, 1), (3, 0)], False),
    ],
)
def test_convolutions_are_sums_over_windows(padding, stride, pads, wrap):
    x, weights, bias = normal(2, 5, 6), normal(3, 2, 3, 2), normal(3)
    net = Network.from_layers([Conv(weights, bias, stride, padding)], input_shape=(2, 5, 6))
    expected = windows(x, weights, bias, stride, pads, wrap)
    np.testing.assert_allclose(net(jnp.asarray(x)), expected.ravel(), rtol=1e-12, atol=1e-12)
    matrix, constant = matrix_of(net)
    np.testing.assert_allclose(matrix @ x.ravel() + constant, expected.ravel(), rtol=1e-12, atol=1e-12)


def test_convolutions_along_one_axis_are_sums_over_windows():
    x, weights, bias = normal(2, 7), normal(3, 2, 4), normal(3)
    net = Network.from_layers([Conv(weights, bias, 2, 1)], input_shape=(2, 7))
    np.testing.assert_allclose(net(jnp.asarray(x)), windows(x, weights, bias, (2,), [(1, 1)], False).ravel(), rtol=1e-12)


def test_means_norms_and_residuals_are_what_they_say():
    x, mean, variance, scale, shift = normal(3, 4, 6), normal(3), normal(3) ** 2, normal(3), normal(3)
    pooled = Network.from_layers([AvgPool((2, 3))], input_shape=(3, 4, 6))(jnp.asarray(x))
    np.testing.assert_allclose(pooled, x.reshape(3, 2, 2, 2, 3).mean(axis=(2, 4)).ravel(), rtol=1e-12)
    norm = BatchNorm(mean, variance, scale, shift, 0.1)
    found = Network.from_layers([norm], input_shape=(3, 4, 6))(jnp.asarray(x))
    columns = [part[:, None, None] for part in (mean, variance, scale, shift)]
    expected = (x - columns[0]) / np.sqrt(columns[1] + 0.1) * columns[2] + columns[3]
    np.testing.assert_allclose(found, expected.ravel(), rtol=1e-12)
    weights = normal(5, 5)
    net = Network.from_layers([Residual([Tanh(), Dense(weights)]), Flatten()], input_shape=(5,))
    np.testing.assert_allclose(net(jnp.asarray(x.ravel()[:5])), x.ravel()[:5] + weights @ np.tanh(x.ravel()[:5]), rtol=1e-12)


def test_activations_follow_every_layer_but_the_last():
    first, second, third = normal(4, 3), normal(4, 4), normal(2, 4)
    given = Network.from_layers([Dense(first), Residual([Dense(second)]), Dense(third)], input_shape=(3,), activation="relu")
    named = Network.from_layers([Dense(first), Relu(), Residual([Dense(second), Relu()]), Dense(third)], input_shape=(3,))
    x = jnp.asarray(normal(7, 3))
    np.testing.assert_array_equal(given(x), named(x))
    assert given.piecewise
    assert not Network.sequential([(first, None), (normal(1, 4), None)], "tanh").piecewise


def test_inputs_may_be_flat_and_come_in_batches():
    net = Network.from_layers(
        [Conv(normal(2, 1, 2, 2)), Flatten(), Dense(normal(3, 8))], input_shape=(1, 3, 3), activation="tanh"
    )
    x = jnp.asarray(normal(4, 1, 3, 3))
    np.testing.assert_allclose(net(x), jnp.stack([net(one) for one in x]), rtol=1e-12)
    np.testing.assert_array_equal(net(x), net(x.reshape(4, 9)))
    assert net(x).shape == (4, 3)
    assert net(x[0]).shape == (3,)
    np.testing.assert_allclose(net.jacobian(x[0]), jax.jacfwd(net)(x[0].reshape(-1)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Network.sequential([]), "layers must be at least one pair of weights and bias, got none"),
        (
            lambda: Network.sequential([(np.ones(3), None)]),
            r"layers must hold weights of shape \(out, in\), got \(3,\) in the first",
        ),
        (lambda: Network.from_layers([], input_shape=(2,)), "layers must be at least one, got none"),
        (
            lambda: Network.from_layers([Flatten()], input_shape=(0,)),
            r"input_shape must be whole numbers of at least 1, got \(0,\)",
        ),
        (
            lambda: Network.sequential([(np.ones((2, 3)), None), (np.ones((1, 3)), None)]),
            r"layer 2 \(Dense\) must take inputs of shape \(2,\), got weights of shape \(1, 3\)",
        ),
        (
            lambda: Network.sequential([(np.full((2, 3), np.nan), None)]),
            r"layer 1 \(Dense\) must have finite weights, got 6 of 6",
        ),
        (
            lambda: Network.sequential([(np.ones((2, 3), int), None)]),
            r"layer 1 \(Dense\) must have real weights of 2 axes, got int64",
        ),
        (
            lambda: Network.sequential([(np.ones((2, 3)), np.ones(3))]),
            r"layer 1 \(Dense\): bias must have shape \(2,\), got \(3,\)",
        ),
        (lambda: Network.sequential([(np.ones((2, 3)), None)], "maxout"), "activation must be one of relu, .* got 'maxout'"),
        (
            lambda: Network.from_layers([Conv(np.ones((1, 2, 3, 3)))], input_shape=(2, 2, 5)),
            r"layer 1 \(Conv\): windows of \(3, 3\) do not fit into \(2, 5\) points",
        ),
        (
            lambda: Network.from_layers([Conv(np.ones((1, 2, 3, 3)), padding="full")], input_shape=(2, 5, 5)),
            r"layer 1 \(Conv\): padding must be 'valid', 'same', 'circular', a number or pairs, got 'full'",
        ),
        (
            lambda: Network.from_layers([Conv(np.ones((1, 2, 3, 3)), stride=0)], input_shape=(2, 5, 5)),
            r"layer 1 \(Conv\): stride must be a whole number of at least 1, or 2 of them, got 0",
        ),
        (
            lambda: Network.from_layers([Residual([Dense(np.ones((2, 3)))])], input_shape=(3,)),
            r"layer 1 \(Residual\) must keep the shape \(3,\), got \(2,\)",
        ),
        (lambda: Network.from_layers([Residual([])], input_shape=(3,)), r"layer 1 \(Residual\) must have layers, got none"),
        (
            lambda: Network.from_layers([Dense(np.ones((3, 3))), Relu()], input_shape=(3,), activation="relu"),
            r"activation must be None where layers name theirs, as layer 2 \(Relu\) does",
        ),
        (
            lambda: Network.from_layers([BatchNorm(*np.ones((4, 2)))], input_shape=(3, 4)),
            r"layer 1 \(BatchNorm\) must have 3 numbers of each kind",
        ),
        (
            lambda: Network.from_layers([BatchNorm(*-np.ones((4, 3)))], input_shape=(3, 4)),
            r"layer 1 \(BatchNorm\): variance \+ epsilon must be positive",
        ),
        (lambda: Network.from_layers([AvgPool(2)], input_shape=(4,)), r"layer 1 \(AvgPool\) must take images"),
        (lambda: Network.from_layers([max], input_shape=(4,)), r"layer 1 \(builtin_function_or_method\) must be Dense, Conv"),
        (lambda: LeakyRelu(1.5), r"below must be a slope in \[0, 1\), got 1.5"),
        (
            lambda: Network.sequential([(np.ones((1, 3)), None)])(jnp.ones(4)),
            r"x must have shape \(3,\), \(3,\), or be a batch",
        ),
    ],
)
@pytest.mark.usefixtures("without_type_checks")
def test_what_is_no_network_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
