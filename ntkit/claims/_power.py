"""Power: over many seeds, how often is the claim supported and each control refuted? Kept in a committed file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ntkit.claims._places import write_atomically

POWER_FILE = "power.json"
FIRST_SEED = 1000
TARGET = 48  # of 50 seeds; below it the claim is redesigned on pilot seeds, or says so


class PowerFile:
    """The file `power.json` of a catalogue: claim -> counts of its power run, with the sources that they hold for."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / POWER_FILE
        try:
            self.entries: dict[str, Any] = json.loads(self._file.read_text())
        except FileNotFoundError:
            self.entries = {}

    def current(self, claim: str, sources: str, tier: str) -> Mapping[str, Any] | None:
        """The claim's entry if it was measured on these sources and at this tier."""
        entry = self.entries.get(claim)
        return entry if entry and entry["sources"] == sources and entry["tier"] == tier else None

    def put(self, claim: str, entry: Mapping[str, Any]) -> None:
        """Record a power run and write the file."""
        self.entries[claim] = dict(entry)
        text = json.dumps(dict(sorted(self.entries.items())), indent=2)
        write_atomically(self._file, f"{text}\n".encode())
