"""Gradient descent of small fully connected networks, many at a time, in NTK parametrisation and beyond."""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from _networks import networks, normals
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import NDArray

from ntkit.kernels import Network, empirical_ntk

Activation = Literal["relu", "tanh"]

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}
STDS = {"relu": 2**0.5, "tanh": 0.39429449039746**-0.5}  # E[phi(g)^2]^(-1/2) for g ~ N(0, 1): every layer has variance 1
POINTS, DIM, TIME, STEPS = 8, 5, 10.0, 100


def drifts(
    key: PRNGKeyArray, activation: Activation, hidden: int, widths: Sequence[int], repeats: int, power: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far the kernel and each layer move in training, relative to their norms; the data are the same at all widths.

    Args:
        key: of data and weights.
        activation: of all hidden layers.
        hidden: number of hidden layers.
        widths: of the hidden layers, increasing.
        repeats: data sets, with one network each at every width.
        power: p; the output is scaled by n^(-p/2) and the learning rate by n^p: 0 is NTK parametrisation, 1 mean field.

    Returns:
        Movements of the empirical tangent kernel, (repeat, width), and of the weights, (repeat, width, layer).
    """
    data_key, weight_key = jax.random.split(key)
    numbers = normals(data_key, repeats, POINTS, DIM + 1)
    x, y = numbers[..., :DIM], np.sign(numbers[..., DIM])
    x = x / np.linalg.norm(x, axis=-1, keepdims=True) * DIM**0.5
    kernels, weights = [], []
    for width in widths:
        sizes = [DIM, *[width] * hidden, 1]
        shapes = list(itertools.pairwise(sizes))
        numbers = normals(jax.random.fold_in(weight_key, width), repeats, sum(a * b for a, b in shapes))
        parts = np.split(numbers, np.cumsum([a * b for a, b in shapes])[:-1], axis=1)
        params = [_padded(part.reshape(repeats, *shape), widths[-1]) for part, shape in zip(parts, shapes, strict=True)]
        moved = _drifts(params, x, y, float(width), power, activation)
        kernels.append(np.asarray(moved[0]))
        weights.append(np.asarray(moved[1]))
    return np.stack(kernels, axis=1), np.stack(weights, axis=1)


def _padded(weights: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Zeros up to the largest width: a unit without weights neither contributes nor has a gradient, as phi(0) = 0."""
    inputs, outputs = weights.shape[1:]
    more = [0 if size in (DIM, 1) else width - size for size in (inputs, outputs)]
    return np.pad(weights, [(0, 0), (0, more[0]), (0, more[1])])


@partial(jax.jit, static_argnames="activation")
def _drifts(
    params: list[Float[Array, "repeat fan_in fan_out"]],
    x: Float[Array, "repeat n d"],
    y: Float[Array, "repeat n"],
    width: Float[Array, ""],
    power: Float[Array, ""],
    activation: Activation,
) -> tuple[Float[Array, " repeat"], Float[Array, "repeat layer"]]:
    scale, rate = width ** (-power / 2), width**power * TIME / STEPS

    def network(own: list[Array], x: Array) -> Array:
        out = x @ own[0] / DIM**0.5
        for weights in own[1:]:
            out = STDS[activation] / jnp.sqrt(width) * (ACTIVATIONS[activation](out) @ weights)
        return jnp.asarray(out)

    def movement(arguments: tuple[list[Array], Array, Array]) -> tuple[Array, Array]:
        start, x, y = arguments
        gradient = jax.grad(lambda own: jnp.sum((scale * network(own, x)[:, 0] - y) ** 2) / 2)

        def step(_: Array, own: list[Array]) -> list[Array]:
            return [w - rate * g for w, g in zip(own, gradient(own), strict=True)]

        end = jax.lax.fori_loop(0, STEPS, step, start)
        before, after = empirical_ntk(network, start, x), empirical_ntk(network, end, x)
        layers = [jnp.linalg.norm(b - a) / jnp.linalg.norm(a) for a, b in zip(start, end, strict=True)]
        return jnp.linalg.norm(after - before) / jnp.linalg.norm(before), jnp.stack(layers)

    kernels, layers = jax.lax.map(movement, (params, x, y))
    return kernels, layers


def residual_paths(
    key: PRNGKeyArray,
    net: Network,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    width: int,
    rate: float,
    steps: int,
) -> NDArray[np.float64]:
    """Residuals f - y after 0, 1, ..., steps steps of gradient descent on sum (f - y)^2 / 2, (repeat, steps + 1, n).

    f is the difference of two networks with the same initial weights, over sqrt(2): it starts at 0, and its tangent kernel is
    that of one.
    """
    repeats, _, dim = x.shape
    half = networks(jax.random.fold_in(key, width), net, dim, width, repeats)
    return np.asarray(_residual_paths((half, half), net, x, y, rate, steps))


@partial(jax.jit, static_argnames=("net", "steps"))
def _residual_paths(
    params: Any, net: Network, x: Float[Array, "repeat n d"], y: Float[Array, "repeat n"], rate: Float[Array, ""], steps: int
) -> Float[Array, "repeat step n"]:
    def path(arguments: tuple[Any, Array, Array]) -> Array:
        start, x, y = arguments

        def residual(pair: Any) -> Array:
            return (net.apply(pair[0], x)[:, 0] - net.apply(pair[1], x)[:, 0]) / jnp.sqrt(2.0) - y

        def step(pair: Any, _: None) -> tuple[Any, Array]:
            now, pull_back = jax.vjp(residual, pair)
            (gradient,) = pull_back(now)
            return jax.tree.map(lambda w, g: w - rate * g, pair, gradient), now

        return jnp.asarray(jax.lax.scan(step, start, length=steps + 1)[1])

    return jnp.asarray(jax.lax.map(path, (params, x, y)))
