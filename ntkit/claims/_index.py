"""The catalogue without importing it: what each claim file declares, remembered by the hash of the file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from ntkit.claims._claim import Claim
from ntkit.claims._collect import claim_files
from ntkit.claims._errors import UsageError
from ntkit.claims._places import cache_folder, write_atomically
from ntkit.claims._sources import SourceReader, digest_or_gone

SHIPPED = "index.json"
COLLECT_TIMEOUT = 300.0  # seconds for importing claim files, which compile nothing


@dataclass(frozen=True)
class Catalogue:
    """The claims of a folder, in the order of files and lines, and the files that could not be read."""

    folder: Path
    claims: tuple[Claim, ...]
    errors: tuple[str, ...]

    def select(self, names: Sequence[str]) -> list[Claim]:
        """The claims of these papers (PAPER) or with these names (PAPER/CLAIM); all if there are no names.

        Raises:
            UsageError: a name is unknown; the message has the nearest ones.
        """
        known = {claim.name for claim in self.claims} | {claim.paper.key for claim in self.claims}
        for name in names:
            if name not in known:
                unread = f" ({len(self.errors)} files could not be read: {self.errors[0]})" if self.errors else ""
                raise UsageError(f"unknown claim {name!r}{_nearest(name, known)}{unread}")
        return [c for c in self.claims if not names or c.name in names or c.paper.key in names]

    def one(self, name: str) -> Claim:
        """The claim with this name.

        Raises:
            UsageError: there is none, or the name is that of a paper with several claims.
        """
        found = self.select([name])
        if len(found) > 1:
            raise UsageError(f"{name} has {len(found)} claims; name one of {', '.join(c.name for c in found)}")
        return found[0]


def read_catalogue(folder: Path) -> Catalogue:
    """The catalogue of a folder; only files that are new or changed are imported, in one child process.

    Raises:
        UsageError: the folder holds no claim file.
    """
    files = claim_files(folder)
    if not files:
        raise UsageError(f"{folder} holds no claim file; `ntkit init` writes a first one into ./paper_checks")
    cached = cache_folder() / "index" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.json"
    digests = _digests(folder, files)
    known = _known(folder / SHIPPED, digests) | _known(cached, digests)
    missing = [file for file in files if file.name not in known]
    if missing:
        reader = SourceReader()
        for name, entry in _import_in_child(missing).items():
            behind = reader.read(folder / name).files  # a rule's tolerance may come from any module
            known[name] = {**entry, "digest": digests[name], "files": behind}
        reader.save()
        _remember(cached, {name: entry for name, entry in known.items() if "error" not in entry})
    claims: list[Claim] = []
    errors: list[str] = []
    for file in files:
        entry = known[file.name]
        errors += [entry["error"]] if "error" in entry else []
        claims += [Claim.from_dict({**data, "file": str(file)}) for data in entry.get("claims", ())]
    return Catalogue(folder, tuple(_distinct(claims, errors)), tuple(errors))


def write_index(folder: Path) -> Path:
    """Write the index that ships with a catalogue, so that whoever installs it need not import it to list it."""
    catalogue = read_catalogue(folder)
    if catalogue.errors:
        raise UsageError(catalogue.errors[0])
    files = claim_files(folder)
    digests = _digests(folder, files)
    entries: dict[str, Any] = {file.name: {"digest": digests[file.name], "claims": []} for file in files}
    for claim in catalogue.claims:
        name = Path(claim.file).name
        entries[name]["claims"].append({**claim.as_dict(), "file": name})
    write_atomically(folder / SHIPPED, json.dumps(entries, indent=1).encode())
    return folder / SHIPPED


@cache
def framework_digest() -> str:
    """The hash of the sources that declare and judge: verdicts and index are derived again when it changes."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for file in sorted([*here.glob("*.py"), *(here / "rules").glob("*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _digests(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """What each file's declarations depend on: itself, the helpers beside it, and this package."""
    shared = hashlib.sha256(framework_digest().encode())
    for helper in sorted(folder.glob("_*.py")):
        shared.update(helper.name.encode() + helper.read_bytes())
    return {file.name: hashlib.sha256(shared.digest() + file.read_bytes()).hexdigest() for file in files}


def _known(index: Path, digests: dict[str, str]) -> dict[str, Any]:
    """The entries of an index whose file, and all the modules behind it, are as they were."""

    @cache
    def now(name: str) -> str:
        return digest_or_gone(name)

    try:
        entries = json.loads(index.read_text())
        return {
            name: entry
            for name, entry in entries.items()
            if entry["digest"] == digests.get(name) and all(now(f) == d for f, d in entry.get("files", {}).items())
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # an index only saves time: without one the files are imported


def _remember(index: Path, entries: dict[str, Any]) -> None:
    try:
        write_atomically(index, json.dumps(entries).encode())
    except OSError:
        return  # a cache that cannot be written costs time, nothing else


def _import_in_child(files: list[Path]) -> dict[str, Any]:
    """Import files in a child process; one that kills or stalls the child is blamed, and the rest goes on in a new one."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        remaining = list(files)
        while remaining:
            out = Path(scratch) / f"{len(remaining)}.jsonl"
            out.touch()
            death = _run_child(out, remaining)
            for line in out.read_text().splitlines():
                entry = json.loads(line)
                found[Path(entry.pop("file")).name] = entry
            remaining = [file for file in remaining if file.name not in found]
            if remaining:
                blamed = remaining.pop(0)
                found[blamed.name] = {"error": f"{blamed}:1: {death} while it was imported"}
    return found


def _run_child(out: Path, files: list[Path]) -> str:
    """Collect files in a child, and say how it ended."""
    command = [sys.executable, "-P", "-m", "ntkit.claims._collect", str(out), *map(str, files)]
    environment = {"JAX_PLATFORMS": "cpu", **os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    null = subprocess.DEVNULL
    child = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, env=environment, start_new_session=True)
    try:
        status = child.wait(COLLECT_TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"took more than {COLLECT_TIMEOUT:.0f} s"
    finally:
        with contextlib.suppress(ProcessLookupError):  # with whatever it started
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return f"ended the interpreter (exit status {status})"


def _distinct(claims: list[Claim], errors: list[str]) -> list[Claim]:
    """Drop the claims of a paper that an earlier file declares already, with an error that names both files."""
    homes: dict[str, str] = {}
    kept = []
    for claim in claims:
        home = homes.setdefault(claim.paper.key, claim.file)
        if home == claim.file:
            kept.append(claim)
        else:
            message = f"{claim.file}:{claim.line}: paper {claim.paper.key} is declared in {home} already; give it another key"
            errors += [message] if message not in errors else []
    return kept


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; nearest: {', '.join(close)}" if close else "; `ntkit list` prints all"


if __name__ == "__main__":
    print(write_index(Path(sys.argv[1]).resolve()))
