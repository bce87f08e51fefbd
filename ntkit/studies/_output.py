"""Where a study's results go: one folder of one form, and the numbers alone."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.studies._inputs import MOST_SEEDS, whole
from ntkit.studies._parts import Parts
from ntkit.studies._results import (
    FORMATS,
    hashed,
    results_file,
    results_folder,
    versions,
    write_picture,
    write_record,
    write_whole,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = "parts.partial"


def add_output_options(
    parser: argparse.ArgumentParser, *, seed: str = "of all that is random", last_seed: int = MOST_SEEDS, required: bool = False
) -> None:
    """Declare where results go, the format of the picture, the seed, and whether a run goes on with an interrupted one."""
    parser.set_defaults(command="")  # set by `ntkit analyze` to what was typed
    group = parser.add_argument_group("results")
    unless = "" if required else " (default: results are only printed)"
    group.add_argument(
        "-o", "--out", required=required, metavar="DIR", help=f"folder for record.json, data.npz and the figure{unless}"
    )
    group.add_argument("--json", metavar="FILE", help="write the numbers alone")
    group.add_argument("--format", choices=tuple(FORMATS), default="svg", help="of the figure (default: svg)")
    group.add_argument("--seed", type=whole(0, last_seed), default=0, metavar="S", help=f"{seed} (default: 0)")
    group.add_argument(
        "--resume", action=argparse.BooleanOptionalAction, default=True,
        help="go on with what an interrupted run of the same command left in --out, which is the default, or start anew",
    )  # fmt: skip


@dataclass(frozen=True)
class Output:
    """The places of one run's results.

    Attributes:
        folder: for files; None if nothing is kept.
        numbers: the file of --json.
        format: of the picture.
        command: that repeats the run.
        seed: of what is random.
        resume: whether to go on with what an interrupted run left.
    """

    folder: Path | None
    numbers: Path | None
    format: str
    command: str
    seed: int
    resume: bool
    _unfinished: list[Path] = field(default_factory=list, init=False, repr=False)

    def unfinished(self, name: str) -> Path | None:
        """The file in which work is kept until everything is written; gone where a run starts anew."""
        if self.folder is None:
            return None
        file = self.folder / name
        if not self.resume:
            file.unlink(missing_ok=True)
        self._unfinished.append(file)
        return file

    def parts(self) -> Parts:
        """Where parts of the results are kept until everything is written; empty where a run starts anew."""
        if self.folder is None:
            return Parts(None)
        if not self.resume:
            shutil.rmtree(self.folder / PARTS, ignore_errors=True)
        return Parts(self.folder / PARTS)

    def write(
        self,
        results: Mapping[str, Any],
        *,
        arrays: Mapping[str, Any],
        draw: Callable[[], Figure],
        conventions: Mapping[str, Any],
        details: Mapping[str, Any] | None = None,
        read: Iterable[str | Path | None] = (),
        tables: Mapping[str, str] | None = None,
        besides: Iterable[Path] = (),
    ) -> None:
        """Write everything, and say what was written.

        Args:
            results: numbers and words; also what goes to --json.
            arrays: for data.npz.
            draw: the picture.
            conventions: what the numbers mean, and of what they are.
            details: more results, for the record only.
            read: files and folders that the results depend on; None for what was not given.
            tables: names of files and their text.
            besides: files that the study has written itself.
        """
        written = list(besides)
        if self.folder is not None:
            record, data, picture = (self.folder / name for name in ("record.json", "data.npz", f"figure.{self.format}"))
            facts = {
                "command": self.command, "versions": versions(), "seed": self.seed,
                "inputs": [hashed(name) for name in read if name is not None],
                "conventions": conventions, "results": {**results, **(details or {})},
            }  # fmt: skip
            for name, text in (tables or {}).items():
                _write_text(self.folder / name, text)
                written.append(self.folder / name)
            write_whole(data, lambda file: np.savez(file, **arrays))
            write_picture(picture, draw)
            write_record(record, facts)
            written += [data, picture, record]
            for file in self._unfinished:
                file.unlink(missing_ok=True)
            shutil.rmtree(self.folder / PARTS, ignore_errors=True)
        if self.numbers is not None:
            write_record(self.numbers, results)
            written.append(self.numbers)
        if written:
            print(f"wrote {', '.join(map(str, written))}")


def _write_text(path: Path, text: str) -> None:
    write_whole(path, lambda file: file.write(text.encode()))


def output(options: argparse.Namespace) -> Output:
    """The places that the options of `add_output_options` name; asked for before computing, not after.

    Raises:
        UsageError: one of them cannot be written.
    """
    numbers = results_file(options.json) if options.json else None
    folder = results_folder(options.out) if options.out else None
    return Output(folder, numbers, options.format, options.command, options.seed, options.resume)
