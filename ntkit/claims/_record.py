"""A stored result as figures and reports see it: the claim, its verdict, and the arrays behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkit.claims._claim import Claim
from ntkit.claims._errors import UsageError
from ntkit.claims._store import Store
from ntkit.claims._trial import FIRST_SEED

if TYPE_CHECKING:
    from ntkit.claims._evidence import Measurement


@dataclass(frozen=True)
class Record:
    """A verdict with its evidence.

    Attributes:
        claim: what was declared.
        verdict: what `ntkit verify --json` writes of it: verdict, statistic, interval, regions, sentence, controls, ...
        created: when the verdict was reached (ISO 8601, UTC).
    """

    claim: Claim
    verdict: Mapping[str, Any]
    created: str
    store: Store

    @property
    def outdated(self) -> bool:
        """Whether the claim was declared otherwise when the verdict was reached."""
        return bool(self.verdict["declaration"] != self.claim.declaration)

    @property
    def tier(self) -> str:
        """The tier it was measured at."""
        return str(self.verdict["tier"])

    def evidence_path(self, control: str | None = None) -> Path | None:
        """The `.npz` with the arrays of the claim, or of a control; None where the trial failed."""
        digest = self.verdict["evidence"].get(control or "claim")
        return self.store.evidence_path(digest) if digest else None

    def measurement(self, control: str | None = None) -> Measurement | None:
        """What was measured for the claim, or for a control; None where the trial failed."""
        from ntkit.claims._encoding import decode

        digest = self.verdict["evidence"].get(control or "claim")
        return decode(self.store.evidence(digest)) if digest else None


def latest_records(claims: Iterable[Claim], store: Store) -> list[Record]:
    """The newest verdict on each claim that has one: of tier full where there is one, else quick; never a pilot's."""
    best: dict[str, Mapping[str, Any]] = {}
    for verdict in store.history():
        if verdict["seed"] < FIRST_SEED:
            continue
        before = best.get(verdict["claim"])
        if before is None or verdict["tier"] == "full" or before["tier"] != "full":
            best[verdict["claim"]] = verdict
    return [Record(claim, best[claim.name], best[claim.name]["created"], store) for claim in claims if claim.name in best]


def latest_record(claim: Claim, store: Store) -> Record:
    """The newest verdict on one claim.

    Raises:
        UsageError: it has none yet, or was declared otherwise when it was reached.
    """
    found = latest_records([claim], store)
    if not found:
        raise UsageError(f"{claim.name} has no result in {store.folder}; run `ntkit verify {claim.name}` first")
    if found[0].outdated:
        raise UsageError(
            f"{claim.name} was declared otherwise when it was verified last; run `ntkit verify {claim.name}` again"
        )
    return found[0]
