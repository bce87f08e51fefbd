"""Infinite-width kernels against neural-tangents: `python analyses/benchmarks/kernels.py [ROW ...] [--repeats N]`.

Both compute the same float32 matrix in one process, one after the other in turns, after their results have been found to
agree. Printed are medians of wall time and of CPU time, and the ratio theirs / ours. Numbers of threads are those of the
process: `taskset -c 0 python analyses/benchmarks/kernels.py` for one core.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ntkit import data
from ntkit._compat import neural_tangents
from ntkit.kernels import Conv, Dense, Flatten, GlobalAvgPool, Layer, Network, Relu, serial

ROOT2 = 2**0.5


class Row(NamedTuple):
    """One comparison: our network, neural-tangents' kernel function, inputs, and the ratio that is aimed at."""

    network: Network
    kernel_fn: Callable[..., Any]
    x: jax.Array
    bar: float


def dense(x: np.ndarray, bar: float) -> Row:
    """Three hidden ReLU layers."""
    stax = neural_tangents.load().stax
    ours = [layer for _ in range(3) for layer in (Relu(), Dense(ROOT2))]
    theirs = [layer for _ in range(3) for layer in (stax.Relu(), stax.Dense(1, ROOT2))]
    return Row(serial(Dense(), *ours), stax.serial(stax.Dense(1), *theirs)[2], jnp.asarray(x, jnp.float32), bar)


def convolutional(x: np.ndarray, layers: int, padding: Any, pool: bool, bar: float) -> Row:
    """Layers of 3 x 3 convolutions and ReLU, then a mean over pixels or all of them, and a dense layer."""
    stax = neural_tangents.load().stax
    ours: list[Layer] = [layer for _ in range(layers) for layer in (Conv(3, padding=padding, w_std=ROOT2), Relu())]
    theirs = [part for _ in range(layers) for part in (stax.Conv(1, (3, 3), padding=padding.upper(), W_std=ROOT2), stax.Relu())]
    end, their_end = (GlobalAvgPool(), stax.GlobalAvgPool()) if pool else (Flatten(), stax.Flatten())
    kernel_fn = stax.serial(*theirs, their_end, stax.Dense(1))[2]
    return Row(serial(*ours, end, Dense()), kernel_fn, jnp.asarray(x, jnp.float32), bar)


def rows() -> dict[str, Callable[[], Row]]:
    """All comparisons, made when they are asked for."""
    rng = np.random.default_rng(0)
    digits = np.asarray(data.digits()[0]).reshape(-1, 8, 8, 1)
    return {
        "dense-64": lambda: dense(rng.normal(size=(4000, 64)), 10),
        "dense-784": lambda: dense(rng.normal(size=(4000, 784)), 5),
        "dense-digits": lambda: dense(digits.reshape(-1, 64), 10),
        "dense-all-close": lambda: dense(1 + 0.1 * rng.normal(size=(1797, 64)), 1),
        "cntk-pooled": lambda: convolutional(digits[:100], 3, "circular", True, 25),
        "cntk-pooled-16x16": lambda: convolutional(rng.normal(size=(16, 16, 16, 3)), 5, "same", True, 15),
        "cnn-flat": lambda: convolutional(digits[:1000], 3, "circular", False, 10),
    }


def timed(function: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(function())  # type: ignore[no-untyped-call]
    return time.perf_counter() - wall, time.process_time() - cpu


def compare(row: Row, repeats: int) -> tuple[float, float, float, float]:
    """Median wall and CPU seconds, ours and theirs; an error if the kernels differ."""
    theirs = jax.jit(lambda x: row.kernel_fn(x, None, "ntk"))
    tasks: list[Callable[[], Any]] = [lambda: row.network.ntk(row.x), lambda: theirs(row.x)]
    got, expected = (np.asarray(task()) for task in tasks)
    # neural-tangents loses half of the digits of float32 at correlation 1: 3e-4 of the diagonal.
    error = np.abs(got - expected).max() / np.abs(expected).max()
    if not error < 2e-3:
        raise AssertionError(f"the kernels differ by {error:.1e} of the largest entry")
    times = [[timed(task) for task in tasks] for _ in range(repeats)]
    ours, other = ([statistics.median(run[which][clock] for run in times) for clock in (0, 1)] for which in (0, 1))
    return ours[0], ours[1], other[0], other[1]


def compile_times(layers: int = 10, repeats: int = 3) -> tuple[float, float]:
    """Median seconds to trace and compile a deep convolutional kernel with pooling, ours and theirs, after a first one each."""
    row = convolutional(np.zeros((16, 8, 8, 1)), layers, "circular", True, 1)
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats + 1):
        for kernel, found in zip((row.network.ntk, partial(row.kernel_fn, get="ntk")), seconds, strict=True):
            start = time.perf_counter()
            jax.jit(lambda x, kernel=kernel: kernel(x)).lower(row.x).compile()
            found.append(time.perf_counter() - start)
    ours, theirs = (statistics.median(found[1:]) for found in seconds)
    return ours, theirs


def main() -> int:
    """Print a table; the exit status is 1 if a bar is not reached."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", choices=[*rows(), "compile", []], help="default: all")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    wanted = options.rows or [*rows(), "compile"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{cores} cores; seconds of wall time (CPU time); ratios theirs / ours")
    missed = 0
    for name in wanted:
        if name == "compile":
            ours, theirs = compile_times()
            print(f"{'compile 10 layers':20s} ours {ours:.2f}  theirs {theirs:.2f}")
            continue
        row = rows()[name]()
        wall, cpu, their_wall, their_cpu = compare(row, options.repeats)
        missed += their_wall / wall < row.bar
        print(
            f"{name:20s} ours {wall:.4f} ({cpu:.4f})  theirs {their_wall:.4f} ({their_cpu:.4f})"
            f"  ratio {their_wall / wall:.1f} ({their_cpu / cpu:.1f}), aimed at {row.bar:g}",
            flush=True,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
