"""How fast is the empirical NTK of any function? `python analyses/benchmarks/empirical.py [--threads N] [--runs N]`.

A CNN of three convolutions of 32 channels, global average pooling and 10 outputs, float32, on 256 digits: traced over the
outputs and full, interleaved with neural-tangents' Jacobian contraction (its fastest setting, one sample at a time by
`vmap_axes=0`), results compared first; both compiled beforehand. Peak memory is that of a process of its own, over what it
had before. Targets: at most half of the peer's time, and no more memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KERNELS: dict[str, tuple[int, ...]] = {"traced": (-1,), "full": ()}
SIDES = ("ntkit", "neural-tangents")
SAMPLES, CHANNELS, OUTPUTS = 256, 32, 10


def main() -> int:
    """Print the table; the exit status is 1 if a target is missed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--threads", type=int, default=1, help="cores (default: 1)")
    options.add_argument("--runs", type=int, default=7, help="rounds over both sides (default: 7)")
    options.add_argument("--kernels", nargs="+", choices=KERNELS, default=list(KERNELS), help="which (default: both)")
    options.add_argument("--flatten", action="store_true", help="a dense layer on all places instead of average pooling")
    options.add_argument("--peak-of", nargs=2, metavar=("SIDE", "KERNEL"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    os.environ["NPROC"] = str(chosen.threads)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.threads])
    if chosen.peak_of:
        print(_peak(chosen.peak_of[0], chosen.peak_of[1], chosen.flatten))
        return 0
    print(f"{'kernel':<8}{'ours s':>9}{'peer s':>9}{'ratio':>7}{'ours MB':>9}{'peer MB':>9}   ({chosen.threads} threads)")
    missed = False
    for kernel in chosen.kernels:
        calls = {side: _call(side, KERNELS[kernel], chosen.flatten) for side in SIDES}
        _check_equal(*[call() for call in calls.values()])
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        for _ in range(chosen.runs):
            for side, call in calls.items():
                began = time.perf_counter()
                call()
                seconds[side].append(time.perf_counter() - began)
        ours, peer = (statistics.median(seconds[side]) for side in SIDES)
        flags = ["--threads", str(chosen.threads), *(["--flatten"] if chosen.flatten else [])]
        command = [sys.executable, __file__, *flags, "--peak-of"]
        peaks = [float(subprocess.check_output([*command, side, kernel], text=True)) for side in SIDES]
        print(f"{kernel:<8}{ours:9.3f}{peer:9.3f}{peer / ours:7.2f}{peaks[0]:9.0f}{peaks[1]:9.0f}")
        missed |= peer < 2 * ours or peaks[0] > peaks[1]
    return 1 if missed else 0


def _call(side: str, trace_axes: tuple[int, ...], flatten: bool) -> Callable[[], Any]:
    """Computes the kernel of one network with one library, and waits for it."""
    import jax
    import jax.numpy as jnp

    from ntkit import data
    from ntkit._compat import neural_tangents
    from ntkit.kernels import empirical_ntk

    nt = neural_tangents.load()
    layers = [layer for _ in range(3) for layer in (nt.stax.Conv(CHANNELS, (3, 3), padding="SAME"), nt.stax.Relu())]
    pool = nt.stax.Flatten() if flatten else nt.stax.GlobalAvgPool()
    init, apply, _ = nt.stax.serial(*layers, pool, nt.stax.Dense(OUTPUTS))
    x = jnp.asarray(data.digits().images[:SAMPLES, :, :, None], jnp.float32)
    _, params = init(jax.random.key(0), x.shape)
    if side == "ntkit":
        return lambda: empirical_ntk(apply, params, x, trace_axes=trace_axes).block_until_ready()
    implementation = nt.NtkImplementation.JACOBIAN_CONTRACTION
    kernel = jax.jit(nt.empirical_ntk_fn(apply, trace_axes, vmap_axes=0, implementation=implementation))
    return lambda: kernel(x, None, params).block_until_ready()


def _peak(side: str, kernel: str, flatten: bool) -> float:
    """MB that the kernel takes, compilation included, over the process that is ready to compute it."""
    call = _call(side, KERNELS[kernel], flatten)
    before = _high_water()
    call()
    return (_high_water() - before) / 1024


def _high_water() -> int:
    """Most kB that this program had in memory; getrusage would count those of the process that started it, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _check_equal(ours: Any, peer: Any) -> None:
    import numpy as np

    np.testing.assert_allclose(ours, peer, rtol=0, atol=1e-5 * float(abs(peer).max()))


if __name__ == "__main__":
    sys.exit(main())
