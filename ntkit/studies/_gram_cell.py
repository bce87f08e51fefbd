"""Bands of a Gram matrix as a cell of a sweep; all that it needs is imported once, by a process that stays warm."""

from typing import Any

import jax  # noqa: F401

import ntkit.kernels  # noqa: F401
from ntkit.claims import Trial
from ntkit.studies._spread import computed_bands


def bands(trial: Trial) -> dict[str, Any]:
    """The bands that the parameters name: a pure function of them and of the inputs."""
    return computed_bands(trial.parameters)
