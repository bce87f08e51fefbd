"""`ntkit history`: the verdicts on a claim over time."""

from __future__ import annotations

import argparse
from pathlib import Path

from ntkit._commands._words import interval_words, number
from ntkit.claims._errors import UsageError
from ntkit.claims._index import read_catalogue
from ntkit.claims._places import catalogue_folder
from ntkit.claims._store import Store


def run(options: argparse.Namespace) -> int:
    """Print a line per verdict, oldest first; a claim that left the catalogue still has its history."""
    store = Store(Path(options.store), write=False)
    verdicts = store.history(options.claim)
    if not verdicts:
        claim = read_catalogue(catalogue_folder(options.path)).one(options.claim)
        verdicts = store.history(claim.name)
    store.close()
    if not verdicts:
        raise UsageError(f"{claim.name} has no result in {options.store}; run `ntkit verify {claim.name}` first")
    for v in verdicts:
        versions = f"jax {v['versions'].get('jax', '?')}, numpy {v['versions'].get('numpy', '?')}"
        measured = f"{number(v['statistic'])}{interval_words(v['interval'])}"
        print(f"{v['created'][:19]}  {v['tier']:<5}  seed {v['seed']}  {v['verdict']:<12}  {measured}  {versions}")
    return 0
