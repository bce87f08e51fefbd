"""Convolution layers with their weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from ntkit.orthoconv import Architecture, construct, exists, gaussian_kernel
from ntkit.strategies._seeds import seeds

KernelStyle = Literal["gaussian", "orthogonal", "noisy"]


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
