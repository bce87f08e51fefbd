"""Loss landscapes: `python analyses/benchmarks/landscape.py [--repeats N] [--part PART ...]`.

Parts, all by default:
surface: 51 x 51 points of a convolutional network's loss on all digits, float32: `slice_2d` against `lax.map` over points with
    XLA's convolution, and against the matrix products alone. Convolutions are products with patches, those of the images
    gathered once. On one core: `OPENBLAS_NUM_THREADS=1 taskset -c 0`; without it, on all.
eigenpairs: Hessian products for the ten largest eigenvalues of a trained tanh network 64-256-256-64-10 to residuals of 1e-4.
memory: of a spectral density with 10^6 parameters, float32, 60 steps: what XLA sets aside, and what was expected.

Calls take turns, figures are medians of wall seconds. The exit status is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ntkit.data import digits
from ntkit.landscape import SumOfParts, density, direction_pair, expected_memory, hvp, slice_2d, top_eigenpairs

POINTS, WINDOW = 51, 3
PARTS = 3  # of the data, so that one stays in cache
Params = dict[str, Any]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = {"surface": surface, "eigenpairs": eigenpairs, "memory": memory}
    parser.add_argument("--part", action="append", choices=list(known), help="one of them, repeatable; all by default")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    met = [known[part](options.repeats) for part in options.part or known]
    sys.exit(not all(met))


def surface(repeats: int) -> bool:
    """Seconds for the same surface in three ways."""
    images, classes = digits()
    x, labels = jnp.asarray(images[..., None], jnp.float32), jnp.asarray(classes)
    params = convolutional()
    gathered = patches(x)

    def part_loss(params: Params, part: tuple[jax.Array, jax.Array]) -> jax.Array:
        return cross_entropy(network(params, part[0], products), part[1])

    split = len(x) // PARTS, *gathered.shape[1:]
    product_loss = SumOfParts(part_loss, (gathered.reshape(PARTS, *split), labels.reshape(PARTS, -1)))

    def convolution_loss(params: Params) -> jax.Array:
        return cross_entropy(network(params, x, convolution), labels)

    pair = direction_pair(jax.random.key(1), params)
    grid = np.linspace(-1, 1, POINTS)
    values = {}

    def ours() -> None:
        values["ours"] = slice_2d(product_loss, params, pair.first, pair.second, grid, grid).values

    @jax.jit
    def mapped(points: jax.Array) -> jax.Array:
        def at(point: jax.Array) -> jax.Array:
            ways = pair.first.tree, pair.second.tree
            return convolution_loss(jax.tree.map(lambda w, a, b: w + point[0] * a + point[1] * b, params, *ways))

        found: jax.Array = jax.lax.map(at, points)
        return found

    points = jnp.asarray(np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2), jnp.float32)

    def peer() -> None:
        values["peer"] = np.asarray(mapped(points)).reshape(POINTS, POINTS)

    rows = gathered.reshape(-1, 9), jnp.ones((len(x) * 16, 72), jnp.float32), jnp.ones((len(x), 64), jnp.float32)
    matrices = [params["first"].reshape(9, 8), params["second"].reshape(72, 16), params["last"]]

    @jax.jit
    def multiplied(shares: jax.Array) -> jax.Array:
        def at(share: jax.Array) -> jax.Array:
            return jnp.stack([jnp.sum(row @ (share * m)) for row, m in zip(rows, matrices, strict=True)])

        found: jax.Array = jax.lax.map(at, shares)
        return found

    taken = in_turns(repeats, ours, peer, lambda: multiplied(points[:, 0]).block_until_ready())
    apart = float(np.max(np.abs(values["ours"] - values["peer"]) / values["peer"]))
    print(f"\n51 x 51 points, 1864 weights, 1797 digits: {taken[0]:.2f} s, {POINTS**2 / taken[0]:.0f} points a second")
    print(f"lax.map with XLA's convolution {taken[1]:.2f} s: {taken[0] / taken[1]:.2f} times that (aimed at 0.5)")
    print(f"matrix products alone {taken[2]:.2f} s: {taken[0] / taken[2]:.2f} times that (aimed at 1.5)")
    print(f"values differ by a relative {apart:.1e}", flush=True)
    return bool(taken[0] <= 0.5 * taken[1] and apart < 1e-4)


def convolutional() -> Params:
    """Weights of two convolutions and a dense layer, of the size that ReLUs keep."""
    keys = jax.random.split(jax.random.key(0), 3)
    shapes = {"first": (3, 3, 1, 8), "second": (3, 3, 8, 16), "last": (64, 10)}
    return {
        name: jax.random.normal(key, shape, jnp.float32) * (2 / np.prod(shape[:-1])) ** 0.5
        for key, (name, shape) in zip(keys, shapes.items(), strict=True)
    }


def network(params: Params, x: jax.Array, first: Callable[[jax.Array, jax.Array], jax.Array]) -> jax.Array:
    """Two convolutions and a dense layer; `first` applies a convolution, the second one to patches or images likewise."""
    z = jax.nn.relu(pooled(first(x, params["first"])))
    z = jax.nn.relu(pooled(first(patches(z) if first is products else z, params["second"])))
    outputs: jax.Array = z.reshape(len(z), -1) @ params["last"]
    return outputs


def products(gathered: jax.Array, weights: jax.Array) -> jax.Array:
    """A convolution of patches."""
    flat: jax.Array = gathered.reshape(-1, gathered.shape[-1]) @ weights.reshape(-1, weights.shape[-1])
    return flat.reshape(*gathered.shape[:-1], -1)


def convolution(x: jax.Array, weights: jax.Array) -> jax.Array:
    """XLA's."""
    return jax.lax.conv_general_dilated(x, weights, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def patches(x: jax.Array) -> jax.Array:
    """All 3 x 3 windows with zeros around, in the order of HWIO weights."""
    height, width = x.shape[1:3]
    wide = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([wide[:, i : i + height, j : j + width] for i in range(WINDOW) for j in range(WINDOW)], axis=-1)


def pooled(x: jax.Array) -> jax.Array:
    """The largest of 2 x 2."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """The mean."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


def perceptron(widths: tuple[int, ...]) -> tuple[Callable[[Any], jax.Array], Any]:
    """The loss of a tanh network on all digits, and its weights after 500 steps of gradient descent."""
    images, classes = digits()
    x, labels = jnp.asarray(images.reshape(len(images), -1), jnp.float32), jnp.asarray(classes)
    keys = jax.random.split(jax.random.key(0), len(widths) - 1)
    weights = [jax.random.normal(key, (n, m), jnp.float32) / n**0.5 for key, (n, m) in zip(keys, pairwise(widths), strict=True)]

    def loss(weights: Any) -> jax.Array:
        z = x
        for w in weights[:-1]:
            z = jnp.tanh(z @ w)
        return cross_entropy(z @ weights[-1], labels)

    def step(_: int, now: Any) -> Any:
        return jax.tree.map(lambda w, g: w - 0.1 * g, now, jax.grad(loss)(now))

    return loss, jax.jit(lambda start: jax.lax.fori_loop(0, 500, step, start))(weights)


def eigenpairs(_: int) -> bool:
    """How many products ten eigenvalues take."""
    loss, weights = perceptron((64, 256, 256, 64, 10))
    start = time.perf_counter()
    found = top_eigenpairs(loss, weights, 10, key=jax.random.key(2), rtol=1e-4)
    taken = time.perf_counter() - start
    worst = float((found.residuals / found.values).max())
    print(
        f"\nten largest eigenvalues of 64-256-256-64-10, loss {float(loss(weights)):.3f}: {found.hvps} products (aimed at 60)"
    )
    print(
        f"residuals up to {worst:.1e} of the eigenvalue, {taken:.1f} s; {found.values[0]:.4g} to {found.values[-1]:.4g}",
        flush=True,
    )
    return found.hvps <= 60 and worst <= 1e-4


def memory(_: int) -> bool:
    """Resident memory of a density with a million parameters."""
    params = jnp.full(10**6, 0.5, jnp.float32)
    scales = jnp.linspace(0.1, 1, 10**6, dtype=jnp.float32)

    def loss(w: jax.Array) -> jax.Array:
        return jnp.sum(scales * jnp.cos(w)) + jnp.mean(w) ** 2

    product: Any = jax.jit(lambda v: hvp(loss, params, v)).lower(params).compile().memory_analysis()
    density(lambda w: jnp.sum(jnp.cos(w)), params[:1000], key=jax.random.key(3), probes=2)  # what the first compilation takes
    expected = expected_memory(params, product.temp_size_in_bytes + product.output_size_in_bytes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    density(loss, params, key=jax.random.key(3), steps=60, probes=2)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    print(f"\ndensity of 10^6 eigenvalues, 60 steps: {used / 2**20:.0f} MiB, {expected / 2**20:.0f} expected", flush=True)
    return used <= expected


def in_turns(repeats: int, *calls: Callable[[], object]) -> list[float]:
    """Median seconds of each, after one call that is not counted."""
    for call in calls:
        call()
    taken = [[seconds(call) for call in calls] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def seconds(call: Callable[[], object]) -> float:
    """Of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
