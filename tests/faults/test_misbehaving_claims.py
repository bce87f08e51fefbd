"""Claims that raise, hang, swallow memory, kill their process or print rubbish take nothing else down."""

import os
import time
from pathlib import Path

import pytest

from ntkit.claims._engine import Finished
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._sources import SourceReader
from ntkit.claims._supervisor import Supervisor
from tests.support import catalogue, equal_claim, ntkit, processes, verdicts, write_claims

MEMORY_LIMIT_MB = 400.0

FAULTS = {
    "raises": ('raise KeyError("no such layer")', "raised KeyError: 'no such layer' (bad2024.py, line "),
    "hangs": ("import time; time.sleep(600)", "took more than its deadline of 1 s"),
    "spins-in-c": ("import re; re.match('(a+)+b', 'a' * 64)", "took more than its deadline of 1 s"),
    "ignores-signals": (
        "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGTERM, signal.SIGINT)]; time.sleep(600)",
        "took more than its deadline of 1 s",
    ),
    "exits": ("import os; os._exit(7)", "ended its process with exit status 7"),
    "exits-politely": ("raise SystemExit(5)", "raised SystemExit: 5"),
    "interrupts": ("raise KeyboardInterrupt", "raised KeyboardInterrupt"),
    "segfaults": ("import ctypes; ctypes.string_at(0)", "died by SIGSEGV"),
    "aborts": ("import os; os.abort()", "died by SIGABRT"),
    "nan": ("return Sides([np.nan], [1.0])", "Sides.lhs holds 1 values that are not finite (of 1)"),
    "wrong-type": ("return Integers([1], [1])", "Identity judges Sides, the measurement returned Integers"),
    "no-evidence": ("return 3.0", "the measurement returned float; allowed are Sides"),
    "closes-files": ("import os; os.closerange(0, 64)", "ended its process"),
    "deep": ("def f(n): return f(n)\nf(0)", "raised RecursionError"),
}
HARMLESS = {
    "prints-megabytes": "[print('x' * 1000) for _ in range(20000)]",
    "prints-rubbish": "import os; [os.write(1, os.urandom(60000)) for _ in range(40)]; os.write(2, bytes(range(256)))",
    "prints-frames": "import os; os.write(1, b'\\x02\\x00\\x00\\x00' * 1000)",
    "warns": "import warnings; warnings.warn('careful')",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What the supervisor makes of each claim, two workers and one run."""
    folder = tmp_path_factory.mktemp("faults")
    sources = [equal_claim(name, body, "deadline=1") for name, (body, _) in FAULTS.items()]
    sources += [equal_claim(name, body) for name, body in HARMLESS.items()]
    sources += [equal_claim("good"), equal_claim("hungry", "kept = [np.ones(4_000_000) for _ in range(10**6)]")]
    file = write_claims(folder, "bad2024", *sources)
    claims = catalogue(folder).claims
    behind = SourceReader().read(file)
    engine = Supervisor(2, memory_limit_mb=MEMORY_LIMIT_MB)
    try:
        for claim in claims:
            engine.submit(Task(claim, "quick", 1, None, 0, behind))
        return {e.task.claim.slug: e.outcome for e in engine.events() if isinstance(e, Finished)}
    finally:
        engine.close()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_fails_its_own_trial_with_the_reason(outcomes: dict[str, Outcome], name: str) -> None:
    outcome, reason = outcomes[name], FAULTS[name][1]
    if name == "wrong-type":  # measured; the rule refuses it later
        assert outcome.status == "measured"
        return
    assert outcome.status == "failed"
    assert reason in outcome.reason


@pytest.mark.parametrize("name", ["good", *HARMLESS])
def test_what_others_do_or_what_is_printed_changes_nothing(outcomes: dict[str, Outcome], name: str) -> None:
    assert outcomes[name].status == "measured"
    assert outcomes[name].digest == outcomes["good"].digest


def test_memory_without_end_is_ended_at_the_limit(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["hungry"].status == "failed"
    assert outcomes["hungry"].reason == f"used more than {MEMORY_LIMIT_MB:.0f} MB of memory"


def test_every_claim_has_an_outcome(outcomes: dict[str, Outcome]) -> None:
    assert len(outcomes) == len(FAULTS) + len(HARMLESS) + 2


def test_printed_rubbish_is_kept_as_text_without_control_characters(outcomes: dict[str, Outcome]) -> None:
    for outcome in outcomes.values():
        assert all(c.isprintable() or c == "\n" for c in outcome.output)
        assert len(outcome.output) <= 4000


def test_the_command_reports_faults_and_verifies_the_rest(tmp_path: Path) -> None:
    names = ("raises", "exits", "segfaults", "nan", "wrong-type")
    write_claims(
        tmp_path / "paper_checks", "bad2024", *(equal_claim(n, FAULTS[n][0], "deadline=1") for n in names), equal_claim("good")
    )
    done = ntkit("verify", "--jobs", 2, "--json", "out.json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "1 supported, 5 failed" in done.stdout
    found = verdicts(tmp_path / "out.json")
    assert found["bad2024/good"]["verdict"] == "supported"
    for name in names:
        assert found[f"bad2024/{name}"]["verdict"] == "failed"
        assert FAULTS[name][1] in found[f"bad2024/{name}"]["sentence"]


def test_what_a_claim_started_dies_with_its_worker(tmp_path: Path) -> None:
    body = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
    write_claims(tmp_path / "paper_checks", "bad2024", equal_claim("forks", body, "deadline=1"))
    assert ntkit("verify", cwd=tmp_path).returncode == 1
    assert processes(tmp_path / "cache") == set()


def test_a_claim_uses_one_core(tmp_path: Path) -> None:
    """CPU over wall time at most 1.1, for matrix products in JAX and eigenvalues in LAPACK."""
    body = """
        import jax
        a = jax.numpy.asarray(np.random.default_rng(0).normal(size=(1200, 1200)))
        f = jax.jit(lambda x: (x @ x) * 1e-3)
        b = f(a)
        for _ in range(6):
            b = f(b)
        b.block_until_ready()
        np.linalg.svd(np.asarray(a)[:500, :500])
    """
    write_claims(tmp_path / "paper_checks", "heavy2024", equal_claim("heavy", body))
    assert ntkit("verify", "--jobs", 1, "--json", "out.json", cwd=tmp_path).returncode == 0
    record = verdicts(tmp_path / "out.json")["heavy2024/heavy"]
    assert record["cpu_seconds"] <= 1.1 * record["seconds"]


def test_a_worker_that_cannot_start_is_an_error_not_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import os; os._exit(9) if 'ntkit.claims._worker' in ' '.join(__import__('sys').orig_argv) else None"
    )
    write_claims(tmp_path / "paper_checks", "good2024", equal_claim("good"))
    began = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(broken), "NTKIT_CACHE": str(tmp_path / "cache")}
    done = ntkit("verify", cwd=tmp_path, env=environment)
    assert done.returncode == 2
    assert "a worker process did not start (ended its process with exit status 9)" in done.stderr
    assert time.monotonic() - began < 30
