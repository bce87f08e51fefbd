"""Convolution layers as operators: `python analyses/benchmarks/orthoconv.py [--repeats N]`.

Blocks: all singular values of a circular layer against the decompositions of all its blocks by the same routine.
Dense: the same values against the decomposition of the layer matrix.
Norm: the spectral norm with its gradient, its certificate included, and memory of the process.
Calls take turns, figures are medians. The exit status is 1 if a target is missed. Seconds are CPU seconds, so pin one core:
`OPENBLAS_NUM_THREADS=1 taskset -c 0`.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from ntkit.orthoconv import extreme_singular_values, layer_matrix, singular_values, spectral_norm, symbol


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dense", action="store_true", help="also the dense decomposition, which takes a minute")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    print(f"{'all singular values, circular, 3 x 3':44s} {'ours':>8s} {'blocks':>8s} {'ratio':>6s}")
    met = [blocks(64, 64, 32, options.repeats), blocks(128, 64, 16, options.repeats), blocks(32, 128, 32, options.repeats)]
    if options.dense:
        print(f"\n{'against the layer matrix':44s} {'ours':>8s} {'dense':>8s} {'factor':>7s} {'difference':>11s}")
        met.append(dense(8, 16))
    print(f"\n{'spectral norm and gradient, 3 x 3':44s} {'seconds':>8s} {'peak of the process':>20s}")
    for channels, size in ((64, 56), (256, 14), (512, 7), (512, 14)):
        norm(channels, size)
    print(f"\n{'bounds on both ends, 3 x 3':44s} {'seconds':>8s} {'largest':>18s} {'smallest':>18s}")
    for channels, size, padding in ((64, 56, "circular"), (64, 56, "same"), (512, 7, "circular"), (512, 7, "same")):
        ends(channels, size, padding)
    sys.exit(not all(met))


def kernel(outputs: int, inputs: int) -> np.ndarray:
    """Gaussian, of the scale at which layers keep variances."""
    weights: np.ndarray = np.random.default_rng(0).normal(size=(outputs, inputs, 3, 3)) / np.sqrt(9 * inputs)
    return weights


def blocks(outputs: int, inputs: int, size: int, repeats: int) -> bool:
    """Half the frequencies and their blocks by one product, against decompositions alone."""
    weights = kernel(outputs, inputs)
    every = symbol(weights, size)
    ours, alone = in_turns(repeats, partial(singular_values, weights, size), partial(np.linalg.svd, every, compute_uv=False))
    print(f"{f'{inputs} to {outputs} channels, {size} x {size}':44s} {ours:8.3f} {alone:8.3f} {ours / alone:6.2f}", flush=True)
    return ours <= 0.8 * alone


def dense(channels: int, size: int) -> bool:
    """Once, as the dense decomposition takes a minute."""
    weights = kernel(channels, channels)
    matrix = layer_matrix(weights, size).toarray()
    ours = statistics.median(seconds(partial(singular_values, weights, size))[0] for _ in range(5))
    theirs, expected = seconds(partial(np.linalg.svd, matrix, compute_uv=False))
    difference = np.abs(singular_values(weights, size) - expected).max() / expected[0]
    name = f"{channels} channels, {size} x {size}"
    print(f"{name:44s} {ours:8.4f} {theirs:8.2f} {theirs / ours:7.0f} {difference:11.1e}", flush=True)
    return theirs > 500 * ours and difference < 1e-12


def norm(channels: int, size: int) -> None:
    """The gradient by JAX, which calls NumPy; compiled beforehand on a kernel of zeros."""
    weights = jax.numpy.asarray(kernel(channels, channels))
    gradient = jax.jit(jax.value_and_grad(lambda k: spectral_norm(k, size)))
    taken, _ = seconds(lambda: [np.asarray(part) for part in gradient(weights)])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{f'{channels} channels, {size} x {size}':44s} {taken:8.2f} {memory:17.0f} MB", flush=True)


def ends(channels: int, size: int, padding: str) -> None:
    """Of layers as in a residual network of 50 layers."""
    taken, found = seconds(lambda: extreme_singular_values(kernel(channels, channels), size, padding=padding))  # type: ignore[arg-type]
    bounds = [f"{low:.5g} to {high:.5g}" for low, high in (found.largest, found.smallest)]
    print(
        f"{f'{channels} channels, {size} x {size}, {padding}':44s} {taken:8.2f} {bounds[0]:>18s} {bounds[1]:>18s}", flush=True
    )


def in_turns(repeats: int, *calls: Callable[[], object]) -> list[float]:
    """Median CPU seconds of each, after one call that is not counted."""
    for call in calls:
        call()
    taken = [[seconds(call)[0] for call in calls] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and its result."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


if __name__ == "__main__":
    main()
