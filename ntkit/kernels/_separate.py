"""Functions that XLA compiles by themselves."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata


def separately(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a unit that XLA does not merge with what comes before and after it.

    On CPUs, XLA fuses cheap arithmetic into every one of its consumers: before a sum over a 3 x 3 window that means nine
    evaluations of the layer before, and loops that are not vectorised (measured: 13 times slower, 3 times longer to
    compile). Where XLA does not know the mark, only speed is lost. Arguments after the first are static.
    """
    compiled = _compiled(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        with set_xla_metadata(inlineable="false"):  # type: ignore[no-untyped-call]
            return compiled(*args, **kwargs)

    return call


@lru_cache
def _compiled(function: Callable[..., Any]) -> Any:
    return jax.jit(function, static_argnums=(1, 2))
