"""What every layer can do; all layers are final."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._moments import Moments

Params = Any  # a pytree of arrays, each layer's own


class Layer(ABC):
    """A layer with its two faces: what it does to moments at infinite width, and to arrays at finite width.

    Attributes:
        dense: whether the layer mixes its inputs by random weights, so that its outputs become Gaussian.
    """

    dense: ClassVar[bool]

    @abstractmethod
    def propagate(self, moments: Moments) -> Moments:
        """From the moments of the layer's inputs to those of its outputs."""

    @abstractmethod
    def init(self, key: PRNGKeyArray, fan_in: int, fan_out: int, dtype: DTypeLike) -> Params:
        """Random parameters; () for a layer that has none."""

    @abstractmethod
    def apply(self, params: Params, x: Float[Array, "n fan_in"]) -> Float[Array, "n fan_out"]:
        """The layer's outputs."""
