"""Import claim files, each by its path, and read what they declare. Runs in a process of its own (`python -m`)."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from ntkit.claims._claim import Claim
from ntkit.claims._errors import ClaimError
from ntkit.claims._trial import Trial

Declared = dict[str, tuple[Claim, Callable[[Trial], Any]]]


def claim_files(folder: Path) -> list[Path]:
    """The claim files of a folder, sorted; names that begin with an underscore or a dot are helpers."""
    return sorted(file for file in folder.glob("*.py") if file.is_file() and not file.name.startswith(("_", ".")))


def load(file: Path) -> Declared:
    """Import one claim file and return its claims by slug with the functions that measure them.

    Raises:
        ClaimError: the file does not import, or declares something wrongly; the message has file, line and remedy.
    """
    for folder in (file.parent, file.parent.parent):  # at the end: helpers and the user's own code shadow nothing
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    try:
        module = _import(file)
    except ClaimError:
        raise
    except BaseException as error:
        raise ClaimError(f"{_where(error, file)}: {_what(error)}") from error
    from ntkit.claims._paper import Paper

    papers = {id(value): value for value in vars(module).values() if isinstance(value, Paper)}
    if not papers:
        raise ClaimError(f"{file}:1: declares no Paper; a helper's file name begins with an underscore")
    if len(papers) > 1:
        raise ClaimError(f"{file}:1: declares {len(papers)} papers; give each paper a file of its own")
    paper = next(iter(papers.values()))
    if not paper.declared:
        raise ClaimError(f"{file}:1: paper {paper.key} has no claim; decorate a function with @paper.claim(...)")
    return paper.declared


def load_function(file: Path, name: str) -> Callable[[Trial], Any]:
    """Import one file and return a function of it that measures the cells of a sweep.

    Raises:
        ClaimError: there is no such function.
    """
    function = getattr(_import(file), name, None)
    if not callable(function):
        raise ClaimError(f"{file}:1: has no function {name!r}")
    measure: Callable[[Trial], Any] = function
    return measure


def _import(file: Path) -> ModuleType:
    name = f"_ntkit_claims_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _where(error: BaseException, file: Path) -> str:
    """The last line of the claim file that led to the error."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f"{file}:{frames[-1].lineno if frames else 1}"


def _what(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    option = re.search(r"(\w+)\.(?:__init__|claim)\(\) got an unexpected keyword argument '(\w+)'", str(error))
    if option:
        from ntkit.claims import _paper, rules

        owner = getattr(rules, option[1], None) or _paper.Paper.claim
        allowed = ", ".join(name for name in inspect.signature(owner).parameters if name != "self")
        return f"unknown option {option[2]!r}; allowed are {allowed}"
    if isinstance(error, ModuleNotFoundError):
        return f"{text}; install it, or put the module beside the claim files"
    return text


def main(out: str, files: Iterable[str]) -> None:
    """Append one JSON line per file to `out`: its claims, or the error it was refused with."""
    for name in files:
        with Path(out).open("a") as lines:
            try:
                result: dict[str, Any] = {"claims": [claim.as_dict() for claim, _ in load(Path(name)).values()]}
            except ClaimError as error:
                result = {"error": str(error)}
            lines.write(json.dumps({"file": name, **result}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
