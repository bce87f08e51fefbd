"""Laws behind the claims on Achour et al. (2022): what is claimed, kernels that attain it, training of many layers at once."""

import importlib
import sys
from math import prod
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkit.orthoconv import Architecture, exists, l_orth, spectral_error, train_orthogonal
from ntkit.strategies import architectures, seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

claims = importlib.import_module("_achour_layers")


@given(architectures(max_channels=8, max_taps=5, max_stride=5, dims=(1, 2, 3)))
def test_what_is_claimed_is_what_the_instrument_says(layer):
    found = exists(**vars(layer))
    assert claims.can_be_orthogonal(layer) is found.possible
    assert claims.least_regulariser(layer) == found.least_l_orth
    assert found.possible == (found.least_l_orth == 0)


@given(st.integers(1, 8), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(1, 3))
def test_equal_sides_need_what_the_paper_says(outputs, inputs, taps, stride, ndim):
    rows = outputs <= inputs * stride**ndim
    possible = outputs <= inputs * taps**ndim if rows else stride <= taps
    assert claims.can_be_orthogonal(Architecture(outputs, inputs, taps, stride, ndim)) == possible


@given(architectures(max_channels=6), seeds())
def test_generic_kernels_have_the_largest_rank(layer, seed):
    assert claims.generic_rank(np.random.default_rng(seed), layer) == layer.rank


@given(architectures(max_channels=6), seeds(), st.sampled_from(("dense", "delta")))
def test_constructed_kernels_have_the_least_regulariser(layer, seed, kind):
    kernel = claims.constructed(jax.random.key(seed), layer, kind)
    np.testing.assert_allclose(l_orth(kernel, layer.stride), claims.least_regulariser(layer), atol=1e-12)
    smallest, largest = claims.extremes(layer, kernel)
    np.testing.assert_allclose((smallest, largest), (claims.can_be_orthogonal(layer), 1.0), atol=1e-12)


@given(
    st.lists(st.integers(1, 2), min_size=1, max_size=2).map(tuple),
    st.integers(1, 3),
    st.integers(0, 2),
    st.booleans(),
    st.integers(1, 7),
)
def test_extremal_kernels_attain_the_bound_at_every_size(lags, stride, more, columns, size):
    stride = 1 if columns else stride
    layer, kernel = claims.extremal(lags, stride, more, columns=columns)
    assert layer.lags == lags
    ratio = spectral_error(kernel, size, stride) ** 2 / l_orth(kernel, stride)
    np.testing.assert_allclose(ratio, prod(2 * q + 1 for q in lags), rtol=1e-9)


@pytest.mark.parametrize("layer", [Architecture(2, 1, (2, 3), (2, 2)), Architecture(2, 2, 2, 3)], ids=["one axis", "no axis"])
def test_padding_by_channels_and_folding_of_axes_leave_descent_as_it_is(layer):
    """One axis overlaps, or none. After a few steps: rounding would be amplified later."""
    rng = np.random.default_rng(0)
    larger = Architecture(layer.out_channels + 1, layer.in_channels + 2, layer.kernel_size, layer.stride)
    starts = [claims.gaussian(rng, each) for each in (layer, larger)]
    together = claims.trained((layer, larger), starts, steps=20)
    for each, start, kernel in zip((layer, larger), starts, together, strict=True):
        alone = train_orthogonal(jnp.asarray(start)[None], each.stride, steps=20)
        np.testing.assert_allclose(kernel, alone.kernels[0], rtol=0, atol=1e-10)
