"""Power: over many seeds, how often is the claim supported and each control refuted? Kept in a committed file."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ntkit.claims._claim import Claim
from ntkit.claims._completion import completed
from ntkit.claims._derive import judge
from ntkit.claims._engine import Engine, Finished
from ntkit.claims._errors import UsageError
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._places import write_atomically
from ntkit.claims._sources import SourceReader, Sources
from ntkit.claims._store import Store
from ntkit.claims._trial import FIRST_SEED, Tier

POWER_FILE = "power.json"
_FIELDS = {"sources", "tier", "seeds", "as_recorded", "verdicts", "controls", "flaky"}


class PowerFile:
    """The file `power.json` of a catalogue: claim -> counts of its power run, with the sources that they hold for."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / POWER_FILE
        try:
            self.entries: dict[str, Any] = json.loads(self._file.read_text())
            if not all(entry.keys() >= _FIELDS for entry in self.entries.values()):
                raise ValueError("an entry lacks a field")
        except FileNotFoundError:
            self.entries = {}
        except (ValueError, AttributeError) as error:
            raise UsageError(f"{self._file} is no file of power runs ({error}); mend it or delete it") from None

    def of(self, claim: Claim, sources: Sources, tier: Tier, evidence: str | None) -> Mapping[str, Any] | None:
        """The claim's entry for this tier, and whether it holds for today's code, rule and controls.

        Args:
            claim: whose entry.
            sources: of today.
            tier: of the trials.
            evidence: the `evidence_digest` of today's code at the first seed, None if that is not known.

        Returns:
            The entry with `changed`, whether anything of them changed since, and `current`: nothing did, or only code that
            gives the evidence of the first seed as before, to the byte.
        """
        entry = self.entries.get(claim.name)
        if entry is None or entry["tier"] != tier:
            return None
        changed = entry["sources"] != power_digest(claim, sources)
        same = evidence is not None and entry.get("evidence") == evidence and entry.get("judged") == judged_digest(claim)
        return {**entry, "changed": changed, "current": not changed or (same and not entry["flaky"])}

    def put(self, claim: str, entry: Mapping[str, Any]) -> None:
        """Record a power run and write the file."""
        self.entries[claim] = dict(entry)
        text = json.dumps(dict(sorted(self.entries.items())), indent=2)
        try:
            write_atomically(self._file, f"{text}\n".encode())
        except OSError as error:
            raise UsageError(
                f"{self._file} cannot be written ({error.strerror}); copy the claims, and name them by --path"
            ) from None


def power_age(entry: Mapping[str, Any]) -> str:
    """What changed since an entry was measured, to follow its counts; empty if nothing did."""
    if not entry.get("changed", not entry["current"]):  # verdicts of earlier versions lack it
        return ""
    if entry["current"]:
        return "; code has changed since, and gives the same evidence at the first seed, to the byte"
    return "; measured before code, rule or controls last changed"


def power_digest(claim: Claim, sources: Sources) -> str:
    """What a power run holds for: the code that measures, and the rule, controls and record that it was judged by."""
    return _digest([sources.code_digest, *_judged(claim)])


def judged_digest(claim: Claim) -> str:
    """Rule, controls and record alone."""
    return _digest(_judged(claim))


def evidence_digest(outcomes: Mapping[str | None, Outcome | None]) -> str | None:
    """One hash of the evidence of a claim and its controls at the first seed; None where any of it is missing."""
    digests = {control or "": outcome.digest if outcome else "" for control, outcome in outcomes.items()}
    return _digest(digests) if all(digests.values()) else None


def stored_evidence(claim: Claim, sources: Sources, tier: Tier, store: Store) -> str | None:
    """The `evidence_digest` of what a store holds, measured by these sources."""
    tasks = {control: Task(claim, tier, FIRST_SEED, control, 0, sources) for control in claim.variants}
    return evidence_digest({control: store.measured(task.key) for control, task in tasks.items()})


def _judged(claim: Claim) -> list[Any]:
    controls = {name: list(control.parts) for name, control in claim.controls.items()}
    return [claim.name, claim.rule_data, controls, dict(claim.recorded)]


def _digest(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def measure_power(
    claim: Claim, store: Store, engine: Engine, *, tier: Tier, seeds: int, say: Callable[[int, int], None]
) -> dict[str, Any]:
    """Judge the claim and its controls at seeds 1000, 1001, ...; and run one trial twice, to see whether it is flaky.

    Every seed counts by its first block: this is what a run sees before it repeats a surprise.

    Returns:
        The entry for the power file: counts of verdicts, of those as recorded, and of refutations per control.
    """
    reader = SourceReader()
    sources = reader.read(Path(claim.file))
    reader.save()
    tasks = [Task(claim, tier, FIRST_SEED + i, control, 0, sources) for i in range(seeds) for control in claim.variants]
    again = replace(tasks[0], attempt=1)
    outcomes: dict[tuple[int, str | None], Outcome] = {}
    second: Outcome | None = None
    try:
        for task in tasks:
            stored = store.measured(task.key)
            if stored is not None:
                outcomes[task.seed, task.control] = stored
            else:
                engine.submit(task)
        engine.submit(again)
        total = len(tasks) - len(outcomes) + 1
        done = 0
        for event in engine.events():
            if not isinstance(event, Finished):
                continue
            done += 1
            if event.task.attempt:
                second = event.outcome
            else:
                outcome = completed(event.task, event.outcome, store)
                store.put(event.task, outcome)
                outcomes[event.task.seed, event.task.control] = replace(outcome, evidence=None)
            say(done, total)
    finally:
        engine.close()
    assert second is not None
    first = outcomes[FIRST_SEED, None]
    words = {place: judge(claim, place[1], outcome, store.evidence)["verdict"] for place, outcome in outcomes.items()}
    verdicts = Counter(word for (_, control), word in words.items() if control is None)
    return {
        "sources": power_digest(claim, sources),
        "judged": judged_digest(claim),
        "evidence": evidence_digest({control: outcomes[FIRST_SEED, control] for control in claim.variants}),
        "tier": tier,
        "seeds": seeds,
        "as_recorded": verdicts[claim.recorded[tier]],
        "verdicts": dict(verdicts),
        "controls": {name: sum(w == "refuted" for (_, c), w in words.items() if c == name) for name in claim.controls},
        "flaky": (first.status, first.digest) != (second.status, second.digest),
    }
