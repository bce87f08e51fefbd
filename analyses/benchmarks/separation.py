"""Sample complexity: `python analyses/benchmarks/separation.py [--repeats N]`.

Headline: two steps of the three architectures by the exact law of what they see, over patches, with peak memory of the process.
Training: projected gradient descent on data in full against its products of matrices alone, in turns, medians.
Curves: errors over n by three ways of the same law: whole samples, rotated samples, and, for two steps, what they see.
The exit status is 1 if a target is missed. Seconds are CPU seconds, so pin one core: `OPENBLAS_NUM_THREADS=1 taskset -c 0`.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable

import jax
import numpy as np

from ntkit.separation import DynamicSignal, Learner, NoiseGate, ProjectedGradient, TwoStep

NOISE = 0.3  # sigma sqrt(k)
OCTAVES = 2.0 ** np.arange(-2, 2.01, 0.5)
FACTORS = {"fcn": 1.2, "lcn": 2.4, "cnn": 2.2}  # n is about factor k^power sigma^2 d for a test error of 1 %
POWERS = {"fcn": 2, "lcn": 1, "cnn": 0}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    sys.exit(not all([*headline(), *training(repeats), *curves(max(repeats // 2, 1))]))


def task_of(patches: int, dim: int) -> DynamicSignal:
    """The task with the noise at which the bounds are stated."""
    return DynamicSignal(patches, dim, NOISE / patches**0.5)


def sizes(architecture: str, task: DynamicSignal) -> np.ndarray:
    """Two octaves on each side of where the error is 1 %."""
    centre = FACTORS[architecture] * task.patches ** POWERS[architecture] * task.noise**2 * task.dim
    return np.unique(np.maximum(np.round(centre * OCTAVES), 1).astype(int))


def headline() -> list[bool]:
    """Two steps, 24 data sets, nine n each, for several k and d."""
    print(f"{'TwoStep, 24 data sets, nine n':44s} {'seconds':>8s} {'peak of the process':>20s}")
    met = []
    for patches, dim, bar in (((8, 16, 32, 64), 16384, 3.0), ((256,), 16384, None), ((8, 16, 32, 64), 10**6, None)):
        start = time.process_time()
        for k in patches:
            for architecture in ("cnn", "lcn", "fcn"):
                task = task_of(k, dim)
                if dim == 10**6:  # the same n as for 16384
                    task = DynamicSignal(k, dim, task.noise * (16384 / dim) ** 0.5)
                n = sizes(architecture, task)
                TwoStep(architecture).errors(task, n, key=jax.random.key(k), replicates=24)
        seconds, memory = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        name = f"cnn, lcn, fcn, k = {', '.join(map(str, patches))}, d = {dim}"
        print(f"{name:44s} {seconds:8.2f} {memory:17.0f} MB")
        met += [seconds < bar, memory < 500] if bar else []
    return met


def training(repeats: int) -> list[bool]:
    """Four steps, the first from zero: seven products of data and filters."""
    print(f"\n{'four steps of training, logistic loss':44s} {'seconds':>8s} {'products':>9s} {'ratio':>6s} {'aimed at':>9s}")
    met = []
    for architecture, dim, n in (("lcn", 2048, 4000), ("cnn", 1024, 2000)):
        for dtype in (np.float32, np.float64):
            task = task_of(16, dim)
            rng, gate = np.random.default_rng(0), NoiseGate(1.5)(task)
            learner = ProjectedGradient(architecture, (0.0, gate, gate, gate), loss="logistic", scale=4.0, rate=1.6e4)
            x = rng.standard_normal((n, 16, dim), dtype=dtype)
            x *= task.noise
            y = rng.choice([-1.0, 1.0], size=n)
            x[np.arange(n), rng.integers(16, size=n), 0] += y
            fit, alone = in_turns(repeats, lambda: learner.fit(x, y), lambda: products(architecture, x))
            print(
                f"{f'{architecture}, k = 16, d = {dim}, n = {n}, {dtype.__name__}':44s} {fit:8.3f} {alone:9.3f} {fit / alone:6.2f}"
                f" {2:9d}"
            )
            met.append(fit < 2 * alone)
    return met


def products(architecture: str, x: np.ndarray) -> None:
    """What four steps multiply, with nothing between."""
    n, patches, dim = x.shape
    filters, pull = np.ones((patches, dim), dtype=x.dtype), np.ones((patches, n), dtype=x.dtype)
    for product in range(7):
        if architecture == "cnn" and product % 2:
            x.reshape(-1, dim) @ filters[0]
        elif architecture == "cnn":
            pull.reshape(-1) @ x.reshape(-1, dim)
        else:
            for patch in range(patches):
                x[:, patch] @ filters[patch] if product % 2 else pull[patch] @ x[:, patch]


def curves(repeats: int) -> list[bool]:
    """Errors at nine n, one data set, lcn."""
    print(f"\n{'errors at nine n, one data set, two steps':44s} {'whole':>8s} {'rotated':>8s} {'TwoStep':>8s} {'factors':>12s}")
    for architecture, patches, dim in (("lcn", 16, 2048), ("cnn", 16, 1024), ("fcn", 8, 1024)):
        task = task_of(patches, dim)
        gate = 0.0 if architecture == "fcn" else NoiseGate(1.5)(task)
        full, seen = ProjectedGradient(architecture, (0.0, gate)), TwoStep(architecture)
        n = sizes(architecture, task)

        def whole(full: ProjectedGradient = full, task: DynamicSignal = task, n: np.ndarray = n) -> object:
            return Learner.errors(full, task, n, key=jax.random.key(0), replicates=1, test_size=1)

        def curve(learner: Learner, task: DynamicSignal = task, n: np.ndarray = n) -> object:
            return learner.errors(task, n, key=jax.random.key(0), replicates=1)

        first, second, third = in_turns(repeats, whole, lambda: curve(full), lambda: curve(seen))
        name = f"{architecture}, k = {patches}, d = {dim}, n to {n[-1]}"
        print(f"{name:44s} {first:8.3f} {second:8.3f} {third:8.4f} {first / third:6.0f} {second / third:5.0f}")
    return []


def in_turns(repeats: int, *calls: Callable[[], object]) -> list[float]:
    """Median CPU seconds of each."""
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
