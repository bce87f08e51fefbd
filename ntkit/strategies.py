"""Hypothesis strategies for property tests: convolution layers, points on spheres, images, networks.

What is drawn is small, integers and a seed, and shapes are few, because every new shape compiles; arrays and networks are
made from it when they are asked for. A failing example prints as the numbers that rebuild it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from ntkit import data
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
from ntkit.orthoconv import Architecture, construct, exists, gaussian_kernel

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    raise ImportError("ntkit.strategies needs hypothesis: install the extra ntkit[test]", name="hypothesis") from error

KernelStyle = Literal["gaussian", "orthogonal", "noisy"]
PointStyle = Literal["generic", "equal", "antipodal", "near"]
ImageStyle = Literal["generic", "equal", "opposite", "shifted", "zero"]
Recipe = Layer | tuple[Any, ...]


@dataclass(frozen=True)
class Convolution:
    """A layer with its weights, as drawn by `convolutions`.

    Attributes:
        layer: the architecture.
        seed: of the kernel.
        style: "gaussian", "orthogonal", or "noisy", which is orthogonal with noise of 1e-3.
    """

    layer: Architecture
    seed: int
    style: KernelStyle

    @property
    def kernel(self) -> NDArray[np.float64]:
        """The kernel, float64, of shape `layer.shape`."""
        key = jax.random.key(self.seed)
        if self.style == "gaussian":
            return gaussian_kernel(key, self.layer)
        exact = construct(key, **vars(self.layer))
        return exact if self.style == "orthogonal" else exact + 1e-3 * gaussian_kernel(key, self.layer)


@dataclass(frozen=True)
class Sphere:
    """Points on the unit sphere, as drawn by `spheres`.

    Attributes:
        count, dim: shape of the points.
        seed: of the points.
        style: "generic"; else what the second point is to the first: "equal", "antipodal" or "near" (1e-6 apart).
    """

    count: int
    dim: int
    seed: int
    style: PointStyle

    @property
    def points(self) -> Float[Array, "count dim"]:
        """The points, in JAX's default float."""
        points = data.sphere(jax.random.key(self.seed), self.count, self.dim)
        if self.style == "generic":
            return points
        first = points[0]
        if self.style == "near":
            moved = first + 1e-6 * points[1]
            second = moved / jnp.linalg.norm(moved)
        else:
            second = first if self.style == "equal" else -first
        return points.at[1].set(second)


@dataclass(frozen=True)
class Images:
    """Images or sequences with standard normal entries, as drawn by `images`.

    Attributes:
        count: number of images.
        shape: of one, (length, channels) or (height, width, channels).
        seed: of the entries.
        style: "generic"; else what the second image is to the first: "equal", "opposite", "shifted" (periodically, by one
            pixel along every axis), or "zero" whatever the first is.
    """

    count: int
    shape: tuple[int, ...]
    seed: int
    style: ImageStyle

    @property
    def images(self) -> Float[Array, "count ..."]:
        """The images, in JAX's default float."""
        images = jax.random.normal(jax.random.key(self.seed), (self.count, *self.shape))
        if self.style == "generic":
            return images
        first, axes = images[0], tuple(range(len(self.shape) - 1))
        second = {"equal": first, "opposite": -first, "shifted": jnp.roll(first, 1, axes), "zero": 0 * first}[self.style]
        return images.at[1].set(second)


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


def seeds() -> st.SearchStrategy[int]:
    """Seeds for `jax.random.key`."""
    return st.integers(0, 2**31 - 1)


@st.composite
def architectures(
    draw: st.DrawFn, *, max_channels: int = 4, max_taps: int = 4, max_stride: int = 3, dims: Sequence[int] = (1, 2)
) -> Architecture:
    """Convolution layers of every kind: more outputs or more inputs, strides below and above the taps, uneven windows."""
    ndim = draw(st.sampled_from(tuple(dims)))
    channels, taps, strides = (st.integers(1, most) for most in (max_channels, max_taps, max_stride))
    return Architecture(
        draw(channels), draw(channels), tuple(draw(taps) for _ in range(ndim)), tuple(draw(strides) for _ in range(ndim))
    )


@st.composite
def convolutions(
    draw: st.DrawFn,
    layers: st.SearchStrategy[Architecture] | None = None,
    styles: Sequence[KernelStyle] = ("gaussian", "orthogonal", "noisy"),
) -> Convolution:
    """Layers with kernels; Gaussian ones where there is no orthogonal kernel to draw."""
    layer = draw(architectures() if layers is None else layers)
    possible: Sequence[KernelStyle] = styles if exists(**vars(layer)).possible else ("gaussian",)
    return Convolution(layer, draw(seeds()), draw(st.sampled_from(tuple(possible))))


@st.composite
def spheres(draw: st.DrawFn, counts: Sequence[int] = (1, 4), dims: Sequence[int] = (1, 3)) -> Sphere:
    """Points on spheres, degenerate ones among them: a single one, equal, antipodal and almost equal pairs."""
    count = draw(st.sampled_from(tuple(counts)))
    styles: Sequence[PointStyle] = ("generic", "equal", "antipodal", "near") if count > 1 else ("generic",)
    return Sphere(count, draw(st.sampled_from(tuple(dims))), draw(seeds()), draw(st.sampled_from(tuple(styles))))


@st.composite
def images(
    draw: st.DrawFn,
    counts: Sequence[int] = (4,),
    shapes: Sequence[tuple[int, ...]] = ((5, 2), (3, 4, 2)),
    styles: Sequence[ImageStyle] = ("generic", "equal", "opposite", "shifted", "zero"),
) -> Images:
    """Images and sequences, degenerate ones among them; a single image is generic."""
    count = draw(st.sampled_from(tuple(counts)))
    possible: Sequence[ImageStyle] = styles if count > 1 else ("generic",)
    return Images(count, draw(st.sampled_from(tuple(shapes))), draw(seeds()), draw(st.sampled_from(tuple(possible))))


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
