"""`ntkit cite`: a paper's BibTeX."""

from __future__ import annotations

import argparse

from ntkit.claims._index import read_catalogue
from ntkit.claims._places import catalogue_folder


def run(options: argparse.Namespace) -> int:
    """Print the entry of the paper with this key (or of the paper that a claim is from)."""
    claims = read_catalogue(catalogue_folder(options.path)).select([options.key])
    print(claims[0].paper.bibtex())
    return 0
