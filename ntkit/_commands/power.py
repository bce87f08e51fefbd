"""`ntkit power`: over many seeds, how often a claim comes out as recorded and its controls are refuted."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ntkit._commands.verify import check_tier, cores
from ntkit.claims._engine_choice import check_dask, choose_engine
from ntkit.claims._errors import UsageError
from ntkit.claims._index import read_catalogue
from ntkit.claims._places import catalogue_folder
from ntkit.claims._power import PowerFile, measure_power
from ntkit.claims._store import Store
from ntkit.claims._trial import FIRST_SEED


def run(options: argparse.Namespace) -> int:
    """Measure, print, and record it in the catalogue's power.json; 1 if the claim is flaky or a trial failed."""
    check_tier(options.tier)
    check_dask(options.dask)
    folder = catalogue_folder(options.path)
    claim = read_catalogue(folder).one(options.claim)
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{folder} cannot be written, and power.json belongs there; copy the claims, and name them by --path")
    store = Store(Path(options.store))
    engine = choose_engine(options.jobs or cores(), options.dask)
    entry = measure_power(claim, store, engine, tier=options.tier, seeds=options.seeds, say=_say)
    store.close()
    last = FIRST_SEED + options.seeds - 1
    print(f"{claim.name}, tier {options.tier}, seeds {FIRST_SEED} to {last}")
    print(f"  as recorded in {entry['as_recorded']} of {options.seeds}")
    print("  " + ", ".join(f"{word} {count}" for word, count in sorted(entry["verdicts"].items())))
    for name, count in entry["controls"].items():
        print(f"  control {name}: refuted in {count} of {options.seeds}")
    if entry["flaky"]:
        print("  flaky: one trial, run twice, gave two outcomes")
    PowerFile(folder).put(claim.name, entry)
    return 1 if entry["flaky"] or "failed" in entry["verdicts"] else 0


def _say(done: int, total: int) -> None:
    if done == total or done % max(total // 10, 1) == 0:
        print(f"{done} of {total} trials", flush=True)
