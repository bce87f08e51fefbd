"""The pages of the tutorials: the scripts of `analyses/tutorials`, run once, with what each cell prints and the picture.

A script is prose and code in turn: `# %% [markdown]` begins a cell of prose, `# %%` one of code, the docstring is the title. It
is run as a person would, in an empty folder. What it printed and drew is kept in the user's cache, and is taken from there
until its code, a module that it imports or a library changes; prose is never kept.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ntkit.claims._places import cache_folder, write_atomically
from ntkit.claims._sources import SourceReader

SCRIPTS = Path(__file__).resolve().parents[2] / "analyses" / "tutorials"
STYLE = Path(__file__).resolve().parents[2] / "ntkit" / "claims" / "figures" / "ntkit.mplstyle"
LONGEST = 300  # seconds that a script may take
_MARK = re.compile(r"^# %%( \[markdown\])?$", re.MULTILINE)
_BETWEEN = "\x1e\n"  # what stands between the outputs of two cells


@dataclass(frozen=True)
class Cell:
    """A part of a script: prose in Markdown, or code."""

    prose: bool
    text: str


@dataclass(frozen=True)
class Run:
    """What a script printed, cell by cell, and the pictures that it wrote, by name."""

    printed: list[str]
    pictures: dict[str, str]


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each script, and its pictures."""
    from mkdocs.structure.files import File

    scripts = sorted(SCRIPTS.glob("*.py"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # most of their time is compilation, on one core
        runs = list(pool.map(executed, scripts))
    for script, run in zip(scripts, runs, strict=True):
        place = f"tutorial/{script.stem.replace('_', '-')}.md"
        files.append(File.generated(config, place, content=page(script, run)))
        for name, picture in run.pictures.items():
            files.append(File.generated(config, f"tutorial/{name}", content=picture))
    return files


def cells(script: Path) -> list[Cell]:
    """The cells of a script; the first is its docstring, with its first line as the title."""
    text = script.read_text()
    title, _, lead = (ast.get_docstring(ast.parse(text)) or script.stem).partition("\n")
    _, *parts = _MARK.split(text)
    rest = zip(parts[::2], parts[1::2], strict=True)
    return [
        Cell(True, f"# {title}\n{lead}"),
        *(Cell(bool(prose), _prose(part) if prose else part.strip()) for prose, part in rest),
    ]


def _prose(part: str) -> str:
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in part.strip().splitlines())


def page(script: Path, run: Run) -> str:
    """The script in Markdown: prose, code, and below code what it printed."""
    parts = ["---\nhide: [toc]\n---"]  # code needs the room
    for cell, printed in zip(cells(script), run.printed, strict=True):
        parts.append(cell.text if cell.prose else f"```python\n{cell.text}\n```")
        if printed.strip():
            parts.append(f"```text\n{printed.strip(chr(10))}\n```")
    parts.append(
        f"This page is the script `analyses/tutorials/{script.name}` with what it printed and drew; `--out DIR` says where its"
        " picture goes. With a folder named by `JAX_COMPILATION_CACHE_DIR`, what took long to compile is kept for the next run."
    )
    return "\n\n".join(parts) + "\n"


def executed(script: Path) -> Run:
    """What the script prints and draws, from the user's cache if nothing changed that it comes from."""
    kept, key = cache_folder() / "tutorials" / f"{script.stem}.json", _key(script)
    try:
        found = json.loads(kept.read_text())
        if found["key"] == key:
            return Run(found["printed"], found["pictures"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # only a cache
    run = _executed(script)
    write_atomically(kept, json.dumps({"key": key, "printed": run.printed, "pictures": run.pictures}).encode())
    return run


def _key(script: Path) -> str:
    """Changes with all that the script's output may depend on."""
    parts = ["" if cell.prose else cell.text for cell in cells(script)]
    return hashlib.sha256(json.dumps([SourceReader().read(script).digest, parts, STYLE.read_text()]).encode()).hexdigest()


def _executed(script: Path) -> Run:
    """Run a copy that says where its cells begin; lines keep their numbers."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "script", script.name)
        here = Path(folder, "here")
        copy.parent.mkdir()
        here.mkdir()
        copy.write_text(_MARK.sub(lambda _: f"print({_BETWEEN[:-1]!r})", script.read_text()))
        command = [sys.executable, str(copy), "--out", "pictures"]
        done = subprocess.run(
            command, cwd=here, env=_environment(), capture_output=True, text=True, timeout=LONGEST, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{script.name} ends with status {done.returncode}:\n{done.stderr}")
        pictures = {file.name: file.read_text() for file in sorted(Path(here, "pictures").iterdir())}
    return Run(done.stdout.split(_BETWEEN), pictures)


def _environment() -> dict[str, str]:
    """The user's, with compiled programs kept, as by `ntkit analyze`."""
    kept = {"JAX_COMPILATION_CACHE_DIR": str(cache_folder() / "jax"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1"}
    return kept | dict(os.environ)
