"""Trials on a real Dask cluster of two worker processes: as in one process, whatever dies on the way."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ntkit.claims import NtkitError, UsageError, sweep
from ntkit.claims import _cluster as cluster_engine
from ntkit.claims._cluster import Cluster
from ntkit.claims._engine import Finished
from ntkit.claims._engine_choice import check_dask, choose_engine
from ntkit.claims._local_cluster import local_cluster
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._sources import SourceReader
from ntkit.claims._store import Store
from ntkit.claims._supervisor import Supervisor
from ntkit.claims._verify import Verification
from ntkit.cli import main
from tests.claims.test_sweep import CELL
from tests.support import Recorder, catalogue, environment, equal_claim, ntkit, processes, start_ntkit, write_claims

SURPRISE = '''
@paper.claim("surprise", where="T", statement="x", rule=Agreement(atol=0.1), controls={"shifted": "the mean plus four"})
def surprise(trial: Trial) -> Estimates:
    """Twelve numbers with a mean too far from its prediction."""
    return Estimates.from_samples(trial.rng().normal(size=12), predicted=4.0 * (trial.control == "shifted"))
'''
CLAIMS = (
    SURPRISE,
    equal_claim("good"),
    equal_claim("segfaults", "import ctypes; ctypes.string_at(0)"),
    equal_claim("hangs", "import time; time.sleep(600)", "deadline=0.5"),
)
KILL_DASK_WORKER = "import os, signal; os.kill(os.getppid(), signal.SIGKILL); import time; time.sleep(600)"
COSTS = ("seconds", "cpu_seconds", "peak_mb", "created")


def tasks(folder: Path, *sources: str) -> list[Task]:
    """The claims of a new file as tasks, without their controls."""
    file = write_claims(folder / "paper_checks", "doe2024", *sources)
    behind = SourceReader().read(file)
    return [Task(claim, "quick", 1000, None, 0, behind) for claim in catalogue(file.parent).claims]


def outcomes(address: str, given: list[Task]) -> dict[str, Outcome]:
    engine = Cluster(address)
    try:
        for task in given:
            engine.submit(task)
        return {event.task.claim.slug: event.outcome for event in engine.events() if isinstance(event, Finished)}
    finally:
        engine.close()


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def test_the_same_verdicts_to_the_byte_as_in_one_process(address: str, tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", *CLAIMS)
    write_claims(tmp_path / "paper_checks", "roe2024", equal_claim("x"), equal_claim("y"))
    records, repeated = [], []
    for name, engine in {"one": lambda: Supervisor(1), "dask": lambda: Cluster(address)}.items():
        store, recorder = Store(tmp_path / name), Recorder()
        run = Verification(store, engine, tier="quick", seed=1000, listener=recorder)
        found = run.run(catalogue(tmp_path / "paper_checks").claims)
        store.close()
        records.append(json.dumps([{k: v for k, v in record.items() if k not in COSTS} for record in found]))
        repeated.append(recorder.repeated)
        assert [record["verdict"] for record in found] == ["inconclusive", "supported", *["failed"] * 2, *["supported"] * 2]
        sentences = " ".join(record["sentence"] for record in found)
        for reason in ("died by SIGSEGV", "took more than its deadline of 0.5 s"):
            assert reason in sentences
    assert records[0] == records[1]
    assert repeated == [["doe2024/surprise"]] * 2
    one, dask = ({file.name: file.read_bytes() for file in (tmp_path / name / "arrays").iterdir()} for name in ("one", "dask"))
    assert one == dask
    assert len(one) >= 4


def test_processes_stay_warm_and_go_with_their_driver(address: str, tmp_path: Path, cache: Path) -> None:
    log = tmp_path / "log"
    given = tasks(
        tmp_path, *(equal_claim(f"x-{i}", f"import os; open({str(log)!r}, 'a').write(f'{{os.getpid()}} ')") for i in range(8))
    )
    assert {outcome.status for outcome in outcomes(address, given).values()} == {"measured"}
    used = log.read_text().split()
    assert len(used) == 8
    assert len(set(used)) <= 2
    wait_for(lambda: not set(map(int, used)) & processes(cache), 3.0)


def test_trials_of_a_driver_that_leaves_are_ended(address: str, tmp_path: Path, cache: Path) -> None:
    started = tmp_path / "started"
    body = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    engine = Cluster(address)
    engine.submit(tasks(tmp_path, equal_claim("hangs", body))[0])
    process = int(wait_for(lambda: started.exists() and started.read_text()))
    assert process in processes(cache)
    engine.close()
    wait_for(lambda: process not in processes(cache), 3.0)


def test_a_lost_dask_worker_s_trials_are_resubmitted_twice(address: str, tmp_path: Path) -> None:
    log, once = tmp_path / "log", tmp_path / "once"
    counting = f"open({str(log)!r}, 'a').write('x'); {KILL_DASK_WORKER}"
    first_time = f"import os\nif not os.path.exists({str(once)!r}):\n    open({str(once)!r}, 'w').close(); {KILL_DASK_WORKER}"
    found = outcomes(address, tasks(tmp_path, equal_claim("once", first_time), equal_claim("always", counting)))
    assert found["once"].status == "measured"
    assert found["always"].status == "failed"
    assert re.fullmatch(r"its Dask worker was lost 3 times, the last one at tcp://127\.0\.0\.1:\d+", found["always"].reason)
    assert log.read_text() == "xxx"


def test_files_that_are_not_there_or_not_the_same_fail_with_the_reason(address: str, tmp_path: Path) -> None:
    gone, other = (tasks(tmp_path / name, equal_claim(name))[0] for name in ("gone", "other"))
    Path(gone.claim.file).unlink()
    write_claims(tmp_path / "other" / "paper_checks", "doe2024", equal_claim("other", "x = 1"))
    found = outcomes(address, [gone, other])
    pattern = r"the Dask worker at tcp://\S+ has no file \S+doe2024\.py; all workers must see the same files"
    assert re.fullmatch(pattern, found["gone"].reason)
    assert found["other"].reason == "its sources are not the same on the Dask worker: paper_checks/doe2024.py changed"


def test_a_sweep_on_a_cluster(address: str, tmp_path: Path) -> None:
    (tmp_path / "cells.py").write_text(CELL)
    cells = [{"size": size, "log": str(tmp_path / "log")} for size in (3, 13, 5)]
    here, there = (
        sweep(tmp_path / "cells.py", "cell", cells, store=tmp_path / str(dask), dask=dask) for dask in (None, address)
    )
    for one, other in zip(here, there, strict=True):
        assert one.failed == other.failed
        assert one.arrays.keys() == other.arrays.keys()
        for name in one.arrays:
            np.testing.assert_array_equal(one.arrays[name], other.arrays[name])
    assert there[1].failed == "raised ValueError: no luck (cells.py, line 10)"


def test_other_versions_are_refused_by_name_before_anything_runs(address: str, tmp_path: Path, cache: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x", f"open({str(tmp_path / 'ran')!r}, 'w')"))
    for library in ("scipy", "jaxlib"):
        folder = tmp_path / "fake" / f"{library}-0.0.1.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {library}\nVersion: 0.0.1\n")
    environ = {**environment(cache), "PYTHONPATH": str(tmp_path / "fake")}
    done = ntkit("verify", "--dask", address, cwd=tmp_path, env=environ)
    assert done.returncode == 2
    pattern = (
        rf"ntkit: error: --dask {address}: the worker at tcp://\S+ has other versions: jaxlib is 0\.0\.1 here and \S+ there, "
        r"scipy is 0\.0\.1 here and \S+ there; install the same everywhere\n"
    )
    assert re.fullmatch(pattern, done.stderr)
    assert not (tmp_path / "ran").exists()


def test_lost_clusters_are_one_line_and_the_run_resumes_elsewhere(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, file = tmp_path / "log", tmp_path / "scheduler.json"
    body = f"import time; time.sleep(0.2); open({str(log)!r}, 'a').write('x')"
    write_claims(tmp_path / "paper_checks", "doe2024", *(equal_claim(f"x-{i}", body) for i in range(8)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster_engine, "JOINING", 1.0)

    def measured() -> int:
        return len(log.read_text()) if log.exists() else 0

    def error_of_a_run(killed: "subprocess.Popen[bytes] | None" = None) -> str:
        """One line; the process is killed as soon as there are four more measurements."""
        enough = measured() + 4
        killer = threading.Thread(target=lambda: killed and wait_for(lambda: measured() >= enough) and killed.kill())
        killer.start()
        assert main(["verify", "--dask", json.loads(file.read_text())["address"]]) == 2
        killer.join()
        return re.sub(r"tcp://\S+:\d+", "ADDRESS", capsys.readouterr().err)

    processes = [_dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))]
    worker = ("worker", "--nthreads", "1", "--no-nanny", "--scheduler-file", str(file))
    prefix, resume = "ntkit: error: --dask ADDRESS:", "what was measured is kept; run the same command again"
    try:
        wait_for(file.exists)
        assert error_of_a_run() == f"{prefix} no worker has joined within 1 s; start some: dask worker ADDRESS\n"
        monkeypatch.setattr(cluster_engine, "JOINING", 60.0)
        monkeypatch.setattr(cluster_engine, "PATIENCE", 1.0)
        for killed, message in ((1, "no worker is left"), (0, "the scheduler is gone")):
            processes.append(_dask(*worker))
            assert error_of_a_run(processes[killed]).startswith(f"{prefix} {message}; {resume}")
    finally:
        for process in processes:
            process.kill()
            process.wait()
    before = measured()
    assert main(["verify", "--dask", address]) == 0
    kept = int(re.search(r"(\d+) trials to measure, (\d+) stored", capsys.readouterr().out)[2])
    assert 6 <= kept <= before
    assert measured() == before + 16 - kept


def _dask(*arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("where", ["closed", "silent", "unknown"])
def test_where_no_scheduler_answers_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x"))
    monkeypatch.setattr(cluster_engine, "CONNECTING", 0.5)
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        if where == "silent":
            some.listen()
        address = f"{'foo' if where == 'unknown' else 'tcp'}://127.0.0.1:{some.getsockname()[1]}"
        assert main(["verify", "--dask", address]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"ntkit: error: --dask {address}: no scheduler answers there (")
    assert error.count("\n") == 1


@pytest.mark.parametrize("where", ["local:", "local:0", "local:two", "local:-1", "here", "tcp://", "tcp://here", "a b:1", ""])
def test_what_cannot_be_a_cluster_is_refused(where: str) -> None:
    pattern = f"--dask {where}: must be the address of a scheduler, tcp://HOST:PORT, or local:N for N workers here"
    with pytest.raises(UsageError, match=pattern):
        choose_engine(1, where)


@pytest.mark.parametrize(
    "where", ["local:2", "head:8786", "tcp://10.0.0.1:8786", "tls://node-1.example.org:0", "tcp://[::1]:8786"]
)
def test_what_can_be_one_is_not(where: str) -> None:
    check_dask(where)


def test_without_the_extra_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x"))
    for name in ("ntkit.claims._cluster", "ntkit.claims._bench"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["verify", "--dask", "local:2"]) == 2
    assert capsys.readouterr().err == "ntkit: error: --dask needs the extra `cluster`: pip install 'ntkit[cluster]'\n"


def test_dask_is_imported_only_when_it_is_asked_for() -> None:
    modules = "ntkit.cli, ntkit._commands.verify, ntkit.claims._sweep"
    code = f"import sys, {modules}; print({{'dask', 'distributed'}} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_ctrl_c_ends_a_local_cluster_within_two_seconds(tmp_path: Path) -> None:
    """As a terminal sends it: to the driver and to all that it started in its group."""
    log = tmp_path / "log"
    body = f"import time; time.sleep(0.2); open({str(log)!r}, 'a').write('x')"
    write_claims(tmp_path / "paper_checks", "doe2024", *(equal_claim(f"x-{i}", body) for i in range(50)))
    run = start_ntkit("verify", "--dask", "local:1", cwd=tmp_path, start_new_session=True)
    wait_for(lambda: log.exists() and len(log.read_text()) >= 3, 40.0)
    began = time.monotonic()
    os.killpg(run.pid, signal.SIGINT)
    output, _ = run.communicate(timeout=20)
    assert time.monotonic() - began < 2.0, output
    assert run.returncode == 130
    assert "go on with: ntkit verify --dask local:1" in output
    assert "Traceback" not in output
    wait_for(lambda: not processes(tmp_path / "cache"), 2.0)


def test_a_local_cluster_goes_with_a_driver_that_was_killed() -> None:
    """Even before it has said where it is."""
    command = [sys.executable, "-P", "-m", "ntkit.claims._local_cluster", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        time.sleep(0.5)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(2.0) == -signal.SIGKILL


def test_a_local_cluster_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NtkitError, match="--dask local:2: the cluster did not start: it said nothing"), local_cluster(2):
        pytest.fail("it did")


def test_the_study_of_separation_is_swept_on_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def swept(*arguments: Any, **options: Any) -> None:
        raise UsageError(f"swept on {options['dask']}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ntkit.claims._sweep.sweep", swept)
    assert main(["analyze", "separation", "--dask", "tcp://head:8786", "--out", "out"]) == 2
    assert capsys.readouterr().err == "ntkit: error: swept on tcp://head:8786\n"


def test_a_warm_process_that_died_in_between_fails_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    engine = Supervisor(1)
    found = []
    for task in tasks(tmp_path, equal_claim("a"), equal_claim("b")):
        engine.submit(task)
        found += [event.outcome for event in engine.events() if isinstance(event, Finished)]
        (process,) = (worker.process for worker in engine._workers)
        process.kill()
        process.wait()
    engine.close()
    assert [outcome.status for outcome in found] == ["measured", "measured"]
