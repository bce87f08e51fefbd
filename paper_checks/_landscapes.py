"""Small networks on the digits, their losses and full-batch training, for claims on loss landscapes."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.data import digits
from ntkit.landscape import Descent, train

Layers = list[dict[str, Array]]  # of dense layers: "weights" (in, out), "bias" (out,)
Hidden = Callable[[Array], Array]


def perceptron(key: Array, widths: Sequence[int]) -> Layers:
    """He's initialisation without biases, in double precision."""
    keys = jax.random.split(key, len(widths) - 1)
    shapes = list(pairwise(widths))
    weights = [
        jax.random.normal(one, shape, jnp.float64) * (2 / shape[0]) ** 0.5 for one, shape in zip(keys, shapes, strict=True)
    ]
    return [{"weights": w, "bias": jnp.zeros(w.shape[1], w.dtype)} for w in weights]


def digit_data(pooled: bool = False) -> tuple[Float[Array, "n pixels"], Array]:
    """All digits as rows and their labels; pooled, of 4 x 4 pixels."""
    images, labels = digits()
    if pooled:
        images = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    return jnp.asarray(images.reshape(len(images), -1)), jnp.asarray(labels)


def normalised(z: Float[Array, "n units"]) -> Float[Array, "n units"]:
    """Batch normalisation with the statistics of the batch, and nothing added to the variance."""
    off = z - z.mean(axis=0, keepdims=True)
    return off / jnp.sqrt((off**2).mean(axis=0, keepdims=True))


def logits(layers: Layers, x: Float[Array, "n pixels"], hidden: Hidden) -> Float[Array, "n classes"]:
    """What a network makes of its inputs; `hidden` is what follows every layer but the last."""
    for layer in layers[:-1]:
        x = hidden(jnp.matmul(x, layer["weights"]) + layer["bias"][None])
    return jnp.matmul(x, layers[-1]["weights"]) + layers[-1]["bias"][None]


def cross_entropy(layers: Layers, x: Float[Array, "n pixels"], labels: Array, hidden: Hidden) -> Float[Array, ""]:
    """The mean over all data."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits(layers, x, hidden)), labels[:, None], axis=1).mean()


@cache
def batch_loss(hidden: Hidden) -> Callable[[Layers, tuple[Array, Array]], Float[Array, ""]]:
    """The cross-entropy of inputs and labels, the same function for the same activation, so that training compiles once."""

    def loss(layers: Layers, data: tuple[Array, Array]) -> Float[Array, ""]:
        return cross_entropy(layers, *data, hidden)

    return loss


def descended(layers: Layers, x: Float[Array, "n pixels"], labels: Array, hidden: Hidden, rate: float, steps: int) -> Layers:
    """After so many steps of gradient descent on all data."""
    found: Layers = train(batch_loss(hidden), layers, Descent(rate), steps, data=(x, labels)).params
    return found


def matrix(hessian: Layers, layers: Layers) -> np.ndarray:
    """A second derivative by `jax.hessian`, as a matrix, in the order of the leaves."""
    rows = jax.tree.leaves(hessian)
    sizes = [leaf.size for leaf in jax.tree.leaves(layers)]
    blocks = [
        np.asarray(block).reshape(a, b) for block, (a, b) in zip(rows, [(a, b) for a in sizes for b in sizes], strict=True)
    ]
    return np.block([blocks[i : i + len(sizes)] for i in range(0, len(blocks), len(sizes))])
