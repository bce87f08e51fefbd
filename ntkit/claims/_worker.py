"""A worker: one process, one core, that measures one trial after another and reports what came of each."""

from __future__ import annotations

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
from ntkit.claims._places import file_digest
from ntkit.claims._trial import Trial

PROGRESS_SECONDS = 0.2

Measure = Callable[[Trial], Any]


def main(descriptor: int) -> None:
    """Serve trials from the socket until the driver closes it or dies."""
    sock = socket.socket(fileno=descriptor)
    sock.set_inheritable(False)
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sock, tasks), daemon=True).start()
    loaded: dict[tuple[str, str], dict[str, Measure]] = {}
    send(sock, {"event": "ready"})
    while True:
        task = tasks.get()
        header, payload = _run(task, loaded, sock)
        sys.stdout.flush()
        sys.stderr.flush()
        send(sock, header, payload)


def _listen(sock: socket.socket, tasks: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Hand on tasks; when the driver is gone, end this process and whatever it started."""
    frames = Frames()
    while data := _receive(sock):
        for header, _ in frames.feed(data):
            tasks.put(header)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except OSError:
        return b""


def _run(
    task: dict[str, Any], loaded: dict[tuple[str, str], dict[str, Measure]], sock: socket.socket
) -> tuple[dict[str, Any], bytes]:
    """Measure one trial; whatever it raises is its own failure, never the worker's."""
    from ntkit.claims._encoding import encode

    last = 0.0

    def report(share: float) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            send(sock, {"event": "progress", "share": share})

    trial = Trial(task["claim"], task["tier"], task["seed"], task["control"], task["block"], report=report)
    try:
        measure = _measure(task, loaded)
        _reset_peak_memory()
        send(sock, {"event": "started"})
        wall, cpu = time.perf_counter(), time.process_time()
        evidence = encode(measure(trial))
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    except (ClaimError, EvidenceError) as error:
        return {"event": "failed", "reason": str(error)}, b""
    except BaseException as error:
        return {
            "event": "failed",
            "reason": _reason(error, task["file"]),
            "output": traceback.format_exc()[-4000:],
        }, b""
    return {
        "event": "measured",
        "digest": hashlib.sha256(evidence).hexdigest(),
        "unmet": trial.reasons,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_mb": _peak_memory_mb(),
        "facts": _facts(trial),
    }, evidence


def _measure(task: dict[str, Any], loaded: dict[tuple[str, str], dict[str, Measure]]) -> Measure:
    """The function that measures the claim, from the file as it was when it was listed."""
    from ntkit.claims._collect import load

    file = Path(task["file"])
    digest = file_digest(file)
    if digest != task["file_digest"]:
        raise ClaimError(f"{file} was changed while it was being verified; run the same command again")
    if (task["file"], digest) not in loaded:
        loaded[task["file"], digest] = {claim.name: measure for claim, measure in load(file).values()}
    return loaded[task["file"], digest][task["claim"]]


def _reason(error: BaseException, file: str) -> str:
    """The exception in one line, with the last line of the claim file that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" ({Path(file).name}, line {frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
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
    main(int(sys.argv[1]))
