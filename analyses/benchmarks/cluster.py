"""What does a cluster cost? `python analyses/benchmarks/cluster.py [--trials N]`: Dask, 1 and 2 workers on this machine.

Trials per second, beside worker processes without Dask; CPU seconds that driver and scheduler spend on a trial; bytes that
pass the driver, counted by a relay between it and the scheduler; and how fast the driver stores results that wait for it.
From these the law for W workers, trials of t seconds and e bytes of evidence:

    trials per second = min(W / (t + overhead), storing, 1 / scheduler),    bytes per trial = header + factor e

Start-up is left out: figures are differences between a long sweep and a short one, divided by the trials.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ntkit.claims import sweep

CELL = '''
"""Trials that take some seconds and return some bytes."""
import time
import numpy as np

def cell(trial):
    """Wait, and return numbers."""
    time.sleep(trial.parameters["seconds"])
    return {"numbers": trial.rng().random(trial.parameters["bytes"] // 8)}
'''
WAIT = 0.5  # seconds of a trial that waits, as one that computes would on a machine with more cores
LARGE = 1 << 20  # bytes of evidence
WORKERS = (1, 2, 10, 100, 1000)
SECONDS = (0.1, 1.0, 10.0, 60.0)
MOST_OVERHEAD = 0.1  # seconds a trial
QUIET = 1.0  # seconds without a byte, after which all results have arrived
WIDTHS = (8, 13, 15, 9, 10, 13, 8)  # of columns


@dataclass(frozen=True)
class Cost:
    """Of one trial: seconds on the clock, CPU seconds of driver and scheduler, bytes that pass the driver."""

    seconds: float
    driver: float
    scheduler: float
    bytes: float


class Relay:
    """Passes connections on to an address, and counts the bytes of both directions."""

    def __init__(self, address: str) -> None:
        self.count = 0
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._server.accept()
            far = socket.create_connection(self._target)
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
                self.count += len(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other direction has closed


class Place:
    """Where trials run: on workers without Dask, or on a cluster whose scheduler's process is watched."""

    def __init__(self, jobs: int, relay: Relay | None = None, scheduler: int | None = None) -> None:
        self.jobs, self.relay, self._scheduler = jobs, relay, scheduler

    @property
    def dask(self) -> str | None:
        """The address that a driver is given."""
        return self.relay.address if self.relay else None

    def readings(self) -> tuple[float, float, float, float]:
        """The clock, and what was spent so far."""
        used = 0.0
        if self._scheduler:
            fields = Path(f"/proc/{self._scheduler}/stat").read_text().rpartition(")")[2].split()
            used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return time.perf_counter(), time.process_time(), used, self.relay.count if self.relay else 0

    def settle(self) -> None:
        """Wait until nothing passes the driver."""
        before = -1.0
        while before != self.readings()[-1]:
            before = self.readings()[-1]
            time.sleep(QUIET)


class Trials:
    """Sweeps of cells that were never measured before."""

    def __init__(self, folder: Path, count: int) -> None:
        self._file, self._store, self._count = folder / "cells.py", folder / "store", count
        self._file.write_text(CELL)
        self._numbers = itertools.count()

    def cost(self, place: Place, *, seconds: float = 0.0, size: int = 8, share: float = 1.0) -> Cost:
        """What a trial costs; `share` of the usual number of trials are run."""
        long = max(10, int(share * self._count))
        short = long // 5
        few, many = (self._run(count, place, seconds, size) for count in (short, long))
        return Cost(*((b - a) / (long - short) for a, b in zip(few, many, strict=True)))

    def storing(self, place: Place) -> float:
        """Results a second that the driver takes when it waits for none: it sleeps after the first until all have arrived."""
        times: list[float] = []

        def report(done: int, total: int) -> None:
            if done == 1:
                place.settle()
            times.append(time.perf_counter())

        sweep(self._file, "cell", self._cells(self._count, 0.0, 8), store=self._store, dask=place.dask, report=report)
        return (len(times) - 1) / (times[-1] - times[0])

    def _cells(self, count: int, seconds: float, size: int) -> list[dict[str, float]]:
        return [{"seconds": seconds, "bytes": size, "number": next(self._numbers)} for _ in range(count)]

    def _run(self, count: int, place: Place, seconds: float, size: int) -> tuple[float, ...]:
        before, cells = place.readings(), self._cells(count, seconds, size)
        found = sweep(self._file, "cell", cells, store=self._store, jobs=place.jobs, dask=place.dask)
        assert not any(swept.failed for swept in found)
        return tuple(b - a for a, b in zip(before, place.readings(), strict=True))


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[Place]:
    """A scheduler and workers, each a process."""
    file = folder / f"scheduler-{workers}.json"
    processes = [_dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))]
    try:
        while not file.exists():
            time.sleep(0.05)
        processes += [_dask("worker", "--nthreads", "1", "--no-nanny", "--scheduler-file", str(file)) for _ in range(workers)]
        yield Place(workers, Relay(json.loads(file.read_text())["address"]), processes[0].pid)
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def _dask(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> int:
    """Print what was measured, and the law; the exit status is 1 if Dask adds too much to a trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=400, help="of the long sweeps (default: 400)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trials = Trials(folder, options.trials)
        heads = ("workers", "", "empty trials/s", f"of {WAIT:g} s", "driver ms", "scheduler ms", "bytes")
        print(" ".join(f"{head:>{width}}" for head, width in zip(heads, WIDTHS, strict=True)))
        for workers in (1, 2):
            _row(workers, "without Dask", *_measure(trials, Place(workers)))
            with cluster(workers, folder) as place:
                empty, waiting = _measure(trials, place)
                _row(workers, "with Dask", empty, waiting)
                if workers == 1:
                    overhead = waiting.seconds - WAIT
                    large, storing = trials.cost(place, size=LARGE, share=0.25), trials.storing(place)
    factor = (large.bytes - empty.bytes) / LARGE
    print(
        f"\noverhead of a trial: {1e3 * overhead:.0f} ms; bytes per trial = {empty.bytes:.0f} + {factor:.2f} e; with e = 1 MiB,"
    )
    print(f"driver {1e3 * large.driver:.1f} ms, scheduler {1e3 * large.scheduler:.1f} ms")
    print(f"the driver stores {storing:.0f} small results a second")
    print("\nprojected trials per second, and the share of the workers that is busy\n")
    print(f"{'workers':>8}" + "".join(f"{f'trials of {t:g} s':>22}" for t in SECONDS))
    for workers in WORKERS:
        cells = []
        for t in SECONDS:
            rate = min(workers / (t + overhead), storing, 1 / empty.scheduler)
            cells.append(f"{rate:12.4g} {rate * t / workers:8.1%}")
        print(f"{workers:8d}" + "".join(f"{cell:>22}" for cell in cells))
    return 1 if overhead > MOST_OVERHEAD else 0


def _measure(trials: Trials, place: Place) -> tuple[Cost, Cost]:
    trials.cost(place, share=0.0)  # imports, and what is started once
    return trials.cost(place), trials.cost(place, seconds=WAIT, share=0.1 * place.jobs)


def _row(workers: int, where: str, empty: Cost, waiting: Cost) -> None:
    values = (workers, where, 1 / empty.seconds, 1 / waiting.seconds, 1e3 * empty.driver, 1e3 * empty.scheduler, empty.bytes)
    cells = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in values]
    print(" ".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
