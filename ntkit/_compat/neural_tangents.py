"""neural-tangents 0.6.5 on current JAX, without TensorFlow.

The last release (December 2023) imports names that JAX has moved since, and TensorFlow on behalf of `experimental`,
the part that reads TensorFlow models. `load` supplies the names and leaves that part out. Then `stax`, `batch`,
`predict`, `monte_carlo_kernel_fn`, and `empirical_ntk_fn` by Jacobian contraction or by NTK-vector products work;
automatic choice and structured derivatives (`NtkImplementation.AUTO`, `STRUCTURED_DERIVATIVES`) do not: they need
internals that are gone.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_NAME = "neural_tangents"
_INSTALL = (
    "neural-tangents is not installed: install the extra ntkit[neural-tangents]. With pip, which would fetch TensorFlow"
    " along with it, run instead: pip install --no-deps neural-tangents && pip install frozendict"
)


def load() -> ModuleType:
    """The module `neural_tangents`, imported so that it works on current JAX.

    While it imports (and only then; not safe against other threads importing JAX at that moment), `jax.core`,
    `jax.util`, `jax.interpreters.ad` and `neural_tangents.experimental` stand for modules with the missing names. All
    four are put back, so that JAX is as it was; what stays is the ordinary entry of neural-tangents in `sys.modules`,
    without its attribute `experimental`.

    Returns:
        The module; the same one however often it is asked for.

    Raises:
        ImportError: neural-tangents (or its own dependency frozendict) is not installed; the message names the extra.

    Example:
        >>> import numpy as np
        >>> nt = load()
        >>> _, _, kernel = nt.stax.serial(nt.stax.Dense(1), nt.stax.Relu(), nt.stax.Dense(1))
        >>> float(kernel(np.eye(2), None, "nngp")[0, 0])  # E relu(g)^2 = 1/4 for g of variance |x|^2 / 2
        0.25
    """
    if sys.modules.get(_NAME) is not None:
        return sys.modules[_NAME]
    try:
        with _moved_names():
            module = importlib.import_module(_NAME)
    except BaseException as error:
        for name in [n for n in sys.modules if n.partition(".")[0] == _NAME]:
            del sys.modules[name]  # half an import would hide the reason from the next attempt
        if isinstance(error, ModuleNotFoundError) and error.name in (_NAME, "frozendict"):
            raise ImportError(_INSTALL, name=error.name) from error
        raise
    del module.experimental
    return module


@contextmanager
def _moved_names() -> Iterator[None]:
    """Stand in for the modules that neural-tangents expects, and put the real ones back."""
    import jax
    import jax.core
    import jax.extend.core
    import jax.interpreters.ad

    core = _Overlay("jax.core", jax.core, jax.extend.core)
    # Removed from JAX: the rules for it are entered under a primitive that no program contains.
    ad = _Overlay("jax.interpreters.ad", jax.interpreters.ad, zeros_like_p=jax.extend.core.Primitive("zeros_like"))
    util = _Overlay("jax.util", safe_map=_safe_map, safe_zip=_safe_zip)
    experimental = ModuleType(f"{_NAME}.experimental")
    stand_ins = {module.__name__: module for module in (core, ad, util, experimental)}
    before = {name: sys.modules[name] for name in stand_ins if name in sys.modules}
    sys.modules.update(stand_ins)
    # `from jax import core` looks at the attribute, `from jax.core import Var` at sys.modules.
    vars(jax)["core"], vars(jax.interpreters)["ad"] = core, ad
    try:
        yield
    finally:
        vars(jax)["core"], vars(jax.interpreters)["ad"] = before["jax.core"], before["jax.interpreters.ad"]
        for name in stand_ins:
            del sys.modules[name]
        sys.modules.update(before)


class _Overlay(ModuleType):
    """A module that answers with given names first, and with those of other modules after that."""

    def __init__(self, name: str, *behind: ModuleType, **names: object) -> None:
        super().__init__(name)
        self._behind = behind
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        for module in self._behind:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def _safe_map(function: Callable[..., Any], *sequences: Any) -> list[Any]:
    return [function(*items) for items in zip(*sequences, strict=True)]


def _safe_zip(*sequences: Any) -> list[tuple[Any, ...]]:
    return list(zip(*sequences, strict=True))
