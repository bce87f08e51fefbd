"""What every claim of the catalogue owes, found by itself: add a claim and it is under test."""

import dataclasses
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ntkit.claims import Claim
from ntkit.claims._encoding import decode
from ntkit.claims._engine import Finished
from ntkit.claims._evidence import KINDS
from ntkit.claims._index import read_catalogue
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._record import latest_record
from ntkit.claims._sources import SourceReader, Sources
from ntkit.claims._store import Store
from ntkit.claims._supervisor import Supervisor
from ntkit.claims.figures import draw
from ntkit.claims.rules import All
from tests.support import ntkit

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / ".ntkit"
CATALOGUE = read_catalogue(ROOT / "paper_checks")
CLAIMS = pytest.mark.parametrize("claim", CATALOGUE.claims, ids=lambda claim: claim.name)
ROTATION = 10  # every claim is measured twice at least in every tenth run


@pytest.fixture(scope="session")
def verified(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The verdicts of the catalogue at the quick tier; what `ntkit verify` has stored already is not measured again."""
    out = tmp_path_factory.mktemp("catalogue") / "verdicts.json"
    done = ntkit("verify", "--store", STORE, "--json", out, cwd=ROOT, env=dict(os.environ), timeout=3600)
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    return {record["claim"]: record for record in json.loads(out.read_text())}


def test_every_file_can_be_read_and_is_named_by_its_key() -> None:
    assert not CATALOGUE.errors
    for claim in CATALOGUE.claims:
        assert Path(claim.file).stem == claim.paper.key


@CLAIMS
def test_it_has_a_source_a_rule_notes_and_a_control(claim: Claim) -> None:
    assert claim.where
    assert claim.rule.text()
    assert claim.notes, "the docstring says what is assumed and how it is measured"
    assert claim.controls
    assert claim.mathml.startswith("<math")


@CLAIMS
def test_it_is_as_recorded_and_its_controls_are_refuted(claim: Claim, verified: dict[str, Any]) -> None:
    record = verified[claim.name]
    assert record["as_recorded"], record["sentence"]
    for name, control in record["controls"].items():
        assert control["verdict"] == "refuted", f"{name}: {control['sentence']}"


@CLAIMS
def test_its_measurement_has_the_declared_type(claim: Claim, verified: dict[str, Any]) -> None:
    for digest in verified[claim.name]["evidence"], *(c["evidence"] for c in verified[claim.name]["controls"].values()):
        measurement = decode(Path(digest).read_bytes())
        if isinstance(claim.rule, All):
            assert claim.returns == "dict"
            assert set(measurement) == set(claim.rule.rules)  # type: ignore[arg-type]
        else:
            assert isinstance(measurement, KINDS[claim.returns])


@CLAIMS
def test_it_has_a_figure_and_its_cost_is_known(claim: Claim, verified: dict[str, Any]) -> None:
    assert verified[claim.name]["cpu_seconds"] > 0
    store = Store(STORE, write=False)
    figure = draw(latest_record(claim, store))
    store.close()
    assert figure.axes


@CLAIMS
def test_its_power_is_on_record_and_good_enough(claim: Claim, verified: dict[str, Any]) -> None:
    """48 of 50 seeds as recorded, and every control refuted as often."""
    power = verified[claim.name]["power"]
    assert power is not None, f"run `ntkit power {claim.name}`"
    assert power["as_recorded"] >= 0.96 * power["seeds"]
    assert all(count >= 0.96 * power["seeds"] for count in power["controls"].values())


def test_the_same_trial_twice_gives_the_same_bytes(verified: dict[str, Any]) -> None:
    """Claims whose sources changed with the last commit, and a rotating tenth of the rest."""
    turn = int(_git("rev-list", "--count", "HEAD") or 0)
    changed = set(_git("diff", "--name-only", "HEAD~1").split())
    reader = SourceReader()
    chosen = [
        claim
        for claim in CATALOGUE.claims
        if (_number(claim.name) + turn) % ROTATION == 0 or _files(reader.read(Path(claim.file))) & changed
    ]
    _measure_twice(chosen)


@pytest.mark.catalogue
def test_every_trial_twice_gives_the_same_bytes(verified: dict[str, Any]) -> None:
    _measure_twice(list(CATALOGUE.claims))


def _measure_twice(claims: list[Claim]) -> None:
    """Measure each claim and its controls again and compare with what is stored."""
    reader = SourceReader()
    store = Store(STORE, write=False)
    engine = Supervisor(2)
    before: dict[str, Outcome] = {}
    try:
        for claim in claims:
            for control in claim.variants:
                task = Task(claim, "quick", 1000, control, 0, reader.read(Path(claim.file)))
                stored = store.measured(task.key)
                assert stored is not None, f"{task.shown} is not stored"
                before[task.key] = stored
                engine.submit(dataclasses.replace(task, attempt=1))
        for event in engine.events():
            if isinstance(event, Finished):
                assert event.outcome.digest == before[event.task.key].digest, f"{event.task.shown} gave other bytes"
    finally:
        engine.close()
        store.close()


def _files(sources: Sources) -> set[str]:
    """The files of the repository behind some sources."""
    names = [name.replace(".", "/") for name in sources.modules if not name.endswith(".py")]
    files = {f"{name}.py" for name in names} | {f"{name}/__init__.py" for name in names}
    return files | {name for name in sources.modules if name.endswith(".py")} | {f"paper_checks/{name}.py" for name in names}


def _number(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16)


def _git(*arguments: str) -> str:
    """What git answers; nothing outside a repository or before the first commit."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout
