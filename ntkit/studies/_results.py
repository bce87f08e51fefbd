"""What a study leaves behind: files that are whole or not there, pictures of equal bytes, a line of progress."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import platform
import sys
import tempfile
import textwrap
import time
import warnings
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkit.claims import UsageError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONG = 5.0  # seconds from which on a time is worth saying
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#555555"  # told apart with any colour vision
FORMATS: dict[str, dict[str, Any]] = {  # what would make the same picture other bytes
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None}, "png": {}, "svg": {"Date": None, "Creator": None},
}  # fmt: skip


def results_folder(name: str) -> Path:
    """The folder for the results, made if it is not there; asked for before computing, not after.

    Raises:
        UsageError: it cannot be made, or not be written to.
    """
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"-o {name}: cannot be a folder ({error.strerror})") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"-o {name}: cannot be written")
    return folder


def results_file(name: str) -> Path:
    """The file of --json; asked for before computing, not after.

    Raises:
        UsageError: it cannot be written.
    """
    file = Path(name)
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise UsageError(f"--json {name}: must be a file in a folder that exists")
    try:
        with tempfile.TemporaryFile(dir=file.absolute().parent):
            return file
    except OSError as error:
        raise UsageError(f"--json {name}: cannot be written ({error.strerror})") from None


def progress_line(doing: str = "computing", *, power: int = 2) -> Callable[[int, int], None] | None:
    """A line on stderr that is written over; None if that is no terminal.

    The work grows as a power of what is done: 2 for `progress=` of `ntkit.kernels.gram`, one triangle row by row.
    """
    if not sys.stderr.isatty():
        return None
    began = time.monotonic()

    def show(done: int, total: int) -> None:
        share = (done / total) ** power
        end = "\r\033[K" if done == total else ""
        left = (time.monotonic() - began) * (1 / share - 1) if share > 0 else 0.0
        more = f", about {said_seconds(left)} left" if left >= LONG else ""
        print(f"\r\033[K{doing}: {share:.0%}{more}", end=end, file=sys.stderr, flush=True)

    return show


def write_whole(path: Path, write: Callable[[Any], Any]) -> None:
    """Write a file whole or not at all: `write` is called with a file that is open for bytes.

    Raises:
        UsageError: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            write(file)
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        partial.unlink(missing_ok=True)


def write_record(path: Path, facts: Mapping[str, Any]) -> None:
    """Write numbers and words as JSON."""
    text = json.dumps(facts, indent=2, allow_nan=False)
    write_whole(path, lambda file: file.write(f"{text}\n".encode()))


def versions() -> dict[str, str]:
    """Of what computes a study's numbers."""
    names = ("ntkit", "numpy", "scipy", "jax", "jaxlib")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}


def hashed(file: str | Path) -> dict[str, str]:
    """A file or a folder that was read, as a record names it; of a folder, the hash is that of all names and hashes in it."""
    if Path(file).is_dir():
        inside = sorted(path for path in Path(file).rglob("*") if path.is_file())
        listed = "".join(f"{hashed(path)['sha256']}  {path.relative_to(file).as_posix()}\n" for path in inside)
        return {"folder": str(file), "sha256": hashlib.sha256(listed.encode()).hexdigest()}
    with Path(file).open("rb") as stream:
        return {"file": str(file), "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def write_picture(path: Path, draw: Callable[[], Figure]) -> None:
    """Draw in the style of all figures, and write in the format that the name ends with."""
    import matplotlib.style

    suffix = path.suffix[1:]
    buffer = io.BytesIO()
    with matplotlib.style.context("ntkit.claims.figures.ntkit", after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # a name that no font has: boxes, and no complaint
        draw().savefig(buffer, format=suffix, metadata=FORMATS[suffix])
    write_whole(path, lambda file: file.write(buffer.getvalue()))


def dots(axes: Axes, x: np.ndarray[Any, np.dtype[Any]], y: np.ndarray[Any, np.dtype[Any]], label: str) -> None:
    """Small points in logarithms, and one that can be seen in the legend."""
    axes.set(xscale="log", yscale="log")
    axes.minorticks_off()
    axes.grid(True)
    axes.plot(x, y, "o", color=BLUE, markersize=2, markeredgewidth=0)
    axes.plot([], [], "o", color=BLUE, markersize=4, markeredgewidth=0, label=label)


def said_seconds(seconds: float) -> str:
    """A time in words.

    Example:
        >>> said_seconds(12.3), said_seconds(150.0), said_seconds(9000.0)
        ('12 s', '2.5 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} min" if seconds < 6000 else f"{seconds / 3600:.2g} h"


def percent(share: float) -> str:
    """A share with three digits.

    Example:
        >>> percent(0.12345)
        '12.3 %'
    """
    return f"{100 * share:.3g} %"


def shown_bound(bound: float) -> str:
    """A number from 0 with two digits, rounded up, so that what is shown is a bound too.

    Example:
        >>> shown_bound(1.01e-16), shown_bound(2.0)
        ('1.1e-16', '2.0e+00')
    """
    if float(f"{bound:.1e}") < bound:
        bound += 0.5 * 10.0 ** (math.floor(math.log10(bound)) - 1)
    return f"{bound:.1e}"


def heading(text: str, width: int = 110) -> str:
    """Lines of a figure's title, broken where they are too long for it."""
    return "\n".join(line for part in text.split("\n") for line in textwrap.wrap(part, width))
