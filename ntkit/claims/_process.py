"""One worker process as its driver sees it: started by spawn, watched, and ended with everything it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from ntkit.claims._channel import Frames, send
from ntkit.claims._claim import Cell
from ntkit.claims._outcome import Task
from ntkit.claims._places import cache_folder

LOADING_DEADLINE = 300.0  # seconds for importing a claim file
OUTPUT_KEPT = 4000  # characters of what a trial prints


class WorkerProcess:
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
            env=_environment(),
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
        self.file = ""  # a worker serves one claim file: what that leaves behind reaches no other paper
        self._output = b""

    def give(self, task: Task) -> None:
        """Start a task."""
        self.read_output()
        self._output = b""
        self.task, self.given, self.started = task, time.monotonic(), None
        self.file = task.claim.file
        fields = {name: getattr(task, name) for name in ("id", "tier", "seed", "control", "block")}
        try:
            send(
                self.sock,
                {
                    "claim": task.claim.name,
                    "cell": [task.claim.function, dict(task.claim.parameters)] if isinstance(task.claim, Cell) else None,
                    "file": task.claim.file,
                    "file_digest": task.sources.files[task.claim.file],
                    **fields,
                },
            )
        except OSError:
            return  # it died: the closed socket tells

    def finish(self) -> None:
        """The task is done."""
        self.task = None

    def overrun(self, limit_mb: float) -> str | None:
        """Why the worker has to be ended now, if it has to."""
        assert self.task is not None
        if self.memory_mb() > limit_mb:
            return f"used more than {limit_mb:.0f} MB of memory"
        now = time.monotonic()
        if self.started is None:
            return f"took more than {LOADING_DEADLINE:.0f} s to import" if now - self.given > LOADING_DEADLINE else None
        return f"took more than its deadline of {self.task.deadline:g} s" if now - self.started > self.task.deadline else None

    def gone(self) -> bool:
        """Whether the process ended, even if something that it started holds its socket open."""
        return self.process.poll() is not None

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


def _environment() -> dict[str, str]:
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
