"""What dense and convolutional layers share: the size of weights, and what weights and bias do to moments."""

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ntkit.kernels._arc import root
from ntkit.kernels._layer import Draw, Weights
from ntkit.kernels._moments import Angles, Moments, everywhere


def check_stds(w_std: float, b_std: float) -> None:
    """ValueError unless weights have a positive scale and the bias a scale >= 0."""
    if not 0 < w_std < math.inf:
        raise ValueError(f"w_std must be a positive number, got {w_std!r}")
    if not 0 <= b_std < math.inf:
        raise ValueError(f"b_std must be a number >= 0, got {b_std!r}")


def check_width(width: int | None) -> None:
    """ValueError unless it is a number of channels, or left open."""
    if width is not None and width < 1:
        raise ValueError(f"width must be at least 1, got {width!r}")


def draw_weights(key: PRNGKeyArray, shape: tuple[int, ...], w_std: float, b_std: float, draw: Draw) -> Weights:
    """Weights of the given shape, whose last axis is the fan-out and whose others make up the fan-in."""
    fan_in = math.prod(shape[:-1])
    w_scale, w_size, b_scale, b_size = w_std / math.sqrt(fan_in), 1.0, b_std, 1.0
    if draw.parametrization == "standard":
        w_scale, w_size, b_scale, b_size = 1.0, w_scale, 1.0, b_std
    elif draw.parametrization == "mup" and not (draw.first and draw.last):
        n = draw.width or 1  # `Network.init` sees to it that there is one
        w_size = 1 / math.sqrt(n)
        if not draw.last:
            w_scale, b_scale, b_size = w_scale * math.sqrt(n), b_scale * math.sqrt(n), 1 / math.sqrt(n)
    w_key, b_key = jax.random.split(key)
    b = b_size * jax.random.normal(b_key, shape[-1:], draw.dtype) if b_std > 0 else None
    return Weights(w=w_size * jax.random.normal(w_key, shape, draw.dtype), b=b, w_scale=w_scale, b_scale=b_scale)


def mix(moments: Moments, w_std: float, b_std: float) -> Moments:
    """Moments behind random weights, given those of the fan-in's mean: scaled, plus the bias; all that is trained adds up."""
    return everywhere(lambda moments: _mix(moments, w_std**2, b_std**2), moments)


def _mix(moments: Moments, w2: float, b2: float) -> Moments:
    if moments.covariance is not None:
        covariance = w2 * moments.covariance + b2
        return replace(moments, covariance=covariance, ntk=w2 * moments.ntk + covariance)
    angles = moments.angles
    angles = angles._replace(var1=w2 * angles.var1, var2=w2 * angles.var2)
    out = moments.with_angles(angles if b2 == 0 else _add_bias(angles, b2), moments.ntk)
    return replace(out, ntk=w2 * moments.ntk + out.nngp)


def _add_bias(angles: Angles, b2: float) -> Angles:
    """Add b2 to all variances and covariances."""
    var1, var2 = angles.var1 + b2, angles.var2 + b2
    before, after = angles.norms, jnp.sqrt(var1) * jnp.sqrt(var2)
    difference = root(angles.var1) - root(angles.var2)
    gap = b2 * difference**2 / (after + before + b2)  # after - before - b2, without the cancellation
    above = None if angles.cos2 is None else 2 * before * angles.cos2 + gap + 2 * b2
    return angles.with_gaps(var1, var2, 2 * before * angles.sin2 + gap, above)
