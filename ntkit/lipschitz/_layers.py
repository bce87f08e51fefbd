"""Layers of a network, as its user writes them down: channels first, weights (out, in, ...)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ntkit.lipschitz._activation import Activation
from ntkit.lipschitz._linear import Convolution, Linear, Matrix, Numbers, Reshape, Scale, Shape

Padding = Literal["valid", "same", "circular"] | int | Sequence[tuple[int, int]]
PADDINGS = ("valid", "same", "circular")


@dataclass(frozen=True)
class Dense:
    """W a + b.

    Attributes:
        weights: W, shape (out, in).
        bias: b, shape (out,), or None.
    """

    weights: Numbers
    bias: Numbers | None = None


@dataclass(frozen=True)
class Conv:
    """Cross-correlation of (channels, height, width) or (channels, length) with weights (out, in, *window), plus a bias.

    Attributes:
        weights: shape (out, in, *window), one or two axes.
        bias: shape (out,), or None.
        stride: a number, or one for each axis.
        padding: "valid" (whole windows only), "same" (zeros, ceil(n / stride) windows), "circular" (the image continued
            periodically, as many windows), a number of zeros on every side, or pairs of numbers by axis.
    """

    weights: Numbers
    bias: Numbers | None = None
    stride: int | Sequence[int] = 1
    padding: Padding = "valid"


@dataclass(frozen=True)
class AvgPool:
    """Means over windows, which are whole; 1 / (points of a window) is rounded once, and bounds are those of that network.

    Attributes:
        window: a number, or one for each axis.
        stride: a number, or one for each axis; None for the window.
    """

    window: int | Sequence[int]
    stride: int | Sequence[int] | None = None


@dataclass(frozen=True)
class BatchNorm:
    """(a - mean) / sqrt(variance + epsilon) scale + shift, for each channel, as at inference.

    It is a factor and a constant for each channel, which are rounded once: bounds are those of the network that has these.

    Attributes:
        mean, variance, scale, shift: shape (channels,).
        epsilon: at least 0.
    """

    mean: Numbers
    variance: Numbers
    scale: Numbers
    shift: Numbers
    epsilon: float = 1e-5


@dataclass(frozen=True)
class Flatten:
    """All numbers as a vector, in C order of (channels, height, width)."""


@dataclass(frozen=True)
class Residual:
    """a plus what some layers make of it, of the same shape."""

    layers: Sequence[Any]


Layer = Dense | Conv | AvgPool | BatchNorm | Flatten | Residual | Activation


def linear_of(name: str, layer: Layer, inputs: Shape) -> tuple[Linear, Array | None]:
    """The linear map of a layer on inputs of this shape, and its constants.

    Args:
        name: of the layer, for messages.
        layer: not an activation, not a residual.
        inputs: the shape.

    Raises:
        ValueError: numbers that are not finite, or shapes that do not go together.
    """
    if isinstance(layer, Dense):
        weights = _weights(name, layer.weights, (2,))
        if inputs != (weights.shape[1],):
            raise ValueError(f"{name} must take inputs of shape {inputs}, got weights of shape {weights.shape}")
        return Matrix(inputs, (len(weights),), weights), _bias(name, layer.bias, weights)
    if isinstance(layer, Conv):
        return _convolution(name, layer, inputs)
    if isinstance(layer, AvgPool):
        return _pool(name, layer, inputs), None
    if isinstance(layer, BatchNorm):
        return _norm(name, layer, inputs)
    if isinstance(layer, Flatten):
        return Reshape(inputs, (prod(inputs),)), None
    raise ValueError(f"{name} must be Dense, Conv, AvgPool, BatchNorm, Flatten, Residual or an activation, got {layer!r}")


def _convolution(name: str, layer: Conv, inputs: Shape) -> tuple[Linear, Array | None]:
    weights = _weights(name, layer.weights, (3, 4))
    ndim = weights.ndim - 2
    if len(inputs) != ndim + 1 or inputs[0] != weights.shape[1]:
        raise ValueError(f"{name} must take inputs of shape {inputs}, got weights of shape {weights.shape}")
    stride = _per_axis(f"{name}: stride", layer.stride, ndim)
    pads, circular = _pads(name, layer.padding, inputs[1:], weights.shape[2:], stride), layer.padding == "circular"
    points = _windows(name, inputs[1:], weights.shape[2:], stride, pads)
    bias = _bias(name, layer.bias, weights)
    bias = None if bias is None else jnp.broadcast_to(bias.reshape(-1, *[1] * ndim), (len(weights), *points))
    return Convolution(inputs, (len(weights), *points), weights, stride, pads, circular), bias


def _pool(name: str, layer: AvgPool, inputs: Shape) -> Linear:
    ndim = len(inputs) - 1
    if ndim not in (1, 2):
        raise ValueError(
            f"{name} must take images (channels, height, width) or (channels, length), got inputs of shape {inputs}"
        )
    window = _per_axis(f"{name}: window", layer.window, ndim)
    stride = window if layer.stride is None else _per_axis(f"{name}: stride", layer.stride, ndim)
    pads = ((0, 0),) * ndim
    points = _windows(name, inputs[1:], window, stride, pads)
    weights = jnp.full((inputs[0], 1, *window), 1 / prod(window))
    return Convolution(inputs, (inputs[0], *points), weights, stride, pads, groups=inputs[0])


def _norm(name: str, layer: BatchNorm, inputs: Shape) -> tuple[Linear, Array]:
    mean, variance, scale, shift = (
        _weights(f"{name}: {word}", getattr(layer, word), (1,)) for word in ("mean", "variance", "scale", "shift")
    )
    if {len(mean), len(variance), len(scale), len(shift)} != {inputs[0]}:
        raise ValueError(f"{name} must have {inputs[0]} numbers of each kind, one for each channel, got {layer!r}")
    if not (variance >= 0).all() or not layer.epsilon >= 0 or not (variance + layer.epsilon > 0).all():
        raise ValueError(f"{name}: variance + epsilon must be positive, got {layer.variance!r} and {layer.epsilon!r}")
    factors = scale / jnp.sqrt(variance + layer.epsilon)
    shape = (-1, *[1] * (len(inputs) - 1))
    constants = jnp.broadcast_to((shift - mean * factors).reshape(shape), inputs)
    return Scale(inputs, inputs, factors.reshape(shape)), constants


def _weights(name: str, weights: Numbers, ndims: tuple[int, ...]) -> Array:
    array = np.asarray(weights)
    if array.dtype.kind != "f" or array.ndim not in ndims or not array.size:
        wanted = " or ".join(map(str, ndims))
        raise ValueError(f"{name} must have real weights of {wanted} axes, got {array.dtype} of shape {array.shape}")
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise ValueError(f"{name} must have finite weights, got {bad} of {array.size} that are nan or infinite")
    return jnp.asarray(array)


def _bias(name: str, bias: Numbers | None, weights: Array) -> Array | None:
    if bias is None:
        return None
    array = _weights(f"{name}: bias", bias, (1,))
    if len(array) != len(weights):
        raise ValueError(f"{name}: bias must have shape ({len(weights)},), got {array.shape}")
    return array


def _per_axis(name: str, value: int | Sequence[int], ndim: int) -> Shape:
    values = (value,) * ndim if isinstance(value, int) else tuple(value)
    if len(values) != ndim or not all(isinstance(v, int) and not isinstance(v, bool) and v >= 1 for v in values):
        raise ValueError(f"{name} must be a whole number of at least 1, or {ndim} of them, got {value!r}")
    return values


def _pads(name: str, padding: Padding, points: Shape, window: Shape, stride: Shape) -> tuple[tuple[int, int], ...]:
    if padding == "valid":
        return ((0, 0),) * len(points)
    if isinstance(padding, str):
        if padding not in PADDINGS:
            raise ValueError(f"{name}: padding must be {', '.join(map(repr, PADDINGS))}, a number or pairs, got {padding!r}")
        wanted = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(points, window, stride, strict=True)]
        return tuple((w // 2, w - w // 2) for w in wanted)
    pairs = ((padding, padding),) * len(points) if isinstance(padding, int) else tuple(map(tuple, padding))
    if len(pairs) != len(points) or any(len(p) != 2 or not all(isinstance(v, int) and v >= 0 for v in p) for p in pairs):
        raise ValueError(f"{name}: padding must be {', '.join(map(repr, PADDINGS))}, a number or pairs, got {padding!r}")
    return tuple((int(first), int(last)) for first, last in pairs)


def _windows(name: str, points: Shape, window: Shape, stride: Shape, pads: tuple[tuple[int, int], ...]) -> Shape:
    counts = [(n + sum(p) - k) // s + 1 for n, k, s, p in zip(points, window, stride, pads, strict=True)]
    if min(counts) < 1:
        raise ValueError(f"{name}: windows of {window} do not fit into {points} points with padding {pads}")
    return tuple(counts)
