"""Scripts of cells, to be run as a whole or cell by cell: where their pictures go."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ntkit.claims import UsageError
from ntkit.studies._results import results_folder


def out_folder(document: str | None) -> Path:
    """The folder that `--out DIR` names on the command line of a script, made if it is not there; else the current one.

    In an interactive session, such as a notebook, the command line is not the script's: the current folder is taken.

    Args:
        document: the docstring of the script, the first line of which says what it is for.

    Raises:
        SystemExit: the folder cannot be made or written to, or another option is given; with one line, and exit status 2.

    Example:
        >>> from unittest import mock
        >>> with mock.patch("sys.argv", ["script.py", "--out", "."]):
        ...     print(out_folder("What this is for."))
        .
    """
    purpose = (document or "").partition("\n")[0].replace("%", "%%")
    parser = argparse.ArgumentParser(description=purpose, allow_abbrev=False)
    parser.add_argument("--out", metavar="DIR", default=".", help="folder for the pictures (default: the current one)")
    options = parser.parse_args([] if hasattr(sys, "ps1") else None)
    try:
        return results_folder(options.out)
    except UsageError as error:
        parser.error(str(error).replace("-o ", "--out ", 1))
