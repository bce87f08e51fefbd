"""A seeded generator over the algebra of networks, of small inputs so that exact references stay cheap."""

import numpy as np

from ntkit.kernels import (
    Abs,
    AvgPool,
    Conv,
    Cos,
    Dense,
    Erf,
    Flatten,
    Gelu,
    GlobalAvgPool,
    Hermite,
    Identity,
    LayerNorm,
    LeakyRelu,
    Polynomial,
    Relu,
    Sin,
    parallel,
    product,
    residual,
    serial,
)

SHAPES = ((4,), (5, 2), (4,), (5, 2), (4, 3, 2))  # of one input
# Left out: Exp, which overflows when it follows itself; Step, which neural-tangents answers with nan; Sign, of whose
# covariances it keeps the diagonal only, which is wrong where a pooling follows.
_ACTIVATIONS = (
    Relu(), LeakyRelu(0.3), Abs(), Erf(), Gelu(), Sin(), Cos(), Hermite(2), Polynomial((0.2, 1.0, -0.3)),
)  # fmt: skip
LAYERS = {Dense, Conv, AvgPool, GlobalAvgPool, Flatten, Identity, LayerNorm, *map(type, _ACTIVATIONS)}


def random_network(seed):
    """A network and the shape of its inputs; seeds in a row take turns; images are few, since they take longest."""
    rng = np.random.default_rng(seed)
    shape = SHAPES[seed % len(SHAPES)]
    space = shape[:-1]
    layers = [_weights(rng, space, keep=False)] if space else [_dense(rng)]
    space = _space(layers, space)
    for _ in range(rng.integers(1, 3)):
        block = _BLOCKS[rng.integers(len(_BLOCKS) if space else 4)](rng, space)
        layers += block
        space = _space(block, space)
    if space:
        layers.append([GlobalAvgPool(), Flatten()][rng.integers(2)])
    if rng.random() < 0.3:
        layers += [_dense(rng), _activation(rng)]
    return serial(*layers, _dense(rng)), shape


def _space(layers, space):
    shape = (*space, 1)
    for layer in serial(*layers).layers:
        shape = layer.output_shape(shape, 1)
    return shape[:-1]


def _dense(rng):
    return Dense(float(rng.choice([0.8, 1.3])), float(rng.choice([0.0, 0.4])))


def _activation(rng):
    return _ACTIVATIONS[rng.integers(len(_ACTIVATIONS))]


def _weights(rng, space, keep=True):
    """A dense layer, or a convolution; one that keeps the number of pixels, or any."""
    if not space or rng.random() < 0.2:
        return _dense(rng)
    padding = str(rng.choice(["same", "circular"] if keep else ["valid", "same", "circular"]))
    larger = padding != "valid" and rng.random() < 0.15  # than the image
    window = (space[0] + 1, *(1 for _ in space[1:])) if larger else tuple(int(rng.integers(1, min(n, 3) + 1)) for n in space)
    stride = (1,) * len(space) if keep else tuple(int(s) for s in rng.integers(1, 4, len(space)))
    return Conv(window, stride, padding, float(rng.choice([0.8, 1.3])), float(rng.choice([0.0, 0.4])))


def _plain(rng, space):
    return [_activation(rng), _weights(rng, space, keep=False)]


def _residual(rng, space):
    return [residual(_activation(rng), _weights(rng, space))]


def _product(rng, space):
    return [
        product(serial(_activation(rng), _weights(rng, space)), [_weights(rng, space), Identity()][rng.integers(2)]),
        _dense(rng),
    ]


def _normalised(rng, space):
    return [_activation(rng), _weights(rng, space), LayerNorm(0.1)]


def _pooled(rng, space):
    padding = str(rng.choice(["valid", "same", "circular"]))
    window = tuple(int(rng.integers(1, min(n, 2) + 1)) for n in space)
    return [_activation(rng), _weights(rng, space), AvgPool(window, int(rng.integers(1, 3)), padding)]


def _shortcut(rng, space):
    """Two ways to as many pixels: by stride, and by pooling."""
    return [parallel(serial(_activation(rng), Conv(1, 2, "same", 1.2)), serial(AvgPool(2, 2, "same"), _dense(rng)))]


_BLOCKS = (_plain, _residual, _product, _normalised, _pooled, _pooled, _shortcut)
