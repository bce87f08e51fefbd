"""What the processes of a cluster do for a driver: Dask workers keep supervised processes, the scheduler minds its tasks."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import Scheduler, SchedulerPlugin, Worker, WorkerPlugin, get_worker
from distributed.utils import sync

from ntkit.claims._engine import Finished
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._sources import SourceReader, Sources
from ntkit.claims._supervisor import Supervisor, default_memory_limit_mb

TOPIC = "ntkit"  # under which Dask workers say which trials begin: a message is the key of a Dask task


class ClosedBenchError(Exception):
    """The Dask worker is closing: its trial did not end by itself, and belongs elsewhere."""


class Bench(WorkerPlugin):
    """Where a Dask worker measures the trials of one driver: warm supervised processes, one for each thread.

    Every driver has a bench of its own, so that nothing that an earlier run left in a process reaches a later one.

    Args:
        name: of the driver at the scheduler.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def setup(self, worker: Worker) -> None:
        """Prepare; processes are started when there are trials."""
        threads, memory = worker.state.nthreads, worker.memory_manager.memory_limit
        self._memory_limit = default_memory_limit_mb(threads, memory / 1024**2 if memory else None)
        self._lock = threading.Lock()
        self._reader = SourceReader()
        self._sources: dict[str, Sources] = {}
        self._idle: list[Supervisor] = []
        self._busy: list[Supervisor] = []
        self._closed = False

    def teardown(self, worker: Worker) -> None:
        """End all processes: the Dask worker closes, or the driver has gone."""
        with self._lock:
            self._closed = True
            for supervisor in self._busy:
                supervisor.stop()
            while self._idle:
                self._idle.pop().close()

    def measure(self, task: Task, key: str) -> Outcome | Sources:
        """What comes of a task; or the sources that are found here, if they are not those that its key was made of."""
        try:
            sources = self._sources_of(task.claim.file)
        except FileNotFoundError:
            return Outcome(
                key, "failed", reason=f"{_here()} has no file {task.claim.file}; all workers must see the same files"
            )
        except OSError as error:
            return Outcome(key, "failed", reason=f"{_here()} cannot read {error.filename} ({error.strerror})")
        task = replace(task, sources=sources)
        if task.key != key:
            return sources
        supervisor = self._take()
        try:
            self._announce()
            supervisor.submit(task)
            outcomes = [event.outcome for event in supervisor.events() if isinstance(event, Finished)]
        finally:
            self._put_back(supervisor)
        if not outcomes:
            raise ClosedBenchError(_here())
        return outcomes[0]

    def _announce(self) -> None:
        """Wait until the scheduler knows that the trial begins: whether it may be to blame when this Dask worker is lost."""
        worker = get_worker()
        sync(worker.loop, worker.scheduler.log_event, topic=TOPIC, msg=worker.get_current_task())

    def _sources_of(self, file: str) -> Sources:
        with self._lock:
            if file not in self._sources:
                self._sources[file] = self._reader.read(Path(file))
                self._reader.save()
            return self._sources[file]

    def _take(self) -> Supervisor:
        with self._lock:
            if self._closed:
                raise ClosedBenchError(_here())
            supervisor = self._idle.pop() if self._idle else Supervisor(1, self._memory_limit)
            self._busy.append(supervisor)
            return supervisor

    def _put_back(self, supervisor: Supervisor) -> None:
        with self._lock:
            self._busy.remove(supervisor)
            if supervisor.is_idle() and not self._closed:
                self._idle.append(supervisor)
                return
        supervisor.close()


def measure(bench: str, task: Task, key: str) -> Outcome | Sources:
    """A Dask task: measure on the bench of the Dask worker that runs it."""
    found: Bench = get_worker().plugins[bench]  # type: ignore[assignment]
    return found.measure(task, key)


def _here() -> str:
    return f"the Dask worker at {get_worker().address}"


class Steward(SchedulerPlugin):
    """Looks after a driver's trials on the scheduler, and takes its benches away when it goes, in whatever way.

    Args:
        name: of the driver at the scheduler, and of its benches.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    async def start(self, scheduler: Scheduler) -> None:
        """Be registered."""
        self._scheduler = scheduler

    def log_event(self, topic: str, msg: Any) -> None:
        """A trial begins: from now on Dask may not give it to another worker when this one is lost; that is the driver's."""
        if topic == TOPIC and msg in self._scheduler.tasks:
            self._scheduler.tasks[msg].suspicious = self._scheduler.allowed_failures

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """The driver has gone."""
        if client == self.name:
            scheduler.remove_plugin(name=self.name)
            scheduler.loop.add_callback(self._clear, scheduler)

    async def _clear(self, scheduler: Scheduler) -> None:
        """What `Scheduler.unregister_worker_plugin` does, but Dask workers that are on their way out are no error."""
        scheduler.worker_plugins.pop(self.name, None)
        await scheduler.broadcast(msg={"op": "plugin-remove", "name": self.name}, on_error="ignore")
