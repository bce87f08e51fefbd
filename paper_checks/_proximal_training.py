"""A learned proximal network of one input, trained on the exact proximal matching loss under a Laplace prior."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import ndtr

UNITS = 32
NODES = np.linspace(-4, 4, 81)  # of y, in units of the noise
GAMMAS = (2.0, 1.0, 0.5, 0.25, 0.125)
STEPS = 800  # at each stage
RATE = 0.03


class Monotone(NamedTuple):
    """The derivative of a convex network: y -> sum_j e^c_j / (1 + exp(-e^w_j (y - b_j))) + e^a y + d."""

    w: Array
    b: Array
    c: Array
    a: Array
    d: Array

    def __call__(self, y: Array) -> Array:
        """At y, shape (n,)."""
        return jax.nn.sigmoid((y[:, None] - self.b) * jnp.exp(self.w)) @ jnp.exp(self.c) + jnp.exp(self.a) * y + self.d


State = tuple[Monotone, Monotone, Monotone, Array]  # network, two moments of its gradient, number of steps


@jax.jit
def train(key: Array, sigma: Array, scale: Array, mean: Array, square: Array) -> Array:
    """The network at `NODES` after each stage of `GAMMAS`, shape (stage, node); trained by the square loss if `square` is set.

    The noise has standard deviation `sigma`, the prior the scale `scale`; `mean` is the posterior mean at the nodes.
    """
    y = jnp.asarray(NODES)
    net = _first(key)
    state = net, jax.tree.map(jnp.zeros_like, net), jax.tree.map(jnp.zeros_like, net), jnp.zeros(())

    def stage(state: State, gamma: Array) -> tuple[State, Array]:
        def loss(net: Monotone) -> Array:
            losses = jnp.where(square, _squared(net(y), y, mean, sigma, scale), _matched(net(y), y, gamma, sigma, scale))
            return losses.mean()

        def step(state: State, rate: Array) -> tuple[State, None]:
            net, first, second, count = state
            slope = jax.grad(loss)(net)
            count = count + 1
            first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
            second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g**2, second, slope)
            bias = (1 - 0.99**count) ** 0.5 / (1 - 0.9**count)
            net = jax.tree.map(lambda p, m, v: p - rate * bias * m / (jnp.sqrt(v) + 1e-9), net, first, second)
            return (net, first, second, count), None

        state, _ = jax.lax.scan(step, state, RATE * jnp.linspace(1, 0.02, STEPS))
        return state, state[0](y)

    values: Array = jax.lax.scan(stage, state, jnp.asarray(GAMMAS))[1]
    return values


def _first(key: Array) -> Monotone:
    """Steps of height 3 in all, spread over the nodes, with slope 0.3 between them."""
    slopes, places = jax.random.split(key)
    heights = jnp.full(UNITS, 3.0 / UNITS)
    return Monotone(
        w=jnp.log(4.0) + 0.3 * jax.random.normal(slopes, (UNITS,)),
        b=jax.random.uniform(places, (UNITS,), minval=-4.0, maxval=4.0),
        c=jnp.log(heights),
        a=jnp.log(jnp.asarray(0.3)),
        d=-heights.sum() / 2,
    )


def _matched(c: Array, y: Array, gamma: Array, sigma: Array, scale: Array) -> Array:
    """Minus p(y) E(exp(-(c - x)^2 / gamma^2) | y), up to a factor: two half Gaussians, convolved with one of gamma^2 / 2."""
    tau = gamma / 2**0.5
    spread = sigma**2 + tau**2
    width = sigma * tau / jnp.sqrt(spread)
    total = jnp.zeros_like(y)
    for sign in (1, -1):
        mean = y - sign * sigma**2 / scale
        place = (c * sigma**2 + mean * tau**2) / (spread * width)
        exponent = (mean**2 - y**2) / (2 * sigma**2) - (c - mean) ** 2 / (2 * spread)
        total += jnp.exp(exponent) * ndtr(sign * place)
    return -total


def _squared(c: Array, y: Array, mean: Array, sigma: Array, scale: Array) -> Array:
    """p(y) (c - E(x | y))^2, up to a factor."""
    total = jnp.zeros_like(y)
    for sign in (1, -1):
        centre = y - sign * sigma**2 / scale
        total += jnp.exp((centre**2 - y**2) / (2 * sigma**2)) * ndtr(sign * centre / sigma)
    return total * (c - mean) ** 2
