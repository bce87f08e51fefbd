"""Laws behind claims on convolutional networks: feature extractors, spectra of layers, upsampling."""

import importlib
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkit import orthoconv
from ntkit.strategies import seeds

FOLDER = str(Path(__file__).resolve().parents[2] / "paper_checks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)  # as `ntkit verify` does

networks, upsampling, wiatowski, tang, chandrasegaran = (
    importlib.import_module(name) for name in ("_scattering", "_upsampling", "wiatowski2015", "tang2022", "chandrasegaran2021")
)

ACTIVATIONS = st.sampled_from((networks.relu, np.abs, np.tanh))  # all of Lipschitz constant 1
WIDTHS = st.floats(0.02, 0.5)
STRIDES = st.integers(1, 3)


def extractor(random, make, samples, stride, width, depth=3):
    return [make(random, 2, 2, samples // stride**n, width) for n in range(depth)]


def energy(outputs):
    """Of the features of all layers and of what the last one hands on."""
    outputs = list(outputs)
    return sum((values**2).sum(axis=(-2, -1)) for values in [*(features for features, _ in outputs), outputs[-1][1]])


@given(ACTIVATIONS, STRIDES, WIDTHS, seeds())
def test_a_shift_by_the_product_of_strides_commutes_with_the_network(activation, stride, width, seed):
    random = np.random.default_rng(seed)
    layers = extractor(random, networks.random_taps, 4 * stride**3, stride, width)
    x, t = random.normal(size=(2, 1, 4 * stride**3)), stride**2
    plain, shifted = (list(networks.scatter(z, layers, activation, stride)) for z in (x, np.roll(x, t, axis=-1)))
    for n, ((features, _), (moved, _)) in enumerate(zip(plain, shifted, strict=True)):
        np.testing.assert_allclose(moved, np.roll(features, t // stride**n, axis=-1), rtol=0, atol=1e-13)


@given(st.integers(2, 20), WIDTHS, st.integers(1, 3), seeds())
def test_tight_frames_with_the_modulus_keep_the_energy(half, width, depth, seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=(2, 3, 2 * half))
    total = energy(networks.scatter(x, extractor(random, networks.tight_frame, 2 * half, 1, width, depth), np.abs))
    np.testing.assert_allclose(total, (x**2).sum(axis=-1), rtol=1e-12)


@given(ACTIVATIONS, STRIDES, WIDTHS, st.floats(1e-3, 10), seeds())
def test_features_of_admissible_networks_do_not_expand(activation, stride, width, distance, seed):
    random = np.random.default_rng(seed)
    layers = extractor(random, networks.random_taps, 4 * stride**3, stride, width)
    x = random.normal(size=(2, 1, 4 * stride**3))
    y = x + distance * random.normal(size=x.shape)
    pairs = zip(*(networks.scatter(z, layers, activation, stride) for z in (x, y)), strict=True)
    squares = energy((there[0] - here[0], there[1] - here[1]) for here, there in pairs)
    assert (squares <= ((x - y) ** 2).sum(axis=-1) * (1 + 1e-12)).all()


@given(st.integers(2, 20), WIDTHS, st.floats(0.1, 2.0), seeds())
def test_frames_have_the_frame_sums_that_they_are_made_for(half, width, bound, seed):
    random = np.random.default_rng(seed)
    tight = networks.tight_frame(random, 2, 3, 2 * half, width, bound=bound)
    sums = tight.low**2 + (np.abs(tight.bands) ** 2).sum(axis=1)
    np.testing.assert_allclose(sums, bound, rtol=1e-13)
    taps = networks.random_taps(random, 2, 3, 2 * half, width)
    sums = taps.low**2 + (np.abs(taps.bands) ** 2).sum(axis=1)
    np.testing.assert_allclose(sums.max(axis=1), 1, rtol=1e-13)
    filters = np.fft.irfft(taps.bands, 2 * half)
    assert np.abs(filters[..., 9:]).max(initial=0) < 1e-14  # nine taps


@settings(max_examples=20)
@given(st.integers(1, 32), seeds())
def test_deformed_waves_move_no_more_than_their_steepest_slope_times_the_shift(limit, seed):
    samples = 2048
    f = wiatowski._band_limited(np.random.default_rng(seed), 2, limit, samples)
    change, norm = np.linalg.norm(f[:, 1:] - f[:, :1], axis=-1), np.linalg.norm(f[:, :1], axis=-1)
    assert (change <= 2 * np.pi * np.sqrt(2) * limit / samples * wiatowski.SHIFTS * norm).all()


@settings(max_examples=20)
@given(seeds())
def test_deformed_steps_change_where_a_jump_is_carried_over(seed):
    shifts, f, jumps = wiatowski._steps(np.random.default_rng(seed), 2, 2**12)
    share = ((f[:, 1:] - f[:, :1]) ** 2).sum(axis=-1) / (jumps**2).sum(axis=-1, keepdims=True)
    assert (share <= 1.5 * shifts * (1 + 1e-12)).all()
    assert (share >= 0.5 * shifts - 1).all()  # tau is at least t / 2


@given(st.tuples(*[st.integers(1, 4)] * 4), st.integers(1, 6), seeds())
def test_a_circular_convolution_multiplies_each_frequency_by_its_block(shape, n, seed):
    random = np.random.default_rng(seed)
    kernel, x = random.normal(size=shape), random.normal(size=(shape[1], n, n))
    y = (orthoconv.layer_matrix(kernel, n) @ x.ravel()).reshape(-1, n, n)
    blocks = orthoconv.symbol(kernel, n).conj()
    np.testing.assert_allclose(tang._columns(y), (blocks @ tang._columns(x)[..., None])[..., 0], rtol=0, atol=1e-11)


@given(st.integers(1, 6), st.integers(1, 6), seeds())
def test_zero_insertion_repeats_the_spectrum_and_keeps_the_sum_of_squares(n, r, seed):
    x = np.random.default_rng(seed).normal(size=(2, n, n))
    y = upsampling.upsample(x, r, nearest=False)
    np.testing.assert_allclose(np.fft.fft2(y), np.tile(np.fft.fft2(x), (1, r, r)), rtol=0, atol=1e-12)
    assert (y**2).sum() == pytest.approx((x**2).sum(), rel=1e-14)


@given(st.integers(1, 6), st.integers(1, 6), seeds())
def test_nearest_neighbours_are_inserted_zeros_under_a_box(n, r, seed):
    x = np.random.default_rng(seed).normal(size=(n, n))
    nearest = upsampling.upsample(x, r, nearest=True)
    np.testing.assert_array_equal(nearest, x.repeat(r, axis=0).repeat(r, axis=1))
    inserted = upsampling.upsample(x, r, nearest=False)
    box = sum(np.roll(inserted, shift, axis=(0, 1)) for shift in product(range(r), repeat=2))
    np.testing.assert_allclose(nearest, box, rtol=0, atol=1e-15)


@given(st.floats(-2, 2), st.floats(0.1, 2), st.integers(3, 9))
def test_the_second_moment_of_a_kernel_with_a_mean_is_exact_for_signs(mean, scale, n):
    signs = np.array(list(product((-1.0, 1.0), repeat=4)))  # all kernels of 2 x 2 signs: the mean over them is exact
    kernels = (mean + scale * signs).reshape(-1, 2, 2)
    moment = (np.abs(np.fft.fft2(kernels, (n, n))) ** 2).mean(axis=0)
    window = np.abs(tang._dirichlet(2, n, n)) ** 2
    np.testing.assert_allclose(moment, 4 * scale**2 + mean**2 * np.outer(window, window), rtol=1e-12, atol=1e-13)


@given(st.floats(0.1, 10), seeds())
def test_levels_of_spectra_do_not_depend_on_their_scale(scale, seed):
    powers = np.random.default_rng(seed).exponential(size=(2, 64, 64))
    for found, expected in zip(
        chandrasegaran._spectrum(scale * powers, None), chandrasegaran._spectrum(powers, None), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
