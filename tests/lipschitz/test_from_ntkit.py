"""Networks of `ntkit.kernels` are the same functions here, on images that are not square, channels first."""

import jax
import numpy as np
import pytest

from ntkit import kernels
from ntkit.kernels import Conv, Dense, parallel, parse, product, serial
from ntkit.lipschitz import Network

RNG = np.random.default_rng(0)


def drawn(net, shape, width=3, outputs=1, dtype=np.float64):
    """Parameters, for which no code is compiled."""
    like = jax.eval_shape(lambda key: net.init(key, shape, width, outputs), jax.random.key(0))
    return jax.tree_util.tree_map(lambda leaf: RNG.normal(size=leaf.shape).astype(dtype), like)


@pytest.mark.parametrize(
    ("words", "shape", "outputs"),
    [
        ("conv3x2/2x1:same@1,0.5 relu conv2x3:circular relu avgpool2x1/1 flatten dense relu dense", (7, 5, 3), 3),
        ("conv3:same residual(relu dense) relu dense relu flatten", (3, 4, 2), 2),
        ("flatten residual(dense leaky0.2 dense) dense@1,1", (2, 3, 2), 2),
        ("identity conv4/3@1,0.2 gelu gap dense", (11, 2), 3),
    ],
)
def test_values_agree(words, shape, outputs):
    width = 12 if words.startswith("flatten") else 3  # as many as the numbers of an input
    net = parse(words)
    params, x = drawn(net, shape, width, outputs), RNG.normal(size=(4, *shape))
    found = jax.jit(Network.__call__)(Network.from_ntkit(net, params, shape), np.moveaxis(x, -1, 1))
    np.testing.assert_allclose(found, jax.jit(net.apply)(params, x).reshape(4, -1), rtol=1e-12, atol=1e-12)


def test_precision_is_kept_and_vectors_need_no_shape():
    net = parse("dense relu dense@1,1")
    params = drawn(net, (3,), dtype=np.float32)
    found = Network.from_ntkit(net, params)
    assert found.input_shape == (3,)
    assert {leaf.dtype for leaf in jax.tree_util.tree_leaves(found)} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (parse("dense erf dense"), r"layer 1, Erf\(\), has no counterpart in ntkit.lipschitz, which knows Dense, Conv"),
        (parse("dense layernorm dense"), r"layer 1, LayerNorm\(.*\), has no counterpart"),
        (parse("dense abs dense"), r"layer 1, Abs\(\), has no counterpart"),
        (parse("dense leaky1.5 dense"), r"layer 1, LeakyRelu\(slope=1.5\), below must be a slope in \[0, 1\), got 1.5"),
        (parse("dense residual(relu dense sin dense)"), r"layer 1, .* branch 1, layer 2, Sin\(\), has no counterpart"),
        (product(Dense(), Dense()), "layer 0, .*product.* has no counterpart"),
        (parallel(Dense(), Dense()), "layer 0, .* has no counterpart in ntkit.lipschitz, as it is a sum of other branches"),
        (
            parse("avgpool2:same flatten dense"),
            r"layer 0, AvgPool\(.* has no counterpart with padding='same', only with 'valid'",
        ),
    ],
)
def test_what_has_no_counterpart_is_named(net, message):
    shape = (4, 3, 1) if "AvgPool" in repr(net) else (3,)
    params = drawn(net, shape, outputs=3)
    with pytest.raises(ValueError, match=message):
        Network.from_ntkit(net, params, shape)


@pytest.mark.usefixtures("without_type_checks")
def test_what_does_not_fit_is_refused():
    net = serial(Conv(3), kernels.Flatten(), Dense())
    params = drawn(net, (5, 4, 1), width=2)
    for arguments, message in (
        ((net, params), r"input_shape must be given, as in \(height, width, channels\), unless a dense layer comes first"),
        ((net, params[:-1], (5, 4, 1)), "params must have one entry for each of the 3 layers, got 2"),
        ((net, params, (5, 5, 1)), "layer 2, Dense.* must take 18 numbers, got weights for 12"),
        (
            (net, params, (5, 4, 2)),
            r"layer 1 \(Conv\) must take inputs of shape \(2, 5, 4\), got weights of shape \(2, 1, 3, 3\)",
        ),
        ((net, params, (2, 4, 1)), 'layer 0, Conv.* has a window of 3, which does not fit 2 pixels with padding "valid"'),
        ((serial(kernels.GlobalAvgPool(), Dense()), ((), params[2]), (3,)), "layer 0, GlobalAvgPool.* needs images"),
        ((Conv(3), params), "net must be a Network of ntkit.kernels, got Conv"),
    ):
        with pytest.raises(ValueError, match=message):
            Network.from_ntkit(*arguments)
