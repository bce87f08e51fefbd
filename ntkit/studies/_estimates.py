"""What long work will take, said before it begins: memory from shapes, time from a small part of the same work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.studies._kernels import Kernel, function_of
from ntkit.studies._results import LONG, said_seconds

if TYPE_CHECKING:
    from ntkit.kernels import Network

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

PART = 8  # a pilot has so many times fewer inputs, and PART^2 times fewer pairs
MANY_TILES, MANY_INPUTS = 32, 1000  # from which on a pilot pays
MUCH = 10**9  # bytes from which on memory is worth saying
EIGEN = 300  # side of the matrix whose eigenvalues are timed
_UNITS = {"GB": 10**9, "MB": 10**6, "kB": 10**3}


def said_bytes(size: float) -> str:
    """Bytes in words.

    Example:
        >>> said_bytes(1_234_000)
        '1.23 MB'
    """
    unit = next((unit for unit in ("GB", "MB") if size >= _UNITS[unit]), "kB")
    return f"{size / _UNITS[unit]:.3g} {unit}"


def announce(what: str, seconds: float) -> None:
    """A line on work that will take long."""
    if seconds >= LONG:
        print(f"time     {what}: about {said_seconds(seconds)}", flush=True)


def announce_memory(what: str, size: float) -> None:
    """A line on work that will take much memory."""
    if size >= MUCH:
        print(f"memory   {what}: about {said_bytes(size)}", flush=True)


def timed(work: Callable[[], Any]) -> float:
    """Seconds that work takes once it is compiled: it is done twice."""
    return timed_twice(work)[1]


def timed_twice(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds that work takes, with what it compiles, and once it is compiled."""
    began = time.perf_counter()
    work()
    compiled = time.perf_counter()
    work()
    return compiled - began, time.perf_counter() - compiled


def announce_gram(studied: Network | Kernel, x: Floats, kinds: Sequence[str], *, on_disk: bool = False) -> None:
    """Memory of Gram matrices, and their time where there are many tiles, from that of fewer inputs.

    Raises:
        ValueError: what `ntkit.kernels.gram` raises on this network and these inputs.
    """
    from ntkit.kernels import Network, estimate, gram

    kind = "both" if len(kinds) == 2 else kinds[0]
    many = len(x) >= MANY_INPUTS
    if isinstance(studied, Network):
        size = estimate(studied, x, kind=kind)
        many = size.tiles > MANY_TILES
        where = "on disk" if on_disk else "for the result"
        print(
            f"memory   {said_bytes(size.working)} at most, and {said_bytes(size.result)} {where}; tiles: {size.tiles}",
            flush=True,
        )
    elif many:
        print(f"memory   {said_bytes(len(x) ** 2 * x.itemsize)} for the result", flush=True)
    if many:
        part = x[: len(x) // PART]
        announce("the matrix, in this process", timed(lambda: gram(function_of(studied), part, kind=kinds[0])) * PART**2)


def announce_eigenvalues(count: int, *, vectors: bool = False, times: int = 1) -> None:
    """The time of all eigenvalues of symmetric matrices, which grows like the cube of their side."""
    if count < 2 * EIGEN:
        return
    rng = np.random.default_rng(0)
    small = rng.normal(size=(EIGEN, EIGEN))
    one = min(timed(lambda: (np.linalg.eigh if vectors else np.linalg.eigvalsh)(small + small.T)) for _ in range(3))
    announce("eigenvalues", one * times * (count / EIGEN) ** 3)
