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

    def of(self, claim: Claim, sources: Sources, tier: Tier) -> Mapping[str, Any] | None:
        """The claim's entry for this tier; `current` says whether it holds for today's code, rule and controls."""
        entry = self.entries.get(claim.name)
        if entry is None or entry["tier"] != tier:
            return None
        return {**entry, "current": entry["sources"] == power_digest(claim, sources)}

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


def power_digest(claim: Claim, sources: Sources) -> str:
    """What a power run holds for: the code that measures, and the rule, controls and record that it was judged by."""
    controls = {name: list(control.parts) for name, control in claim.controls.items()}
    what = [sources.code_digest, claim.name, claim.rule_data, controls, dict(claim.recorded)]
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
        "tier": tier,
        "seeds": seeds,
        "as_recorded": verdicts[claim.recorded[tier]],
        "verdicts": dict(verdicts),
        "controls": {name: sum(w == "refuted" for (_, c), w in words.items() if c == name) for name in claim.controls},
        "flaky": (first.status, first.digest) != (second.status, second.digest),
    }
