"""Which engine runs the tasks: worker processes of this machine, or a Dask cluster; Dask is imported only when asked for."""

from __future__ import annotations

import re

from ntkit.claims._engine import Engine
from ntkit.claims._errors import UsageError
from ntkit.claims._supervisor import Supervisor

LOCAL = "local:"
_WORKERS = re.compile(f"{LOCAL}[1-9][0-9]*")
_ADDRESS = re.compile(r"(\w+://)?(\[[0-9a-fA-F:.%]+\]|[^\s/:\[\]]+):[0-9]+")


def check_dask(dask: str | None) -> None:
    """Refuse what cannot be a cluster, before anything else is done.

    Raises:
        UsageError: it is neither an address nor "local:N".
    """
    if dask is not None and not (_WORKERS if dask.startswith(LOCAL) else _ADDRESS).fullmatch(dask):
        raise UsageError(f"--dask {dask}: must be the address of a scheduler, tcp://HOST:PORT, or local:N for N workers here")


def choose_engine(jobs: int, dask: str | None) -> Engine:
    """An engine of so many local workers, or of a cluster at an address.

    Args:
        jobs: worker processes, where there is no cluster.
        dask: the address of a scheduler, "local:N" for a cluster of N worker processes on this machine, or None.

    Raises:
        UsageError: neither an address nor "local:N", or the extra `cluster` is not installed.
        NtkitError: nothing answers at the address, there are no workers, or they have other versions than this process.
    """
    check_dask(dask)
    if dask is None:
        return Supervisor(jobs)
    try:
        from ntkit.claims._cluster import Cluster
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed"):
            raise
        raise UsageError("--dask needs the extra `cluster`: pip install 'ntkit[cluster]'") from None
    return Cluster(int(dask.removeprefix(LOCAL)) if dask.startswith(LOCAL) else dask)
