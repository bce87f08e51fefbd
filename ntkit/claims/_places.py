"""Where things are: the user's cache, the folder with claim files, and what ships with the package."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
import tempfile
from pathlib import Path

from ntkit.claims._errors import UsageError

_PACKAGE = Path(__file__).resolve().parents[1]


def cache_folder() -> Path:
    """The user's cache folder for ntkit; the environment variable NTKIT_CACHE overrides it."""
    if os.environ.get("NTKIT_CACHE"):
        return Path(os.environ["NTKIT_CACHE"])
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "ntkit"
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        return Path(tempfile.gettempdir()) / f"ntkit-{os.getuid()}"
    return home / "Library" / "Caches" / "ntkit" if sys.platform == "darwin" else home / ".cache" / "ntkit"


def bundled_folder(name: str) -> Path:
    """The folder `name` that ships with the package: inside it in a wheel, beside it in a checkout."""
    inside = _PACKAGE / "_bundled" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def catalogue_folder(path: str | None) -> Path:
    """The folder that holds the claim files: `path`, else ./paper_checks, else the bundled copy.

    Raises:
        UsageError: the folder is not there.
    """
    if path is not None:
        folder = Path(path)
        if not folder.is_dir():
            raise UsageError(f"--path {path}: there is no such folder; it must be the folder that holds the claim files")
        return folder.resolve()
    local = Path("paper_checks")
    return local.resolve() if local.is_dir() else bundled_folder("paper_checks")


_INSTALLED = tuple({Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib", "purelib", "platlib")})


def is_installed(path: Path) -> bool:
    """Whether a resolved path belongs to an installed library, which is known by its version, not by its sources."""
    named = not {"site-packages", "dist-packages"}.isdisjoint(path.parts)
    return named or any(path.is_relative_to(folder) for folder in _INSTALLED)


def file_digest(file: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
