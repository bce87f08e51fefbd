"""Existence: known answers, and the constructions and ranks that prove both directions."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import toeplitz

from ntkit.orthoconv import construct, exists, gaussian_kernel, layer_matrix
from ntkit.strategies import architectures, seeds

LAYERS = architectures(dims=(1, 2, 3), max_channels=5, max_taps=5)
PADDINGS = st.sampled_from(("circular", "same", "valid"))
SIZES = st.integers(1, 3)


@given(LAYERS, PADDINGS, SIZES, seeds(), st.sampled_from(("delta", "dense")))
def test_what_is_possible_is_constructed(layer, padding, size, seed, kind):
    found = exists(**vars(layer), padding=padding, size=size)
    if found.possible:
        kernel = construct(jax.random.key(seed), **vars(layer), padding=padding, size=size, kind=kind)
        matrix = layer_matrix(kernel, size, layer.stride, padding)
        gram = (matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix).toarray()
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)
        assert found.least_frobenius == 0.0


@given(architectures(dims=(1, 2), max_taps=5), PADDINGS, SIZES, seeds())
def test_no_kernel_exceeds_the_rank(layer, padding, size, seed):
    found = exists(**vars(layer), padding=padding, size=size)
    matrix = layer_matrix(gaussian_kernel(jax.random.key(seed), layer), size, layer.stride, padding).toarray()
    rank = np.linalg.matrix_rank(matrix)
    assert rank <= found.layer_rank
    if padding != "valid":
        assert rank == found.layer_rank
        assert bool(found.possible) == (rank == min(matrix.shape))


@pytest.mark.parametrize(
    ("numbers", "padding", "size", "possible"),
    [
        ((4, 1, 3, 2, 2), "circular", None, True),
        ((5, 1, 2, 3, 2), "circular", None, False),
        ((4, 1, (1, 4), (2, 2)), "circular", None, False),  # although M <= C prod k
        ((3, 1, 2), "valid", 5, False),
        ((3, 1, 2, 2), "valid", 4, True),
        ((3, 1, 3), "valid", 2, True),  # taps 0 and 2 see each of four inputs once
        ((3, 1, 3), "valid", 3, False),
        ((4, 1, 6, 2), "valid", 2, True),
        ((4, 1, 5, 2), "valid", 2, False),
        ((2, 1, 4), "valid", 2, True),
        ((1, 2, 4), "valid", 3, True),
        ((7, 3, 4), "valid", 2, False),  # 14 rows in 15 dimensions, but 6 taps that are free
        ((6, 3, 4), "valid", 2, True),
        ((5, 2, 6), "valid", 3, False),
        ((5, 2, (4, 2)), "valid", 2, False),  # one axis is long enough for all lags
        ((5, 1, (4, 4)), "valid", 2, None),  # 4 free taps, 5 x 5 inputs for 5 x 4 rows
        ((6, 1, (4, 4)), "valid", 2, False),
        ((9, 3, 4), "valid", 1, True),
        ((13, 3, 4), "valid", 1, True),
    ],
)
def test_known_answers(numbers, padding, size, possible):
    names = ("out_channels", "in_channels", "kernel_size", "stride", "ndim")
    numbers = dict(zip(names, numbers, strict=False))
    assert exists(**numbers, padding=padding, size=size).possible is possible


def test_reasons_say_what_is_missing():
    found = exists(out_channels=5, in_channels=1, kernel_size=2, stride=3, ndim=2, size=4)
    assert found.reason == (
        "5 outputs and 9 inputs of a stride need rank 5 at every frequency, 1 x 2 x 2 taps within a stride have rank 4"
    )
    assert (found.rank, found.layer_rank, found.least_l_orth, found.least_frobenius) == (4, 64, 1, 4.0)


def test_least_errors_without_padding():
    """The optima that a prototype found by descent: 4/9, 7/15, 3/7, 8/9, 4/3; and 3 unseen inputs."""
    for numbers, size, square in [
        ((2, 1, 2, 1), 5, 4 / 9),
        ((3, 1, 2, 1), 8, 7 / 15),
        ((7, 1, 3, 2), 4, 3 / 7),
        ((6, 1, 4, 2), 5, 8 / 9),
        ((5, 1, 5, 1), 8, 4 / 3),
        ((9, 1, 2, 3), 4, 3.0),
    ]:
        outputs, inputs, taps, stride = numbers
        found = exists(out_channels=outputs, in_channels=inputs, kernel_size=taps, stride=stride, padding="valid", size=size)
        np.testing.assert_allclose(found.least_frobenius, square**0.5, rtol=1e-14)


@pytest.mark.parametrize("size", range(2, 8))
def test_the_form_that_bounds_valid_rows_is_positive_in_few_dimensions(size):
    """The Toeplitz matrix of h, for up to 16 taps, has at most ceil(L / N) eigenvalues that are not negative."""
    w = 2 * np.pi * (np.arange(64) + 0.5) / 64
    h = (1 + np.cos(size * w)) / (np.cos(w) - np.cos(np.pi / size))
    lags = np.cos(np.outer(np.arange(16), w)) @ h / 64
    np.testing.assert_allclose(np.where((np.arange(16) > 0) & (np.arange(16) < size), 0, lags), 0, atol=1e-12)
    for taps in range(1, 17):
        values = np.linalg.eigvalsh(toeplitz(lags[:taps]))
        assert (values > -1e-9).sum() == -(-taps // size)


def test_valid_layers_need_a_size():
    with pytest.raises(ValueError, match="size must be given for valid padding, where it decides; got None"):
        exists(out_channels=1, in_channels=1, kernel_size=1, padding="valid")
