"""Loss landscapes beside torch's packages: `python analyses/benchmarks/landscape_peers.py --python PYTHON [--repeats N]`.

PYTHON is an interpreter that has torch, loss-landscapes and PyHessian, in an environment of its own:
`python -m venv peers && peers/bin/pip install torch loss-landscapes pyhessian`, then `--python peers/bin/python`.

surface: the convolutional network of `landscape.py` on all digits, float32, a plane of 51 x 51 points: `slice_2d` and
    loss-landscapes, which sets the parameters and evaluates a point at a time.
spectrum: the tanh network 64-256-256-64-10 of `landscape.py`: the ten largest eigenvalues (ours to residuals of 1e-4,
    PyHessian's to changes of 1e-4 from one step to the next). Traces of a network 64-32-32-10: ours to a half-width of 1 %,
    PyHessian's until the running mean changes by less than 0.1 %; the truth by Hessian products with all unit vectors.

One process each, one thread, in turns; medians of wall seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from analyses.benchmarks import landscape
from ntkit.data import digits
from ntkit.landscape import SumOfParts, direction_pair, hvp, slice_2d, top_eigenpairs, trace

POINTS, RUNS = 51, 20
PEER = Path(__file__).with_name("landscape_torch.py")


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="an interpreter with torch, loss-landscapes and PyHessian")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        surface(options, Path(folder))
        spectrum(options, Path(folder))


def kept(file: Path, x: np.ndarray, y: np.ndarray, weights: dict[Any, Any]) -> None:
    """Write what the other interpreter reads."""
    arrays: dict[str, Any] = {"x": np.ascontiguousarray(x), "y": y}
    np.savez(file, **arrays | {f"w_{name}": np.asarray(leaf) for name, leaf in weights.items()})


def asked(options: argparse.Namespace, task: str, file: Path, number: int) -> Any:
    """What the other interpreter says."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [options.python, str(PEER), task, str(file), str(number)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def surface(options: argparse.Namespace, folder: Path) -> None:
    """Seconds for one plane."""
    images, classes = digits()
    x, labels = jnp.asarray(images[..., None], jnp.float32), jnp.asarray(classes)
    params = landscape.convolutional()
    kept(folder / "cnn.npz", np.asarray(x).transpose(0, 3, 1, 2), classes, params)
    gathered, parts = landscape.patches(x), landscape.PARTS

    def part_loss(params: Any, part: Any) -> jax.Array:
        return landscape.cross_entropy(landscape.network(params, part[0], landscape.products), part[1])

    loss = SumOfParts(part_loss, (gathered.reshape(parts, -1, *gathered.shape[1:]), labels.reshape(parts, -1)))
    pair = direction_pair(jax.random.key(1), params)
    grid = np.linspace(-1, 1, POINTS)

    def ours() -> float:
        return slice_2d(loss, params, pair.first, pair.second, grid, grid).centre

    centre, taken, theirs = ours(), [], []
    for _ in range(options.repeats):
        start = time.perf_counter()
        ours()
        taken.append(time.perf_counter() - start)
        theirs.append(asked(options, "surface", folder / "cnn.npz", POINTS))
    mine, other = statistics.median(taken), statistics.median(said["seconds"] for said in theirs)
    print(f"plane of {POINTS} x {POINTS} points: {mine:.2f} s, loss-landscapes {other:.2f} s: {other / mine:.1f} times ours")
    print(f"losses at the centre differ by a relative {abs(theirs[0]['centre'] / centre - 1):.1e}", flush=True)


def spectrum(options: argparse.Namespace, folder: Path) -> None:
    """Products and errors of eigenvalues and traces."""
    loss, weights = landscape.perceptron((64, 256, 256, 64, 10))
    images, classes = digits()
    x = np.asarray(images.reshape(len(images), -1), np.float32)
    kept(folder / "mlp.npz", x, classes, dict(enumerate(weights)))
    start = time.perf_counter()
    found = top_eigenpairs(loss, weights, 10, key=jax.random.key(2), rtol=1e-4)
    mine = time.perf_counter() - start
    other = asked(options, "eigenvalues", folder / "mlp.npz", 10)
    values, theirs = np.asarray(found.values, float), np.sort(other["values"])[::-1]
    print(f"ten largest eigenvalues: {found.hvps} products, {mine:.1f} s with compilation")
    off = np.max(np.abs(theirs / values - 1))
    print(f"PyHessian: {other['products']} products, {other['seconds']:.1f} s; off by up to {off:.1e}")
    loss, weights = landscape.perceptron((64, 32, 32, 10))
    kept(folder / "small.npz", x, classes, dict(enumerate(weights)))
    exact = exact_trace(loss, weights)
    ours = [trace(loss, weights, key=jax.random.key(seed), rtol=0.01, max_probes=2000) for seed in range(RUNS)]
    outside = sum(not one.interval[0] <= exact <= one.interval[1] for one in ours)
    off = np.abs([one.value / exact - 1 for one in ours])
    print(f"trace {exact:.5g}; ours to 1 %: {np.median([one.probes for one in ours]):.0f} probes, off by {np.median(off):.1%}, "
          f"at most {off.max():.1%}; {outside} of {RUNS} intervals of 95 % miss it")  # fmt: skip
    said = asked(options, "traces", folder / "small.npz", RUNS)["traces"]
    off = np.abs([value / exact - 1 for value, _ in said])
    print(f"PyHessian to 0.1 %: {np.median([n for _, n in said]):.0f} probes, off by {np.median(off):.1%}, "
          f"at most {off.max():.1%}", flush=True)  # fmt: skip


def exact_trace(loss: Any, weights: Any) -> float:
    """The sum of the Hessian's diagonal, a product with every unit vector."""
    flat, unravel = jax.flatten_util.ravel_pytree(weights)

    def one(i: jax.Array) -> jax.Array:
        unit = unravel(jnp.zeros_like(flat).at[i].set(1))
        return jax.flatten_util.ravel_pytree(hvp(loss, weights, unit))[0][i]

    every = jax.jit(lambda numbers: jax.lax.map(one, numbers, batch_size=16))
    return float(np.sum(np.asarray(every(jnp.arange(len(flat))), np.float64)))


if __name__ == "__main__":
    main()
