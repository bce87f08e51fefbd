"""The local engine: warm workers that are ended when they hang, swallow memory or outlive their driver."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from ntkit.claims._channel import BrokenFrameError
from ntkit.claims._engine import Event, Finished, Progress, Started
from ntkit.claims._errors import NtkitError
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._process import WorkerProcess

TICK = 0.1  # seconds between looks at deadlines and memory
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


def default_memory_limit_mb(jobs: int, total_mb: float | None = None) -> float:
    """4 GiB a worker, or its share of four fifths of the memory there is (None: the machine's), whichever is less."""
    total_mb = total_mb or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**2
    return min(MEMORY_LIMIT_MB, 0.8 * total_mb / jobs)


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
        self._workers: list[WorkerProcess] = []
        self._selector = selectors.DefaultSelector()
        self._guard: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def submit(self, task: Task) -> None:
        """Queue a task."""
        self._waiting.append(task)

    def events(self) -> Iterator[Event]:
        """What happens, until no task is left; tasks may be submitted in between."""
        while not (self._stopping or self.is_idle()):
            self._assign()
            ready = self._selector.select(TICK)
            for key, _ in ready:
                yield from self._read(key.data)
            for worker in [w for w in self._workers if w.task]:
                overrun = worker.overrun(self._limit)
                if overrun or worker.gone():
                    yield from self._end(worker, overrun)

    def is_idle(self) -> bool:
        """Whether no task is left."""
        return not (self._waiting or any(worker.task for worker in self._workers))

    def stop(self) -> None:
        """Have `events` end soon, whatever is left; another thread may call this."""
        self._stopping = True

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
        """Give waiting tasks to free workers; one whose claim file has no more tasks makes room for a new one."""
        for worker in [w for w in self._workers if w.ready and not w.task]:
            task = next((t for t in self._waiting if worker.file in ("", t.claim.file)), None)
            if worker.gone():  # it died after its last task
                self._remove(worker)
            elif task is not None:
                self._waiting.remove(task)
                worker.give(task)
            elif self._waiting:
                self._remove(worker)
        starting = sum(not worker.ready for worker in self._workers)
        for _ in range(min(len(self._waiting) - starting, self._jobs - len(self._workers))):
            self._start()

    def _start(self) -> None:
        if self._guard is None:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _GUARD], stdin=subprocess.PIPE, start_new_session=True, bufsize=0
            )
        worker = WorkerProcess()
        self._tell_guard(f"+{worker.process.pid}\n")
        self._workers.append(worker)
        self._selector.register(worker.sock, selectors.EVENT_READ, (worker, "frames"))
        self._selector.register(worker.stdout, selectors.EVENT_READ, (worker, "output"))

    def _tell_guard(self, line: str) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        try:
            self._guard.stdin.write(line.encode())
        except BrokenPipeError:
            raise NtkitError("the process that guards the workers is gone; run the same command again") from None

    def _read(self, ready: tuple[WorkerProcess, str]) -> Iterator[Event]:
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
        try:
            frames = worker.frames.feed(data)
        except BrokenFrameError:
            yield from self._end(worker, "wrote to the socket of its worker")
            return
        for header, payload in frames:
            if header.get("event") == "ready":
                worker.ready = True
            elif worker.task is not None and header.get("task") == worker.task.id:
                yield from self._handle(worker, worker.task, header, payload)

    def _handle(self, worker: WorkerProcess, task: Task, header: dict[str, Any], payload: bytes) -> Iterator[Event]:
        event = header.pop("event")
        del header["task"]
        if event == "started":
            worker.started = time.monotonic()
            yield Started(task)
        elif event == "progress":
            yield Progress(task, float(header["share"]))
        else:
            header.setdefault("output", worker.take_output())
            clean = header.pop("clean")
            if event == "measured":
                header |= {"unmet": tuple(header["unmet"]), "own_files": tuple(header["own_files"])}
            outcome = Outcome(task.key, event, evidence=payload or None, **header)
            worker.finish()
            if not clean or worker.memory_mb() > self._limit / 2:  # what a trial left behind must not meet the next one
                self._remove(worker)
            yield Finished(task, outcome)

    def _end(self, worker: WorkerProcess, reason: str | None) -> Iterator[Event]:
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

    def _remove(self, worker: WorkerProcess) -> str:
        self._workers.remove(worker)
        for source in (worker.sock, worker.stdout):
            if source in self._selector.get_map():
                self._selector.unregister(source)
        ended = worker.kill()
        self._tell_guard(f"-{worker.process.pid}\n")
        return ended
