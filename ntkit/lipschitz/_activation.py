"""Activations: values, and how large their derivatives can be on an interval."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.scipy.special import erf
from jaxtyping import Array, Float

Real = Float[Array, "..."]


class Activation(ABC):
    """A function of one variable, applied to every number.

    Attributes:
        piecewise: whether it is linear on either side of 0.
        steepest: the largest absolute value of its derivative anywhere.
        curvature: no less than the largest absolute value of its third derivative; of smooth ones.
        library_error: how far library functions may be from it and from its derivative, in units of rounding of the larger of
            1 and the value; tests compare with high precision.
    """

    piecewise: ClassVar[bool] = False
    steepest: float = 1.0
    curvature: ClassVar[float] = 0.0
    library_error: ClassVar[float] = 16.0

    @abstractmethod
    def __call__(self, z: Real) -> Real:
        """The values."""

    @abstractmethod
    def slope(self, z: Real) -> Real:
        """The derivative; at a kink that of the right side."""

    @abstractmethod
    def slopes(self, low: Real, high: Real) -> tuple[Real, Real]:
        """The least and the largest derivative on [low, high]; at a kink that the interval touches both sides count."""

    def on_side(self, side: int) -> tuple[float, float]:
        """The least and the largest derivative of a piecewise linear one where z > 0, for 1, or z < 0, for -1.

        Raises:
            TypeError: it is smooth, and has no kink to be beside.
        """
        raise TypeError(f"{self!r} has no sides, as it is not piecewise linear")

    def values(self, low: Real, high: Real) -> tuple[Real, Real]:
        """The least and the largest value on [low, high]; the default is for functions that rise."""
        return self(low), self(high)


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """max(z, 0) + slope_below min(z, 0), 0 <= slope_below < 1.

    Raises:
        ValueError: another slope.
    """

    below: float = 0.01
    piecewise: ClassVar[bool] = True
    library_error: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.below < 1:
            raise ValueError(f"below must be a slope in [0, 1), got {self.below!r}")

    def __call__(self, z: Real) -> Real:
        return jnp.maximum(z, self.below * z) if self.below else jnp.maximum(z, 0)

    def slope(self, z: Real) -> Real:
        return jnp.where(z >= 0, 1.0, self.below).astype(z.dtype)

    def slopes(self, low: Real, high: Real) -> tuple[Real, Real]:
        least = jnp.where(low > 0, 1.0, self.below).astype(low.dtype)
        largest = jnp.where(high < 0, self.below, 1.0).astype(low.dtype)
        return least, largest

    def on_side(self, side: int) -> tuple[float, float]:
        slope = 1.0 if side > 0 else self.below
        return slope, slope


@dataclass(frozen=True)
class Relu(LeakyRelu):
    """max(z, 0)."""

    below: float = 0.0


class _Bell(Activation):
    """A function that rises, whose derivative is even and falls on either side of 0."""

    def slopes(self, low: Real, high: Real) -> tuple[Real, Real]:
        ends = self.slope(low), self.slope(high)
        largest = jnp.where((low < 0) & (high > 0), self.steepest, jnp.maximum(*ends))
        return jnp.minimum(*ends), largest.astype(low.dtype)


@dataclass(frozen=True)
class Tanh(_Bell):
    """tanh z."""

    curvature: ClassVar[float] = 2.0  # at 0

    def __call__(self, z: Real) -> Real:
        return jnp.tanh(z)

    def slope(self, z: Real) -> Real:
        return 1 - jnp.tanh(z) ** 2


@dataclass(frozen=True)
class Sigmoid(_Bell):
    """1 / (1 + exp(-z))."""

    steepest: float = 0.25
    curvature: ClassVar[float] = 0.125  # at 0

    def __call__(self, z: Real) -> Real:
        return jax.nn.sigmoid(z)

    def slope(self, z: Real) -> Real:
        return jax.nn.sigmoid(z) * jax.nn.sigmoid(-z)


@dataclass(frozen=True)
class Softplus(Activation):
    """log(1 + exp(z))."""

    curvature: ClassVar[float] = 0.0963  # 1 / (6 sqrt 3), rounded up

    def __call__(self, z: Real) -> Real:
        return jax.nn.softplus(z)

    def slope(self, z: Real) -> Real:
        return jax.nn.sigmoid(z)

    def slopes(self, low: Real, high: Real) -> tuple[Real, Real]:
        return self.slope(low), self.slope(high)


@dataclass(frozen=True)
class Gelu(Activation):
    """z Phi(z), Phi the normal distribution function.

    The derivative Phi(z) + z phi(z) is least at -sqrt 2 and largest at sqrt 2, as its own derivative is (2 - z^2) phi(z). The
    value is least where the derivative vanishes, at -0.7517915...
    """

    steepest: float = 1.1289042  # rounded up; at sqrt 2
    curvature: ClassVar[float] = 0.78  # rounded up; of (z^3 - 4 z) phi(z), at 0.792
    lowest: ClassVar[float] = -0.16997121  # rounded down; at -0.7517915
    bottom: ClassVar[float] = -0.7517915246935645

    def __call__(self, z: Real) -> Real:
        return z * (1 + erf(z / sqrt(2))) / 2

    def slope(self, z: Real) -> Real:
        return (1 + erf(z / sqrt(2))) / 2 + z * jnp.exp(-(z**2) / 2) / sqrt(2 * pi)

    def slopes(self, low: Real, high: Real) -> tuple[Real, Real]:
        ends = self.slope(low), self.slope(high)
        turn = sqrt(2)
        least = jnp.where((low < -turn) & (high > -turn), 1 - self.steepest, jnp.minimum(*ends))
        largest = jnp.where((low < turn) & (high > turn), self.steepest, jnp.maximum(*ends))
        return least.astype(low.dtype), largest.astype(low.dtype)

    def values(self, low: Real, high: Real) -> tuple[Real, Real]:
        ends = self(low), self(high)
        least = jnp.where((low < self.bottom) & (high > self.bottom), self.lowest, jnp.minimum(*ends))
        return least.astype(low.dtype), jnp.maximum(*ends)


ACTIVATIONS: dict[str, Activation] = {
    "relu": Relu(),
    "leaky_relu": LeakyRelu(),
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
    "gelu": Gelu(),
    "softplus": Softplus(),
}
