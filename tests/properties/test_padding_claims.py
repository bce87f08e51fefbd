"""Laws behind the claims on layers with zero padding and without padding."""

import importlib
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit.orthoconv import Architecture, construct, exists, frobenius_error, layer_matrix, search_orthogonal
from ntkit.strategies import architectures, convolutions, seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

padding = importlib.import_module("_achour_padding")

ODD = st.builds(
    Architecture, st.integers(1, 4), st.integers(1, 4), st.sampled_from((1, 3, 5)), st.just(1), ndim=st.integers(1, 2)
)
AXES = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=2)


@given(convolutions(ODD), st.integers(0, 3))
def test_zero_padding_costs_what_lies_beside_the_centre(convolution, more):
    layer, kernel = convolution.layer, convolution.kernel
    size = layer.kernel_size[0] + more
    assert padding.border_bound(kernel, size) <= frobenius_error(kernel, size, 1, "same") * (1 + 1e-12) + 1e-13


@given(convolutions(ODD), st.integers(0, 3))
def test_zero_padding_treats_outputs_and_inputs_alike(convolution, more):
    """The transposed layer has the transposed kernel, reflected in space."""
    layer, kernel = convolution.layer, convolution.kernel
    size = layer.kernel_size[0] + more
    turned = np.flip(kernel.swapaxes(0, 1), axis=range(2, kernel.ndim))
    if layer.out_channels != layer.in_channels:  # where both bounds hold, that of the outputs is taken
        assert padding.border_bound(turned, size) == pytest.approx(padding.border_bound(kernel, size), rel=1e-12)
    other, same = (frobenius_error(k, size, 1, "same") for k in (turned, kernel))
    np.testing.assert_allclose(other, same, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("taps", [3, 5, 7])
def test_one_point_fewer_than_taps_allows_more_than_the_centre(taps):
    kernel = np.zeros((1, 1, taps))
    kernel[0, 0, [0, -1]] = 1
    assert frobenius_error(kernel, taps - 1, 1, "same") == 0
    assert frobenius_error(kernel, taps, 1, "same") >= padding.border_bound(kernel, taps) > 0.5


@given(convolutions(architectures(max_channels=3), styles=("orthogonal",)), st.integers(1, 4))
def test_orthonormal_rows_stay_so_without_padding(convolution, size):
    layer = convolution.layer
    if layer.rows_only and exists(**vars(layer)).possible:
        kernel = construct(jax.random.key(convolution.seed), **vars(layer))
        matrix = layer_matrix(kernel, size, layer.stride, "valid")
        np.testing.assert_allclose((matrix @ matrix.T).toarray(), np.eye(matrix.shape[0]), atol=1e-12)


@given(AXES, st.integers(1, 2))
def test_the_diagonal_alone_decides_on_orthonormal_columns(axes, channels):
    taps, strides, sizes = zip(*axes, strict=True)
    layer = padding._with_more_rows(channels, taps, strides, sizes)
    least, kernel = padding.column_optimum(layer, sizes)
    known = exists(**vars(layer), padding="valid", size=sizes)
    assert known.possible == (least < 1e-20)
    if known.possible:
        assert frobenius_error(kernel, sizes, strides, "valid") < 1e-12
    elif known.least_frobenius is not None:
        assert known.least_frobenius**2 == pytest.approx(least, rel=1e-9)


@given(AXES, st.integers(1, 2), seeds())
def test_no_kernel_comes_below_what_the_diagonal_costs(axes, channels, seed):
    taps, strides, sizes = zip(*axes, strict=True)
    layer = padding._with_more_rows(channels, taps, strides, sizes)
    least, _ = padding.column_optimum(layer, sizes)
    kernel = np.random.default_rng(seed).normal(size=layer.shape) / (layer.out_channels * np.prod(taps)) ** 0.5
    assert frobenius_error(kernel, sizes, strides, "valid") ** 2 >= least * (1 - 1e-12)


@given(st.integers(2, 5), st.integers(1, 3), st.integers(1, 3), st.integers(0, 3), seeds())
@settings(max_examples=15)
def test_the_least_error_is_the_sum_over_residues(taps, stride, channels, more, seed):
    taps = max(taps, stride)
    lengths = padding._lengths(taps, stride)
    size = max(2, *lengths) + more
    outputs = channels * sum(min(length, 2) for length in lengths)
    numbers = {"in_channels": channels, "kernel_size": taps, "stride": stride, "padding": "valid", "size": size}
    known = exists(out_channels=outputs, **numbers)
    predicted = padding.least_square(channels, taps, stride, size)
    np.testing.assert_allclose(known.least_frobenius**2, predicted, rtol=1e-12)
    found = search_orthogonal(jax.random.key(seed), out_channels=outputs, starts=2, **numbers)
    np.testing.assert_allclose(found.frobenius_error**2, predicted, atol=1e-9)


@given(st.sampled_from([cell for cell in padding.row_cells(2, 6) if cell[3] == 1]), seeds())
@settings(max_examples=20)
def test_rows_are_orthonormal_on_free_taps_alone(cell, seed):
    outputs, channels, taps, stride, size = cell
    numbers = {"out_channels": outputs, "in_channels": channels, "kernel_size": taps, "stride": stride, "size": size}
    possible = exists(**numbers, padding="valid").possible
    assert possible == (outputs <= channels * padding.free_taps(taps, stride, size))
    if not possible:
        assert search_orthogonal(jax.random.key(seed), **numbers, padding="valid", starts=1).frobenius_error > 0.1
