"""Networks in NTK, standard and maximal-update parametrisation, for claims that train many of them."""

from collections.abc import Sequence
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import NDArray

from ntkit.kernels import Dense, Elementwise, Network, Weights, serial

Floats = NDArray[np.float64]

DIM, BATCH, STEPS, RATE = 8, 4, 5, 0.5  # the rate moves the outputs by a third of the way to their targets
TWO_HIDDEN = serial(Dense(), Elementwise(jnp.tanh), Dense(), Elementwise(jnp.tanh), Dense())


class Start(NamedTuple):
    """Random networks before training.

    Attributes:
        weights: w of each layer, (count, fan_in, fan_out); gradient descent moves these, all with one learning rate.
        scales: the fixed factor of each layer: what acts on its inputs is scale * w.
    """

    weights: list[Floats]
    scales: list[float]


class Path(NamedTuple):
    """One network in training.

    Attributes:
        x: the batch, (BATCH, DIM).
        first, second, last: effective weights scale * w of every layer, (fan_in, fan_out), after 0, 1 and STEPS steps.
    """

    x: Floats
    first: list[Floats]
    second: list[Floats]
    last: list[Floats]


def generator(key: PRNGKeyArray) -> np.random.Generator:
    """NumPy's generator, seeded by a JAX key: compiling JAX's for every shape would take longer than the training."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def start(random: np.random.Generator, net: Network, dim: int, width: int, parametrization: str, count: int) -> Start:
    """As `net.init` with this parametrisation, for a chain of dense layers without biases and one output."""
    shapes = [(dim, width), *[(width, width)] * (sum(layer.weighted for layer in net.layers) - 2), (width, 1)]
    scales = _scales(net, dim, width, parametrization)
    sizes = [std / scale for std, scale in zip(_scales(net, dim, width, "ntk"), scales, strict=True)]
    if parametrization == "mup":
        sizes[-1] /= width**0.5
    weights = [size * random.standard_normal((count, *shape)) for size, shape in zip(sizes, shapes, strict=True)]
    return Start(weights, list(scales))


@cache
def _scales(net: Network, dim: int, width: int, parametrization: str) -> tuple[float, ...]:
    init = partial(net.init, input_shape=(dim,), width=width, parametrization=parametrization)
    layers = jax.eval_shape(init, jax.random.key(0))  # shapes and factors, no numbers
    return tuple(layer.w_scale for layer in layers if isinstance(layer, Weights))


def outputs(net: Network, weights: Sequence[Array], scales: Sequence[Array], x: Float[Array, "n dim"]) -> Float[Array, " n"]:
    """`net.apply`, but JAX may trace the factors: one compilation serves all parametrisations."""
    dense = (Weights(scale * w, None, 1.0, 0.0) for w, scale in zip(weights, scales, strict=True))
    return net.apply([next(dense) if layer.weighted else () for layer in net.layers], x)[:, 0]


def path(random: np.random.Generator, x: Floats, y: Floats, width: int, parametrization: str) -> Path:
    """STEPS steps of gradient descent on the mean of (f - f_0 - y)^2 / 2, f_0 the outputs at the beginning.

    Args:
        random: for the weights.
        x: a batch of inputs, (BATCH, DIM).
        y: their targets, (BATCH,).
        width: n of both hidden layers.
        parametrization: "ntk"; "mup"; "standard", with a learning rate of RATE / n, beyond which it diverges; or "one-rate",
            which is "mup" with the factor n missing in the learning rate of the first layer.
    """
    weights, scales = start(random, TWO_HIDDEN, DIM, width, "mup" if parametrization == "one-rate" else parametrization, 1)
    weights = [w[0] for w in weights]
    if parametrization == "one-rate":
        weights[0], scales[0] = weights[0] * width**0.5, scales[0] / width**0.5
    rate = RATE / width if parametrization == "standard" else RATE
    target = np.asarray(_outputs(weights, scales, x)) + y
    steps = [weights]
    for _ in range(STEPS):
        steps.append(_step(steps[-1], scales, x, target, rate))
    first, second, last = ([scale * np.asarray(w) for scale, w in zip(scales, steps[i], strict=True)] for i in (0, 1, STEPS))
    return Path(x, first, second, last)


def batch(random: np.random.Generator) -> tuple[Floats, Floats]:
    """Inputs and targets, all N(0, 1)."""
    return random.standard_normal((BATCH, DIM)), random.standard_normal(BATCH)


_outputs = jax.jit(partial(outputs, TWO_HIDDEN))


@jax.jit
def _step(
    weights: list[Float[Array, "fan_in fan_out"]],
    scales: list[Float[Array, ""]],
    x: Float[Array, "n dim"],
    target: Float[Array, " n"],
    rate: Float[Array, ""],
) -> list[Float[Array, "fan_in fan_out"]]:
    gradient = jax.grad(lambda now: jnp.mean((outputs(TWO_HIDDEN, now, scales, x) - target) ** 2) / 2)(weights)
    return [w - rate * g for w, g in zip(weights, gradient, strict=True)]
