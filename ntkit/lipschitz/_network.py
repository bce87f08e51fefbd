"""A network as a list of steps, each of which takes what an earlier one made."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit import kernels
from ntkit.lipschitz._activation import ACTIVATIONS, Activation
from ntkit.lipschitz._from_ntkit import layers_of
from ntkit.lipschitz._layers import AvgPool, Conv, Dense, Layer, Residual, linear_of
from ntkit.lipschitz._linear import Linear, Numbers, Shape

WeightsAndBias = tuple[Numbers, Numbers | None]


@dataclass(frozen=True)
class Affine:
    """A linear map of an earlier step's numbers, plus constants."""

    linear: Linear
    bias: Float[Array, "..."] | None
    parent: int

    @property
    def parents(self) -> tuple[int, ...]:
        """The earlier step."""
        return (self.parent,)


@dataclass(frozen=True)
class Activate:
    """An activation of an earlier step's numbers."""

    activation: Activation
    parent: int

    @property
    def parents(self) -> tuple[int, ...]:
        """The earlier step."""
        return (self.parent,)


@dataclass(frozen=True)
class Add:
    """The sum of two earlier steps."""

    parents: tuple[int, ...]


Step = Affine | Activate | Add


@dataclass(frozen=True, repr=False)
class Network:
    """A network with its weights: a function of arrays of one shape, with vectors as values.

    Made by `Network.sequential`, `Network.from_layers`, `Network.from_ntkit` or `load_network`. Step 0 is the
    input, step i the i-th of `steps`.

    Attributes:
        input_shape: of one input.
        steps: in an order in which each takes earlier ones.
    """

    input_shape: Shape
    steps: tuple[Step, ...]
    shapes: tuple[Shape, ...] = field(repr=False)  # of the input, and of what every step makes

    @classmethod
    def sequential(cls, layers: Sequence[WeightsAndBias], activation: str | Activation = "relu") -> "Network":
        """A fully connected network.

        Args:
            layers: weights (out, in) and biases (out,), or None, of each layer: z = W a + b.
            activation: after every layer but the last.

        Raises:
            ValueError: no layers, shapes that do not go together, numbers that are not finite, an unknown activation.

        Example:
            >>> import jax.numpy as jnp
            >>> net = Network.sequential([([[1.0], [-1.0]], None), ([[1.0, 1.0]], None)])
            >>> float(net(jnp.array([-3.0]))[0])  # |x|
            3.0
        """
        if not len(layers):
            raise ValueError("layers must be at least one pair of weights and bias, got none")
        shape = np.shape(layers[0][0])
        if len(shape) != 2:
            raise ValueError(f"layers must hold weights of shape (out, in), got {shape} in the first")
        return cls.from_layers([Dense(*layer) for layer in layers], input_shape=shape[1:], activation=activation)

    @classmethod
    def from_layers(
        cls, layers: Sequence[Layer], *, input_shape: Sequence[int], activation: str | Activation | None = None
    ) -> "Network":
        """A network of `Dense`, `Conv`, `AvgPool`, `BatchNorm`, `Flatten`, `Residual` and activations.

        Args:
            layers: in their order.
            input_shape: (dim,), (channels, length) or (channels, height, width).
            activation: follows every `Dense` and `Conv` but the last; None, where activations are among the layers.

        Raises:
            ValueError: as for `sequential`; the message names the layer.

        Example:
            >>> import jax.numpy as jnp
            >>> from ntkit.lipschitz import Flatten
            >>> layers = [Conv(jnp.ones((1, 1, 2, 2))), Flatten(), Dense(jnp.ones((1, 4)))]
            >>> net = Network.from_layers(layers, input_shape=(1, 3, 3), activation="relu")
            >>> float(net(jnp.ones((1, 3, 3)))[0])
            16.0
        """
        shape = tuple(input_shape)
        if not shape or not all(isinstance(n, int) and n >= 1 for n in shape):
            raise ValueError(f"input_shape must be whole numbers of at least 1, got {input_shape!r}")
        builder = Builder(shape, None if activation is None else activation_of(activation), _weighted(layers))
        builder.extend(layers, "layer")
        return builder.network()

    @classmethod
    def from_ntkit(cls, net: kernels.Network, params: Sequence[Any], input_shape: Sequence[int] | None = None) -> "Network":
        """A finite network of `ntkit.kernels`, whose inputs are channels first here: (channels, height, width).

        An input x of `net.apply`, of shape (height, width, channels), is `np.moveaxis(x, -1, 0)` here, and outputs are flat, in
        the order there. Weights are multiplied by the factor that is in front of them, and rounded once: bounds are those of
        the network that has these.

        Args:
            net: made by `serial`, `residual` or `parse`, of layers that have a counterpart here.
            params: from `net.init`, or trained.
            input_shape: of one input as `net.init` takes it, channels last; may be left out for vectors.

        Raises:
            ValueError: a layer that has no counterpart here, or parameters or a shape that do not fit: the message names it.

        Example:
            >>> import jax
            >>> from ntkit.kernels import parse
            >>> net = parse("conv3x3 relu flatten dense")
            >>> params = net.init(jax.random.key(0), (5, 4, 1), width=2)
            >>> Network.from_ntkit(net, params, (5, 4, 1))
            Network((1, 5, 4) -> Convolution, Relu, Reshape, Matrix -> 1)
        """
        layers, shape = layers_of(net, params, input_shape)
        return cls.from_layers(layers, input_shape=shape)

    @property
    def outputs(self) -> int:
        """How many numbers the network gives."""
        return prod(self.shapes[-1])

    @property
    def piecewise(self) -> bool:
        """Whether it is linear between kinks."""
        return all(step.activation.piecewise for step in self.steps if isinstance(step, Activate))

    def __repr__(self) -> str:
        steps = [
            type(s.linear if isinstance(s, Affine) else s.activation if isinstance(s, Activate) else s) for s in self.steps
        ]
        return f"Network({self.input_shape} -> {', '.join(step.__name__ for step in steps)} -> {self.outputs})"

    def __call__(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """The network's values at one input, a flat vector of that size, or a batch of either."""
        flat, size = x.reshape(-1), prod(self.input_shape)
        batch = (
            x.shape[: x.ndim - len(self.input_shape)] if x.shape[-len(self.input_shape) :] == self.input_shape else x.shape[:-1]
        )
        if flat.size != prod(batch) * size:
            raise ValueError(f"x must have shape {self.input_shape}, ({size},), or be a batch of these, got {x.shape}")
        return self.values(x.reshape(-1, *self.input_shape))[-1].reshape(*batch, self.outputs)

    def values(self, x: Float[Array, "batch ..."]) -> list[Float[Array, "batch ..."]]:
        """What every step makes of a batch of inputs, the inputs first."""
        values = [x]
        for step in self.steps:
            if isinstance(step, Affine):
                moved = step.linear(values[step.parent])
                values.append(moved if step.bias is None else moved + step.bias[None])
            elif isinstance(step, Activate):
                values.append(step.activation(values[step.parent]))
            else:
                values.append(reduce(operator.add, [values[p] for p in step.parents]))
        return values

    def jacobian(self, x: Float[Array, "..."]) -> Float[Array, "outputs inputs"]:
        """The derivative at one input, inputs flattened; at kinks, with the slopes of the right side."""
        return jax.jacrev(self)(x.reshape(-1))  # type: ignore[no-any-return]


class Builder:
    """Steps, as layers are added.

    Args:
        shape: of an input.
        activation: follows every layer with weights but the last; None, where activations are added.
        weighted: how many layers with weights there will be.
    """

    def __init__(self, shape: Shape, activation: Activation | None = None, weighted: int = 0) -> None:
        self.steps: list[Step] = []
        self.shapes = [shape]
        self._pools: set[int] = set()  # places among the steps
        self._activation, self._left = activation, weighted

    def network(self) -> Network:
        """The network whose values are those of the last step."""
        if not self.steps:
            raise ValueError("layers must be at least one, got none")
        return Network(self.shapes[0], _one_dtype(self.steps, self._pools), tuple(self.shapes))

    def extend(self, layers: Sequence[Layer], name: str) -> None:
        """Layers one after the other, numbered in messages."""
        for number, layer in enumerate(layers, 1):
            self.add(f"{name} {number} ({type(layer).__name__})", layer)

    def add(self, name: str, layer: Layer, after: int | None = None) -> int:
        """A layer after an earlier step, or after the last one; the number of its last step. Residuals follow the last one."""
        last = len(self.steps) if after is None else after
        if isinstance(layer, Residual):
            self.extend(layer.layers, f"{name}, layer")
            if self.shapes[-1] != self.shapes[last]:
                raise ValueError(f"{name} must keep the shape {self.shapes[last]}, got {self.shapes[-1]}")
            if len(self.steps) == last:
                raise ValueError(f"{name} must have layers, got none")
            self.push(Add((last, len(self.steps))), self.shapes[-1])
        elif isinstance(layer, Activation):
            if self._activation is not None:
                raise ValueError(f"activation must be None where layers name theirs, as {name} does, got {self._activation!r}")
            self.push(Activate(layer, last), self.shapes[last])
        else:
            linear, bias = linear_of(name, layer, self.shapes[last])
            if isinstance(layer, AvgPool):
                self._pools.add(len(self.steps))
            self.push(Affine(linear, bias, last), linear.outputs)
            if isinstance(layer, Dense | Conv):
                self._left -= 1
                if self._activation is not None and self._left:
                    self.push(Activate(self._activation, len(self.steps)), self.shapes[-1])
        return len(self.steps)

    def push(self, step: Step, shape: Shape) -> int:
        """A step, which makes numbers of a shape; its number."""
        self.steps.append(step)
        self.shapes.append(shape)
        return len(self.steps)


def activation_of(activation: str | Activation) -> Activation:
    """An activation by its name, or itself."""
    if isinstance(activation, Activation):
        return activation
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    return ACTIVATIONS[activation]


def _one_dtype(steps: list[Step], pools: set[int]) -> tuple[Step, ...]:
    """The steps in the widest precision of the layers that have weights of their own, as pooling has not."""
    leaves = jax.tree_util.tree_leaves([step for place, step in enumerate(steps) if place not in pools])
    dtype = np.result_type(*[leaf.dtype for leaf in leaves]) if leaves else jnp.zeros(0, float).dtype
    return tuple(jax.tree_util.tree_map(lambda leaf: leaf.astype(dtype), steps))


def _weighted(layers: Sequence[Layer]) -> int:
    """How many layers an activation can follow."""
    return sum(_weighted(x.layers) if isinstance(x, Residual) else isinstance(x, Dense | Conv) for x in layers)


jax.tree_util.register_dataclass(Affine, ["linear", "bias"], ["parent"])
jax.tree_util.register_dataclass(Activate, [], ["activation", "parent"])
jax.tree_util.register_dataclass(Add, [], ["parents"])
jax.tree_util.register_dataclass(Network, ["steps"], ["input_shape", "shapes"])
