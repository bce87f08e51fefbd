"""Kernels of chains of dense layers and ReLU on a circle in any arithmetic: NumPy, which compiles nothing, or balls."""

from collections.abc import Callable
from math import factorial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ntkit.kernels import Dense, Flatten, Identity, Layer, Network, Relu


class Arithmetic(NamedTuple):
    """What the recursion needs besides + - * /.

    Attributes:
        sqrt, atan2: of numbers, or of arrays element by element.
        segment: sin t - t cos t from t, sin t and cos t.
        number: a Python float as a number.
        pi: the number.
    """

    sqrt: Callable[[Any], Any]
    atan2: Callable[[Any, Any], Any]
    segment: Callable[[Any, Any, Any], Any]
    number: Callable[[float], Any]
    pi: Any


class Pair(NamedTuple):
    """Moments of two vectors of one length: their variance, sin^2 and cos^2 of half the angle, and the tangent kernel."""

    variance: Any
    sin2: Any
    cos2: Any
    ntk: Any

    @property
    def nngp(self) -> Any:
        """Their covariance."""
        return self.variance * (self.cos2 - self.sin2)


def is_relu_chain(network: Network) -> bool:
    """Whether the network has dense layers and ReLU only, beginning with a dense layer."""
    return isinstance(network.layers[0], Dense) and all(
        isinstance(layer, Dense | Relu | Identity | Flatten) for layer in network.layers
    )


def relu_chain(network: Network, pair: Pair, a: Arithmetic) -> Pair:
    """From the moments of two inputs of one length to those of the outputs.

    In the distance (1 - cos t) / 2 = sin^2(t / 2), correlations close to 1 keep their digits through all layers.
    """
    for layer in network.layers:
        pair = _step(layer, pair, a)
    return pair


def _step(layer: Layer, pair: Pair, a: Arithmetic) -> Pair:
    if isinstance(layer, Dense):
        square, bias = a.number(layer.w_std) * a.number(layer.w_std), a.number(layer.b_std) * a.number(layer.b_std)
        variance = square * pair.variance + bias
        share = square * pair.variance / variance
        out = Pair(variance, share * pair.sin2, share * pair.cos2 + bias / variance, pair.ntk)
        return out._replace(ntk=square * pair.ntk + out.nngp)
    if not isinstance(layer, Relu):
        return pair
    # cos t' = cos t + S(t) / pi with S(t) = sin t - t cos t; beyond pi/2 without cancellation, with r = pi - t: S(r) / pi.
    far = np.asarray(pair.sin2 > pair.cos2)
    less, more = _where(far, pair.cos2, pair.sin2), _where(far, pair.sin2, pair.cos2)
    root_less, root_more = a.sqrt(less), a.sqrt(more)
    small = 2 * a.atan2(root_less, root_more)
    area = a.segment(small, 2 * root_less * root_more, more - less) / (2 * a.pi)
    half = a.number(0.5)
    sin2, cos2 = _where(far, half - area, pair.sin2 - area), _where(far, half + area, pair.cos2 + area)
    return Pair(pair.variance / 2, sin2, cos2, pair.ntk * _where(far, small, a.pi - small) / (2 * a.pi))


def _where(condition: np.ndarray, first: Any, second: Any) -> Any:
    """`np.where` that leaves single numbers what they are."""
    return np.where(condition, first, second) if condition.ndim else (first if condition else second)


def _segment(
    t: Float[np.ndarray, "..."], sine: Float[np.ndarray, "..."], cosine: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """The segment in float64; near 0, where it is a difference of almost equal numbers, by its Taylor series."""
    small = np.minimum(t, 1.0)
    terms = [(-1) ** i * (2 * i + 2) / factorial(2 * i + 3) for i in range(9)]
    return np.asarray(np.where(t < 1, small**3 * np.polyval(terms[::-1], small**2), sine - t * cosine))


FLOAT = Arithmetic(np.sqrt, np.arctan2, _segment, float, np.pi)
