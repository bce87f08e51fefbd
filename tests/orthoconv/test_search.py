"""The search: it finds what exists, never more than that, and the optima that are known."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.orthoconv import Architecture, exists, frobenius_error, layer_matrix, search_orthogonal
from ntkit.orthoconv._architecture import Shape
from ntkit.orthoconv._search import _Loss
from ntkit.strategies import architectures, convolutions, seeds

LAYERS = architectures(max_channels=3, max_taps=3, max_stride=2)
PADDINGS = st.sampled_from(("circular", "same", "valid"))
SIZES = st.integers(1, 3)


@settings(max_examples=25)
@given(LAYERS, PADDINGS, SIZES, seeds())
def test_it_never_gets_below_the_least_error(layer, padding, size, seed):
    found = search_orthogonal(jax.random.key(seed), **vars(layer), padding=padding, size=size, starts=1)
    known = exists(**vars(layer), padding=padding, size=size)
    least = found.frobenius_error**2
    if known.least_frobenius is not None:
        assert least >= known.least_frobenius**2 - 1e-12
    if known.possible is False:
        assert least > 1e-2
    np.testing.assert_allclose(frobenius_error(found.kernel, size, layer.stride, padding), found.frobenius_error, atol=1e-12)


@pytest.mark.parametrize("padding", ["circular", "same", "valid"])
@pytest.mark.parametrize("numbers", [(1, 2, 3), (2, 3, 3), (3, 1, 2, 2), (3, 2, 3), (2, 1, 3, 2), (1, 2, (2, 3), (1, 2), 2)])
def test_it_finds_what_exists(numbers, padding):
    layer = Architecture(*numbers)
    found = search_orthogonal(jax.random.key(0), **vars(layer), padding=padding, size=3, starts=3)
    if exists(**vars(layer), padding=padding, size=3).possible:
        assert found.frobenius_error**2 < 1e-12
        matrix = layer_matrix(found.kernel, 3, layer.stride, padding).toarray()
        gram = matrix @ matrix.T if len(matrix) <= len(matrix.T) else matrix.T @ matrix
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)
    else:
        assert found.frobenius_error > 0.1
    assert found.converged


@pytest.mark.parametrize(
    ("numbers", "padding", "size", "square"),
    [
        ((2, 1, 2), "valid", 5, 4 / 9),
        ((7, 1, 3, 2), "valid", 4, 3 / 7),
        ((5, 1, 5), "valid", 8, 4 / 3),
        ((3, 2, 2), "valid", 9, 25 / 17),  # too few outputs for what theory knows
        ((3, 2, 2), "valid", 2, 4 / 3),  # orthonormal rows, one too many
        ((3, 2, 1, 2), "same", 4, 4.0),  # one row of each output point is left over
        ((5, 1, 2, 3, 2), "circular", 2, 4.0),
    ],
)
def test_known_optima(numbers, padding, size, square):
    layer = Architecture(*numbers)
    found = search_orthogonal(jax.random.key(1), **vars(layer), padding=padding, size=size)
    np.testing.assert_allclose(found.frobenius_error**2, square, rtol=1e-12)
    assert found.converged
    assert found.errors.shape == (5,)
    assert found.errors.min() == found.frobenius_error


@given(convolutions(LAYERS, styles=("gaussian",)), PADDINGS, SIZES)
def test_the_gradient_is_that_of_the_error(convolution, padding, size):
    layer, kernel = convolution.layer, convolution.kernel
    loss = _Loss(layer, Shape((size,) * layer.ndim), padding)
    value, slope = loss(kernel.ravel())
    np.testing.assert_allclose(value, frobenius_error(kernel, size, layer.stride, padding) ** 2, rtol=1e-12)
    direction, h = np.random.default_rng(convolution.seed).normal(size=kernel.size), 1e-5
    central = (loss(kernel.ravel() + h * direction)[0] - loss(kernel.ravel() - h * direction)[0]) / (2 * h)
    np.testing.assert_allclose(slope @ direction, central, rtol=1e-6, atol=1e-6)


def test_the_same_key_finds_the_same_kernel():
    layer = Architecture(2, 1, 3)
    first, again = (search_orthogonal(jax.random.key(3), **vars(layer), size=4, starts=2).kernel for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 200, "kernel_size": 3}, "size must keep the layer matrix within 262144 entries, got 600 x 600 for size 200"),
        ({"size": 0, "kernel_size": 3}, "size must be a whole number of at least 1, got 0"),
        ({"size": 4, "kernel_size": 3, "starts": 0}, "starts must be a whole number of at least 1, got 0"),
        ({"size": 4, "kernel_size": 3, "padding": "zero"}, "padding must be one of circular, same, valid, got 'zero'"),
        ({"size": 4, "kernel_size": (3, 3), "stride": (1,)}, "stride must be one number, or 2 for 2 axes"),
    ],
)
def test_what_cannot_be_searched_is_refused(without_type_checks, options, message):
    with pytest.raises(ValueError, match=message):
        search_orthogonal(jax.random.key(0), out_channels=3, in_channels=3, **options)
