"""Fully connected networks with their weights, and a ball, for local bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from ntkit.lipschitz import LeakyRelu, Network
from ntkit.strategies._seeds import seeds

PerceptronStyle = Literal["generic", "stable", "dead", "narrow", "linear", "kink", "zero", "equal", "deficient"]
Weights = list[tuple[NDArray[np.float64], NDArray[np.float64]]]
CLEAR = 0.5  # how far stable units stay from their kinks
KEPT = 0.4  # the share of weights that are not zero in "zero"


@dataclass(frozen=True)
class Perceptron:
    """A network of dense layers with (leaky) ReLU between them, as drawn by `perceptrons`.

    Attributes:
        widths: of the input, the hidden layers, and the output.
        seed: of weights, biases and centre.
        radius: of the ball, in the l_inf norm.
        style: "generic"; "stable": no unit reaches its kink on the ball; "dead": the first unit of each hidden layer is below
            it on all of the ball; "narrow": hidden layers of one unit; "linear": no hidden layer; "kink": at the centre every
            unit is at its kink, up to rounding; "zero": most weights are 0, among them all of the first row of each layer;
            "equal": the first two rows of each layer are one; "deficient": weights of rank one.
        below: the slope of the activation below its kink.
    """

    widths: tuple[int, ...]
    seed: int
    radius: float
    style: PerceptronStyle = "generic"
    below: float = 0.0

    def centre(self) -> NDArray[np.float64]:
        """Of the ball, float64, shape (widths[0],)."""
        return np.random.default_rng((self.seed, 1)).normal(size=self.widths[0])

    def layers(self) -> Weights:
        """Weights (out, in) and biases (out,), float64, of each layer."""
        rng = np.random.default_rng(self.seed)
        middle = at_centre = self.centre()
        half = np.full(self.widths[0], self.radius)
        layers: Weights = []
        for number, (fan_in, width) in enumerate(pairwise(self.widths), 2):
            weights = self._weights(rng, width, fan_in)
            bias = 0.4 * rng.normal(size=width)
            middle, half = weights @ middle, np.abs(weights) @ half  # of what the layer makes of all it may be given
            side = rng.choice((-1.0, 1.0), size=width)
            if number < len(self.widths):
                clear = side * (half + CLEAR) - middle
                if self.style == "stable":
                    bias = clear
                elif self.style == "dead":
                    bias[0] = -(half + CLEAR + middle)[0]
                elif self.style == "kink":
                    bias = -weights @ at_centre
            if self.style == "equal":
                bias[1:2] = bias[0]
            layers.append((weights, bias))
            at_centre = self._activated(weights @ at_centre + bias)
            ends = self._activated(middle + bias - half), self._activated(middle + bias + half)
            middle, half = (ends[1] + ends[0]) / 2, (ends[1] - ends[0]) / 2
        return layers

    def network(self) -> Network:
        """The network."""
        return Network.sequential(self.layers(), LeakyRelu(self.below) if self.below else "relu")

    def _weights(self, rng: np.random.Generator, width: int, fan_in: int) -> NDArray[np.float64]:
        weights = 1.5 * rng.normal(size=(width, fan_in)) / np.sqrt(fan_in)
        if self.style == "zero":
            weights = weights * (rng.random(weights.shape) < KEPT)
            weights[0] = 0
        elif self.style == "equal":
            weights[1:2] = weights[0]
        elif self.style == "deficient":
            weights = np.outer(rng.normal(size=width), weights[0])
        return np.asarray(weights, np.float64)

    def _activated(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(z > 0, z, self.below * z)


@st.composite
def perceptrons(
    draw: st.DrawFn,
    largest: Sequence[int] = (3, 5, 5, 2),
    *,
    styles: Sequence[PerceptronStyle] = get_args(PerceptronStyle),
    radii: Sequence[float] = (0.01, 0.1, 0.5, 1.0),
    below: Sequence[float] = (0.0,),
) -> Perceptron:
    """Networks for local bounds: generic ones, and the degenerate ones on purpose.

    Args:
        draw: given by hypothesis.
        largest: widths of the largest network; others have fewer hidden layers or smaller ones.
        styles: to draw from, see `Perceptron`.
        radii: to draw from.
        below: slopes of the activation below its kink, to draw from.
    """
    style = draw(st.sampled_from(tuple(styles)))
    hidden = () if style == "linear" else largest[1 : 1 + draw(st.integers(1, len(largest) - 2))]
    inner = [1 if style == "narrow" else draw(st.integers(1, most)) for most in hidden]
    widths = draw(st.integers(1, largest[0])), *inner, draw(st.integers(1, largest[-1]))
    chosen = draw(st.sampled_from(tuple(radii))), style, draw(st.sampled_from(tuple(below)))
    return Perceptron(widths, draw(seeds()), *chosen)
