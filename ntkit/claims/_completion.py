"""What the driver adds to an outcome before it is kept: whether it can be trusted, and whether it can be reused."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._sources import digest_or_gone
from ntkit.claims._store import Store


def trusted(task: Task, outcome: Outcome) -> Outcome:
    """The outcome, or a failure where its sources do not stand any more, or its evidence is not what was sent."""
    changed = task.sources.changed_files()
    if changed:
        reason = f"{changed[0]} was changed while it was being verified; run the same command again"
        return Outcome(task.key, "failed", reason=reason)
    if outcome.evidence is not None and hashlib.sha256(outcome.evidence).hexdigest() != outcome.digest:
        return Outcome(task.key, "failed", reason="its evidence arrived damaged; run the same command again")
    return outcome


def completed(task: Task, outcome: Outcome, store: Store) -> Outcome:
    """The outcome with what only the driver can know: whether its sources still stand, and whether it was other before."""
    outcome = trusted(task, outcome)
    if outcome.status == "failed":
        return outcome
    facts = dict(outcome.facts)
    unkeyed = [name for name in outcome.own_files if name not in task.sources.files]
    if unkeyed:
        facts["unkeyed"] = {name: digest_or_gone(name) for name in unkeyed}
    before = store.measured_before(task.key)
    same = ("machine", "unkeyed")  # elsewhere, or with other modules behind it, bytes may differ
    if before is not None and all(before[1].get(name) == facts.get(name) for name in same):
        differs_from = before[0] if before[0] != outcome.digest else before[1].get("differs_from")
        facts |= {"differs_from": differs_from} if differs_from else {}
    return replace(outcome, facts=facts)
