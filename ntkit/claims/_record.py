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
    from ntkit.claims._evidence import Evidence, Measurement


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
        """The `.npz` with the arrays of the claim, or of a control; None where the trial failed.

        Raises:
            UsageError: the claim has no such control.
        """
        digest = self._digest(control)
        return self.store.evidence_path(digest) if digest else None

    def measurement(self, control: str | None = None) -> Measurement | None:
        """What was measured for the claim, or for a control; None where the trial failed.

        Raises:
            UsageError: the claim has no such control.
        """
        from ntkit.claims._encoding import decode

        digest = self._digest(control)
        return decode(self.store.evidence(digest)) if digest else None

    def part(self, name: str, control: str | None = None) -> Evidence | None:
        """One part of what was measured for a claim that `All` judges; None where the trial failed.

        Args:
            name: the part, as the rule calls it.
            control: the control that it was measured for; None is the claim itself.

        Raises:
            UsageError: the claim has no such part, or no such control.

        Example:
            With `rule=All(curve=Slope(tol=0.1), rank=Exact())`, `record.part("curve", control="wrong")` is a `Series`.
        """
        parts = list(self.claim.rule_data.get("rules", ()))
        if name not in parts:
            known = f"the parts of {self.claim.name} are {parts}" if parts else f"{self.claim.name} has no parts"
            raise UsageError(f"name={name!r}: {known}")
        measured = self.measurement(control)
        return measured.get(name) if isinstance(measured, Mapping) else None

    def _digest(self, control: str | None) -> str | None:
        if control not in self.claim.variants:
            known = [name for name in self.claim.variants if name is not None]
            raise UsageError(f"control={control!r}: the controls of {self.claim.name} are {known}, None is the claim itself")
        digest: str | None = self.verdict["evidence"].get(control or "claim")
        return digest


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
