"""Parts of a study's results that are kept as they come, so that a run that was interrupted goes on with them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ntkit.studies._results import versions, write_whole

Arrays = dict[str, np.ndarray[Any, Any]]


class Parts:
    """A folder with a file for each part, named by the hash of all that it depends on: what depends on other things is another.

    Args:
        folder: made when there is a part to be kept; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def found_or(self, depends: Mapping[str, Any], compute: Callable[[], Mapping[str, Any]]) -> Arrays:
        """The arrays of a part, read, or else computed and kept.

        Args:
            depends: everything that they depend on, beside the versions of the libraries: words, numbers and arrays.
            compute: finds them.
        """
        if self._folder is None:
            return _arrays(compute())
        file = self._folder / f"{_digest(depends)}.npz"
        if file.exists():
            try:
                with file.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
                    return {name: kept[name] for name in kept.files}
            except (OSError, ValueError, zipfile.BadZipFile):  # damaged on disk: it is computed anew
                file.unlink()
        arrays = _arrays(compute())
        self._folder.mkdir(exist_ok=True)
        write_whole(file, lambda opened: np.savez(opened, **arrays))  # type: ignore[arg-type]
        return arrays


def _arrays(found: Mapping[str, Any]) -> Arrays:
    return {name: np.asarray(value) for name, value in found.items()}


def _digest(depends: Mapping[str, Any]) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            whole = np.ascontiguousarray(value)
            return [str(whole.dtype), whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()]
        raise TypeError(f"depends must hold words, numbers and arrays, got {type(value).__name__}")

    text = json.dumps([versions(), dict(depends)], sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
