"""Parts of a computation on all cores, in threads: what is compiled lets go of the interpreter while it runs."""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

Part = TypeVar("Part")
Made = TypeVar("Made")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(function: Callable[[Part], Made], parts: Sequence[Part]) -> Generator[Made, None, None]:
    """What a function makes of each part, in their order, as many at a time as there are cores.

    Threads take the precision and the device of who asks. An interrupt waits for what runs, but not for what is queued.

    Example:
        >>> list(each(lambda n: n**2, [1, 2, 3]))
        [1, 4, 9]
    """
    double = jnp.zeros(0, float).dtype == np.float64  # which a thread has of its own, and the device
    device = jax.config.jax_default_device  # type: ignore[attr-defined]

    def one(part: Part) -> Made:
        with jax.enable_x64(double), jax.default_device(device):
            return function(part)

    with ThreadPoolExecutor(cores()) as pool:
        found = [pool.submit(one, part) for part in parts]
        try:
            for part in found:
                yield part.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
