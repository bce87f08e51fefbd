"""One report that many tests look at: every kind of evidence and of trouble, a hostile claim, and one without a result."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ntkit.claims import Claim
from ntkit.claims._record import latest_records
from ntkit.claims._store import Store
from ntkit.claims.report import write_report
from tests.figures.records import KINDS, TROUBLE, claim, declare, measure

HOSTILE = (
    "<script>alert('notes')</script>",
    "</dd></main><img src=x onerror=alert(1)>",
    '"><svg onload=alert(2)>',
    "<b>title</b> &amp; </title>",
    "<i>allocate</i>",
)
STATEMENT = (
    r"\frac{a}{b}^2 = \text{<script>alert(3)</script>} \href{javascript:alert(4)}{x} \class{evil}{y} < \text{&lt;script&gt;}"
)


@dataclass(frozen=True)
class Reported:
    """A report, and what it was made of."""

    claims: list[Claim]
    store: Store
    out: Path

    @property
    def pages(self) -> list[Path]:
        """All its pages."""
        return sorted(self.out.rglob("*.html"))

    def record(self, name: str) -> Mapping[str, Any]:
        """The result that it shows of a claim."""
        return next(record.verdict for record in latest_records(self.claims, self.store) if record.claim.name == name)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test shares the user's cache, or a `figures` folder of the directory that it is run from."""
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A report that no test may change."""
    folder = tmp_path_factory.mktemp("reported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NTKIT_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        store = Store(folder / "store")
        claims = declare(folder / "paper_checks", "doe2024", *KINDS.values(), *TROUBLE.values(), _unchecked())
        claims += _hostile(folder / "paper_checks")
        measure(claims, store)
        measure([c for c in claims if c.slug == "integers"], store, tier="full")
        claims += declare(folder / "paper_checks", "new2026", claim("nothing", "Exact()", "Integers", "None"))
        _add_cost_and_power(folder / "store", "doe2024/counts")
        write_report(claims, store, folder / "report")
    return Reported(claims, store, folder / "report")


def _unchecked() -> str:
    """A theorem that is refuted, but whose statement was never compared with the paper."""
    options = "kind='theorem', recorded='refuted', because='a counterexample', repaired='for small values'"
    body = "Bounds([0.5] if trial.control == 'repaired' else [2.0 + wrong], upper=1.0)"
    return claim("refuted-from-memory", "Inequality()", "Bounds", body, options=options)


def _hostile(folder: Path) -> list[Claim]:
    notes, description, where, title, reason = HOSTILE
    body = f"if wrong: return Integers([1], [2])\n    raise RuntimeError({reason!r})"
    source = claim("hostile", "Exact()", "Integers", body, statement=STATEMENT, controls=repr({"wrong": description}))
    source = (
        source.replace("Measured for a test.", f"Notes: {notes}")
        .replace("'Theorem 1'", repr(where))
        .replace('"Theorem 1"', repr(where))
    )
    file = folder / "evil2024.py"
    declare(folder, "evil2024", source)
    file.write_text(file.read_text().replace('title="Test"', f"title={title!r}, doi={where!r}"))
    from ntkit.claims._collect import load

    return [declared for declared, _ in load(file).values()]


def _add_cost_and_power(store: Path, name: str) -> None:
    """What a slow claim with a power run has in its record."""
    power = {
        "current": False,
        "sources": "",
        "tier": "quick",
        "seeds": 50,
        "as_recorded": 50,
        "verdicts": {},
        "controls": {"wrong": 49},
        "flaky": False,
    }
    with sqlite3.connect(store / "results.sqlite") as db:
        derivation, record = db.execute("SELECT derivation, record FROM verdicts WHERE claim = ?", (name,)).fetchone()
        changed = {**json.loads(record), "cpu_seconds": 33.3, "power": power}
        db.execute("UPDATE verdicts SET record = ? WHERE derivation = ?", (json.dumps(changed), derivation))
    db.close()
