"""Parts of a computation in threads: in order, in the precision of who asks, and interrupted at once."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntkit._threads import cores, each


def test_parts_have_the_precision_of_the_thread_that_asks():
    """Which the global setting is not, within a context."""
    for double in (False, True):
        with jax.enable_x64(double):
            found = list(each(lambda n: jnp.zeros(n, float), [1, 2, 3]))
        assert [len(part) for part in found] == [1, 2, 3]
        assert {part.dtype for part in found} == {np.dtype("float64" if double else "float32")}


def test_a_failure_cancels_what_is_queued():
    done = []

    def part(number):
        if number == 0:
            raise KeyboardInterrupt
        time.sleep(0.1)
        done.append(number)

    with pytest.raises(KeyboardInterrupt):
        list(each(part, range(100)))
    assert len(done) <= 4 * cores()


def test_no_parts_are_no_work():
    assert list(each(lambda part: part, [])) == []
