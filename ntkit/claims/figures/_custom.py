"""Better figures than the default: a function per claim in `figures/PAPER.py`, imported when it is asked for."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ntkit.claims._claim import Claim
from ntkit.claims._errors import UsageError
from ntkit.claims._places import bundled_folder, file_digest
from ntkit.claims._record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_imported: dict[tuple[Path, str], ModuleType] = {}


def custom_figure(record: Record) -> Figure | None:
    """The claim's own figure, None where nobody wrote one; ./figures adds to those that ship with ntkit.

    Raises:
        UsageError: its file does not import, or its function raises or returns no Figure.
    """
    for file in _files(record.claim):
        function = _function(file, record.claim.slug.replace("-", "_"))
        if function is not None:
            return _call(function, file, record)
    return None


def _files(claim: Claim) -> Iterator[Path]:
    for folder in dict.fromkeys((bundled_folder("figures"), Path("figures").resolve())):
        file = folder / f"{claim.paper.key}.py"
        if file.is_file():
            yield file


def _function(file: Path, name: str) -> Callable[[Record], Any] | None:
    key = file, file_digest(file)
    if key not in _imported:
        module_name = f"_ntkit_figures_{file.stem}_{hashlib.sha256(str(key).encode()).hexdigest()[:8]}"
        spec = importlib.util.spec_from_file_location(module_name, file)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise UsageError(f"{_where(error, file)}: {type(error).__name__}: {error}") from error
        _imported[key] = module
    function = getattr(_imported[key], name, None)
    return function if callable(function) else None


def _call(function: Callable[[Record], Any], file: Path, record: Record) -> Figure:
    from matplotlib.figure import Figure

    try:
        figure = function(record)
    except Exception as error:
        raise UsageError(f"{_where(error, file)}: {type(error).__name__}: {error}") from error
    if not isinstance(figure, Figure):
        raise UsageError(
            f"figures/{file.name}: {function.__name__} must return a matplotlib Figure, it returned {type(figure).__name__}"
        )
    return figure


def _where(error: Exception, file: Path) -> str:
    """The last line of the file that led to the error."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"figures/{file.name}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f"figures/{file.name}:{lines[-1] if lines else 1}"
