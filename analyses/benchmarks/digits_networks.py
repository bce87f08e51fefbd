"""Small networks trained on the 8 x 8 digits, for benchmarks of local bounds: `python -m analyses.benchmarks.digits_networks`.

Four dense networks and one convolutional network on pixels in [0, 1]. Weights go to `digits_networks.npz` beside this file, in
float32: `mlp16/W1` (out, in), `mlp16/b1` (out,), ..., and kernels of `conv` (out, in, h, w), which are cross-correlated with
stride 1 and no padding; channels are flattened in the order of (channel, row, column). `test` holds 20 indices into the digits,
none of them used for training. Printed are accuracies on all 360 digits that were left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ntkit.data import digits

FILE = Path(__file__).with_suffix(".npz")
HELD_OUT, STORED = 360, 20
STEPS, BATCH, RATE = 1500, 128, 1e-3
MLPS: dict[str, tuple[tuple[int, ...], Callable[[jax.Array], jax.Array]]] = {
    "mlp16": ((64, 16, 16, 10), jax.nn.relu),
    "mlp32": ((64, 32, 32, 10), jax.nn.relu),
    "deep64": ((64, 64, 64, 64, 10), jax.nn.relu),
    "tanh32": ((64, 32, 32, 10), jnp.tanh),
}
CONV = ((4, 1, 3, 3), (8, 4, 3, 3), (10, 128))

Parameters = list[tuple[jax.Array, jax.Array]]


def main() -> None:
    """Train, print accuracies, write the file; the exit status is 1 if an accuracy is 90 % or less."""
    images, labels = digits()
    x, y = jnp.asarray(images.reshape(-1, 64), jnp.float32), jnp.asarray(labels)
    order = np.random.default_rng(0).permutation(len(x))
    held_out, rest = order[:HELD_OUT], order[HELD_OUT:]
    stored, accuracies = {"test": np.sort(held_out[:STORED])}, []
    shapes = {name: tuple(zip(widths[1:], widths, strict=False)) for name, (widths, _) in MLPS.items()} | {"conv": CONV}
    for index, (name, layers) in enumerate(shapes.items()):
        network = partial(mlp, MLPS[name][1]) if name in MLPS else conv
        parameters = train(network, layers, x[rest], y[rest], jax.random.key(index))
        accuracies.append(float(jnp.mean(jnp.argmax(network(parameters, x[held_out]), axis=1) == y[held_out])))
        print(f"{name:8s} {accuracies[-1]:.3f}")
        for k, (W, b) in enumerate(parameters, start=1):
            stored |= {f"{name}/W{k}": np.asarray(W), f"{name}/b{k}": np.asarray(b)}
    np.savez_compressed(FILE, **stored)  # type: ignore[arg-type]
    print(f"{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB")
    sys.exit(min(accuracies) <= 0.9)


def mlp(activation: Callable[[jax.Array], jax.Array], parameters: Parameters, x: jax.Array) -> jax.Array:
    """Logits of inputs (count, 64)."""
    for W, b in parameters[:-1]:
        x = activation(x @ W.T + b)
    W, b = parameters[-1]
    return x @ W.T + b


def conv(parameters: Parameters, x: jax.Array) -> jax.Array:
    """Logits of inputs (count, 64)."""
    x = x.reshape(-1, 1, 8, 8)
    for K, b in parameters[:-1]:
        x = jax.nn.relu(jax.lax.conv_general_dilated(x, K, (1, 1), "VALID") + b[:, None, None])
    W, b = parameters[-1]
    return x.reshape(len(x), -1) @ W.T + b


def train(
    network: Callable[[Parameters, jax.Array], jax.Array],
    shapes: tuple[tuple[int, ...], ...],
    x: jax.Array,
    y: jax.Array,
    key: jax.Array,
) -> Parameters:
    """Adam on the mean cross-entropy, from weights of variance 2 / fan_in and biases 0."""
    first, key = jax.random.split(key)
    draws = zip(shapes, jax.random.split(first, len(shapes)), strict=True)
    start = [(jax.random.normal(k, s) * (2 / np.prod(s[1:])) ** 0.5, jnp.zeros(s[0])) for s, k in draws]

    def loss(parameters: Parameters, batch: jax.Array) -> jax.Array:
        logits = network(parameters, x[batch])
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[batch, None], axis=1))

    def step(state: tuple[Parameters, Parameters, Parameters], now: tuple[jax.Array, jax.Array]):  # type: ignore[no-untyped-def]
        parameters, mean, square = state
        t, k = now
        gradient = jax.grad(loss)(parameters, jax.random.randint(k, (BATCH,), 0, len(x)))
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g**2, square, gradient)
        rate = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        parameters = jax.tree.map(lambda p, m, s: p - rate * m / (jnp.sqrt(s) + 1e-8), parameters, mean, square)
        return (parameters, mean, square), None

    zero = jax.tree.map(jnp.zeros_like, start)
    times = (jnp.arange(1.0, STEPS + 1), jax.random.split(key, STEPS))
    (parameters, _, _), _ = jax.lax.scan(step, (start, zero, zero), times)
    return parameters


if __name__ == "__main__":
    main()
