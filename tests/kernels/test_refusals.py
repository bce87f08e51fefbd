"""Whatever has no kernel is refused with a sentence that names the layer, or the argument, and what would do."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit.kernels import (
    AvgPool,
    Conv,
    Dense,
    Elementwise,
    Flatten,
    GlobalAvgPool,
    Hermite,
    Identity,
    LayerNorm,
    LeakyRelu,
    Polynomial,
    Relu,
    parallel,
    product,
    residual,
    serial,
)

NET = serial(Conv(2), Relu(), Flatten(), Dense())
KEY = jax.random.key(0)
LONG = np.ones((2, 3, 1))  # three pixels


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv(0), "window must be an int >= 1, or a tuple of one or two of them, got 0"),
        (lambda: Conv(2, (1, 0)), r"stride must be an int >= 1, .* got \(1, 0\)"),
        (lambda: Conv((2,), (1, 1)), r"window and stride must have as many entries, got \(2,\) and \(1, 1\)"),
        (lambda: Conv(2, w_std=-1.0), r"w_std must be a positive number, got -1\.0"),
        (lambda: Conv(2, b_std=float("inf")), "b_std must be a number >= 0, got inf"),
        (lambda: AvgPool(-1), "window must be an int >= 1, .* got -1"),
        (lambda: AvgPool(2, 0), "stride must be an int >= 1, .* got 0"),
        (lambda: LeakyRelu(float("nan")), "slope must be a finite number, got nan"),
        (lambda: LayerNorm(-1.0), r"epsilon must be a number >= 0, got -1\.0"),
        (lambda: Hermite(-1), "degree must be an int >= 0, got -1"),
        (lambda: Polynomial([]), r"coefficients must be at least one finite number, got \[\]"),
        (lambda: Polynomial([1.0, float("nan")]), r"coefficients must be .* got \[1\.0, nan\]"),
        (lambda: Elementwise(jnp.tanh, 5, 5), "terms and nodes must be ints with 1 <= terms < nodes, got 5 and 5"),
        (lambda: parallel(Dense()), "parallel needs at least two branches, got 1"),
        (lambda: product(Dense()), "product needs at least two branches, got 1"),
        (
            lambda: parallel(Dense(), serial(Dense(), Relu()), Identity()),
            r"parallel: all branches but one must end in a layer with weights, got branches \[1, 2\] that do not",
        ),
        (lambda: residual(Dense(), Relu()), r"parallel: all branches but one .* got branches \[0, 1\]"),
        (lambda: residual(residual(Dense())), r"parallel: all branches but one .* got branches \[0, 1\]"),
        (
            lambda: residual(Dense(), product(Identity(), serial(Dense(), Relu()))),
            r"parallel: all branches but one .* got branches \[0, 1\]",
        ),
        (
            lambda: product(Identity(), Dense(), Relu()),
            r"product: all branches but one must have a layer with weights, got branches \[0, 2\] that have none",
        ),
        (
            lambda: serial(Conv(2), Relu(), AvgPool(2), Relu()),
            r"layer 3, Relu\(\), must directly follow .* got AvgPool.* before",
        ),
        (lambda: serial(Dense(), Relu(), LayerNorm()), r"layer 2, LayerNorm\(.*\), must directly follow a layer with weights"),
        (lambda: serial(product(Dense(), Dense()), Relu()), r"layer 1, Relu\(\), must directly follow .* got Branches"),
        (lambda: serial(Dense(), residual(Relu(), Relu(), Dense())), r"layer 1, Relu\(\), must directly follow"),
    ],
)
def test_wrong_layers_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


WRONG_TYPES = r"""
from ntkit.kernels import *
for make, message in (
    (lambda: Conv(2.0), "window must be an int >= 1, or a tuple of one or two of them, got 2.0"),
    (lambda: Conv((2, 2, 2)), "window must be an int >= 1, or a tuple of one or two of them, got (2, 2, 2)"),
    (lambda: AvgPool(True), "window must be an int >= 1, or a tuple of one or two of them, got True"),
    (lambda: Conv(2, padding="full"), 'padding must be "valid", "same" or "circular", got \'full\''),
    (lambda: Hermite(1.5), "degree must be an int >= 0, got 1.5"),
    (lambda: Elementwise(3), "function must be callable, got 3"),
    (lambda: serial(Dense(), 3), "argument 1 must be a layer or a network, got 3"),
):
    try:
        make()
        raise SystemExit("accepted: " + message)
    except ValueError as error:
        assert str(error) == message, error
"""


def test_wrong_types_are_refused():
    """In a process of its own: here, types are checked at run time before a function sees its arguments."""
    subprocess.run([sys.executable, "-c", WRONG_TYPES], check=True)


@pytest.mark.parametrize(
    ("net", "x", "message"),
    [
        (serial(Conv(4), Flatten()), LONG, r"layer 0, Conv\(window=4.*\), has a window of 4, which does not fit 3 pixels with"),
        (serial(Conv(2), Conv(3), Flatten()), LONG, "layer 1, Conv.* has a window of 3, which does not fit 2 pixels"),
        (serial(Conv(1), Relu(), Conv(1), AvgPool(4), Flatten()), LONG, "layer 3, AvgPool.* window of 4, .* 3 pixels"),
        (serial(Conv((2, 2)), Flatten()), LONG, "layer 0, Conv.* has windows with 2 axes, but images of shape .* have 1"),
        (serial(Conv(2), Flatten()), LONG[..., 0], r"layer 0, Conv.* needs images, .* got inputs of shape \(3,\)"),
        (serial(AvgPool(2), Dense()), LONG[..., 0], "layer 0, AvgPool.* needs images"),
        (serial(GlobalAvgPool(), Dense()), LONG[..., 0], r"layer 0, GlobalAvgPool\(\), needs images, .* got vectors"),
        (serial(Conv(1), GlobalAvgPool(), GlobalAvgPool()), LONG, r"layer 2, GlobalAvgPool\(\), needs images, .* got vectors"),
        (serial(Conv(2)), LONG, r"the network's outputs have pixels \(2\); its kernels need Flatten\(\) or GlobalAvgPool\(\)"),
        (serial(Dense(), Relu(), Dense()), np.ones((2, 3, 4, 1)), r"outputs have pixels \(3 x 4\)"),
        (
            serial(parallel(Conv(2), Conv(3)), Flatten()),
            LONG,
            r"layer 0, Branches.* outputs differ in their pixels: \[\(1,\), \(2,\)\]",
        ),
        (
            serial(LayerNorm(), Dense()),
            np.ones((2, 3)),
            r"layer 0, LayerNorm\(.*\), must directly follow .* got nothing before",
        ),
        (serial(residual(Relu(), Dense())), np.ones((2, 3)), r"layer 0, Relu\(\), must directly follow .* got nothing before"),
        (NET, np.full((2, 3, 1), np.nan), r"x1 must be finite, got 6 values \(of 6\) that are nan or infinite"),
        (NET, np.ones((0, 3, 1)), r"x1 must have shape .* without empty axes, got shape \(0, 3, 1\)"),
        (NET, np.ones((2, 0, 1)), r"x1 must have shape .* without empty axes, got shape \(2, 0, 1\)"),
        (NET, np.ones((2, 3, 1), complex), "x1 must be float32 or float64, got dtype complex128"),
        (NET, np.ones((2, 3, 1), bool), "x1 must be float32 or float64, got dtype bool"),
        (NET, jnp.ones((2, 3, 1), jnp.bfloat16), "x1 must be float32 or float64, got dtype bfloat16"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(net, x, message):
    for kernel in (net.nngp, net.ntk, jax.jit(net.ntk)) if np.isfinite(x).all() else (net.nngp, net.ntk):
        with pytest.raises(ValueError, match=message):
            kernel(x)


def test_images_of_other_sizes_or_channels_are_refused():
    for second in (np.ones((2, 3, 2)), np.ones((2, 4, 1))):
        with pytest.raises(ValueError, match=r"x1 and x2 must hold inputs of the same shape, got \(3, 1\) and"):
            NET.ntk(LONG, second)
    with pytest.raises(ValueError, match=r"x2 must be finite, got 3 values \(of 3\)"):
        NET.ntk(LONG, np.full((1, 3, 1), np.inf))


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (serial(Conv(4), Flatten()), (3, 1), "layer 0, Conv.* has a window of 4, which does not fit 3 pixels"),
        (serial(Conv(2), Flatten()), (3,), "layer 0, Conv.* needs images"),
        (serial(GlobalAvgPool(), Dense()), (3,), r"layer 0, GlobalAvgPool\(\), needs images, .* got vectors"),
        (
            serial(residual(Relu(), Dense()), Dense()),
            (3,),
            r"layer 0, Branches.* outputs have different shapes: \(3,\), \(8,\)",
        ),
        (serial(parallel(Conv(2), Conv(3)), Flatten()), (3, 1), r"layer 0, .* have different shapes: \(2, 1\), \(1, 1\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_by_init(net, shape, message):
    with pytest.raises(ValueError, match=message):
        net.init(KEY, shape, width=8)


def test_images_that_do_not_fit_are_refused_by_apply():
    params = NET.init(KEY, (3, 1), width=2)
    with pytest.raises(ValueError, match=r"layer 0, Conv.* has a window of 2, which does not fit 1 pixels"):
        NET.apply(params, np.ones((2, 1, 1)))
