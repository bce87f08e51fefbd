"""A full disk, a store that cannot be written, a newer or damaged one: one clear line, and what was stored stays."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ntkit.claims import StoreError
from ntkit.claims._store import SCHEMA, Store
from tests.support import equal_claim, ntkit, write_claims

BIG = "return Sides(np.arange(4e4), np.arange(4e4) + (trial.control == 'off'))"


def _catalogue(folder: Path) -> None:
    claims = (equal_claim(f"claim-{i}", f"{BIG.replace('4e4', f'{4 + i}e4')}") for i in range(12))
    write_claims(folder / "paper_checks", "big2024", *claims)


def _small_disk(folder: Path) -> Iterator[tuple[str, ...]]:
    """A file system of its own with 2 MB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs privileges")  # the quota below tests the same everywhere
    yield ()
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _quota(folder: Path) -> Iterator[tuple[str, ...]]:
    """Files that may not grow beyond 400 kB."""
    yield ("bash", "-c", 'ulimit -f 400; exec "$@"', "bash")


@pytest.fixture(params=[_small_disk, _quota], ids=["small-disk", "quota"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    folder = tmp_path / "store"
    folder.mkdir()
    for limit in request.param(folder):
        yield folder, limit


def test_a_full_disk_is_said_clearly_and_keeps_the_store(full: tuple[Path, tuple[str, ...]], tmp_path: Path) -> None:
    store, limit = full
    _catalogue(tmp_path)
    first = ntkit("verify", "big2024/claim-0", "--store", store, "--seed", 1, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    done = ntkit("verify", "--store", store, cwd=tmp_path, under=limit)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert (
        "the disk is full; free some space and run the same command again; what was stored before is still there" in done.stderr
    )
    assert "Traceback" not in done.stderr
    again = ntkit("verify", "big2024/claim-0", "--store", store, "--seed", 1, cwd=tmp_path)
    assert "0 trials to measure, 2 stored" in again.stdout
    assert not list((store / "arrays").glob(".*partial"))


def test_a_read_only_store_can_be_read_but_not_written(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "good2024", equal_claim("good"))
    assert ntkit("verify", cwd=tmp_path).returncode == 0
    store = tmp_path / ".ntkit"
    with _ReadOnly(store):
        assert ntkit("history", "good2024/good", cwd=tmp_path).returncode == 0
        assert "supported" in ntkit("show", "good2024/good", cwd=tmp_path).stdout
        done = ntkit("verify", "--seed", 5, cwd=tmp_path)
    assert done.returncode == 2
    assert "it cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1


class _ReadOnly:
    """Makes a folder read-only, for root too (a bind mount) where that is possible."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        if os.geteuid():
            for path in [self.folder, *self.folder.rglob("*")]:
                path.chmod(path.stat().st_mode & ~0o222)
            return
        for command in (["mount", "--bind", self.folder, self.folder], ["mount", "-o", "remount,ro,bind", self.folder]):
            if subprocess.run(command, capture_output=True, check=False).returncode:
                pytest.skip("root needs a bind mount to be refused, and may not make one here")

    def __exit__(self, *error: object) -> None:
        if os.geteuid():
            for path in [self.folder, *self.folder.rglob("*")]:
                path.chmod(path.stat().st_mode | 0o200)
        else:
            subprocess.run(["umount", "-l", self.folder], check=True)


def test_a_store_of_a_newer_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    Store(tmp_path / "s").close()
    with sqlite3.connect(tmp_path / "s" / "results.sqlite") as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    db.close()
    before = (tmp_path / "s" / "results.sqlite").read_bytes()
    with pytest.raises(
        StoreError, match=f"written by a newer ntkit \\(schema {SCHEMA + 1}, this one knows {SCHEMA}\\); update ntkit"
    ):
        Store(tmp_path / "s")
    assert (tmp_path / "s" / "results.sqlite").read_bytes() == before


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "results.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"results\.sqlite is damaged"):
        Store(tmp_path / "s")


def test_damaged_evidence_is_noticed(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "good2024", equal_claim("good"))
    assert ntkit("verify", cwd=tmp_path).returncode == 0
    store = Store(tmp_path / ".ntkit", write=False)
    file = next((tmp_path / ".ntkit" / "arrays").glob("*.npz"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(StoreError, match="is damaged; delete it and run `ntkit verify` again"):
        store.evidence(file.stem)
    store.close()


def test_reading_a_store_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there are no results here; run `ntkit verify` first"):
        Store(tmp_path / "nowhere", write=False)
    assert not (tmp_path / "nowhere").exists()


def test_many_may_open_one_new_store_at_once(tmp_path: Path) -> None:
    """Each of them changes the journal mode and creates the tables; none may find the database locked."""
    code = "from pathlib import Path; from ntkit.claims._store import Store\nfor i in range(20): Store(Path(f's{i}')).close()"
    runs = [subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    errors = [run.communicate()[1] for run in runs]
    assert errors == [""] * len(runs)
