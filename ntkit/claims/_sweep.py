"""A sweep: one function at many parameters, each a trial of the runner, so that it parallelises, resumes and shards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkit.claims._claim import Cell
from ntkit.claims._completion import completed, trusted
from ntkit.claims._engine import Engine, Finished
from ntkit.claims._engine_choice import check_dask, choose_engine
from ntkit.claims._errors import UsageError
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._sources import SourceReader
from ntkit.claims._store import Store
from ntkit.claims._trial import FIRST_SEED

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Swept:
    """What came of one cell.

    Attributes:
        parameters: of the cell.
        arrays: what its function returned; empty if it failed, or belongs to another shard and is not in the store.
        failed: why it failed, else empty.
        seconds: that it took, in this run or when it was measured.
        reused: whether the store had it.
    """

    parameters: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray[Any, Any]]
    failed: str = ""
    seconds: float = 0.0
    reused: bool = False


def sweep(
    file: str | Path,
    function: str,
    cells: Sequence[Mapping[str, Any]],
    *,
    store: str | Path,
    jobs: int = 1,
    dask: str | None = None,
    seed: int = FIRST_SEED,
    shard: tuple[int, int] = (1, 1),
    deadline: float = 3600.0,
    report: Callable[[int, int], None] | None = None,
) -> list[Swept]:
    """Measure a function at every cell that the store lacks, in worker processes; results are kept as they come.

    The function takes a `Trial`, whose `parameters` are the cell's and whose `key` depends on them and on the seed, and
    returns a dict of arrays. A cell that raises, runs out of time or kills its process is reported, and stops no other.
    After an interrupt, the same call measures what is left. Shards of one sweep are joined by `ntkit merge`.

    Args:
        file: where the function is; it is imported by its path.
        function: its name.
        cells: parameters as JSON has them, all different.
        store: folder for the results.
        jobs: worker processes.
        dask: the address of a scheduler whose workers are to be used in their place, or "local:N" for N Dask workers here.
        seed: of the random numbers.
        shard: (i, n): measure only the i-th of n parts.
        deadline: seconds a cell may take.
        report: called with the numbers of cells that are done and that there are to do.

    Returns:
        What came of each cell, in their order.

    Raises:
        UsageError: cells that are equal, a shard that does not exist, or `dask` without the extra `cluster`.
        StoreError: the store cannot be used.
        NtkitError: the cluster cannot be used.
    """
    check_dask(dask)
    number, count = shard
    if not 1 <= number <= count:
        raise UsageError(f"shard must be (i, n) with 1 <= i <= n, got {shard}")
    tasks = _tasks(file, function, cells, seed, deadline)
    kept = Store(Path(store))
    try:
        found = {task.key: kept.measured(task.key) for task in tasks}
        todo = [task for task in tasks if found[task.key] is None and _in_shard(task, number, count)]
        fresh = _measured(todo, kept, choose_engine(min(jobs, len(todo)), dask), report) if todo else {}
        return [_swept(task, found[task.key], fresh.get(task.key), kept) for task in tasks]
    finally:
        kept.close()


def scatter(
    file: str | Path,
    function: str,
    cells: Sequence[Mapping[str, Any]],
    *,
    jobs: int = 1,
    dask: str | None = None,
    seed: int = FIRST_SEED,
    deadline: float = 3600.0,
) -> Generator[Swept, None, None]:
    """Measure a function at every cell, as `sweep` does, but yield each as soon as it is there, and keep none.

    For results that are put together at once and would take too much room beside the whole. Closing the iterator ends
    what still runs. Arguments and errors are those of `sweep`.
    """
    check_dask(dask)
    tasks = _tasks(file, function, cells, seed, deadline)
    if not tasks:
        return
    engine = choose_engine(min(jobs, len(tasks)), dask)
    try:
        for task in tasks:
            engine.submit(task)
        for event in engine.events():
            if isinstance(event, Finished):
                yield _scattered(event.task, trusted(event.task, event.outcome))
    finally:
        engine.close()


def _tasks(file: str | Path, function: str, cells: Sequence[Mapping[str, Any]], seed: int, deadline: float) -> list[Task]:
    path = Path(file).resolve()
    reader = SourceReader()
    sources = reader.read(path)
    reader.save()
    tasks = [Task(Cell(str(path), function, dict(cell), deadline), "full", seed, None, 0, sources) for cell in cells]
    if len({task.key for task in tasks}) < len(tasks):
        raise UsageError("cells must be different")
    return tasks


def _scattered(task: Task, outcome: Outcome) -> Swept:
    from ntkit.claims._encoding import decode_arrays

    assert isinstance(task.claim, Cell)
    if outcome.evidence is None:
        return Swept(task.claim.parameters, {}, outcome.reason)
    return Swept(task.claim.parameters, decode_arrays(outcome.evidence), "", outcome.seconds)


def _measured(
    todo: Sequence[Task], store: Store, engine: Engine, report: Callable[[int, int], None] | None
) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    try:
        for task in todo:
            engine.submit(task)
        for event in engine.events():
            if isinstance(event, Finished):
                outcome = completed(event.task, event.outcome, store)
                store.put(event.task, outcome)
                outcomes[event.task.key] = replace(outcome, evidence=None)
                if report is not None:
                    report(len(outcomes), len(todo))
    finally:
        engine.close()
    return outcomes


def _swept(task: Task, before: Outcome | None, now: Outcome | None, store: Store) -> Swept:
    from ntkit.claims._encoding import decode_arrays

    assert isinstance(task.claim, Cell)
    outcome = before or now
    if outcome is None or outcome.status == "failed":
        return Swept(task.claim.parameters, {}, outcome.reason if outcome else "")
    arrays = decode_arrays(store.evidence(outcome.digest))
    return Swept(task.claim.parameters, arrays, "", outcome.seconds, reused=before is not None)


def _in_shard(task: Task, number: int, count: int) -> bool:
    """By the hash of the name and the seed, as for claims."""
    digest = hashlib.sha256(f"{task.claim.name} {task.seed}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % count == number - 1
