"""`ntkit figure`: the figure of a claim, with its data beside it."""

from __future__ import annotations

import argparse
from pathlib import Path

from ntkit.claims._index import read_catalogue
from ntkit.claims._places import catalogue_folder
from ntkit.claims._record import latest_record
from ntkit.claims._store import Store
from ntkit.claims.figures import save


def run(options: argparse.Namespace) -> int:
    """Draw the newest result (of tier full where there is one) and say what was written."""
    claim = read_catalogue(catalogue_folder(options.path)).one(options.claim)
    record = latest_record(claim, Store(Path(options.store), write=False))
    written = save(record, Path(options.out))
    print(f"{claim.name} ({record.tier} tier): wrote {', '.join(map(str, written))}")
    return 0
