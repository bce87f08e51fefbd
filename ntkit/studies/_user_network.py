"""A network that a user wrote: an object with `init` and `apply`, made by a function of her file."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkit.claims import UsageError, users_code

if TYPE_CHECKING:
    import jax

FLOATS = {"float32", "float64"}
_PLACE = re.compile(r"(?P<file>.+\.py):(?P<function>[A-Za-z_]\w*)")


@dataclass(frozen=True)
class UserNetwork:
    """An object with `init(key)` and `apply(params, x)`; what it raises is a `UserCodeError` that shows the user's lines alone.

    Attributes:
        place: FILE.py:function, as it was given.
        made: the object.
        code: SHA-256 of the file.
    """

    place: str
    made: Any = field(repr=False)
    code: str

    def init(self, key: jax.Array) -> Any:
        """Parameters, a pytree of arrays of float32 or float64.

        Raises:
            UserCodeError: the user's code raised.
            UsageError: it returned something else.
        """
        import jax

        with users_code():
            params = self.made.init(key)
        kinds = {str(getattr(leaf, "dtype", type(leaf).__name__)) for leaf in jax.tree.leaves(params)}
        if not kinds or not kinds <= FLOATS:
            got = ", ".join(sorted(kinds)) or "nothing"
            raise UsageError(f"--net {self.place}: init must return a pytree of arrays of float32 or float64, got {got}")
        return params

    def apply(self, params: Any, x: Any) -> jax.Array:
        """Outputs, shape (n, outputs).

        Raises:
            UserCodeError: the user's code raised.
            UsageError: it returned something else.
        """
        with users_code():
            found = self.made.apply(params, x)
        if getattr(found, "ndim", None) != 2 or len(found) != len(x):
            got = getattr(found, "shape", type(found).__name__)
            raise UsageError(f"--net {self.place}: apply must return shape ({len(x)}, outputs) for {len(x)} inputs, got {got}")
        outputs: jax.Array = found
        return outputs


def is_place(text: str) -> bool:
    """Whether --net names a function of a file, rather than layers.

    Example:
        >>> is_place("my net.py:make"), is_place("dense relu dense")
        (True, False)
    """
    return _PLACE.fullmatch(text.strip()) is not None


def file_of(place: str) -> Path:
    """The file of FILE.py:function."""
    return Path(place.strip().rpartition(":")[0])


def absolute_place(place: str) -> str:
    """FILE.py:function as it is found from any folder."""
    return f"{file_of(place).resolve()}:{place.strip().rpartition(':')[2]}"


def user_network(text: str) -> UserNetwork:
    """The network that FILE.py:function makes. The file is found by its path; its folder is not put on `sys.path`.

    Raises:
        UsageError: no such file or function, or one that returns an object without `init` and `apply`.
        UserCodeError: the user's code raised.
    """
    match = _PLACE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--net {text}: must be words, or FILE.py:function")
    file, name = Path(match["file"]), match["function"]
    if not file.is_file():
        raise UsageError(f"--net {text}: there is no such file as {file}")
    module = _imported(file)
    function = getattr(module, name, None)
    if not callable(function):
        there = ", ".join(sorted(key for key, value in vars(module).items() if callable(value) and not key.startswith("_")))
        raise UsageError(f"--net {text}: {file} has no function {name}; it has {there or 'none'}")
    with users_code():
        made = function()
    if not all(callable(getattr(made, method, None)) for method in ("init", "apply")):
        raise UsageError(f"--net {text}: {name}() must return an object with init(key) and apply(params, x), got {made!r}")
    return UserNetwork(text, made, hashlib.sha256(file.read_bytes()).hexdigest())


def _imported(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"_ntkit_user_{file.stem}", file.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where pickle and dataclasses look for it
    with users_code():
        spec.loader.exec_module(module)
    return module
