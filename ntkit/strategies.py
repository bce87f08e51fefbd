"""Hypothesis strategies for property tests: convolution layers, points on spheres, networks.

What is drawn is small, integers and a seed, and shapes are few, because every new shape compiles; arrays and networks are
made from it when they are asked for. A failing example prints as the numbers that rebuild it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from ntkit import data
from ntkit.kernels import Dense, Erf, Layer, Network, Relu, serial
from ntkit.orthoconv import Architecture, gaussian_kernel, orthogonal_kernel

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    raise ImportError("ntkit.strategies needs hypothesis: install the extra ntkit[test]", name="hypothesis") from error

KernelStyle = Literal["gaussian", "orthogonal", "noisy"]
PointStyle = Literal["generic", "equal", "antipodal", "near"]


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
        exact = orthogonal_kernel(key, self.layer)
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
class Chain:
    """The layers of a fully connected network, as drawn by `networks`."""

    layers: tuple[Layer, ...]

    @property
    def network(self) -> Network:
        """The network."""
        return serial(*self.layers)


def seeds() -> st.SearchStrategy[int]:
    """Seeds for `jax.random.key`."""
    return st.integers(0, 2**31 - 1)


def architectures(
    *, max_channels: int = 4, max_taps: int = 4, max_stride: int = 3, dims: Sequence[int] = (1, 2)
) -> st.SearchStrategy[Architecture]:
    """Convolution layers of every kind: RO, CO and square, strides below and above the number of taps."""
    return st.builds(
        Architecture,
        M=st.integers(1, max_channels),
        C=st.integers(1, max_channels),
        k=st.integers(1, max_taps),
        S=st.integers(1, max_stride),
        d=st.sampled_from(tuple(dims)),
    )


@st.composite
def convolutions(
    draw: st.DrawFn,
    layers: st.SearchStrategy[Architecture] | None = None,
    styles: Sequence[KernelStyle] = ("gaussian", "orthogonal", "noisy"),
) -> Convolution:
    """Layers with kernels; where the stride exceeds the taps, there is no orthogonal kernel to draw, only a Gaussian one."""
    layer = draw(architectures() if layers is None else layers)
    possible: Sequence[KernelStyle] = styles if layer.k >= layer.S else ("gaussian",)
    return Convolution(layer, draw(seeds()), draw(st.sampled_from(tuple(possible))))


@st.composite
def spheres(draw: st.DrawFn, counts: Sequence[int] = (1, 4), dims: Sequence[int] = (1, 3)) -> Sphere:
    """Points on spheres, degenerate ones among them: a single one, equal, antipodal and almost equal pairs."""
    count = draw(st.sampled_from(tuple(counts)))
    styles: Sequence[PointStyle] = ("generic", "equal", "antipodal", "near") if count > 1 else ("generic",)
    return Sphere(count, draw(st.sampled_from(tuple(dims))), draw(seeds()), draw(st.sampled_from(tuple(styles))))


@st.composite
def networks(draw: st.DrawFn, max_hidden: int = 3, activations: Sequence[Relu | Erf] = (Relu(), Erf())) -> Chain:
    """Fully connected networks with up to `max_hidden` hidden layers, with and without biases."""
    hidden = draw(st.lists(st.sampled_from(tuple(activations)), max_size=max_hidden))
    stds = st.tuples(st.sampled_from((0.5, 1.0, 2**0.5)), st.sampled_from((0.0, 0.3)))
    dense = [Dense(*draw(stds)) for _ in range(len(hidden) + 1)]
    pairs = [layer for pair in zip(dense[:-1], hidden, strict=True) for layer in pair]
    return Chain((*pairs, dense[-1]))
