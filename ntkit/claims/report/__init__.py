"""The report: a folder of static pages that a browser opens from the file system, with every claim and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ntkit.claims._claim import Claim
from ntkit.claims._places import write_atomically
from ntkit.claims._store import Store

__all__ = ["write_report"]

_ASSETS = ("report.css", "report.js")


def write_report(claims: Sequence[Claim], store: Store, out: Path) -> Path:
    """Write the pages: an index, a page per claim with its figure and evidence, and one of what did not hold.

    The same claims and store give the same bytes. Of an earlier report in the folder, what this one lacks is removed.

    Args:
        claims: in the order in which they are to be listed; those without a result are listed as such.
        store: where their results are.
        out: the folder, made if it is not there.

    Returns:
        The index page.

    Raises:
        UsageError: `out` is a file, or a folder with other things in it.
    """
    from ntkit.claims.report._claim import claim_page
    from ntkit.claims.report._entry import entries
    from ntkit.claims.report._evidence import write_files
    from ntkit.claims.report._exceptions import exceptions_page
    from ntkit.claims.report._folder import close_folder, open_folder
    from ntkit.claims.report._index import index_page

    earlier = open_folder(out)
    pages = {name: Path(__file__).with_name(name).read_bytes() for name in _ASSETS}
    listed = entries(claims, store)
    written: list[str] = []
    for entry in listed:
        files = write_files(entry, out)
        written += files.names
        pages[entry.page] = claim_page(entry, files)
    pages["exceptions.html"] = exceptions_page(listed)
    pages["index.html"] = index_page(listed)  # the last to be written: until then an earlier index stands
    for name, content in pages.items():
        write_atomically(out / name, content)
    close_folder(out, earlier, [*written, *pages])
    return out / "index.html"
