"""The dense layer."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._inputs import Inputs
from ntkit.kernels._layer import Draw, Layer, Weights
from ntkit.kernels._moments import Moments, Needs
from ntkit.kernels._weights import check_stds, check_width, draw_weights, mix


@dataclass(frozen=True)
class Dense(Layer):
    """h -> w_std / sqrt(fan_in) W h + b_std b, all entries of W and b from N(0, 1). On images, at every pixel by itself.

    Kernels: K -> w_std^2 K + b_std^2 (K of the raw inputs is <x, z> / fan_in), and the tangent kernel
    T -> w_std^2 T + w_std^2 K + b_std^2.

    Args:
        w_std, b_std: standard deviations of weights (before the fan-in) and bias.
        width: channels of the finite network; None leaves them to `Network.init`. The kernels do not depend on it.

    Raises:
        ValueError: w_std is not a positive number, b_std is not a number >= 0, or width is below 1.

    Source: Jacot, Gabriel, Hongler (2018), section 3, the parametrisation and the kernel recursion.
    """

    w_std: float = 1.0
    b_std: float = 0.0
    width: int | None = None
    weighted: ClassVar = True

    def __post_init__(self) -> None:
        check_stds(self.w_std, self.b_std)
        check_width(self.width)

    def gaussian(self, before: bool) -> bool:
        """Sums of many terms are."""
        return True

    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments:
        """From the moments of the layer's inputs to those of its outputs."""
        return mix(moments.moments(after) if isinstance(moments, Inputs) else moments, self.w_std, self.b_std)

    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """The same pixels, width channels."""
        return (*shape[:-1], width)

    def init(self, key: PRNGKeyArray, shape: tuple[int, ...], draw: Draw) -> tuple[tuple[int, ...], Weights]:
        """Random weights of shape (fan_in, fan_out), and a bias if b_std > 0."""
        fan_out = draw.fan_out(self.width)
        return (*shape[:-1], fan_out), draw_weights(key, (shape[-1], fan_out), self.w_std, self.b_std, draw)

    def apply(self, params: Weights, x: Float[Array, "n ... fan_in"]) -> Float[Array, "n ... fan_out"]:
        """The layer's outputs."""
        out: Array = params.w_scale * (x @ params.w)
        return out if params.b is None else out + params.b_scale * params.b.reshape((1,) * (out.ndim - 1) + (-1,))
