"""What every layer can do; all layers are final."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._inputs import Inputs
from ntkit.kernels._moments import Moments, Needs

Params = Any  # a pytree of arrays, each layer's own
PARAMETRIZATIONS = ("ntk", "standard", "mup")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Weights:
    """Parameters of a dense or convolutional layer, and the fixed factors in front of them.

    Attributes:
        w: (fan_in, fan_out), or (*window, channels, fan_out).
        b: (fan_out,); None without a bias.
        w_scale, b_scale: the layer computes w_scale * (w applied to h) + b_scale * b.
    """

    w: Any  # arrays; JAX also builds these objects with placeholders
    b: Any
    w_scale: float = field(metadata={"static": True})
    b_scale: float = field(metadata={"static": True})


@dataclass(frozen=True)
class Draw:
    """How a network's parameters are drawn.

    Attributes:
        width: channels of hidden layers that have none of their own; None if all have.
        outputs: channels of the last layer with weights.
        parametrization: which part of a weight's size is a fixed factor, see `Network.init`.
        dtype: of the parameters.
        first, last: whether no layer with weights comes before, and none after.
    """

    width: int | None
    outputs: int
    parametrization: str
    dtype: DTypeLike
    first: bool = True
    last: bool = True

    def fan_out(self, own: int | None) -> int:
        """Channels of a layer with weights, which may have a width of its own; ValueError if nothing says them."""
        if self.last:
            return self.outputs
        if own is None and self.width is None:
            raise ValueError("has no width, and none is given to init")
        return own if own is not None else int(self.width or 0)


class Layer(ABC):
    """A layer with its two faces: what it does to moments at infinite width, and to arrays at finite width.

    Attributes:
        weighted: whether the layer has weights of its own, so that its outputs are Gaussian at infinite width.
    """

    weighted: ClassVar[bool] = False

    def gaussian(self, before: bool) -> bool:
        """Whether the outputs are Gaussian if the inputs are; ValueError if the layer cannot follow such inputs."""
        return before

    def needs(self, after: Needs) -> Needs:
        """What the layer asks of its inputs' moments, given what is asked of those of its outputs."""
        return after

    @abstractmethod
    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments | Inputs:
        """From the moments of the layer's inputs to those of its outputs."""

    def init(self, key: PRNGKeyArray, shape: tuple[int, ...], draw: Draw) -> tuple[tuple[int, ...], Params]:
        """Shape of one output, (*space, channels), and random parameters; () for a layer that has none."""
        return self.output_shape(shape, shape[-1]), ()

    @abstractmethod
    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """Shape of one output, (*space, channels), for inputs of a shape; ValueError if they do not fit."""

    @abstractmethod
    def apply(self, params: Params, x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The layer's outputs."""
