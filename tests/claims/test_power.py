"""Power runs: counts per seed, one trial twice, and the file that keeps them."""

import json
from pathlib import Path

import pytest

from ntkit.claims._power import PowerFile, measure_power
from ntkit.claims._store import Store
from tests.claims.test_verify import mean_claim, verify
from tests.support import DirectEngine, catalogue, equal_claim, ntkit, write_claims


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))


def _power(folder: Path, source: str, seeds: int = 10) -> dict[str, object]:
    write_claims(folder / "paper_checks", "doe2024", source)
    claim = catalogue(folder / "paper_checks").claims[0]
    store = Store(folder / "store")
    try:
        return measure_power(claim, store, DirectEngine(), tier="quick", seeds=seeds, say=lambda done, total: None)
    finally:
        store.close()


def test_counts_are_of_first_blocks(tmp_path: Path) -> None:
    value = "0.0 if trial.control or trial.seed % 5 else 0.11"
    entry = _power(tmp_path, mean_claim("x", value))
    assert entry["verdicts"] == {"supported": 8, "inconclusive": 2}
    assert (entry["as_recorded"], entry["controls"], entry["flaky"]) == (8, {"shifted": 10}, False)


def test_one_trial_runs_twice(tmp_path: Path) -> None:
    assert _power(tmp_path, equal_claim("x", "import time; return Sides([1.0], [1 + 1e-12 * (time.time_ns() % 999)])"), 2)[
        "flaky"
    ]


def test_a_flaky_power_run_makes_the_verdict_flaky_until_the_code_changes(tmp_path: Path) -> None:
    entry = _power(tmp_path, equal_claim("x"), 2)
    folder = tmp_path / "paper_checks"
    PowerFile(folder).put("doe2024/x", {**entry, "flaky": True})
    assert verify(tmp_path)[0][0]["verdict"] == "flaky"
    write_claims(folder, "doe2024", equal_claim("x", "y = 1"))
    (record,), _, _ = verify(tmp_path)
    assert (record["verdict"], record["power"]["current"]) == ("supported", False)


def test_the_command_writes_the_file_and_verdicts_show_it(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x"))
    done = ntkit("power", "doe2024/x", "--seeds", 3, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "as recorded in 3 of 3" in done.stdout
    assert "control off: refuted in 3 of 3" in done.stdout
    entry = json.loads((tmp_path / "paper_checks" / "power.json").read_text())["doe2024/x"]
    assert (entry["seeds"], entry["verdicts"], entry["controls"]) == (3, {"supported": 3}, {"off": 3})
    assert ntkit("verify", "--json", "out.json", cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "out.json").read_text())[0]["power"] == {**entry, "changed": False, "current": True}
    assert "as recorded in 3 of 3 seeds at tier quick; off refuted in 3" in ntkit("show", "doe2024/x", cwd=tmp_path).stdout


def test_a_changed_rule_makes_a_power_run_old(tmp_path: Path) -> None:
    entry = _power(tmp_path, equal_claim("x"), 2)
    folder = tmp_path / "paper_checks"
    PowerFile(folder).put("doe2024/x", entry)
    assert verify(tmp_path)[0][0]["power"]["current"]
    write_claims(folder, "doe2024", equal_claim("x").replace("rtol=1e-9", "rtol=1e-8"))
    assert not verify(tmp_path)[0][0]["power"]["current"]
    assert "before code, rule or controls last changed" in ntkit("show", "doe2024/x", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("body", "same"),
    [("y = 1", True), ("return Sides([1.0, 2.0], [1.0, 2.0 + 1e-12])", False), ("np.add(1, trial.control == 'off')", True)],
)
def test_code_that_gives_the_same_evidence_leaves_a_power_run_as_it_is(tmp_path: Path, body: str, same: bool) -> None:
    """The evidence of the first seed, of claim and controls; `show` knows it from the store."""
    folder = tmp_path / "paper_checks"
    PowerFile(folder).put("doe2024/x", _power(tmp_path, equal_claim("x"), 2))
    write_claims(folder, "doe2024", equal_claim("x", body))
    ((record,), _, _), old = verify(tmp_path), "before code, rule or controls last changed"
    assert (record["power"]["changed"], record["power"]["current"]) == (True, same)
    shown = " ".join(ntkit("show", "doe2024/x", "--store", "store", cwd=tmp_path).stdout.split())
    assert ("code has changed since, and gives the same evidence at the first seed, to the byte" if same else old) in shown
    assert old in " ".join(ntkit("show", "doe2024/x", "--store", "none", cwd=tmp_path).stdout.split())
    write_claims(folder, "doe2024", equal_claim("x", body).replace("rtol=1e-9", "rtol=1e-8"))
    assert not verify(tmp_path)[0][0]["power"]["current"]


def test_a_power_file_that_is_none_is_refused(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x"))
    for text in ("[]", "{", '{"doe2024/x": {}}'):
        (tmp_path / "paper_checks" / "power.json").write_text(text)
        done = ntkit("verify", cwd=tmp_path)
        assert (done.returncode, "is no file of power runs" in done.stderr) == (2, True), done.stderr
