"""Results that many tests look at, measured once."""

from pathlib import Path

import pytest

from ntkit.claims import Record
from ntkit.claims._record import latest_records
from ntkit.claims._store import Store
from tests.figures.records import KINDS, TROUBLE, declare, measure


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test shares the user's cache, or a `figures` folder of the directory that it is run from."""
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """A result for every kind of evidence and every kind of trouble, by slug; nobody may change them."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NTKIT_CACHE", str(folder / "cache"))
        claims = declare(folder / "paper_checks", "doe2024", *KINDS.values(), *TROUBLE.values())
        store = Store(folder / "store")
        measure(claims, store)
    return {record.claim.slug: record for record in latest_records(claims, store)}
