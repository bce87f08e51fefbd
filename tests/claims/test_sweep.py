"""Sweeps: cells are trials, kept as they come, measured once, whatever happens to others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ntkit.claims import Swept, UsageError, sweep

CELL = '''
"""Cells for a test."""
import numpy as np

def cell(trial):
    """Numbers that depend on the trial alone."""
    with open(trial.parameters["log"], "a") as log:
        log.write("x")
    if trial.parameters["size"] == 13:
        raise ValueError("no luck")
    return {"numbers": trial.rng().normal(size=trial.parameters["size"]), "word": "here"}

def empty(trial):
    """Nothing."""
    return {}
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cells.py").write_text(CELL)
    return tmp_path


def swept(folder: Path, *numbers: int, function: str = "cell", **options: Any) -> list[Swept]:
    cells = [{"size": size, "log": str(folder / "log")} for size in numbers]
    return sweep(folder / "cells.py", function, cells, **{"store": folder / "store", **options})


def measured(folder: Path) -> int:
    """How often a cell was run."""
    return len((folder / "log").read_text()) if (folder / "log").exists() else 0


def test_cells_come_back_in_order_and_are_measured_once(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    first = swept(folder, 3, 5, report=lambda done, total: seen.append((done, total)))
    assert [found.arrays["numbers"].shape for found in first] == [(3,), (5,)]
    assert first[0].arrays["word"].item() == "here"
    assert seen == [(1, 2), (2, 2)]
    assert [found.reused for found in first] == [False, False]
    again = swept(folder, 5, 7, 3)
    assert measured(folder) == 3
    assert [found.reused for found in again] == [True, False, True]
    np.testing.assert_array_equal(again[0].arrays["numbers"], first[1].arrays["numbers"])


def test_the_same_numbers_beside_each_other_and_for_a_seed(folder: Path) -> None:
    one = swept(folder, 2, 3, store=folder / "one")
    two = swept(folder, 3, 2, store=folder / "two", jobs=2)
    other = swept(folder, 2, store=folder / "one", seed=7)
    np.testing.assert_array_equal(one[0].arrays["numbers"], two[1].arrays["numbers"])
    assert (one[0].arrays["numbers"] != other[0].arrays["numbers"]).all()


def test_a_failing_cell_stops_no_other_and_is_tried_again(folder: Path) -> None:
    for _ in range(2):
        bad, good = swept(folder, 13, 4)
        assert bad.failed == "raised ValueError: no luck (cells.py, line 10)"
        assert not bad.arrays
        assert good.arrays["numbers"].shape == (4,)
    assert measured(folder) == 3
    (nothing,) = swept(folder, 1, function="empty")
    assert nothing.failed == "a cell must return a dict of arrays of numbers or words, got dict"


def test_shards_are_parts_of_the_whole(folder: Path) -> None:
    numbers = range(20, 32)
    parts = [swept(folder, *numbers, store=folder / f"part{i}", shard=(i, 3)) for i in (1, 2, 3)]
    had = np.array([[bool(found.arrays) for found in part] for part in parts])
    assert (had.sum(axis=0) == 1).all()
    assert measured(folder) == 12


def test_what_cannot_be_swept_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="cells must be different"):
        swept(folder, 3, 3)
    with pytest.raises(UsageError, match=r"shard must be \(i, n\) with 1 <= i <= n, got \(4, 3\)"):
        swept(folder, 3, shard=(4, 3))
    (missing,) = swept(folder, 3, function="nowhere")
    assert missing.failed.endswith("has no function 'nowhere'")
