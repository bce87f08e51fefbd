"""`ntkit report`: the results as pages for a browser."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ntkit.claims._index import read_catalogue
from ntkit.claims._places import catalogue_folder
from ntkit.claims._store import Store
from ntkit.claims.report import write_report


def run(options: argparse.Namespace) -> int:
    """Write the report and say where it begins."""
    catalogue = read_catalogue(catalogue_folder(options.path))
    store = Store(Path(options.store), write=False)
    index = write_report(catalogue.claims, store, Path(options.out))
    for error in catalogue.errors:
        print(f"ntkit: error: {error}", file=sys.stderr)
    print(f"open {index}")
    return 2 if catalogue.errors else 0
