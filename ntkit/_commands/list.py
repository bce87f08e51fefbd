"""`ntkit list`: the claims of the catalogue."""

from __future__ import annotations

import argparse
import sys
from itertools import groupby

from ntkit.claims._index import read_catalogue
from ntkit.claims._places import catalogue_folder


def run(options: argparse.Namespace) -> int:
    """Print the claims, a line each under their papers; files that cannot be read go to standard error."""
    catalogue = read_catalogue(catalogue_folder(options.path))
    claims = catalogue.select(options.names)
    for _, group in groupby(claims, key=lambda claim: claim.paper.key):
        for first, claim in enumerate(group):
            if not first:
                print(f"{claim.paper.authors} ({claim.paper.year}). {claim.paper.title}")
            print(f"  {claim.name:<44} {claim.kind:<9} {claim.where}")
    for error in catalogue.errors:
        print(f"ntkit: error: {error}", file=sys.stderr)
    papers = len({claim.paper.key for claim in claims})
    print(f"{len(claims)} claims of {papers} papers in {catalogue.folder}")
    return 2 if catalogue.errors else 0
