"""The same verdicts, to the byte, for any number of workers, any order, any sharding."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from ntkit.claims._derive import Record
from ntkit.claims._store import Store
from ntkit.claims._supervisor import Supervisor
from ntkit.claims._verify import Verification
from tests.support import Recorder, catalogue, equal_claim, ntkit, verdicts, write_claims

RANDOM = '''
@paper.claim("{slug}", where="T", statement="x", rule=Agreement(atol={atol}), controls={{"shifted": "the mean plus four"}})
def {function}(trial: Trial) -> Estimates:
    """A mean of normal numbers; with a small tolerance it is a surprise, and repeated."""
    size = trial.repeats(quick=50, full=50), 3
    sample = {sample}
    return Estimates.from_samples(sample, predicted=4.0 * (trial.control == "shifted"))
'''
SAMPLES = {  # failures cost a new process, which is quick to start where there is no JAX
    "a2024": "np.asarray(jax.random.normal(trial.key, size))", "b2024": "trial.rng().normal(size=size)",
}  # fmt: skip
TIMES = ("seconds", "cpu_seconds", "peak_mb", "created")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("same")
    for paper, sample in SAMPLES.items():
        random_claims = [
            RANDOM.format(slug=f"r-{i}", function=f"r_{i}", atol=atol, sample=sample)
            for i, atol in enumerate((0.9, 0.4, 0.25, 0.01))
        ]
        first, last = ("import jax\n", "") if "jax" in sample else ("", equal_claim("bad", "raise OSError('gone')"))
        write_claims(folder / "paper_checks", paper, first, *random_claims, equal_claim("x"), last)
    return folder


def _bytes(records: list[dict[str, Any]]) -> bytes:
    """The records without what was measured of time and memory, and without where the arrays lie."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items() if name not in TIMES}
        return Path(value).name if isinstance(value, str) and value.endswith(".npz") else value

    return json.dumps([plain(record) for record in records], sort_keys=True).encode()


@pytest.fixture(scope="module")
def reference(folder: Path) -> bytes:
    ntkit("verify", "--jobs", 1, "--store", "one", "--json", "one.json", cwd=folder)
    records = json.loads((folder / "one.json").read_text())
    assert {r["verdict"] for r in records} == {"supported", "inconclusive", "failed"}
    assert any(r["block"] for r in records), "no surprise was repeated: this test needs one"
    return _bytes(records)


@pytest.mark.parametrize("jobs", [2, 7])
def test_any_number_of_workers(folder: Path, reference: bytes, jobs: int) -> None:
    done = ntkit("verify", "--jobs", jobs, "--store", f"jobs{jobs}", "--json", f"jobs{jobs}.json", cwd=folder)
    assert done.returncode == 1
    assert _bytes(json.loads((folder / f"jobs{jobs}.json").read_text())) == reference


def test_any_order(folder: Path, reference: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(folder / "cache"))
    claims = list(catalogue(folder / "paper_checks").claims)
    random.Random(7).shuffle(claims)
    store = Store(folder / "shuffled")
    run = Verification(store, lambda: Supervisor(2), tier="quick", seed=1000, listener=Recorder())
    records = {record["claim"]: record for record in run.run(claims)}
    store.close()
    assert _shape(sorted(records.values(), key=lambda r: str(r["claim"]))) == _shape(
        sorted(verdicts(folder / "one.json").values(), key=lambda r: str(r["claim"]))
    )
    assert reference


def _shape(records: list[Record]) -> list[tuple[Any, ...]]:
    """What a verdict says, without the paths that only `--json` adds."""
    names = ("claim", "verdict", "statistic", "interval", "regions", "sentence", "block", "first", "versions", "power")
    controls = [
        {name: {k: v for k, v in control.items() if k != "evidence"} for name, control in record["controls"].items()}
        for record in records
    ]
    return [(*(record[name] for name in names), control) for record, control in zip(records, controls, strict=True)]


def test_three_shards_merged(folder: Path, reference: bytes) -> None:
    for number in (1, 2, 3):
        ntkit("verify", "--shard", f"{number}/3", "--store", f"shard{number}", "--jobs", 1, cwd=folder)
    merged = ntkit("merge", "shard1", "shard2", "shard3", "--store", "merged", cwd=folder)
    assert merged.returncode == 0, merged.stderr
    done = ntkit("verify", "--store", "merged", "--json", "merged.json", cwd=folder)
    assert "2 trials to measure" in done.stdout, "only what failed may be tried again"
    assert _bytes(json.loads((folder / "merged.json").read_text())) == reference


def test_merging_says_when_stores_disagree(tmp_path: Path) -> None:
    write_claims(
        tmp_path / "paper_checks", "doe2024", equal_claim("x", "return Sides([1.0], [1.0 + 1e-13 * np.random.rand()])")
    )
    for store in ("a", "b"):
        ntkit("verify", "--store", store, cwd=tmp_path)
    done = ntkit("merge", "a", "b", "--store", "c", cwd=tmp_path)
    assert done.returncode == 1
    assert "b: 0 outcomes taken over, 2 disagree with what was there" in done.stdout
