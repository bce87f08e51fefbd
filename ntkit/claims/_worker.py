"""A worker: one process, one core, that measures the trials of one claim file after another and reports what came of each."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import queue
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ntkit.claims._channel import Frames, send
from ntkit.claims._errors import ClaimError, EvidenceError
from ntkit.claims._places import file_digest, is_installed
from ntkit.claims._trial import Trial

PROGRESS_SECONDS = 0.2

Measure = Callable[[Trial], Any]


class Worker:
    """Serves trials from a socket until the driver closes it or dies."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._process = os.getpid()
        self._lock = threading.Lock()  # a claim may report progress from threads of its own
        self._tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._measures: dict[str, Measure] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def serve(self) -> None:
        """Measure what comes, for ever."""
        self._send({"event": "ready"})
        while True:
            task = self._tasks.get()
            header, payload = self._run(task)
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(ValueError, OSError):  # the claim may have closed it
                    stream.flush()
            self._send({**header, "task": task["id"]}, payload)

    def _listen(self) -> None:
        """Hand on tasks; when the driver is gone, end this process and whatever it started."""
        frames = Frames()
        while data := _receive(self._sock):
            for header, _ in frames.feed(data):
                self._tasks.put(header)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    def _send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        if os.getpid() != self._process:
            os._exit(0)  # a copy that the claim forked and let return: only the worker itself reports
        with self._lock:
            send(self._sock, header, payload)

    def _run(self, task: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Measure one trial; whatever it raises is its own failure, never the worker's."""
        from ntkit.claims._encoding import encode, encode_arrays

        last = 0.0

        def report(share: float) -> None:
            nonlocal last
            if time.monotonic() - last >= PROGRESS_SECONDS:
                last = time.monotonic()
                self._send({"event": "progress", "share": share, "task": task["id"]})

        parameters = task["cell"][1] if task["cell"] else {}
        trial = Trial(task["claim"], task["tier"], task["seed"], task["control"], task["block"], parameters, report=report)
        before: dict[str, Any] = {}
        try:
            measure = self._measure(task)
            before = _state()
            _reset_peak_memory()
            self._send({"event": "started", "task": task["id"]})
            wall, cpu = time.perf_counter(), time.process_time()
            evidence = (encode_arrays if task["cell"] else encode)(measure(trial))
            seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
        except (ClaimError, EvidenceError) as error:
            return {"event": "failed", "reason": _printable(str(error)), "clean": False}, b""
        except BaseException as error:
            trace = _printable(traceback.format_exc()[-4000:])
            return {"event": "failed", "reason": _reason(error, task["file"]), "output": trace, "clean": False}, b""
        return {
            "event": "measured",
            "digest": hashlib.sha256(evidence).hexdigest(),
            "unmet": trial.reasons,
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "peak_mb": _peak_memory_mb(),
            "facts": _facts(trial),
            "own_files": _own_files(),
            "clean": _is_clean(before, _state()),
        }, evidence

    def _measure(self, task: dict[str, Any]) -> Measure:
        """The function that measures the claim or the cell, from the file as it was when it was planned."""
        from ntkit.claims._collect import load, load_function

        if not self._measures:
            file = Path(task["file"])
            if file_digest(file) != task["file_digest"]:
                raise ClaimError(f"{file} was changed while it was being verified; run the same command again")
            if task["cell"]:
                self._measures = {task["cell"][0]: load_function(file, task["cell"][0])}
            else:
                self._measures = {claim.name: measure for claim, measure in load(file).values()}
        return self._measures[task["cell"][0] if task["cell"] else task["claim"]]


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except OSError:
        return b""


def _state() -> dict[str, Any]:
    """What one trial could leave behind for the next: the driver starts a new worker when it differs."""
    state: dict[str, Any] = {
        "folder": _folder(),
        "environment": dict(os.environ),
        "threads": {thread.ident for thread in threading.enumerate()},
        "children": _has_children(),
        "modules": len(sys.modules),
    }
    if "numpy" in sys.modules:
        state["numpy"] = sys.modules["numpy"].geterr()
    if "jax" in sys.modules:
        state["jax"] = dict(getattr(sys.modules["jax"].config, "values", {}))
    return state


def _is_clean(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a trial left everything as it was; libraries that it imported may add to the environment."""
    imported = after.pop("modules") > before.pop("modules")
    old, new = before.pop("environment"), after.pop("environment")
    kept = {name: new.get(name) for name in old} if imported else new
    return kept == old and after == before


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _has_children() -> bool:
    """Whether a process that a trial started is still there; those that ended are cleared away."""
    while True:
        try:
            process, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if process == 0:
            return True


def _own_files() -> list[str]:
    """The source files in use that belong to no installed library: whatever was imported, and however."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    framework = Path(__file__).parent
    own = (Path(file).resolve() for file in files if file and file.endswith(".py"))
    return sorted(str(file) for file in own if not is_installed(file) and framework not in file.parents)


def _printable(text: str) -> str:
    """Without control characters and halves of characters, which belong on no terminal and into no file."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _reason(error: BaseException, file: str) -> str:
    """The exception in one line, with the last line of the claim file that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" ({Path(file).name}, line {frames[-1].lineno})" if frames else ""
    text = " ".join(_printable(str(error)).split())
    return f"raised {type(error).__name__}{f': {text[:300]}' if text else ''}{where}"


def _facts(trial: Trial) -> dict[str, Any]:
    """What else the record says: precision flags, device, machine, and the data sets that were used."""
    facts: dict[str, Any] = {"machine": f"{platform.system()} {platform.machine()}", "data": trial.datasets}
    if "jax" in sys.modules:
        import jax

        facts["x64"] = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]
        facts["matmul_precision"] = str(jax.config.jax_default_matmul_precision)  # type: ignore[attr-defined]
        facts["device"] = jax.default_backend()
    return facts


def _reset_peak_memory() -> None:
    """Let the next reading of the peak be this trial's own, where the system can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # elsewhere the peak is that of the process so far


def _peak_memory_mb() -> float:
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1024**2 if sys.platform == "darwin" else peak / 1024


if __name__ == "__main__":
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    Worker(connection).serve()
