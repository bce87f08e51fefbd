"""The driver: reuse, surprise and repeat, toothless, repaired, flaky, failed; exit statuses."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ntkit.claims import Identity, UsageError
from ntkit.claims._derive import exit_status
from ntkit.claims._index import read_catalogue
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._record import latest_record
from ntkit.claims._store import Store
from ntkit.claims._verify import Verification, in_shard, why
from ntkit.claims.report import write_report
from tests.support import DirectEngine, Recorder, catalogue, equal_claim, write_claims

MEAN = '''
@paper.claim("{slug}", where="T", statement="x", rule=Agreement(atol=0.1), controls={{"shifted": "one more"}}{options})
def {function}(trial: Trial) -> Estimates:
    """An estimate whose size depends on the block."""
    value = {value}
    return Estimates([value], [0.01], predicted=float(trial.control == "shifted"))
'''


def mean_claim(slug: str, value: str, options: str = "") -> str:
    return MEAN.format(slug=slug, function=slug.replace("-", "_"), value=value, options=f", {options}" if options else "")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))


def verify(
    folder: Path, *, engine: DirectEngine | None = None, **options: Any
) -> tuple[list[dict[str, Any]], Recorder, DirectEngine]:
    """Verify a folder's claims in this process."""
    engine = engine or DirectEngine()
    recorder = Recorder()
    store = Store(folder / "store")
    run = Verification(store, lambda: engine, tier="quick", seed=1000, listener=recorder, **options)
    records = run.run(catalogue(folder / "paper_checks").claims)
    store.close()
    return records, recorder, engine


def only(folder: Path, *sources: str, **options: Any) -> dict[str, Any]:
    """The record of the only claim of a catalogue."""
    write_claims(folder / "paper_checks", "doe2024", *sources)
    (record,) = verify(folder, **options)[0]
    return record


def test_a_true_claim_is_supported_and_its_control_refuted(tmp_path: Path) -> None:
    record = only(tmp_path, equal_claim("x"))
    assert (record["verdict"], record["as_recorded"]) == ("supported", True)
    assert record["controls"]["off"]["verdict"] == "refuted"
    assert record["controls"]["off"]["distance"] > 0
    assert record["statistic"] == 0.0
    assert record["regions"] == {"supported": [None, 1.0], "not_refuted": [None, 1000.0]}
    assert exit_status([record]) == 0


def test_a_second_run_measures_nothing(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x"), mean_claim("y", "0.05 if trial.block else 0.11"))
    first, recorder, engine = verify(tmp_path)
    assert recorder.missing == 4
    assert len(engine.measured) == 6  # y is repeated with its control
    second, recorder, engine = verify(tmp_path)
    assert recorder.missing == 0
    assert engine.measured == []
    assert first == second


def test_a_control_that_is_not_refuted_makes_the_claim_toothless(tmp_path: Path) -> None:
    record = only(tmp_path, equal_claim("x", "return Sides([1.0], [1.0])"))
    assert (record["verdict"], exit_status([record])) == ("toothless", 1)
    assert "off is supported" in record["sentence"]


def test_a_surprise_is_repeated_once_and_the_second_verdict_decides(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", mean_claim("x", "0.0 if trial.block else 0.15"))
    (record,), recorder, engine = verify(tmp_path)
    assert recorder.repeated == ["doe2024/x"]
    assert [(task.control, task.block) for task in engine.measured] == [(None, 0), ("shifted", 0), (None, 1), ("shifted", 1)]
    assert (record["verdict"], record["block"], record["first"]["claim"]["verdict"]) == ("supported", 1, "inconclusive")
    assert exit_status([record]) == 0


def test_a_control_that_is_not_refuted_is_a_surprise_too(tmp_path: Path) -> None:
    value = "0.95 if trial.control and not trial.block else 0.0"
    write_claims(tmp_path / "paper_checks", "doe2024", mean_claim("x", value))
    (record,), recorder, _ = verify(tmp_path)
    assert recorder.repeated == ["doe2024/x"]
    assert record["verdict"] == "supported"
    assert record["first"]["shifted"]["verdict"] == "supported"


def test_exact_rules_and_failures_are_not_repeated(tmp_path: Path) -> None:
    false = equal_claim("x", "return Sides([1.0], [1.0 + 1e-3])")
    write_claims(tmp_path / "paper_checks", "doe2024", false, mean_claim("y", "1 / 0"))
    records, recorder, _ = verify(tmp_path)
    assert recorder.repeated == []
    assert [record["verdict"] for record in records] == ["refuted", "failed"]
    assert "division by zero" in records[1]["sentence"]


def test_persistent_surprises_decide_the_exit_status(tmp_path: Path) -> None:
    refuted = only(tmp_path / "a", mean_claim("x", "0.5 if trial.control is None else 0.0"))
    assert (refuted["verdict"], refuted["block"], exit_status([refuted])) == ("refuted", 1, 1)
    undecided = only(tmp_path / "b", mean_claim("x", "0.11 if trial.control is None else 0.0"))
    assert (undecided["verdict"], exit_status([undecided])) == ("inconclusive", 3)
    assert exit_status([refuted, undecided]) == 1
    assert exit_status([undecided], collection_errors=True) == 2


def test_a_claim_recorded_as_refuted_needs_its_repaired_version(tmp_path: Path) -> None:
    options = 'recorded="refuted", because="off by one half", repaired="without the half"'
    good = only(tmp_path / "a", mean_claim("x", "0.0 if trial.control else 0.5", options))
    assert (good["verdict"], good["repaired"]["verdict"], exit_status([good])) == ("refuted", "supported", 0)
    bad = only(tmp_path / "b", mean_claim("x", "0.5 if trial.control != 'shifted' else 0.0", options))
    assert (bad["verdict"], bad["repaired"]["verdict"], bad["as_recorded"], exit_status([bad])) == (
        "refuted",
        "refuted",
        False,
        1,
    )


def test_recorded_per_tier(tmp_path: Path) -> None:
    options = 'recorded={"quick": "inconclusive", "full": "supported"}, because="too few repeats at the quick tier"'
    record = only(tmp_path, mean_claim("x", "0.11 if trial.control is None else 0.0", options))
    assert (record["verdict"], record["recorded"], exit_status([record])) == ("inconclusive", "inconclusive", 0)


def test_unmet_assumptions_are_inconclusive_and_no_refutation(tmp_path: Path) -> None:
    by_trial = only(tmp_path / "a", equal_claim("x", "if trial.control is None: trial.unmet('loss above 0.1')"))
    assert by_trial["verdict"] == "inconclusive"
    assert by_trial["sentence"] == "assumptions not met: loss above 0.1"
    in_control = only(
        tmp_path / "b", equal_claim("x", "if trial.control: return Sides([np.nan], [1.0], unmet='never crossed')")
    )
    assert in_control["verdict"] == "toothless"
    assert "never crossed" in in_control["sentence"]


def test_a_failed_control_fails_the_claim_and_is_never_reused(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x", "if trial.control: raise OSError('gone')"))
    (record,), _, _ = verify(tmp_path)
    assert record["verdict"] == "failed"
    assert record["sentence"] == "off gone"
    _, recorder, _ = verify(tmp_path)
    assert recorder.missing == 1


def test_a_tolerance_is_judged_again_and_nothing_is_measured_again(tmp_path: Path) -> None:
    source = equal_claim("x", "return Sides([1.0], [1.0 + 1e-8 + (trial.control == 'off')])")
    assert only(tmp_path, source)["verdict"] == "inconclusive"
    write_claims(tmp_path / "paper_checks", "doe2024", source.replace("rtol=1e-9", "rtol=1e-6").replace("Two equal", "Both"))
    (record,), recorder, _ = verify(tmp_path)
    assert record["verdict"] == "supported"
    assert recorder.missing == 0


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda folder: _rewrite(folder / "doe2024.py", "[1.0, 2.0]", "[1.0, 3.0]"), "paper_checks/doe2024.py changed"),
        (lambda folder: _rewrite(folder / "_helper.py", "2", "3"), "_helper changed"),
    ],
)
def test_a_change_of_code_measures_that_paper_again_and_why_says_so(
    tmp_path: Path, edit: Callable[[Path], None], reason: str
) -> None:
    folder = tmp_path / "paper_checks"
    write_claims(folder, "doe2024", "from _helper import two\n", equal_claim("x"))
    write_claims(folder, "roe2024", equal_claim("y"))
    (folder / "_helper.py").write_text("two = 2\n")
    verify(tmp_path)
    edit(folder)
    store = Store(tmp_path / "store", write=False)
    changed, unchanged = catalogue(folder).claims
    assert why(changed, store, tier="quick", seed=1000) == [f"the claim: {reason}", f"off: {reason}"]
    assert why(unchanged, store, tier="quick", seed=1000)[0] == "the claim: stored, would not be measured again"
    assert why(unchanged, store, tier="full", seed=1000)[0] == "the claim: was never measured at tier full with seed 1000"
    store.close()
    _, _, engine = verify(tmp_path)
    assert {task.claim.name for task in engine.measured} == {"doe2024/x"}


def _rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_swapping_two_measurements_measures_both_again(tmp_path: Path) -> None:
    """Declarations are no code, so that the function behind a name has to count by itself."""
    a, b = equal_claim("a"), equal_claim("b", "return Sides([1.0], [5.0])")
    write_claims(tmp_path / "paper_checks", "doe2024", a, b)
    before = {r["claim"]: r["verdict"] for r in verify(tmp_path)[0]}
    swapped = (a.replace('"a"', '"b"'), b.replace('"b"', '"a"'))
    write_claims(tmp_path / "paper_checks", "doe2024", *swapped)
    after = {r["claim"]: r["verdict"] for r in verify(tmp_path)[0]}
    assert (before["doe2024/a"], before["doe2024/b"]) == (after["doe2024/b"], after["doe2024/a"])
    assert after["doe2024/b"] == "supported"


def test_two_outcomes_of_one_trial_are_flaky_when_measured_afresh(tmp_path: Path) -> None:
    body = "import time; return Sides([1.0], [1.0 + 1e-12 * (time.time_ns() % 1000) + (trial.control == 'off')])"
    assert only(tmp_path, equal_claim("x", body))["verdict"] == "supported"
    (record,), _, _ = verify(tmp_path, fresh=True)
    assert (record["verdict"], exit_status([record])) == ("flaky", 1)
    assert "gave other bytes than before on the same trial" in record["sentence"]


def test_precedence_failed_before_flaky_before_toothless(tmp_path: Path) -> None:
    body = "import time; return Sides([1.0], [1.0 + 1e-12 * (time.time_ns() % 1000)])"
    assert only(tmp_path, equal_claim("x", body))["verdict"] == "toothless"
    assert verify(tmp_path, fresh=True)[0][0]["verdict"] == "flaky"

    class Failing(DirectEngine):
        def outcome(self, task: Task) -> Outcome:
            measured = super().outcome(task)
            return (
                measured
                if task.control is None
                else replace(measured, status="failed", evidence=None, reason="gone", digest="")
            )

    assert verify(tmp_path, fresh=True, engine=Failing())[0][0]["verdict"] == "failed"


def test_shards_share_out_every_claim_once(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", *(equal_claim(f"x-{i}") for i in range(40)))
    claims = catalogue(tmp_path / "paper_checks").claims
    homes = [[number for number in (1, 2, 3) if in_shard(claim, 1000, (number, 3))] for claim in claims]
    assert all(len(home) == 1 for home in homes)
    assert {home[0] for home in homes} == {1, 2, 3}


def test_gone_arrays_are_measured_again(tmp_path: Path) -> None:
    only(tmp_path, equal_claim("x"))
    shutil.rmtree(tmp_path / "store" / "arrays")
    assert verify(tmp_path)[1].missing == 2


def test_a_change_that_is_taken_back_shows_the_first_verdict_again(tmp_path: Path) -> None:
    folder = tmp_path / "paper_checks"
    sources = {"supported": equal_claim("x"), "refuted": equal_claim("x", "return Sides([1.0], [2.0])")}
    for word in ("supported", "refuted", "supported"):
        assert only(tmp_path, sources[word])["verdict"] == word
        store = Store(tmp_path / "store", write=False)
        assert latest_record(catalogue(folder).claims[0], store).verdict["verdict"] == word
        store.close()


def test_a_verdict_on_another_declaration_is_out_of_date(tmp_path: Path) -> None:
    folder = tmp_path / "paper_checks"
    only(tmp_path, equal_claim("x"))
    store = Store(tmp_path / "store", write=False)
    assert not latest_record(catalogue(folder).claims[0], store).outdated
    write_claims(folder, "doe2024", equal_claim("x").replace("rtol=1e-9", "rtol=1e-30"))
    with pytest.raises(UsageError, match="doe2024/x was declared otherwise when it was verified last"):
        latest_record(catalogue(folder).claims[0], store)
    page = write_report(catalogue(folder).claims, store, tmp_path / "report").parent / "claims" / "doe2024" / "x.html"
    assert "No result yet: the claim was declared otherwise when it was verified last." in page.read_text()
    store.close()


def test_a_pilot_s_verdict_is_no_result(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x"))
    store = Store(tmp_path / "store")
    claims = catalogue(tmp_path / "paper_checks").claims
    Verification(store, DirectEngine, tier="quick", seed=5, listener=Recorder()).run(claims)
    with pytest.raises(UsageError, match="doe2024/x has no result"):
        latest_record(claims[0], store)
    store.close()


def test_new_versions_reach_the_record_even_if_the_bytes_are_the_same(tmp_path: Path) -> None:
    assert "sympy" not in only(tmp_path, equal_claim("x"))["versions"]
    assert "sympy" in only(tmp_path, "import sympy\n", equal_claim("x"))["versions"]


def test_a_rule_that_chokes_fails_its_claim_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x"), mean_claim("y", "0.0"))
    monkeypatch.setattr("ntkit.claims.rules.Identity.judge_evidence", lambda *_: 1 / 0)
    records, _, _ = verify(tmp_path)
    assert [record["verdict"] for record in records] == ["failed", "supported"]
    assert "its rule could not judge it: ZeroDivisionError" in records[0]["sentence"]


def test_tolerances_from_the_user_s_own_package_are_noticed(tmp_path: Path) -> None:
    source = "from tolerances import RTOL\n" + equal_claim("x").replace("rtol=1e-9", "rtol=RTOL")
    (tmp_path / "tolerances.py").write_text("RTOL = 1e-2\n")
    write_claims(tmp_path / "paper_checks", "doe2024", source)
    assert catalogue(tmp_path / "paper_checks").claims[0].rule == Identity(rtol=1e-2)
    (tmp_path / "tolerances.py").write_text("RTOL = 1e-5\n")
    assert catalogue(tmp_path / "paper_checks").claims[0].rule == Identity(rtol=1e-5)


def test_errors_are_not_remembered(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", "import late\n", equal_claim("x"))
    assert read_catalogue(tmp_path / "paper_checks").errors
    (tmp_path / "late.py").write_text("")
    assert not read_catalogue(tmp_path / "paper_checks").errors


def test_merged_verdicts_rest_on_evidence_that_is_there(tmp_path: Path) -> None:
    """Two stores disagree on a trial: the first keeps its evidence, and does not take the other's verdict on other evidence."""
    body = "import time; return Sides([1.0], [1.0 + 1e-12 * (time.time_ns() % 1000) + (trial.control == 'off')])"
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x", body))
    stores = [Store(tmp_path / name) for name in ("a", "b")]
    for store in stores:
        Verification(store, DirectEngine, tier="quick", seed=1000, listener=Recorder()).run(
            catalogue(tmp_path / "paper_checks").claims
        )
    assert stores[0].merge(stores[1]) == (0, 2)
    assert len(stores[0].history()) == 1
    for store in stores:
        store.close()
