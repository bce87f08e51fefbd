"""The local engine: warm workers that are ended when they hang, swallow memory or outlive their driver."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ntkit.claims._channel import Frames, send
from ntkit.claims._engine import Event, Finished, Progress, Started
from ntkit.claims._errors import NtkitError
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._places import cache_folder

TICK = 0.1  # seconds between looks at deadlines and memory
LOADING_DEADLINE = 300.0  # seconds for importing a claim file
OUTPUT_KEPT = 4000  # characters of what a trial prints
MEMORY_LIMIT_MB = 4096.0

# Ends every worker's process group when the driver is gone, however it went: its standard input closes then.
_GUARD = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try: os.killpg(group, signal.SIGKILL)
    except OSError: pass
"""


def default_memory_limit_mb(jobs: int) -> float:
    """4 GiB a worker, or its share of four fifths of the machine's memory, whichever is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**2
    return min(MEMORY_LIMIT_MB, 0.8 * total / jobs)


class Supervisor:
    """Runs tasks in `jobs` worker processes, one core each.

    Args:
        jobs: how many workers.
        memory_limit_mb: resident memory at which a worker is ended; by default `default_memory_limit_mb`.
    """

    def __init__(self, jobs: int, memory_limit_mb: float | None = None) -> None:
        self._jobs = jobs
        self._limit = memory_limit_mb or default_memory_limit_mb(jobs)
        self._waiting: deque[Task] = deque()
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._guard: subprocess.Popen[bytes] | None = None

    def submit(self, task: Task) -> None:
        """Queue a task."""
        self._waiting.append(task)

    def events(self) -> Iterator[Event]:
        """What happens, until no task is left; tasks may be submitted in between."""
        while self._waiting or any(worker.task for worker in self._workers):
            self._assign()
            ready = self._selector.select(TICK)
            for key, _ in ready:
                yield from self._read(key.data)
            for worker in [w for w in self._workers if w.task]:
                overrun = worker.overrun(self._limit)
                if overrun:
                    yield from self._end(worker, overrun)

    def close(self) -> None:
        """End all workers at once."""
        for worker in list(self._workers):
            self._remove(worker)
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None
        self._selector.close()

    def _assign(self) -> None:
        """Give waiting tasks to free workers, preferring a worker that has the task's file loaded."""
        free = [worker for worker in self._workers if worker.ready and not worker.task]
        starting = sum(not worker.ready for worker in self._workers)
        while self._waiting and free:
            worker = free.pop()
            task = next((t for t in self._waiting if t.claim.file in worker.files), self._waiting[0])
            self._waiting.remove(task)
            worker.give(task)
        for _ in range(min(len(self._waiting) - starting, self._jobs - len(self._workers))):
            self._start()

    def _start(self) -> None:
        if self._guard is None:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _GUARD], stdin=subprocess.PIPE, start_new_session=True, bufsize=0
            )
        worker = _Worker()
        self._tell_guard(f"+{worker.process.pid}\n")
        self._workers.append(worker)
        self._selector.register(worker.sock, selectors.EVENT_READ, (worker, "frames"))
        self._selector.register(worker.stdout, selectors.EVENT_READ, (worker, "output"))

    def _tell_guard(self, line: str) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        self._guard.stdin.write(line.encode())

    def _read(self, ready: tuple[_Worker, str]) -> Iterator[Event]:
        worker, channel = ready
        if worker not in self._workers:
            return
        if channel == "output":
            if not worker.read_output():
                self._selector.unregister(worker.stdout)
            return
        try:
            data = worker.sock.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            yield from self._end(worker, None)
            return
        for header, payload in worker.frames.feed(data):
            yield from self._handle(worker, header, payload)

    def _handle(self, worker: _Worker, header: dict[str, Any], payload: bytes) -> Iterator[Event]:
        event = header.pop("event")
        if event == "ready":
            worker.ready = True
            return
        task = worker.task
        if task is None:
            return
        if event == "started":
            worker.started = time.monotonic()
            yield Started(task)
        elif event == "progress":
            yield Progress(task, float(header["share"]))
        else:
            header.setdefault("output", worker.take_output())
            if event == "measured":
                header["unmet"] = tuple(header["unmet"])
            outcome = Outcome(task.key, event, evidence=payload or None, **header)
            worker.finish()
            if worker.memory_mb() > self._limit / 2:  # what one claim left behind must not end the next one
                self._remove(worker)
            yield Finished(task, outcome)

    def _end(self, worker: _Worker, reason: str | None) -> Iterator[Event]:
        """A worker has to go, or went by itself; its task failed with the reason or with how the process ended."""
        task = worker.task
        ended = self._remove(worker)
        if task is not None:
            output = worker.take_output()
            yield Finished(task, Outcome(task.key, "failed", reason=reason or ended, output=output))
        elif not worker.ready:
            raise NtkitError(
                f"a worker process did not start ({ended}): {worker.take_output().strip() or 'it printed nothing'}"
            )

    def _remove(self, worker: _Worker) -> str:
        self._workers.remove(worker)
        for source in (worker.sock, worker.stdout):
            if source in self._selector.get_map():
                self._selector.unregister(source)
        ended = worker.kill()
        self._tell_guard(f"-{worker.process.pid}\n")
        return ended


class _Worker:
    """One worker process as the driver sees it."""

    def __init__(self) -> None:
        self.sock, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "ntkit.claims._worker", str(theirs.fileno())]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            env=worker_environment(),
        )
        theirs.close()
        assert self.process.stdout is not None
        self.stdout = self.process.stdout
        os.set_blocking(self.stdout.fileno(), False)
        self.frames = Frames()
        self.ready = False
        self.task: Task | None = None
        self.given = 0.0
        self.started: float | None = None
        self.files: set[str] = set()
        self._output = b""

    def give(self, task: Task) -> None:
        """Start a task."""
        self.read_output()
        self._output = b""
        self.task, self.given, self.started = task, time.monotonic(), None
        self.files.add(task.claim.file)
        fields = {name: getattr(task, name) for name in ("tier", "seed", "control", "block")}
        try:
            send(
                self.sock,
                {"claim": task.claim.name, "file": task.claim.file, "file_digest": task.sources.file_digest, **fields},
            )
        except OSError:
            return  # it died: the closed socket tells

    def finish(self) -> None:
        """The task is done."""
        self.task = None

    def overrun(self, limit_mb: float) -> str | None:
        """Why the worker has to be ended now, if it has to."""
        assert self.task is not None
        now = time.monotonic()
        if self.started is None:
            return f"took more than {LOADING_DEADLINE:.0f} s to import" if now - self.given > LOADING_DEADLINE else None
        if now - self.started > self.task.deadline:
            return f"took more than its deadline of {self.task.deadline:g} s"
        used = self.memory_mb()
        return f"used more than {limit_mb:.0f} MB of memory" if used > limit_mb else None

    def memory_mb(self) -> float:
        """Resident memory of the process; 0 when it is gone."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2
        except OSError:
            return _resident_by_ps(self.process.pid)

    def read_output(self) -> bool:
        """Take what the worker printed, keeping the end of it; False when there will be no more."""
        for _ in range(64):  # a claim that prints without end must not keep the driver from its deadline
            try:
                data = os.read(self.stdout.fileno(), 1 << 16)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._output = (self._output + data)[-4 * OUTPUT_KEPT :]
            if len(data) < 1 << 16:
                break
        return True

    def take_output(self) -> str:
        """What the task printed at its end, as text without control characters."""
        if not self.stdout.closed:
            self.read_output()
        text = self._output.decode("utf-8", errors="replace")
        self._output = b""
        return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)[-OUTPUT_KEPT:]

    def kill(self) -> str:
        """End the process and whatever it started, and say how it had ended if it had."""
        code = self.process.poll()
        if code is None:
            try:
                code = self.process.wait(0.2) if self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"" else None
            except (OSError, subprocess.TimeoutExpired):
                code = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.read_output()
        self.stdout.close()
        self.sock.close()
        if code is not None and code < 0:
            return f"died by {signal.Signals(-code).name}"
        return f"ended its process with exit status {self.process.returncode if code is None else code}"


def worker_environment() -> dict[str, str]:
    """The environment of a worker: one thread everywhere, float64, full precision, compilations kept."""
    threads = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    return {
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(cache_folder() / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **os.environ,
        **dict.fromkeys(threads, "1"),
        "JAX_ENABLE_X64": "1",
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "agg",
    }


def _resident_by_ps(pid: int) -> float:
    """Resident memory where there is no /proc."""
    try:
        shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    except OSError:
        return 0.0
    return int(shown) / 1024 if shown.strip() else 0.0
