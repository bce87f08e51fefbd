"""What tests of claims share: claim files in a folder, the command in a process of its own, and an engine without processes."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ntkit.claims import Claim, Trial
from ntkit.claims._collect import load
from ntkit.claims._encoding import encode
from ntkit.claims._engine import Event, Finished, Started
from ntkit.claims._index import Catalogue, read_catalogue
from ntkit.claims._outcome import Outcome, Task

CALL = "import sys; from ntkit.cli import main; sys.exit(main())"

HEADER = '''
"""A paper for a test."""
import numpy as np
from ntkit.claims import *

paper = Paper(key="{key}", title="Test", authors="Doe, Roe", year=2024)
'''

EQUAL = '''
@paper.claim("{slug}", where="Theorem 1", statement="a = b", rule=Identity(rtol=1e-9), controls={{"off": "one more"}}{options})
def {function}(trial: Trial) -> Sides:
    """Two equal sides."""
    {body}
    return Sides([1.0, 2.0], np.array([1.0, 2.0]) + (trial.control == "off"))
'''


def equal_claim(slug: str, body: str = "pass", options: str = "") -> str:
    """The source of a true claim whose measurement first runs `body`."""
    body = textwrap.indent(textwrap.dedent(body).strip(), "    ").strip()
    return EQUAL.format(slug=slug, function=slug.replace("-", "_"), body=body, options=f", {options}" if options else "")


def write_claims(folder: Path, key: str, *sources: str) -> Path:
    """Write one claim file from the sources of its claims."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{key}.py"
    file.write_text(HEADER.format(key=key) + "".join(sources))
    return file


def catalogue(folder: Path) -> Catalogue:
    """The catalogue of a folder, none of whose files may be broken."""
    found = read_catalogue(folder.resolve())
    assert not found.errors
    return found


def environment(cache: Path) -> dict[str, str]:
    """The environment of a command that shares nothing with the user's."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")}
    return {**kept, "NTKIT_CACHE": str(cache), "NPROC": "1"}


def ntkit(*arguments: object, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with a cache of its own beside it; `under` is a command to run it under."""
    command = [*options.pop("under", ()), sys.executable, "-P", "-c", CALL, *map(str, arguments)]
    options = {"env": environment(cwd / "cache"), "timeout": 120, **options}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)


def start_ntkit(*arguments: object, cwd: Path, **options: Any) -> "subprocess.Popen[str]":
    """Start the command in a folder and do not wait for it."""
    command = [sys.executable, "-P", "-c", CALL, *map(str, arguments)]
    options = {"env": environment(cwd / "cache"), "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
    return subprocess.Popen(command, cwd=cwd, text=True, **options)


def processes(cache: Path) -> set[int]:
    """The living processes that were started, directly or not, by a command with this cache."""
    mark = f"NTKIT_CACHE={cache}".encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            if alive and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.add(int(entry.name))
        except OSError:
            continue  # it ended meanwhile
    return found


def verdicts(file: Path) -> dict[str, Any]:
    """The records that `verify --json` wrote, by claim."""
    return {record["claim"]: record for record in json.loads(file.read_text())}


class DirectEngine:
    """Measures in this process, one task after the other."""

    def __init__(self) -> None:
        self.measured: list[Task] = []
        self._waiting: list[Task] = []

    def submit(self, task: Task) -> None:
        self._waiting.append(task)

    def events(self) -> Iterator[Event]:
        while self._waiting:
            task = self._waiting.pop(0)
            yield Started(task)
            self.measured.append(task)
            yield Finished(task, self.outcome(task))

    def outcome(self, task: Task) -> Outcome:
        import hashlib

        trial = Trial(task.claim.name, task.tier, task.seed, task.control, task.block)
        path, modules = list(sys.path), set(sys.modules)
        try:
            evidence = encode(load(Path(task.claim.file))[task.claim.slug][1](trial))
        except Exception as error:
            return Outcome(task.key, "failed", reason=str(error))
        finally:  # what a worker would take with it
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(str(Path(task.claim.file).parent)):
                    del sys.modules[name]
        digest = hashlib.sha256(evidence).hexdigest()
        facts = {"machine": "here"}
        return Outcome(task.key, "measured", evidence=evidence, digest=digest, unmet=tuple(trial.reasons), facts=facts)

    def close(self) -> None:
        self._waiting.clear()


class Recorder:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.missing = 0
        self.repeated: list[str] = []
        self.records: list[dict[str, Any]] = []

    def planned(self, claims: list[Claim], missing: int) -> None:
        self.missing = missing

    def running(self, task: Task, share: float) -> None: ...

    def trial_done(self, task: Task, outcome: Outcome) -> None: ...

    def repeating(self, claim: Claim, trials: int) -> None:
        self.repeated.append(claim.name)

    def verdict(self, record: dict[str, Any]) -> None:
        self.records.append(record)
