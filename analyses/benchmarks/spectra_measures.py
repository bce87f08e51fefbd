"""Speed and accuracy of spectra under measures: `python analyses/benchmarks/spectra_measures.py [--repeats N]`.

Every first call is measured in a fresh process, after its imports; then the median of later calls. Errors of float64 are
those against ball arithmetic, in units of epsilon f(1). Threads are those of the process: `taskset -c 0` for one core.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ntkit.kernels import Dense, Layer, Network, Relu, serial
from ntkit.spectra import (
    PatchTree,
    circle_spectrum,
    gaussian_spectrum,
    sphere_spectrum,
    torus_spectrum,
    tree_spectrum,
    uniform_spectrum,
)

LAST = 199  # degrees 0 to 199


def relu_net(hidden: int) -> Network:
    """A ReLU network without biases."""
    layers: list[Layer] = [layer for _ in range(hidden) for layer in (Relu(), Dense(2**0.5))]
    return serial(Dense(), *layers)


def every_sector(depth: int, degree: int) -> int:
    """All eigenvalues of a binary tree of circles; how many there are. The first call fits the exponentials, too."""
    spectrum = tree_spectrum(PatchTree(2, (2,) * (depth - 1)), degree)
    return sum(len(spectrum.sector(sector).values) for sector in range(depth + 1))


def rows() -> dict[str, tuple[Callable[[], Any], float | None]]:
    """All computations, and the seconds that are promised."""
    table: dict[str, tuple[Callable[[], Any], float | None]] = {}
    for dim in (3, 5, 10):
        whole = partial(sphere_spectrum, relu_net(10), dim, LAST, radius=dim**0.5)
        table[f"10 layers, dim {dim}, float64"] = whole, 0.05
        table[f"10 layers, dim {dim}, 12 digits"] = partial(whole, digits=12), 1.0
    table |= {
        "Laplace of the cosine, dim 5": (lambda: sphere_spectrum(lambda t: np.exp(-np.sqrt(2 - 2 * t)), 5, LAST), None),
        "circle, 200 frequencies": (lambda: circle_spectrum(lambda t: np.exp(np.cos(t)), LAST), None),
        "torus, 3 axes, 10 frequencies": (lambda: torus_spectrum(lambda *t: np.exp(sum(map(np.cos, t))), 3, 10), None),
        "Gaussian measure, 50": (lambda: gaussian_spectrum(lambda x, z: np.exp(-((x - z) ** 2)), 50), None),
        "deep CNN, 8 patches, 1.2 million": (partial(every_sector, 4, 9), 1.0),
        "Brownian kernel, 50": (lambda: uniform_spectrum(np.minimum, 50, low=0.0, high=1.0), None),
    }
    return table


def measure(name: str, repeats: int) -> tuple[float, float]:
    """Seconds of the first call in this process, and the median of the later ones."""
    call, seconds = rows()[name][0], []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds[0], statistics.median(seconds[1:])


def accuracy(dim: int) -> str:
    """How exact float64 is, and what it says of itself."""
    double, balls = (sphere_spectrum(relu_net(10), dim, LAST, radius=dim**0.5, digits=digits) for digits in (None, 12))
    assert balls.ends is not None
    unit = np.finfo(float).eps * balls.ends[0]
    error = np.abs(double.eigenvalues - balls.eigenvalues)
    return (
        f"dim {dim}: largest error {error.max() / unit:.2f}, largest bound {double.errors.max() / unit:.1f}, "
        f"largest error / bound {(error / double.errors).max():.2f}; larger than their bounds: "
        f"{double.resolved(1.0).sum()} of {LAST + 1}; largest relative bound of 12 digits "
        f"{(balls.errors / balls.eigenvalues).max():.1e}"
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print(f"{'':34} {'first':>9} {'later':>9} {'promised':>9}")
    for name, (_, promised) in rows().items():
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            first, later = pool.apply(measure, (name, repeats))
        bar = "" if promised is None else f"{promised * 1e3:6.0f} ms"
        print(f"{name:34} {first * 1e3:6.1f} ms {later * 1e3:6.1f} ms {bar:>9}")
    print("\nten hidden layers of ReLU, in units of epsilon f(1)")
    for dim in (2, 3, 5, 10):
        print(accuracy(dim))


if __name__ == "__main__":
    main()
