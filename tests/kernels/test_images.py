"""Layers of images and of branches, by hand: one sequence of three pixels with values 1, 2, 3."""

import numpy as np
import pytest

from ntkit.kernels import (
    AvgPool,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Hermite,
    Identity,
    LayerNorm,
    Relu,
    Step,
    parallel,
    product,
    residual,
    serial,
)

pytestmark = pytest.mark.usefixtures("hardly_optimised")

SEQUENCE = np.array([[[1.0], [2.0], [3.0]]])


@pytest.mark.parametrize(
    ("layers", "value"),
    [
        ([Conv(2), Flatten()], (5 / 2 + 13 / 2) / 2),
        ([Conv(2), GlobalAvgPool()], (5 / 2 + 13 / 2 + 2 * 8 / 2) / 4),  # windows 1 2 and 2 3, and their products
        ([Conv(3, padding="same"), Flatten()], (5 + 14 + 13) / 9),  # 0 1 2, 1 2 3, 2 3 0
        ([Conv(3, padding="circular"), Flatten()], 14 / 3),
        ([Conv(3, 2, "same"), Flatten()], (5 + 13) / 6),  # windows centred at the first and the last pixel
        ([Conv(1, 2), Flatten()], (1 + 9) / 2),
        ([Conv(1, 5, "same"), Flatten()], 1.0),  # the stride leaves one window
        ([Conv(5, padding="circular"), Flatten()], (27 + 24 + 19) / 15),  # larger than the image: it goes round
        ([Conv(5, padding="same"), Flatten()], 14 / 5),
        ([Conv(3, w_std=2.0, b_std=0.5), Flatten()], 4 * 14 / 3 + 0.25),
        ([Conv(1), AvgPool(2), Flatten()], 1.5**2),
        ([AvgPool(2), Conv(1), Flatten()], 1.5**2),
        ([Conv(1), AvgPool(2, 1), Flatten()], (1.5**2 + 2.5**2) / 2),
        ([Conv(1), AvgPool(2, 1, "same"), Flatten()], (1.5**2 + 2.5**2 + 1.5**2) / 3),  # zeros count
        ([Conv(1), AvgPool(2, 1, "circular"), Flatten()], (1.5**2 + 2.5**2 + 2**2) / 3),
        ([Conv(1), GlobalAvgPool()], 4.0),
        ([GlobalAvgPool(), Dense()], 4.0),
        ([Flatten(), Dense()], 14 / 3),
        ([Dense(), Identity(), Flatten()], 14 / 3),
    ],
    ids=str,
)
def test_one_layer_of_weights_has_one_kernel(layers, value):
    nngp, ntk = serial(*layers).kernels(SEQUENCE)
    np.testing.assert_allclose(nngp, value, rtol=1e-15)
    np.testing.assert_allclose(ntk, value, rtol=1e-15)


def test_windows_of_two_axes_are_windows_along_each():
    x = np.arange(6.0).reshape(1, 2, 3, 1)
    net = serial(Conv((2, 1), (1, 2)), Flatten())
    np.testing.assert_allclose(net.nngp(x), ((0 + 9) / 2 + (4 + 25) / 2) / 2, rtol=1e-15)  # columns 0 3 and 2 5


@pytest.mark.parametrize(
    ("net", "nngp", "ntk"),
    [
        (serial(Dense(2.0), LayerNorm(), Dense()), 1.0, 2.0),
        (serial(Dense(), LayerNorm(1.0), Dense()), 0.5, 1.0),
        (serial(Dense(), Hermite(2), Dense()), 1.0, 3.0),  # h^2 -> 1, derivative 2
        (serial(Dense(), Step(), Dense()), 0.5, 0.5),
        (serial(Dense(), residual(Relu(), Dense())), 1.5, 1 + 1 / 2 + 1 / 2),
        (parallel(Dense(), serial(Dense(), Relu(), Dense())), 1.5, 1 + 1),
        (serial(product(Dense(2.0), serial(Dense(), Relu(), Dense()))), 4 / 2, 4 * 1 + 4 / 2),
        (serial(product(Dense(), Identity()), Dense()), 1.0, 2.0),
    ],
)
def test_known_kernels_of_an_input_of_mean_square_one(net, nngp, ntk):
    kernels = net.kernels(np.ones((1, 3)))
    np.testing.assert_allclose(np.ravel(kernels), [nngp, ntk], rtol=1e-11)  # 1e-12 is the default epsilon of LayerNorm


def test_vectors_are_images_of_one_pixel():
    x = np.random.default_rng(0).normal(size=(3, 4))
    dense = serial(Dense(1.2, 0.1), Relu(), Dense())
    conv = serial(Conv(3, 1, "same", 1.2 * 3**0.5, 0.1), Relu(), Conv(1), GlobalAvgPool())  # two of three pixels are zero
    for expected, got in zip(dense.kernels(x), conv.kernels(x[:, None]), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_branches_may_need_different_pairs_of_pixels():
    """One pools, one flattens: only the first needs all pairs."""
    net = serial(Conv(1), parallel(serial(Flatten(), Dense()), serial(GlobalAvgPool(), Dense())))
    np.testing.assert_allclose(np.ravel(net.kernels(SEQUENCE)), [14 / 3 + 4, 2 * (14 / 3 + 4)], rtol=1e-15)
    net = serial(Conv(1), parallel(Conv(1, 2, "same"), serial(AvgPool(2, 2, "same"), Dense())), Flatten())
    pixels = (1 + 9) / 2 + (1.5**2 + 1.5**2) / 2
    np.testing.assert_allclose(np.ravel(net.kernels(SEQUENCE)), [pixels, 2 * pixels], rtol=1e-15)


def test_opposite_images_stay_finite_through_pooling():
    """Before, rounding took the sine of a right angle beyond 1 and the kernel to nan."""
    x = np.random.default_rng(0).normal(size=(1, 5, 2))
    net = serial(Conv(2), AvgPool(2), Relu(), GlobalAvgPool(), Dense())
    scales = np.array([1.0, -1.0, -0.7, 2.0, -3.3])[:, None, None]
    assert np.isfinite(net.kernels(scales * x)).all()
    last = serial(Conv(2), GlobalAvgPool(), Relu(), Dense())
    np.testing.assert_allclose(last.nngp(np.concatenate([x, -x]))[0, 1], 0, atol=1e-15)
