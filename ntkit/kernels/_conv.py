"""The convolution layer."""

from dataclasses import dataclass, field
from typing import ClassVar

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._inputs import Inputs
from ntkit.kernels._layer import Draw, Layer, Weights
from ntkit.kernels._moments import Moments, Needs
from ntkit.kernels._weights import check_stds, check_width, draw_weights, mix
from ntkit.kernels._windows import Padding, Size, Windows, mean_over_windows


@dataclass(frozen=True)
class Conv(Layer):
    """Convolution of images (height, width, channels) or sequences (length, channels), all weights from N(0, 1).

    Output at window p: w_std / sqrt(fan_in) sum_i W_i h_{p+i} + b_std b, where fan_in = pixels of a window x channels; pixels
    outside of the image are 0. Kernels, for windows p of x and q of z: K(p, q) -> w_std^2 mean_i K(p+i, q+i) + b_std^2, and
    T(p, q) -> w_std^2 mean_i T(p+i, q+i) + the new K(p, q).

    Args:
        window: pixels along the axes, or one number for all of them.
        stride: by how many pixels windows move; None stands for 1.
        padding: "valid", only whole windows; "same", zeros (XLA's SAME: ceil(n / stride) windows); "circular", the image
            continued periodically, with as many windows as "same".
        w_std, b_std: standard deviations of weights (before the fan-in) and bias.
        width: channels of the finite network; None leaves them to `Network.init`. The kernels do not depend on it.

    Raises:
        ValueError: a wrong value of one of these; later, images that the windows do not fit.

    Source: Garriga-Alonso et al. (2019) and Novak et al. (2019) for K, Arora et al. (2019) for T.
    """

    window: Size
    stride: Size | None = None
    padding: Padding = "valid"
    w_std: float = 1.0
    b_std: float = 0.0
    width: int | None = None
    weighted: ClassVar = True
    _windows: Windows = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_stds(self.w_std, self.b_std)
        check_width(self.width)
        object.__setattr__(
            self, "_windows", Windows.checked(self.window, 1 if self.stride is None else self.stride, self.padding)
        )

    def gaussian(self, before: bool) -> bool:
        """Sums of many terms are."""
        return True

    def propagate(self, moments: Moments | Inputs, after: Needs) -> Moments:
        """From the moments of the layer's inputs to those of its outputs."""
        if isinstance(moments, Inputs):  # patches are vectors still
            seen = moments.map(self.patches).moments(after)
        else:
            seen = mean_over_windows(moments, self._windows)
        return mix(seen, self.w_std, self.b_std)

    def patches(self, x: Float[Array, "n ... channels"]) -> Float[Array, "n ... fan_in"]:
        """What every window sees, zeros where padding is."""
        return self._windows.patches(x)

    def output_shape(self, shape: tuple[int, ...], width: int) -> tuple[int, ...]:
        """One pixel per window, width channels."""
        return (*self._windows.output_space(shape), width)

    def init(self, key: PRNGKeyArray, shape: tuple[int, ...], draw: Draw) -> tuple[tuple[int, ...], Weights]:
        """Random weights of shape (*window, channels, fan_out), and a bias if b_std > 0."""
        fan_out = draw.fan_out(self.width)
        window = tuple(axis.window for axis in self._windows.over(shape))
        weights = draw_weights(key, (*window, shape[-1], fan_out), self.w_std, self.b_std, draw)
        return self.output_shape(shape, fan_out), weights

    def apply(self, params: Weights, x: Float[Array, "n ... channels"]) -> Float[Array, "n ... fan_out"]:
        """The layer's outputs."""
        axes = self._windows.over(x.shape[1:])
        for i, axis in enumerate(axes):
            x = axis.pad(x, (i + 1,))
        letters = "HW"[: len(axes)]
        numbers = jax.lax.conv_dimension_numbers(x.shape, params.w.shape, (f"N{letters}C", f"{letters}IO", f"N{letters}C"))
        strides = [axis.stride for axis in axes]
        out = params.w_scale * jax.lax.conv_general_dilated(x, params.w, strides, "VALID", dimension_numbers=numbers)
        return out if params.b is None else out + params.b_scale * params.b.reshape((1,) * (out.ndim - 1) + (-1,))
