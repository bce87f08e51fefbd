"""The engine on a Dask cluster: every trial is a task, measured in a supervised process on the machine of its Dask worker.

Only this process, the driver, knows the store. Dask itself gives no trial that has begun to a second worker: one whose Dask
worker is lost is submitted again from here, at most twice, and then has failed.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from typing import Any

from distributed import Client, Future, KilledWorker, Security, connect
from distributed.utils import LoopRunner, sync

from ntkit.claims._bench import TOPIC, Bench, ClosedBenchError, Steward, measure
from ntkit.claims._engine import Event, Finished, Started
from ntkit.claims._errors import NtkitError
from ntkit.claims._local_cluster import local_cluster
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._sources import ALWAYS, Sources

CONNECTING = 5.0  # seconds for an answer of the scheduler
JOINING = 60.0  # seconds for the first worker to join
PATIENCE = 60.0  # seconds without news, after which it is asked whether there are workers at all
CLOSING = 1.5  # seconds
RESUBMISSIONS = 2
RESUME = "what was measured is kept; run the same command again"
EVERYWHERE = ("python", "ntkit", "dask", "distributed")
News = Outcome | Sources | BaseException | None  # of a task: None when it begins
_SEALED = Sources({}, {})  # workers read the sources for themselves


class Cluster:
    """Runs tasks on a cluster.

    Args:
        where: the address of its scheduler, or a number of worker processes to start on this machine.

    Raises:
        NtkitError: nothing answers at the address, there are no workers, or versions differ.
    """

    def __init__(self, where: str | int) -> None:
        self._shown = f"--dask {where if isinstance(where, str) else f'local:{where}'}"
        self._running: dict[str, tuple[Task, Future[Any]]] = {}
        self._news: queue.SimpleQueue[tuple[str, News]] = queue.SimpleQueue()
        self._begun: set[str] = set()
        self._numbers = count()
        self._losses: Counter[str] = Counter()
        self._open = ExitStack()
        try:
            self._client: Any = self._connect(where)
            self._check_versions()
            self._client.subscribe_topic(TOPIC, self._hear)
            self._client.register_plugin(Steward(self._client.id))
            self._client.register_plugin(Bench(self._client.id))
        except OSError as error:
            self.close()
            raise NtkitError(f"{self._shown}: {error}; run the same command again") from None
        except BaseException:
            self.close()
            raise

    def submit(self, task: Task) -> None:
        """Give a task to the cluster, which queues it."""
        if self._client.status != "running":
            raise self._error()
        key = f"ntkit-{self._client.id}-{next(self._numbers)}"
        sealed = replace(task, sources=_SEALED)
        future = self._client.submit(measure, self._client.id, sealed, task.key, key=key, pure=False, retries=0)
        self._running[key] = task, future
        self._client.loop.add_callback(self._collect, future)

    def events(self) -> Iterator[Event]:
        """What comes of the tasks, until none is left; tasks may be submitted in between."""
        while self._running:
            try:
                key, news = self._news.get(timeout=PATIENCE)
            except queue.Empty:
                self._check_workers()
                continue
            if key not in self._running:  # another driver's
                continue
            task, _ = self._running[key]
            if news is None:
                self._begun.add(key)
                yield Started(task)
                continue
            del self._running[key]
            if isinstance(news, KilledWorker | ClosedBenchError):
                yield from self._lost(task, news, begun=key in self._begun)
            elif isinstance(news, BaseException):
                raise self._error(news)
            elif isinstance(news, Sources):
                changes = ", ".join(news.changes(task.sources))
                yield Finished(task, _failed(task, f"its sources are not the same on the Dask worker: {changes}"))
            else:
                yield Finished(task, news)

    def close(self) -> None:
        """Leave the cluster, and end what it runs for this driver; a local one ends with everything in it."""
        self._running.clear()
        self._open.close()

    def _connect(self, where: str | int) -> Client:
        self._open.enter_context(_silence())
        address = where if isinstance(where, str) else self._open.enter_context(local_cluster(where))
        try:
            _probe(address)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # versions that differ are refused below, by name
                client = Client(address, timeout=CONNECTING, set_as_default=False)
        except Exception as error:  # what listens there may say anything
            words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise NtkitError(f"{self._shown}: no scheduler answers there ({words})") from None
        self._open.callback(_leave, client)
        try:
            client.wait_for_workers(1, timeout=JOINING)
        except TimeoutError:
            raise NtkitError(
                f"{self._shown}: no worker has joined within {JOINING:.0f} s; start some: dask worker {address}"
            ) from None
        return client

    def _check_workers(self) -> None:
        """A run that nobody works on would wait for ever."""
        try:
            working = self._client.nthreads()
        except OSError as error:
            raise self._error(error) from None
        if not working:
            raise NtkitError(f"{self._shown}: no worker is left; {RESUME} when there are some")

    def _check_versions(self) -> None:
        """Refuse, by name, what would give other numbers or could not be understood elsewhere."""
        found = self._client.get_versions(packages=[*EVERYWHERE, *ALWAYS])
        here = found["client"]["packages"]
        places: list[tuple[str, Any, Sequence[str]]] = [("the scheduler", found["scheduler"], EVERYWHERE)]
        places += [(f"the worker at {address}", there, (*EVERYWHERE, *ALWAYS)) for address, there in found["workers"].items()]
        for place, there, names in places:
            pairs = {name: (here[name], there["packages"][name]) for name in names}
            differing = [
                f"{name} is {mine} here and {its or 'missing'} there" for name, (mine, its) in pairs.items() if mine != its
            ]
            if differing:
                raise NtkitError(
                    f"{self._shown}: {place} has other versions: {', '.join(differing)}; install the same everywhere"
                )

    def _hear(self, event: tuple[float, Any]) -> None:
        """A Dask worker says, through the scheduler, that a trial begins: of this driver or another."""
        self._news.put((event[1], None))

    async def _collect(self, future: Future[Any]) -> None:
        """Fetch what a task returned or raised; runs beside others in the client's loop."""
        news: News
        try:
            news = await future
        except BaseException as error:
            news = error
        self._news.put((str(future.key), news))

    def _error(self, cause: BaseException | None = None) -> NtkitError:
        if self._client.status != "running" or cause is None:
            return NtkitError(f"{self._shown}: the scheduler is gone; {RESUME}")
        words = cause if isinstance(cause, NtkitError) else f"{type(cause).__name__}: {cause}"
        return NtkitError(f"{self._shown}: {words}; {RESUME}")

    def _lost(self, task: Task, how: KilledWorker | ClosedBenchError, *, begun: bool) -> Iterator[Event]:
        """Submit a trial again; only losses that it may be to blame for count."""
        self._losses[task.id] += begun
        if self._losses[task.id] <= RESUBMISSIONS:
            self.submit(task)
            return
        last = how.last_worker.address if isinstance(how, KilledWorker) else how
        yield Finished(task, _failed(task, f"its Dask worker was lost {RESUBMISSIONS + 1} times, the last one at {last}"))


def _probe(address: str) -> None:
    """Greet a scheduler and part: a client would wait for ever for one that listens and does not answer.

    Raises:
        Exception: there is none.
    """

    async def greet() -> None:
        comm = await connect(address, timeout=CONNECTING, **Security().get_connection_args("client"))
        await comm.close()

    runner = LoopRunner()
    runner.start()
    try:
        sync(runner.loop, greet, callback_timeout=CONNECTING + 1)
    finally:
        runner.stop()


def _failed(task: Task, reason: str) -> Outcome:
    return Outcome(task.key, "failed", reason=reason)


def _leave(client: Client) -> None:
    with contextlib.suppress(TimeoutError, OSError):
        client.close(timeout=CLOSING)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What goes wrong is said once, by the error that ends the run or by the outcome of a trial, and not by Dask as well."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)
