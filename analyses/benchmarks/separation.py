"""Sample complexity: `python analyses/benchmarks/separation.py [--repeats N]`.

Headline: two steps of the three architectures by the exact law of what they see, over patches, with peak memory of the process.
Training: gradient descent on data in full against its products of matrices alone.
Curves: errors over n by three ways of one law: whole samples, rotated samples, and what two steps see.
Calls take turns, figures are medians. The exit status is 1 if a target is missed. Seconds are CPU seconds, so pin one core:
`OPENBLAS_NUM_THREADS=1 taskset -c 0`.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from ntkit.separation import Architecture, DynamicSignal, Learner, NoiseGate, ProjectedGradient, TwoStep

NOISE = 0.3  # sigma sqrt(k)
OCTAVES = 2.0 ** np.arange(-2, 2.01, 0.5)
CENTRES: dict[Architecture, tuple[float, int]] = {"cnn": (2.2, 0), "lcn": (2.4, 1), "fcn": (1.2, 2)}
KEY = jax.random.key(0)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    met = []
    print(f"{'TwoStep of cnn, lcn and fcn, 24 data sets':44s} {'seconds':>8s} {'peak of the process':>20s}")
    met += [headline((8, 16, 32, 64), 16384, seconds=3.0, megabytes=500.0), headline((256,), 16384), headline((8,), 10**6)]
    print(f"\n{'four steps of training':44s} {'seconds':>8s} {'products':>9s} {'ratio':>6s}")
    for dtype in (np.float32, np.float64):
        met += [training("lcn", 2048, 4000, dtype, repeats), training("cnn", 1024, 2000, dtype, repeats)]
    print(f"\n{'errors at nine n, one data set, two steps':44s} {'whole':>8s} {'rotated':>8s} {'TwoStep':>8s} {'factors':>12s}")
    for architecture, patches, dim in (("lcn", 16, 2048), ("cnn", 16, 1024), ("fcn", 8, 1024)):
        curves(architecture, task_of(patches, dim), max(repeats // 2, 1))  # type: ignore[arg-type]
    sys.exit(not all(met))


def task_of(patches: int, dim: int) -> DynamicSignal:
    """The task with the noise at which the bounds are stated."""
    return DynamicSignal(patches, dim, NOISE / patches**0.5)


def sizes(architecture: Architecture, task: DynamicSignal) -> np.ndarray:
    """Two octaves on each side of about where the error is 1 %."""
    factor, power = CENTRES[architecture]
    return np.unique(np.round(factor * task.patches**power * task.noise**2 * task.dim * OCTAVES).astype(int))


def headline(patches: Sequence[int], dim: int, *, seconds: float = np.inf, megabytes: float = np.inf) -> bool:
    """Two steps at nine n for each number of patches."""
    start = time.process_time()
    for k in patches:
        for architecture in CENTRES:
            task = task_of(k, dim)
            TwoStep(architecture).errors(task, sizes(architecture, task), key=KEY, replicates=24)
    taken, memory = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    name = f"k = {', '.join(map(str, patches))}, d = {dim}"
    print(f"{name:44s} {taken:8.2f} {memory:17.0f} MB", flush=True)
    return taken < seconds and memory < megabytes


def training(architecture: Architecture, dim: int, n: int, dtype: Any, repeats: int) -> bool:
    """A step from zero and three with a gate, of logistic loss, for 16 patches: seven products of data and filters."""
    task, rng = task_of(16, dim), np.random.default_rng(0)
    gate = NoiseGate(1.5)(task)
    learner = ProjectedGradient(architecture, (0.0, gate, gate, gate), loss="logistic", scale=4.0, rate=1.6e4)
    x = rng.standard_normal((n, 16, dim), dtype=dtype)
    x *= task.noise
    y = rng.choice([-1.0, 1.0], size=n)
    x[np.arange(n), rng.integers(16, size=n), 0] += y
    fit, alone = in_turns(repeats, partial(learner.fit, x, y), partial(products, architecture, x))
    name = f"{architecture}, k = 16, d = {dim}, n = {n}, {np.dtype(dtype)}"
    print(f"{name:44s} {fit:8.3f} {alone:9.3f} {fit / alone:6.2f}", flush=True)
    return fit < 2 * alone


def products(architecture: Architecture, x: np.ndarray) -> None:
    """What four steps multiply, with nothing between."""
    n, patches, dim = x.shape
    filters, pull = np.ones((patches, dim), dtype=x.dtype), np.ones((patches, n), dtype=x.dtype)
    for product in range(7):
        if architecture == "cnn":
            flat = x.reshape(-1, dim)
            _ = flat @ filters[0] if product % 2 else pull.reshape(-1) @ flat
        else:
            for patch in range(patches):
                _ = x[:, patch] @ filters[patch] if product % 2 else pull[patch] @ x[:, patch]


def curves(architecture: Architecture, task: DynamicSignal, repeats: int) -> None:
    """Seconds of the three ways, and what the first two take in units of the third."""
    full = ProjectedGradient(architecture, (0.0, 0.0 if architecture == "fcn" else NoiseGate(1.5)(task)))
    n = sizes(architecture, task)
    whole = partial(Learner.errors, full, task, n, key=KEY, replicates=1, test_size=1)
    rotated, seen = (partial(of.errors, task, n, key=KEY, replicates=1) for of in (full, TwoStep(architecture)))
    first, second, third = in_turns(repeats, whole, rotated, seen)
    name = f"{architecture}, k = {task.patches}, d = {task.dim}, n to {n[-1]}"
    print(f"{name:44s} {first:8.3f} {second:8.3f} {third:8.4f} {first / third:6.0f} {second / third:5.0f}", flush=True)


def in_turns(repeats: int, *calls: Callable[[], object]) -> list[float]:
    """Median CPU seconds of each, without the first time."""
    seconds: list[list[float]] = [[] for _ in calls]
    for turn in range(repeats + 1):
        for call, times in zip(calls, seconds, strict=True):
            start = time.process_time()
            call()
            if turn:
                times.append(time.process_time() - start)
    return [statistics.median(times) for times in seconds]


if __name__ == "__main__":
    main()
