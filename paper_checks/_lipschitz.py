"""Networks for claims on local Lipschitz constants: random ones in a stack, and what they attain on balls."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.lipschitz import Activation, Network, Relu, Tanh, bounds

Floats = Float[np.ndarray, "..."]
Layers = list[tuple[Floats, Floats]]  # weights (nets, out, in) and biases (nets, out)

INPUTS, HIDDEN, OUTPUTS = 4, (8, 8, 8), 3  # at most: narrower networks are padded
NETS = 300  # of a stack, one shape for all claims, so that they share compiled functions


class Bounded(NamedTuple):
    """`ntkit.lipschitz.Rows` of a stack, as NumPy arrays."""

    norm: Float[np.ndarray, "nets outputs"]
    low: Float[np.ndarray, "nets outputs inputs"]
    high: Float[np.ndarray, "nets outputs inputs"]


class Capped(Relu):
    """Wrong on purpose: where a unit may have either sign, its derivative ends at 0.9."""

    def slopes(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Not the whole range."""
        least, largest = super().slopes(low, high)
        return least, jnp.where(least < largest, 0.9, largest).astype(low.dtype)


class Open(Relu):
    """Every unit may have either sign, whatever its interval."""

    def slopes(self, low: Array, high: Array) -> tuple[Array, Array]:
        """The whole range."""
        return jnp.zeros_like(low), jnp.ones_like(high)


class Stalled(Relu):
    """Wrong on purpose: a unit that is put on a side of its kink keeps both slopes, since its interval still touches 0."""

    def on_side(self, side: int) -> tuple[float, float]:
        """The whole range."""
        return 0.0, 1.0


class Blunted(Tanh):
    """Wrong on purpose: the derivative of tanh peaks at 0.5."""

    def slopes(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Not the whole range."""
        least, largest = super().slopes(low, high)
        return jnp.minimum(least, 0.5), jnp.minimum(largest, 0.5)


def random_layers(rng: np.random.Generator, nets: int = NETS, hidden: Sequence[int] = HIDDEN) -> Layers:
    """He-normal weights, biases of scale 0, 0.3 or 1, 1 to 4 inputs, and 3 to 8 units a layer.

    What is left out has weights 0, and hidden units there the bias -1, so that they stay off.
    """
    scale = rng.choice([0.0, 0.3, 1.0], size=(nets, 1))
    used = rng.integers(1, INPUTS + 1, nets)
    layers = []
    for inside, outside in zip((INPUTS, *hidden), (*hidden, OUTPUTS), strict=True):
        fresh = np.full(nets, OUTPUTS) if outside == OUTPUTS else rng.integers(3, outside + 1, nets)
        kept = [np.arange(size) < number[:, None] for size, number in ((inside, used), (outside, fresh))]
        weights = rng.normal(size=(nets, outside, inside)) * np.sqrt(2 / used)[:, None, None]
        biases = np.where(kept[1], scale * rng.normal(size=(nets, outside)), -1.0)
        layers.append((weights * kept[1][:, :, None] * kept[0][:, None, :], biases))
        used = fresh
    return layers


class Stack(NamedTuple):
    """Networks of one shape.

    Attributes:
        arrays: weights and biases of all layers, each of all networks.
        structure: what makes a `Network` of the arrays of one.
    """

    arrays: tuple[Array, ...]
    structure: Any

    def network(self, number: int) -> Network:
        """One of them."""
        return _network(self.structure, [array[number] for array in self.arrays])


def stacked(layers: Layers, activation: str | Activation = "relu", dtype: Any = np.float64) -> Stack:
    """The networks of these layers."""
    arrays = tuple(jnp.asarray(array, dtype) for layer in layers for array in layer)
    first = Network.sequential([(weights[0], biases[0]) for weights, biases in layers], activation)
    return Stack(arrays, jax.tree_util.tree_structure(first))


def bounded(stack: Stack, x0: Floats, radius: Floats, *options: Any) -> Bounded:
    """Bounds of each network, as NumPy arrays.

    Args:
        stack: the networks.
        x0: a centre for each.
        radius: of each ball.
        *options: method, forward, slopes and outward of `bounds`; "lirpa", "both", "adaptive" and False if left out.
    """
    dtype = stack.arrays[0].dtype
    found = _bounding(stack.structure, *options)(stack.arrays, jnp.asarray(x0, dtype), jnp.asarray(radius, dtype))
    return Bounded(*map(np.asarray, found))


def jacobians(stack: Stack, points: Floats) -> Floats:
    """The derivative of each network at its points, shape (nets, points, outputs, inputs)."""
    return np.asarray(_differentiating(stack.structure)(stack.arrays, jnp.asarray(points)))


def points_in(rng: np.random.Generator, x0: Floats, radius: Floats, points: int) -> Floats:
    """Points of each ball, a quarter of them corners, shape (nets, points, inputs)."""
    shifts = rng.uniform(-1, 1, (len(x0), points, x0.shape[1]))
    shifts[:, : points // 4] = np.sign(shifts[:, : points // 4])
    return np.asarray(x0[:, None] + radius[:, None, None] * shifts)


@cache
def _bounding(
    structure: Any, method: str = "lirpa", forward: str = "both", slopes: str = "adaptive", outward: bool = False
) -> Any:
    def one(arrays: list[Array], x0: Array, radius: Array) -> Any:
        options: Any = {"method": method, "forward": forward, "slopes": slopes, "outward": outward}
        return bounds(_network(structure, arrays), x0, radius, **options)

    return jax.jit(jax.vmap(one))


@cache
def _differentiating(structure: Any) -> Any:
    def one(arrays: list[Array], points: Array) -> Array:
        derivatives: Array = jax.vmap(_network(structure, arrays).jacobian)(points)
        return derivatives

    return jax.jit(jax.vmap(one))


def _network(structure: Any, arrays: Any) -> Network:
    net: Network = jax.tree_util.tree_unflatten(structure, arrays)
    return net


def stable_radii(layers: Layers, x0: Floats) -> Floats:
    """Radii of balls on which every hidden unit keeps its sign: |z| over how much z varies at most, by absolute values."""
    values, reach, least = x0, np.ones_like(x0), np.full(len(x0), np.inf)
    for weights, biases in layers[:-1]:
        z = (weights @ values[..., None])[..., 0] + biases
        reach = (np.abs(weights) @ reach[..., None])[..., 0]
        with np.errstate(divide="ignore"):
            least = np.minimum(least, (np.abs(z) / reach).min(axis=1))
        values = np.maximum(z, 0)
    return least
