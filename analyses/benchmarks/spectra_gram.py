"""Spectra of Gram matrices: `python analyses/benchmarks/spectra_gram.py [ROW ...] [--size N]`.

`top`: the 100 largest eigenpairs of the tangent kernel of a network of three hidden layers, its matrix in float32 and never
kept: time, the time of the same products alone, and the peak of memory beyond that of the libraries; then how far indices
are certain. `eigsh`: the same by SciPy, which multiplies single vectors. `enclosed`: all eigenvalues against NumPy's
alone. `nystrom`, `density` and `definite`: what they say, and how long they take. One core:
`taskset -c 0 env NPROC=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python analyses/benchmarks/spectra_gram.py`.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from ntkit.kernels import Dense, Relu, gram, gram_operator, serial
from ntkit.spectra import enclosed_eigenvalues, nystrom, positive_definite, rest_bound, spectral_density, top_eigenpairs

NET = serial(Dense(), *[layer for _ in range(3) for layer in (Relu(), Dense(2**0.5))])
K = 100


def main() -> None:
    """Run the rows that are asked for."""
    rows: dict[str, Callable[[int], None]] = {
        f.__name__: f for f in (top, scipy_eigsh, enclosed, nystrom_row, density, definite)
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(rows)}; all by default")
    parser.add_argument("--size", type=int, default=4000, help="points (default 4000)")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(rows):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    for name in options.rows or rows:
        rows[name](options.size)


def points(n: int) -> np.ndarray:
    """Points of the sphere in 10 dimensions."""
    x = np.random.default_rng(0).normal(size=(n, 10))
    return np.asarray(10**0.5 * x / np.linalg.norm(x, axis=1, keepdims=True), np.float32)


def operator(n: int) -> LinearOperator:
    """The Gram matrix, compiled."""
    found = gram_operator(NET, points(n))
    _ = found @ np.ones((n, 2))
    return found


def top(n: int) -> None:
    """Ours, with the cost of its products alone."""
    matrix = operator(n)
    before = peak()
    pairs, wall, cpu = timed(lambda: top_eigenpairs(matrix, K))
    memory = peak() - before
    width = round((pairs.columns - K) / (pairs.products - 1))
    block, last = np.ones((n, width)), np.ones((n, K))
    parts = [timed(lambda: matrix @ block)[1:] for _ in range(5)]
    one, one_cpu = (float(np.median([p[c] for p in parts])) for c in (0, 1))
    extra, extra_cpu = timed(lambda: matrix @ last)[1:]
    needed, needed_cpu = (pairs.products - 1) * one + extra, (pairs.products - 1) * one_cpu + extra_cpu
    say(f"top {K} of N = {n}", wall, cpu)
    print(f"    {pairs.products} products with {pairs.columns} vectors in blocks of {width}; converged {pairs.converged.all()}")
    print(f"    their own time {needed:.2f} s wall, {needed_cpu:.2f} s CPU: ratio {wall / needed:.2f}, {cpu / needed_cpu:.2f}")
    print(f"    memory beyond the libraries at most {memory / 2**20:.0f} MiB")
    found, wall, cpu = timed(lambda: pairs.with_rest(rest_bound(matrix, pairs)))
    say("what was missed", wall, cpu)
    width_of = (found.upper - found.lower)[np.isfinite(found.upper)].max() / found.values[0]
    print(f"    indices certain up to {np.isfinite(found.upper).sum()}, to {width_of:.1e} of the largest eigenvalue")


def scipy_eigsh(n: int) -> None:
    """SciPy's restarted Lanczos with the same tolerance."""
    matrix, calls = operator(n), [0]

    def product(v: np.ndarray) -> np.ndarray:
        calls[0] += 1
        return np.asarray(matrix @ v)

    counted = LinearOperator((n, n), matvec=product, dtype=np.float64)
    _, wall, cpu = timed(lambda: eigsh(counted, K, tol=1e-8))
    say(f"eigsh, {K} of N = {n}", wall, cpu)
    print(f"    {calls[0]} products")


def enclosed(n: int) -> None:
    """All eigenvalues in proved intervals."""
    size = min(n, 2000)
    matrix = np.asarray(gram(NET, points(size)), np.float64)
    _, wall, cpu = timed(lambda: np.linalg.eigh(matrix))
    say(f"eigh of N = {size}", wall, cpu)
    found, wall, cpu = timed(lambda: enclosed_eigenvalues(matrix))
    say("the same, enclosed", wall, cpu)
    radius = (found.upper - found.lower).max() / 2 / found.values[0] / np.finfo(float).eps
    print(
        f"    radius {radius:.1f} epsilon of the norm, smallest eigenvalue {found.values[-1]:.3g}, rank {found.rank().certain}"
    )


def nystrom_row(n: int) -> None:
    """500 columns by random pivots."""
    x = points(n)
    diagonal = np.full(n, np.asarray(NET.ntk(x[:1]))[0, 0], np.float64)
    found, wall, cpu = timed(lambda: nystrom(lambda i: gram(NET, x, x[i]), min(500, n), columns="random", diagonal=diagonal))
    say(f"Nystrom of N = {n}", wall, cpu)
    print(f"    {len(found.columns)} columns leave {found.trace_error / diagonal.sum():.2e} of the trace")


def density(n: int) -> None:
    """The density of the spectrum with 16 probes and 30 steps."""
    matrix = operator(n)
    found, wall, cpu = timed(lambda: spectral_density(matrix))
    say(f"density of N = {n}", wall, cpu)
    count = found.count(1.0, np.inf)
    print(f"    {count.estimate:.0f} eigenvalues above 1, from {count.lower:.0f} to {count.upper:.0f}")


def definite(n: int) -> None:
    """A proof of positive definiteness."""
    size = min(n, 2000)
    matrix = np.asarray(gram(NET, points(size)), np.float64)
    found, wall, cpu = timed(lambda: positive_definite(matrix))
    say(f"positive definite, N = {size}", wall, cpu)
    print(f"    {found.verdict} by {found.by}: {found.reason}")


def timed(function: Callable[[], Any]) -> tuple[Any, float, float]:
    """The result, and wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    out = function()
    return out, time.perf_counter() - wall, time.process_time() - cpu


def peak() -> int:
    """The largest resident memory so far, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def say(what: str, wall: float, cpu: float) -> None:
    """One line."""
    print(f"{what:30} {wall:8.2f} s wall {cpu:8.2f} s CPU", flush=True)


if __name__ == "__main__":
    main()
