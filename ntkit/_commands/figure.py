"""`ntkit figure`: the figure of a claim, or of every claim that has a result, with its data beside it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ntkit.claims._claim import Claim
from ntkit.claims._errors import UsageError
from ntkit.claims._index import read_catalogue
from ntkit.claims._places import catalogue_folder
from ntkit.claims._record import latest_record, latest_records
from ntkit.claims._store import Store
from ntkit.claims.figures import save


def run(options: argparse.Namespace) -> int:
    """Draw the newest result (of tier full where there is one) and say what was written."""
    if options.all == (options.claim is not None):
        raise UsageError("either a claim must be named, or --all given for those of all results")
    catalogue, store = read_catalogue(catalogue_folder(options.path)), Store(Path(options.store), write=False)
    if options.all:
        return _draw_all(catalogue.claims, store, Path(options.out), options.format or "svg")
    if options.format is not None:
        raise UsageError(f"--format {options.format}: goes with --all; of one figure, the name says the format")
    claim = catalogue.one(options.claim)
    record = latest_record(claim, store)
    written = save(record, Path(options.out))
    print(f"{claim.name} ({record.tier} tier): wrote {', '.join(map(str, written))}")
    return 0


def _draw_all(claims: Sequence[Claim], store: Store, folder: Path, suffix: str) -> int:
    """DIR/PAPER/CLAIM.svg for every result; one that cannot be drawn is told, and stops no other."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"-o {folder}: must be a folder where --all is given")
    records = latest_records(claims, store)
    drawn, outdated, failed = 0, [], []
    for number, record in enumerate(records, 1):
        if record.outdated:
            outdated.append(record.claim.name)
            continue
        if sys.stderr.isatty():
            print(f"\r\033[K{number} of {len(records)}: {record.claim.name}", end="", file=sys.stderr, flush=True)
        paper, name = record.claim.name.split("/")
        try:
            save(record, folder / paper / f"{name}.{suffix}")
            drawn += 1
        except UsageError as error:
            failed.append(f"{record.claim.name}: {error}")
        except OSError as error:
            raise UsageError(f"-o {folder}: cannot be written ({error.strerror})") from None
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    without = len(claims) - len(records)
    print(f"wrote {drawn} figures into {folder}, each with its data as .csv; claims without a result: {without}")
    if outdated:
        print(f"left out, since declared otherwise when verified last: {', '.join(outdated)}")
    for line in failed:
        print(f"not drawn: {line}")
    return 1 if failed else 0
