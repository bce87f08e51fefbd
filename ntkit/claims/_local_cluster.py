"""A Dask cluster of processes on this machine, in a session of its own, that ends when its driver does, however it does."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from ntkit.claims._errors import NtkitError


@contextlib.contextmanager
def local_cluster(workers: int) -> Iterator[str]:
    """The address of a new cluster of so many Dask workers with one thread each, reached from this machine alone.

    Ctrl-C does not reach its processes, since they are of another session; a Dask worker that dies is started again.

    Raises:
        NtkitError: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="ntkit-dask-") as folder:
        complaints = Path(folder, "stderr")
        with complaints.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ntkit.claims._local_cluster", str(workers)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
                env={**os.environ, "DASK_TEMPORARY_DIRECTORY": folder},
            )
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            if not address:
                lines = complaints.read_text(errors="replace").splitlines()
                raise NtkitError(
                    f"--dask local:{workers}: the cluster did not start: {lines[-1] if lines else 'it said nothing'}"
                )
            yield address
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _serve(workers: int) -> None:
    """Start a cluster, and say where it is."""
    watch = threading.Thread(target=_end_with_driver, daemon=True)
    watch.start()

    import dask
    from distributed import LocalCluster

    dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"})  # with one that starts again, on a busy machine
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        silence_logs=logging.CRITICAL,
    )
    print(cluster.scheduler_address, flush=True)
    watch.join()


def _end_with_driver() -> None:
    """End all processes of the cluster when nobody holds the other end of standard input any more."""
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
