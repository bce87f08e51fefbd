"""Finite-width networks of `ntkit.kernels` as layers, channels first.

There, images are (height, width, channels), and weights come with a factor. Where an image has been flattened, its numbers are
in another order here, until the next dense layer, whose columns are brought into that order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ntkit import kernels
from ntkit.lipschitz._activation import Gelu, LeakyRelu, Relu
from ntkit.lipschitz._layers import AvgPool, Conv, Dense, Flatten, Layer, Residual
from ntkit.lipschitz._linear import Shape

_KNOWN = "Dense, Conv, AvgPool, GlobalAvgPool, Flatten, Identity, Relu, LeakyRelu, Gelu, and residual() of these"


@dataclass(frozen=True)
class _State:
    """What has been made so far.

    Attributes:
        shape: (*space, channels), as there.
        order: which number of the vector there stands at each place here; None if they are in the same order.
    """

    shape: Shape
    order: np.ndarray | None = None


def layers_of(net: kernels.Network, params: Sequence[Any], input_shape: Sequence[int] | None) -> tuple[list[Layer], Shape]:
    """The layers, and the shape of an input, channels first.

    Args:
        net: the architecture.
        params: its parameters.
        input_shape: of one input as there, channels last; None for vectors that go into a dense layer first.
    """
    if not isinstance(net, kernels.Network):
        raise ValueError(f"net must be a Network of ntkit.kernels, got {net!r}")
    shape = _vector(net, params) if input_shape is None else tuple(input_shape)
    layers, end = _chain("layer", net.layers, params, _State(shape))
    if end.order is not None:
        layers.append(_sorted(end.order, params))
    return layers, (shape[-1], *shape[:-1])


def _vector(net: kernels.Network, params: Sequence[Any]) -> Shape:
    for layer, own in zip(net.layers, params, strict=False):
        if isinstance(layer, kernels.Dense):
            return (len(own.w),)
        if isinstance(layer, kernels.Conv):
            break
    raise ValueError(
        f"input_shape must be given, as in (height, width, channels), unless a dense layer comes first, got {net!r}"
    )


def _chain(name: str, layers: Sequence[Any], params: Sequence[Any], state: _State) -> tuple[list[Layer], _State]:
    if len(params) != len(layers):
        raise ValueError(f"params must have one entry for each of the {len(layers)} layers, got {len(params)}")
    found: list[Layer] = []
    for number, (layer, own) in enumerate(zip(layers, params, strict=True)):
        try:
            some, state = _converted(layer, own, state)
        except ValueError as error:
            raise ValueError(f"{name} {number}, {layer}, {error}") from None
        found += some
    return found, state


def _converted(layer: Any, own: Any, state: _State) -> tuple[list[Layer], _State]:
    """What stands here for a layer there."""
    space = len(state.shape) - 1
    if isinstance(layer, kernels.Dense | kernels.Conv):
        weights, bias = _weights(own)
        shape = (*layer.output_shape(state.shape, weights.shape[-1])[:-1], weights.shape[-1])
        if isinstance(layer, kernels.Conv):
            stride = _per_axis(1 if layer.stride is None else layer.stride)
            return [Conv(np.moveaxis(weights, (-1, -2), (0, 1)), bias, stride, layer.padding)], _State(shape)
        if space:  # at every pixel by itself
            return [Conv(weights.T.reshape(*weights.T.shape, *[1] * space), bias)], _State(shape)
        if len(weights) != state.shape[0]:
            raise ValueError(f"must take {state.shape[0]} numbers, got weights for {len(weights)}")
        return [Dense(weights.T if state.order is None else weights.T[:, state.order], bias)], _State(shape)
    if isinstance(layer, kernels.GlobalAvgPool):
        return [AvgPool(state.shape[:-1]), Flatten()], _State(layer.output_shape(state.shape, 1))
    if isinstance(layer, kernels.AvgPool):
        if layer.padding != "valid":
            raise ValueError(f"has no counterpart with padding={layer.padding!r}, only with 'valid'")
        moved = None if layer.stride is None else _per_axis(layer.stride)
        return [AvgPool(_per_axis(layer.window), moved)], _State(layer.output_shape(state.shape, 1))
    if isinstance(layer, kernels.Flatten):
        if not space:
            return [], state
        there = np.arange(prod(state.shape)).reshape(state.shape)
        here = np.moveaxis(there, -1, 0).ravel()
        return [Flatten()], _State((there.size,), None if (here == there.ravel()).all() else here)
    if isinstance(layer, kernels.Identity):
        return [], state
    if isinstance(layer, kernels.Relu):
        return [Relu()], state
    if isinstance(layer, kernels.LeakyRelu):
        return [LeakyRelu(layer.slope)], state
    if isinstance(layer, kernels.Gelu):
        return [Gelu()], state
    if getattr(layer, "join", None) == "sum":
        return _residual(layer.branches, own, state)
    raise ValueError(f"has no counterpart in ntkit.lipschitz, which knows {_KNOWN}")


def _residual(branches: Sequence[Sequence[Any]], params: Sequence[Any], state: _State) -> tuple[list[Layer], _State]:
    """The sum of the inputs and of one chain."""
    plain = [all(isinstance(layer, kernels.Identity) for layer in branch) for branch in branches]
    if sorted(plain) != [False, True]:
        raise ValueError(f"has no counterpart in ntkit.lipschitz, as it is a sum of other branches; it knows {_KNOWN}")
    place = plain.index(False)
    first: list[Layer] = []
    if state.order is not None:
        first, state = [_sorted(state.order, params)], _State(state.shape)
    layers, end = _chain(f"branch {place}, layer", branches[place], params[place], state)
    if end.shape != state.shape:
        raise ValueError(f"must add what has the shape {state.shape}, got {end.shape}")
    if end.order is not None:
        layers.append(_sorted(end.order, params))
    return [*first, Residual(layers)], state


def _sorted(order: np.ndarray, params: Any) -> Dense:
    """The layer that brings numbers to their places there."""
    import jax

    dtype = np.result_type(*[leaf.dtype for leaf in jax.tree_util.tree_leaves(params)] or [float])
    return Dense(np.eye(len(order), dtype=dtype)[np.argsort(order)])


def _weights(own: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Weights with their factor, in their precision."""
    w = np.asarray(own.w)
    bias = None if own.b is None else np.asarray(own.b) * w.dtype.type(own.b_scale)
    return w * w.dtype.type(own.w_scale), bias


def _per_axis(value: int | tuple[int, ...]) -> int | tuple[int, ...]:
    """A number for all axes, or one for each."""
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value
