"""A Gram matrix larger than memory, into a file: `python analyses/benchmarks/large_gram.py [--count N] [--out FILE]`.

The tangent kernel of a ReLU network with three hidden layers on float32 vectors of 64 numbers. Printed are seconds, and the
anonymous memory of the process (RssAnon of Linux, seen every few milliseconds): before, at most, and what was estimated.
Then entries at random places and their mirror images are compared with the kernel of the pair alone, in float64. The exit
status is 1 if memory passed the bar, or an entry is wrong. The file is deleted at the end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ntkit.kernels import Dense, Network, Relu, estimate, gram, serial

DIM = 64
ROUNDING = 16 * float(np.finfo(np.float32).eps)  # of an entry, over the square root of the two diagonal entries


class AnonymousMemory:
    """The most anonymous memory, in bytes, that this process had inside of a `with` block."""

    def __enter__(self) -> AnonymousMemory:
        self.peak, self._done = anonymous(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            self.peak = max(self.peak, anonymous())


def anonymous() -> int:
    """Bytes of memory that belong to no file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def worst_entry(net: Network, x: np.ndarray, matrix: np.ndarray, entries: int) -> float:
    """The largest error among random entries and their mirror images, over the size of the diagonal."""
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(len(x), size=(2, entries))
    first, second = (jnp.asarray(x[index], jnp.float64) for index in (rows, columns))
    pair = jax.jit(jax.vmap(lambda a, b: jnp.stack([net.ntk(p[None], q[None])[0, 0] for p, q in ((a, b), (a, a), (b, b))])))
    exact, left, right = np.asarray(pair(first, second)).T
    errors = [np.abs(matrix[i, j] - exact) for i, j in ((rows, columns), (columns, rows))]
    return float(np.max(errors / np.sqrt(left * right)))


def main() -> int:
    """Print the figures."""
    begun = anonymous()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50_000, help="vectors (default: 50000, a file of 10 GB)")
    parser.add_argument("--threads", type=int, help="default: one per core")
    parser.add_argument("--entries", type=int, default=2000, help="entries that are looked at (default: 2000)")
    parser.add_argument("--out", type=Path, help=".npy file (default: in the temporary folder)")
    parser.add_argument("--bar", type=float, default=1e9, help="bytes of anonymous memory (default: 1e9)")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    out = options.out or Path(tempfile.gettempdir(), "large_gram.npy")
    net = serial(Dense(), *[layer for _ in range(3) for layer in (Relu(), Dense(2**0.5))])
    x = np.random.default_rng(0).normal(size=(options.count, DIM)).astype(np.float32)
    stated = estimate(net, x, threads=options.threads)
    print(
        f"estimate: file {stated.result / 1e9:.3g} GB, memory {stated.working / 1e6:.0f} MB, {stated.tiles} tiles", flush=True
    )
    ready = anonymous()
    try:
        start = time.perf_counter()
        with AnonymousMemory() as memory:
            matrix = gram(net, x, out=out, threads=options.threads)
        seconds = time.perf_counter() - start
        print(f"{seconds:.1f} s, {options.count**2 / seconds / 1e6:.0f} million entries a second")
        parts = zip(("with JAX imported", "before the run", "at most"), (begun, ready, memory.peak), strict=True)
        print(f"anonymous memory: {', '.join(f'{name} {size / 1e6:.0f} MB' for name, size in parts)}")
        error = worst_entry(net, x, matrix, options.entries)
        print(f"{options.entries} entries and their mirror images: error at most {error:.1e} of the diagonal")
    finally:
        out.unlink(missing_ok=True)
    return 1 if memory.peak > options.bar or not error < ROUNDING else 0


if __name__ == "__main__":
    sys.exit(main())
