"""Moments of the SELU activation under a normal distribution, in closed form."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, log_ndtr, ndtr

Floats = NDArray[np.float64]

_TAIL = erfc(2**-0.5) * math.exp(0.5)
ALPHA = (2 / math.pi) ** 0.5 / (1 - _TAIL)  # 1.6732632423543772
SCALE = (
    (1 - _TAIL)
    * (2 * math.pi) ** 0.5
    / (2 * erfc(2**0.5) * math.exp(2) + math.pi * _TAIL**2 - 2 * (2 + math.pi) * _TAIL + math.pi + 2) ** 0.5
)  # 1.0507009873554805


def selu_moments(mean: Floats, variance: Floats, scale: float = SCALE, alpha: float = ALPHA) -> tuple[Floats, Floats]:
    """Mean and variance of selu(z), z ~ N(mean, variance): scale z for z > 0, scale alpha (exp(z) - 1) below.

    The exponentials are joined with the tail probabilities in logarithms: apart they overflow for large variances.
    """
    std = np.sqrt(variance)
    above, density = ndtr(mean / std), np.exp(-(mean**2) / (2 * variance)) / math.sqrt(2 * math.pi)
    below = ndtr(-mean / std)
    once = np.exp(mean + variance / 2 + log_ndtr(-(mean + variance) / std))
    twice = np.exp(2 * mean + 2 * variance + log_ndtr(-(mean + 2 * variance) / std))
    first = scale * (mean * above + std * density + alpha * (once - below))
    square = (mean**2 + variance) * above + mean * std * density + alpha**2 * (twice - 2 * once + below)
    return first, scale**2 * square - first**2
