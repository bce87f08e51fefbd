"""What an engine is: it is given tasks and yields what becomes of them. The supervisor is one; a cluster can be another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ntkit.claims._outcome import Outcome, Task


@dataclass(frozen=True)
class Started:
    """A task's measurement begins."""

    task: Task


@dataclass(frozen=True)
class Progress:
    """A task has done this share of its steps."""

    task: Task
    share: float


@dataclass(frozen=True)
class Finished:
    """A task is over."""

    task: Task
    outcome: Outcome


Event = Started | Progress | Finished


class Engine(Protocol):
    """Runs tasks somewhere, in any order. Deadlines and memory limits are the engine's to keep."""

    def submit(self, task: Task) -> None:
        """Queue a task."""

    def events(self) -> Iterator[Event]:
        """What happens, until no task is left; tasks may be submitted in between."""

    def close(self) -> None:
        """End everything at once."""
