"""Code that is the user's own: what it raises is shown as hers."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ntkit.claims._errors import UserCodeError
from ntkit.claims._places import is_installed

_PACKAGE = Path(__file__).resolve().parents[1]


@contextmanager
def users_code() -> Iterator[None]:
    """Whatever is raised within becomes a `UserCodeError` with the frames of files that are neither ours nor a library's.

    Example:
        >>> try:
        ...     with users_code():
        ...         {}["width"]
        ... except UserCodeError as error:
        ...     print(error)
        KeyError: 'width'
    """
    try:
        yield
    except UserCodeError:
        raise  # from within, with its frames
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
        raise UserCodeError(_line(error), "".join(traceback.format_list(frames))) from None


def _is_users(file: str) -> bool:
    path = Path(file).resolve()
    return not (file.startswith("<") or path.is_relative_to(_PACKAGE) or is_installed(path))


def _line(error: Exception) -> str:
    """The error in one line; of wrong syntax, with its place, which is no frame."""
    where, text = "", " ".join(str(error).split())
    if isinstance(error, SyntaxError) and error.filename:
        where, text = f" ({Path(error.filename).name}, line {error.lineno})", error.msg
    return f"{type(error).__name__}{f': {text}' if text else ''}{where}"
