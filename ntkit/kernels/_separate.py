"""Functions that XLA compiles by themselves."""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata


def separately(function: Callable[..., Any], *settings: Hashable) -> Callable[..., Any]:
    """The function of arrays, followed by fixed settings, as a unit that XLA does not merge with what is around it.

    On CPUs, XLA fuses cheap arithmetic into every one of its consumers: before a sum over a 3 x 3 window that means nine
    evaluations of the layer before, and loops that are not vectorised (measured: 13 times slower, 3 times longer to
    compile). Where XLA does not know the mark, only speed is lost.
    """
    compiled = _compiled(function, settings)

    def call(*arrays: Any) -> Any:
        with set_xla_metadata(inlineable="false"):  # type: ignore[no-untyped-call]
            return compiled(*arrays)

    return call


@lru_cache(maxsize=1024)
def _compiled(function: Callable[..., Any], settings: tuple[Hashable, ...]) -> Any:
    def inside(*arrays: Any) -> Any:
        with set_xla_metadata(inlineable="true"):  # type: ignore[no-untyped-call]
            return function(*arrays, *settings)

    return jax.jit(inside)
