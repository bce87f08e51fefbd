"""The dense layer, the only one with parameters."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._layer import Layer
from ntkit.kernels._moments import Moments


class DenseParams(NamedTuple):
    """Weights and bias of a dense layer; no bias where b_std is 0."""

    w: Float[Array, "fan_in fan_out"]
    b: Float[Array, " fan_out"] | None


@dataclass(frozen=True)
class Dense(Layer):
    """h -> w_std / sqrt(fan_in) W h + b_std b, all entries of W and b from N(0, 1).

    Kernels: K -> w_std^2 K + b_std^2 (K of the raw inputs is <x, z> / fan_in), and the tangent kernel
    T -> w_std^2 T + w_std^2 K + b_std^2.

    Raises:
        ValueError: w_std is not a positive number, or b_std is not a number >= 0.

    Source: Jacot, Gabriel, Hongler (2018), section 3, the parametrisation and the kernel recursion.
    """

    w_std: float = 1.0
    b_std: float = 0.0
    dense: ClassVar = True

    def __post_init__(self) -> None:
        if not 0 < self.w_std < math.inf:
            raise ValueError(f"w_std must be a positive number, got {self.w_std!r}")
        if not 0 <= self.b_std < math.inf:
            raise ValueError(f"b_std must be a number >= 0, got {self.b_std!r}")

    def propagate(self, moments: Moments) -> Moments:
        """From the moments of the layer's inputs to those of its outputs."""
        w2, b2 = self.w_std**2, self.b_std**2
        scaled = moments._replace(var1=w2 * moments.var1, var2=w2 * moments.var2)
        out = scaled if b2 == 0 else _add_bias(scaled, b2)
        return out._replace(ntk=w2 * moments.ntk + out.nngp)

    def init(self, key: PRNGKeyArray, fan_in: int, fan_out: int, dtype: DTypeLike) -> DenseParams:
        """Standard normal weights, and a bias if b_std > 0."""
        w_key, b_key = jax.random.split(key)
        b = jax.random.normal(b_key, (fan_out,), dtype) if self.b_std > 0 else None
        return DenseParams(w=jax.random.normal(w_key, (fan_in, fan_out), dtype), b=b)

    def apply(self, params: DenseParams, x: Float[Array, "n fan_in"]) -> Float[Array, "n fan_out"]:
        """The layer's outputs."""
        out = self.w_std / math.sqrt(x.shape[-1]) * (x @ params.w)
        return out if params.b is None else out + self.b_std * params.b[None, :]

    def weight_gram(self, x1: Float[Array, "n fan_in"], x2: Float[Array, "m fan_in"]) -> Float[Array, "n m"]:
        """Inner products of the gradients of one output unit in the layer's own parameters."""
        return self.w_std**2 / x1.shape[-1] * (x1 @ x2.T) + self.b_std**2


def _add_bias(moments: Moments, b2: float) -> Moments:
    """Add b2 to all variances and covariances."""
    out = moments._replace(var1=moments.var1 + b2, var2=moments.var2 + b2)
    before, after = moments.norms, out.norms
    difference = jnp.sqrt(moments.var1)[:, None] - jnp.sqrt(moments.var2)[None, :]
    gap = b2 * difference**2 / (after + before + b2)  # after - before - b2, without the cancellation
    return out.with_gaps(2 * before * moments.sin2 + gap, 2 * before * moments.cos2 + gap + 2 * b2)
