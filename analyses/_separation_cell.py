"""One cell of the study `separation`, for its workers; apart from what prints and draws, which changes no result."""

from dataclasses import fields
from typing import Any

from ntkit.claims import Trial
from ntkit.separation import SamplesNeeded, two_step_needed


def cell(trial: Trial) -> dict[str, Any]:
    """What two steps of an architecture need at one size: a pure function of the trial."""
    need = two_step_needed(key=trial.key, **trial.parameters)
    return {field.name: getattr(need, field.name) for field in fields(SamplesNeeded) if field.name != "criterion"}
