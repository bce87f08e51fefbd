"""The report's folder: what an earlier report wrote there is replaced, what anybody else put there is never touched."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ntkit.claims._errors import UsageError
from ntkit.claims._places import write_atomically

LIST = ".ntkit-report.json"  # the files of the report in this folder, by which the next one knows what is stale


def open_folder(out: Path) -> set[str]:
    """Make the folder ready, and say which files an earlier report left in it.

    Raises:
        UsageError: it is a file, or holds something that no report wrote.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"-o {out}: is a file; give a folder for the pages")
    earlier = _earlier(out)
    if earlier is None:
        if out.is_dir() and any(out.iterdir()):
            raise UsageError(f"-o {out}: holds files that are not a report; give a new or an empty folder")
        earlier = set()
        try:
            _write_list(out, earlier)
        except OSError as error:
            raise UsageError(f"-o {out}: cannot be written ({error.strerror})") from error
    return earlier


def close_folder(out: Path, earlier: Iterable[str], written: Iterable[str]) -> None:
    """Remove what only the earlier report had, and remember what this one wrote."""
    written = set(written)
    root = out.resolve()
    for name in sorted(set(earlier) - written):
        stale = (out / name).resolve()
        if not stale.is_relative_to(root):
            continue  # somebody edited the list
        stale.unlink(missing_ok=True)
        for folder in stale.parents:
            if folder == root or any(folder.iterdir()):
                break
            folder.rmdir()
    _write_list(out, written)


def _earlier(out: Path) -> set[str] | None:
    try:
        return {str(name) for name in json.loads((out / LIST).read_text())["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_list(out: Path, names: Iterable[str]) -> None:
    write_atomically(out / LIST, json.dumps({"files": sorted(names)}, indent=1).encode())
