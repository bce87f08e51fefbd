"""Strict numerics for every test, one thread each, and one profile for property tests."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import jax
import jaxtyping
import pytest
import scipy.linalg  # noqa: F401  (has threads of its own, which are found only when it is loaded)
import threadpoolctl
from hypothesis import settings

from ntkit.claims._places import cache_folder

threadpoolctl.threadpool_limits(1)  # small matrices: threads would wait for each other
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # in processes that tests start, too

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_matmul_precision", "highest")

# Compiled programs are kept, as by `ntkit verify`, in the user's cache, here and by processes that tests start: most of the
# time of most tests is compilation, and a second run takes half as long.
FOLDER, SECONDS = str(cache_folder() / "jax"), 0.05
os.environ |= {"JAX_COMPILATION_CACHE_DIR": FOLDER, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": str(SECONDS)}
jax.config.update("jax_compilation_cache_dir", FOLDER)
jax.config.update("jax_persistent_cache_min_compile_time_secs", SECONDS)

# No deadline, since a first example compiles; the same examples every time, so that a failure is never a matter of luck.
settings.register_profile("ntkit", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("ntkit")


MAPPED = 30_000  # of the 65,530 pieces of memory that Linux lets a process map, beyond which compiling ends it


@pytest.fixture(scope="module", autouse=True)
def few_programs() -> Iterator[None]:
    """Every compiled program maps memory: after thousands of tests one must go, before there is no more."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and len(maps.read_bytes().splitlines()) > MAPPED:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(scope="module")
def hardly_optimised() -> Iterator[None]:
    """Functions compile in two thirds of the time; for files that compile many and run them on little."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def without_type_checks() -> Iterator[None]:
    """What a user has, who gets the errors of the door."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
