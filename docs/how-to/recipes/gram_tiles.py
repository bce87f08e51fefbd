"""A kernel matrix that no machine has room for, in tiles; each is a cell of a sweep, and so resumes, shards and scales out.

    python gram_tiles.py points.npy tiles --plan                         # time, bytes, files, from one tile that is measured
    python gram_tiles.py points.npy tiles --jobs 4                       # on this machine
    python gram_tiles.py points.npy tiles --dask tcp://head:8786         # on a cluster whose machines see the same files
    python gram_tiles.py points.npy tiles --shard 3/8 --store part3      # one job of an array

tiles/I-J.npy is the tangent kernel between the I-th and the J-th SIZE points, for J <= I; `product` multiplies by the whole.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from ntkit.claims import Trial, sweep
from ntkit.kernels import Dense, Relu, gram, serial

NETWORK = serial(Dense(), *[layer for _ in range(3) for layer in (Relu(), Dense(2**0.5))])


def tile(trial: Trial) -> dict[str, Any]:
    """Compute a tile, and write it to its file; the store keeps a note only."""
    row, column, size = (trial.parameters[name] for name in ("row", "column", "size"))
    points = np.load(trial.parameters["points"], mmap_mode="r")
    rows, columns = (points[i * size : (i + 1) * size] for i in (row, column))
    values = gram(NETWORK, rows, None if row == column else columns)
    return {"bytes": write(Path(trial.parameters["folder"], f"{row}-{column}.npy"), values)}


def write(path: Path, values: np.ndarray) -> int:
    """Write a file so that it is there whole or not at all."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.save(file, values)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return values.nbytes


def product(folder: Path, x: np.ndarray, size: int) -> np.ndarray:
    """The matrix times x, of shape (points, columns), reading each tile once."""
    out = np.zeros_like(x)
    for file in folder.glob("*-*.npy"):
        row, column = (slice(int(i) * size, (int(i) + 1) * size) for i in file.stem.split("-"))
        values = np.load(file, mmap_mode="r")
        out[row] += values @ x[column]
        if row != column:
            out[column] += values.T @ x[row]
    return out


def plan(points: np.ndarray, folder: Path, size: int) -> None:
    """Print what the matrix takes: one tile is computed and written, the rest is arithmetic."""
    sample = min(size, 2000, len(points) // 2)
    seconds = []
    for _ in range(2):  # the first one compiles
        begun = time.perf_counter()
        values = gram(NETWORK, points[:sample], points[-sample:], threads=1)
        seconds.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    write(folder / "plan.npy", values)
    written = values.nbytes / (time.perf_counter() - begun)
    (folder / "plan.npy").unlink()
    blocks = -(-len(points) // size)
    tiles, each = blocks * (blocks + 1) // 2, values.itemsize * size**2
    computing, writing = seconds[-1] * (size / sample) ** 2, each / written
    print(
        f"{len(points)} points: {tiles} tiles of {size} x {size}, {each / 1e6:.4g} MB each, {tiles * each / 1e9:.4g} GB in all"
    )
    print(f"a tile: {computing:.4f} s to compute on one core, {writing:.4f} s to write at {written / 1e6:.0f} MB/s")
    for workers in (1, 10, 100, 1000):
        hours = tiles * (computing + writing) / workers / 3600
        print(
            f"{workers:5d} workers: {hours:.3g} h, if the folder takes {workers * each / (computing + writing) / 1e6:.0f} MB/s"
        )


def main() -> int:
    """Measure what is missing; the exit status is 1 if a tile failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("points", type=Path, help=".npy file of vectors, a row each")
    parser.add_argument("folder", type=Path, help="where the tiles go")
    parser.add_argument("--size", type=int, default=10_000, help="rows of a tile (default: 10000)")
    parser.add_argument("--plan", action="store_true", help="only say what it takes")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes (default: 1)")
    parser.add_argument("--dask", help="address of a scheduler, or local:N")
    parser.add_argument("--shard", default="1/1", help="I/N: only a part")
    parser.add_argument("--store", type=Path, help="notes of what is done (default: store in the folder)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    points = np.load(options.points, mmap_mode="r")
    number, count = map(int, options.shard.split("/"))
    if options.plan:
        plan(points, options.folder, options.size)
        return 0
    shared = {"points": str(options.points.resolve()), "folder": str(options.folder.resolve()), "size": options.size}
    shared["digest"] = hashlib.sha256(options.points.read_bytes()).hexdigest()  # other points are other cells
    blocks = range(-(-len(points) // options.size))
    found = sweep(
        __file__,
        "tile",
        [{**shared, "row": row, "column": column} for row in blocks for column in blocks[: row + 1]],
        store=options.store or options.folder / "store",
        jobs=options.jobs,
        dask=options.dask,
        shard=(number, count),
        report=lambda done, total: print(f"\r{done} of {total} tiles", end="" if done < total else "\n", flush=True),
    )
    for failed in filter(None, (swept.failed for swept in found)):
        print(failed, file=sys.stderr)
    print(f"{sum(bool(swept.arrays) for swept in found)} of {len(found)} tiles are in {options.folder}")
    return 1 if any(swept.failed for swept in found) else 0


if __name__ == "__main__":
    sys.exit(main())
