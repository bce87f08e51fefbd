"""Networks, by their layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

from ntkit.kernels import (
    AvgPool,
    Conv,
    Dense,
    Erf,
    Flatten,
    GlobalAvgPool,
    Layer,
    Network,
    Relu,
    product,
    residual,
    serial,
)

Recipe = Layer | tuple[Any, ...]


@dataclass(frozen=True)
class Chain:
    """The layers of a network, as drawn by `networks`.

    Attributes:
        layers: one after the other; a tuple ("Conv", ...) or ("residual", ...) stands for that call with these arguments.
    """

    layers: tuple[Recipe, ...]

    @property
    def network(self) -> Network:
        """The network."""
        return serial(*map(_built, self.layers))


def _built(recipe: Recipe) -> Layer | Network:
    if isinstance(recipe, Layer):
        return recipe
    name, *arguments = recipe
    calls: dict[str, Any] = {"Conv": Conv, "AvgPool": AvgPool, "serial": serial, "residual": residual, "product": product}
    parts = [_built(a) if isinstance(a, Layer) or (isinstance(a, tuple) and a[0] in calls) else a for a in arguments]
    layer: Layer | Network = calls[name](*parts)
    return layer


@st.composite
def networks(
    draw: st.DrawFn,
    max_hidden: int = 3,
    activations: Sequence[Layer] = (Relu(), Erf()),
    *,
    biases: Sequence[float] = (0.0, 0.3),
    space: int = 0,
    paddings: Sequence[Literal["valid", "same", "circular"]] = ("same", "circular"),
    strides: Sequence[int] = (1, 2),
    ends: Sequence[Layer] = (Flatten(), GlobalAvgPool()),
) -> Chain:
    """Networks with up to `max_hidden` hidden blocks, with and without biases.

    Args:
        draw: given by hypothesis.
        max_hidden: blocks between first and last layer.
        activations: to draw from; each follows weights.
        biases: to draw b_std from.
        space: spatial axes of the inputs. 0: fully connected networks of dense layers and activations. 1 or 2: convolutional
            ones, whose blocks are convolutions, residual and multiplicative connections, and poolings; they fit images of
            any size.
        paddings: of convolutions.
        strides: of convolutions.
        ends: what stands before the last dense layer of convolutional networks.
    """

    def weights() -> tuple[float, float]:
        return draw(st.sampled_from((0.5, 1.0, 2**0.5))), draw(st.sampled_from(tuple(biases)))

    def conv(stride: int) -> Recipe:
        window = tuple(draw(st.integers(1, 3)) for _ in range(space))
        return ("Conv", window, stride, draw(st.sampled_from(tuple(paddings))), *weights())

    def block() -> tuple[Recipe, ...]:
        activation = draw(st.sampled_from(tuple(activations)))
        if not space:
            return activation, Dense(*weights())
        kind = draw(st.sampled_from(("plain", "residual", "product", "pool")))
        if kind == "residual":
            return (("residual", activation, conv(1)),)
        if kind == "product":
            return ("product", ("serial", activation, conv(1)), conv(1)), Dense(*weights())
        after = activation, conv(draw(st.sampled_from(tuple(strides))))
        pool = "AvgPool", 2, draw(st.sampled_from(tuple(strides))), draw(st.sampled_from(tuple(paddings)))
        return (*after, pool) if kind == "pool" else after

    hidden = [layer for _ in range(draw(st.integers(0, max_hidden))) for layer in block()]
    if not space:
        return Chain((Dense(*weights()), *hidden))
    first = conv(draw(st.sampled_from(tuple(strides))))
    return Chain((first, *hidden, draw(st.sampled_from(tuple(ends))), Dense(*weights())))
