"""The driver: which trials are missing, what to do when one is done, and the verdict when a claim is complete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ntkit.claims._claim import Claim
from ntkit.claims._completion import completed
from ntkit.claims._derive import Record, costs, derivation_key, derive, is_surprise, judge
from ntkit.claims._engine import Engine, Finished, Progress, Started
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._power import PowerFile, evidence_digest
from ntkit.claims._sources import SourceReader, Sources, digest_or_gone
from ntkit.claims._store import Store
from ntkit.claims._trial import FIRST_SEED, Tier

Place = tuple[str | None, int]  # control and block


class Listener(Protocol):
    """Is told what happens, to show it."""

    def planned(self, claims: Sequence[Claim], missing: int) -> None:
        """So many trials have to be run for these claims."""

    def running(self, task: Task, share: float) -> None:
        """A trial has done this share of its steps."""

    def trial_done(self, task: Task, outcome: Outcome) -> None:
        """A trial is over."""

    def repeating(self, claim: Claim, trials: int) -> None:
        """A surprise is repeated with four times the repeats."""

    def verdict(self, record: Record) -> None:
        """A claim is complete."""


@dataclass
class _Job:
    """A claim on its way to its verdict."""

    claim: Claim
    sources: Sources
    tasks: dict[Place, Task] = field(default_factory=dict)
    outcomes: dict[Place, Outcome] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every planned trial has an outcome."""
        return self.tasks.keys() == self.outcomes.keys()


class Verification:
    """Verifies claims: reuses what the store has, measures what is missing, judges, repeats surprises, keeps verdicts.

    Args:
        store: where outcomes and verdicts go, as they come.
        engine: called once to make the engine, and only if something has to be measured.
        tier, seed: of every trial.
        fresh: measure everything again.
        listener: is told what happens.
    """

    def __init__(
        self,
        store: Store,
        engine: Callable[[], Engine],
        *,
        tier: Tier,
        seed: int,
        fresh: bool = False,
        listener: Listener,
    ) -> None:
        self._store, self._make_engine, self._listener = store, engine, listener
        self._tier, self._seed, self._fresh = tier, seed, fresh
        self._digests: dict[str, str] = {}
        self._jobs: dict[str, _Job] = {}
        self._records: dict[str, Record] = {}
        self._todo: list[Task] = []
        self._power: dict[Path, PowerFile] = {}

    def run(self, claims: Sequence[Claim]) -> list[Record]:
        """The verdicts on these claims, in their order."""
        reader = SourceReader()
        for claim in claims:
            self._jobs[claim.name] = _Job(claim, reader.read(Path(claim.file)))
        reader.save()
        if self._fresh:
            everything = (self._tasks(job, block) for job in self._jobs.values() for block in (0, 1))
            self._store.supersede([task.key for tasks in everything for task in tasks])
        for job in self._jobs.values():
            self._plan(job, block=0)
        self._listener.planned(claims, len(self._todo))
        for job in list(self._jobs.values()):
            self._conclude_if_complete(job)
        if self._todo:
            self._measure()
        return [self._records[claim.name] for claim in claims]

    def _measure(self) -> None:
        engine = self._make_engine()
        try:
            while self._todo:
                for task in self._todo:
                    engine.submit(task)
                self._todo = []
                for event in engine.events():
                    if isinstance(event, Finished):
                        self._finish(event.task, event.outcome)
                        for task in self._todo:
                            engine.submit(task)
                        self._todo = []
                    elif isinstance(event, Started | Progress):
                        self._listener.running(event.task, event.share if isinstance(event, Progress) else 0.0)
        finally:
            engine.close()

    def _plan(self, job: _Job, block: int) -> int:
        """Take what the store has for a block, and queue the rest; returns how many trials are missing."""
        missing = 0
        for task in self._tasks(job, block):
            job.tasks[task.control, block] = task
            stored = self._store.measured(task.key)
            if stored is not None and self._unkeyed_as_before(stored):
                job.outcomes[task.control, block] = stored
            else:
                self._todo.append(task)
                missing += 1
        return missing

    def _tasks(self, job: _Job, block: int) -> list[Task]:
        return [Task(job.claim, self._tier, self._seed, control, block, job.sources) for control in job.claim.variants]

    def _unkeyed_as_before(self, outcome: Outcome) -> bool:
        """Whether the files that a trial imported in ways that its key does not know (by name, say) are still the same."""
        files = outcome.facts.get("unkeyed", {})
        for name in files:
            if name not in self._digests:
                self._digests[name] = digest_or_gone(name)
        return all(self._digests[name] == digest for name, digest in files.items())

    def _finish(self, task: Task, outcome: Outcome) -> None:
        job = self._jobs[task.claim.name]
        outcome = completed(task, outcome, self._store)
        self._store.put(task, outcome)
        job.outcomes[task.control, task.block] = replace(outcome, evidence=None)  # the store has it
        self._listener.trial_done(task, outcome)
        self._conclude_if_complete(job)

    def _conclude_if_complete(self, job: _Job) -> None:
        if not job.complete:
            return
        record = self._conclude(job)
        if record is not None:
            self._records[job.claim.name] = record
            self._listener.verdict(record)

    def _conclude(self, job: _Job) -> Record | None:
        """The verdict of a complete job, or None if it was a surprise that is now being repeated."""
        claim = job.claim
        power = self._power_of(job)
        key = derivation_key(claim, job.tasks[None, 0], job.outcomes, power)
        known = self._store.verdict(key)
        if known is not None:
            known.update(costs(job.outcomes.values()))
            self._store.renew_verdict(key, known)
            return known
        judged = {place: judge(claim, place[0], outcome, self._store.evidence) for place, outcome in job.outcomes.items()}
        repeated = any(block for _, block in job.outcomes)
        if not repeated and is_surprise(claim, self._tier, {control: record for (control, _), record in judged.items()}):
            missing = self._plan(job, block=1)
            self._listener.repeating(claim, missing)
            return self._conclude(job) if job.complete else None
        flaky = [
            f"{control or 'the claim'} gave other bytes than before on the same trial, sources and versions"
            for (control, _), outcome in job.outcomes.items()
            if "differs_from" in outcome.facts
        ]
        if power and power["flaky"] and power["current"]:
            flaky.append("the power run saw two outcomes of one trial")
        record = derive(claim, job.tasks, job.outcomes, judged, power=power, flaky=flaky)
        self._store.put_verdict(key, record)
        return record

    def _power_of(self, job: _Job) -> Mapping[str, Any] | None:
        folder = Path(job.claim.file).parent
        file = self._power.setdefault(folder, PowerFile(folder))
        first = {control: job.outcomes[control, 0] for control in job.claim.variants} if self._seed == FIRST_SEED else None
        return file.of(job.claim, job.sources, self._tier, evidence_digest(first) if first else None)


def in_shard(claim: Claim, seed: int, shard: tuple[int, int]) -> bool:
    """Whether a claim belongs to shard i of n: by the hash of its name and seed, so that a shard reaches whole verdicts."""
    number, count = shard
    digest = hashlib.sha256(json.dumps([claim.name, seed]).encode()).digest()
    return int.from_bytes(digest[:8], "big") % count == number - 1


def why(claim: Claim, store: Store | None, *, tier: Tier, seed: int) -> list[str]:
    """For every trial of a claim, why it would or would not be measured again, a line each."""
    reader = SourceReader()
    sources = reader.read(Path(claim.file))
    reader.save()
    lines = []
    for control in claim.variants:
        task = Task(claim, tier, seed, control, 0, sources)
        name = control or "the claim"
        if store is not None and store.measured(task.key) is not None:
            lines.append(f"{name}: stored, would not be measured again")
            continue
        before = store.last_sources(task) if store is not None else None
        if before is None:
            lines.append(f"{name}: was never measured at tier {tier} with seed {seed}")
            continue
        changes = sources.changes(before)
        lines.append(f"{name}: {', '.join(changes) if changes else 'its last run failed, or its arrays are gone'}")
    return lines
