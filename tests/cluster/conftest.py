"""A real Dask cluster of two worker processes on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ntkit.claims._local_cluster import local_cluster


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of everything here, by which its processes are known."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("NTKIT_CACHE")
    os.environ["NTKIT_CACHE"] = str(folder)
    yield folder
    os.environ.pop("NTKIT_CACHE") if before is None else os.environ.update(NTKIT_CACHE=before)


@pytest.fixture(scope="module")
def address(cache: Path) -> Iterator[str]:
    """Of a cluster of two worker processes; what dies in it is started again."""
    with local_cluster(2) as where:
        yield where
