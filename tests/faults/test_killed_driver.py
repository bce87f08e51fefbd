"""The driver dies, or two of them run at once: nothing finished is lost or measured again, no worker lives on."""

import random
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from ntkit.claims._store import Store
from tests.support import equal_claim, ntkit, processes, start_ntkit, verdicts, write_claims

KILLS = 20
CLAIMS = 24
LOGGING = """
    import os, time
    time.sleep(0.12)
    with open({log!r}, "a") as log:
        log.write(f"{{trial.claim}} {{trial.control}}\\n")
"""


def _slow_catalogue(folder: Path) -> Path:
    """Claims whose measurements take a tenth of a second and leave a line each in a log."""
    log = folder / "log.txt"
    log.touch()
    body = LOGGING.format(log=str(log))
    write_claims(folder / "paper_checks", "slow2024", *(equal_claim(f"claim-{i}", body) for i in range(CLAIMS)))
    return log


def _stored(store: Path) -> set[str]:
    """The trials that a store holds, read as another process would."""
    with sqlite3.connect(f"file:{store / 'results.sqlite'}?mode=ro", uri=True) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = db.execute("SELECT claim, control, digest FROM outcomes").fetchall()
    db.close()
    for _, _, digest in rows:
        assert (store / "arrays" / f"{digest}.npz").is_file()
    return {f"{claim} {control}" for claim, control, _ in rows}


def _gone_within(cache: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while processes(cache):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_killed_at_random_moments_it_resumes_without_loss_or_repetition(tmp_path: Path) -> None:
    log = _slow_catalogue(tmp_path)
    store, cache = tmp_path / ".ntkit", tmp_path / "cache"
    ntkit("list", cwd=tmp_path)  # fills the index, so that the kills hit the run itself
    moments = random.Random(1000)
    finished: dict[str, int] = {}  # trial -> how often it had been measured when it was first seen in the store
    kills = 0
    while kills < KILLS:
        run = start_ntkit("verify", "--jobs", 2, cwd=tmp_path)
        time.sleep(moments.uniform(0.2, 1.3))
        ended_by_itself = run.poll() is not None
        run.kill()
        run.communicate()
        assert _gone_within(cache, 2.0), "a worker outlived its driver by more than 2 s"
        kills += 1
        now = _stored(store) if (store / "results.sqlite").is_file() else set()
        assert finished.keys() <= now, "a finished trial was lost"
        measured = log.read_text().splitlines()
        for trial, times in finished.items():
            assert measured.count(trial) == times, f"{trial} was finished and measured again"
        finished = {trial: measured.count(trial) for trial in now}
        if ended_by_itself and kills < KILLS:  # all done early: begin again, so that every kill hits something
            (store / "results.sqlite").unlink()
            for file in store.glob("results.sqlite-*"):
                file.unlink()
            log.write_text("")
            finished = {}
    done = ntkit("verify", "--jobs", 2, "--json", "out.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    measured = log.read_text().splitlines()
    assert all(measured.count(trial) == times for trial, times in finished.items())
    assert {record["verdict"] for record in verdicts(tmp_path / "out.json").values()} == {"supported"}
    assert len(_stored(store)) == 2 * CLAIMS
    assert not list((store / "arrays").glob("*.partial"))


def test_two_drivers_on_one_store(tmp_path: Path) -> None:
    _slow_catalogue(tmp_path)
    ntkit("list", cwd=tmp_path)
    runs = [start_ntkit("verify", "--json", f"out{i}.json", cwd=tmp_path) for i in range(2)]
    for run in runs:
        output, _ = run.communicate(timeout=120)
        assert run.returncode == 0, output
    first, second = (verdicts(tmp_path / f"out{i}.json") for i in range(2))
    assert {c: r["verdict"] for c, r in first.items()} == {c: r["verdict"] for c, r in second.items()}
    assert len(_stored(tmp_path / ".ntkit")) == 2 * CLAIMS
    assert "0 trials to measure" in ntkit("verify", cwd=tmp_path).stdout


def test_ctrl_c_ends_within_two_seconds_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path) -> None:
    log = _slow_catalogue(tmp_path)
    run = start_ntkit("verify", "--jobs", 2, "--seed", 1001, cwd=tmp_path)
    _wait_for_lines(log, 6)
    began = time.monotonic()
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=10)
    assert time.monotonic() - began < 2.0
    assert run.returncode == 130
    assert "go on with: ntkit verify --seed 1001 --jobs 2" in output
    assert "Traceback" not in output
    assert _gone_within(tmp_path / "cache", 2.0)
    kept = len(_stored(tmp_path / ".ntkit"))
    assert kept >= 4
    resumed = ntkit("verify", "--seed", 1001, "--jobs", 2, cwd=tmp_path)
    assert f"{2 * CLAIMS - kept} trials to measure, {kept} stored" in resumed.stdout


def test_sigterm_is_a_polite_end_too(tmp_path: Path) -> None:
    log = _slow_catalogue(tmp_path)
    run = start_ntkit("verify", cwd=tmp_path)
    _wait_for_lines(log, 2)
    run.terminate()
    output, _ = run.communicate(timeout=10)
    assert run.returncode == 143
    assert "go on with: ntkit verify" in output
    assert _gone_within(tmp_path / "cache", 2.0)


def test_workers_go_even_when_a_claim_holds_the_interpreter(tmp_path: Path) -> None:
    """A measurement stuck in C never lets the worker notice that its driver died; the guard ends it."""
    started = tmp_path / "started"
    body = f"open({str(started)!r}, 'w').close(); import re; re.match('(a+)+b', 'a' * 64)"
    write_claims(tmp_path / "paper_checks", "stuck2024", equal_claim("stuck", body))
    run = start_ntkit("verify", "--jobs", 1, cwd=tmp_path)
    while not started.exists():
        time.sleep(0.02)
    run.kill()
    run.communicate()
    assert _gone_within(tmp_path / "cache", 2.0)


def test_a_store_that_was_being_written_opens_again(tmp_path: Path) -> None:
    """A write-ahead log left behind by a kill is taken up by the next reader, also a read-only one."""
    _slow_catalogue(tmp_path)
    run = start_ntkit("verify", cwd=tmp_path)
    while not (tmp_path / ".ntkit" / "results.sqlite-wal").exists():
        time.sleep(0.02)
    time.sleep(1.0)
    run.kill()
    run.communicate()
    Store(tmp_path / ".ntkit", write=False).close()
    assert ntkit("verify", cwd=tmp_path).returncode == 0


def _wait_for_lines(log: Path, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(log.read_text().splitlines()) < count:
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired("verify", 30)
        time.sleep(0.02)
