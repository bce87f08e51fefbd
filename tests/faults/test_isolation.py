"""What one claim does to its process reaches no other claim, and nothing stale or foreign is taken for evidence."""

import json
import time
from pathlib import Path

from tests.support import equal_claim, ntkit, processes, start_ntkit, verdicts, write_claims

TINY = "return Sides([1.0], [float(jax.numpy.asarray(1.0) + 1e-12) - 1e-12 + (trial.control == 'off')])"


def _verdicts(folder: Path, *options: object) -> dict[str, str]:
    ntkit("verify", "--json", "out.json", *options, cwd=folder)
    return {name: record["verdict"] for name, record in verdicts(folder / "out.json").items()}


def test_an_answer_of_a_forked_copy_is_not_taken_for_the_next_trial_s(tmp_path: Path) -> None:
    forking = "import os, time\nif os.fork() == 0: time.sleep(0.5)"
    false = "import time; time.sleep(1.5); return Sides([1.0], [2.0])"
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("aaa", forking), equal_claim("bbb", false))
    assert _verdicts(tmp_path, "--jobs", 1)["doe2024/bbb"] == "refuted"


def test_settings_of_one_trial_do_not_reach_the_next(tmp_path: Path) -> None:
    """Switching float64 off, leaving the folder, and a thread that ends the process later."""
    leaving = "import os, threading, time; os.chdir('/'); os.environ['X'] = 'y'; np.seterr(all='raise')"
    bomb = "import os, threading; threading.Timer(0.7, os._exit, [1]).start()"
    patient = "import os, time; time.sleep(1.5); assert os.getcwd() != '/' and 'X' not in os.environ; np.exp(-800.0)"
    switching = equal_claim("aaa", "jax.config.update('jax_enable_x64', False)")
    write_claims(tmp_path / "paper_checks", "doe2024", "import jax\n", switching, equal_claim("bbb", TINY))
    rest = equal_claim("ccc", leaving), equal_claim("ddd", bomb), equal_claim("eee", patient)
    write_claims(tmp_path / "paper_checks", "roe2024", *rest)
    assert set(_verdicts(tmp_path, "--jobs", 1).values()) == {"supported"}


def test_writing_to_the_worker_s_socket_fails_that_claim_only(tmp_path: Path) -> None:
    body = "import os, sys; os.write(int(sys.argv[1]), b'\\xff' * 64)"
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("a", body), equal_claim("b"))
    done = ntkit("verify", "--jobs", 1, "--json", "out.json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    found = verdicts(tmp_path / "out.json")
    assert found["doe2024/a"]["sentence"].startswith("the claim wrote to the socket of its worker")
    assert found["doe2024/b"]["verdict"] == "supported"


def test_progress_from_threads_does_not_garble_a_large_result(tmp_path: Path) -> None:
    body = """
        import threading
        stop = threading.Event()
        def report():
            while not stop.wait(0.01):
                list(trial.progress(range(3)))
        threading.Thread(target=report, daemon=True).start()
        return Sides(np.arange(3e6), np.arange(3e6) + (trial.control == "off"))
    """
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("a", body))
    assert _verdicts(tmp_path) == {"doe2024/a": "supported"}


def test_a_worker_whose_child_holds_its_socket_is_noticed(tmp_path: Path) -> None:
    body = "import os, time\nif os.fork(): os._exit(3)\ntime.sleep(60)"
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("a", body))
    began = time.monotonic()
    ntkit("verify", "--json", "out.json", cwd=tmp_path)
    assert time.monotonic() - began < 20
    assert "ended its process with exit status 3" in verdicts(tmp_path / "out.json")["doe2024/a"]["sentence"]
    assert processes(tmp_path / "cache") == set()


def test_a_helper_changed_during_the_run_fails_the_trial(tmp_path: Path) -> None:
    started = tmp_path / "started"
    body = f"open({str(started)!r}, 'w').close(); import time; time.sleep(1.5)"
    folder = tmp_path / "paper_checks"
    write_claims(folder, "doe2024", "from _helper import value\n", equal_claim("a", body))
    (folder / "_helper.py").write_text("value = 1\n")
    run = start_ntkit("verify", "--json", "out.json", cwd=tmp_path)
    while not started.exists():
        time.sleep(0.02)
    (folder / "_helper.py").write_text("value = 5\n")
    run.communicate()
    record = verdicts(tmp_path / "out.json")["doe2024/a"]
    assert record["verdict"] == "failed"
    assert "_helper.py was changed while it was being verified; run the same command again" in record["sentence"]


def test_modules_imported_by_name_are_noticed_when_they_change(tmp_path: Path) -> None:
    folder = tmp_path / "paper_checks"
    body = "import importlib; return Sides([1.0], [importlib.import_module('_by_name').value + (trial.control == 'off')])"
    write_claims(folder, "doe2024", equal_claim("a", body))
    (tmp_path / "_by_name.py").write_text("value = 1.0\n")
    assert _verdicts(tmp_path) == {"doe2024/a": "supported"}
    assert "0 trials to measure" in ntkit("verify", cwd=tmp_path).stdout
    (tmp_path / "_by_name.py").write_text("value = 2.0\n")
    assert _verdicts(tmp_path) == {"doe2024/a": "refuted"}


def test_flakiness_survives_an_interrupted_fresh_run(tmp_path: Path) -> None:
    body = "import time; time.sleep(2 * (trial.control == 'off')); "
    body += "return Sides([1.0], [1.0 + 1e-12 * (time.time_ns() % 1000) + (trial.control == 'off')])"
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("a", body))
    assert ntkit("verify", "--jobs", 1, cwd=tmp_path).returncode == 0
    run = start_ntkit("verify", "--jobs", 1, "--fresh", cwd=tmp_path)
    time.sleep(1.5)
    run.terminate()
    run.communicate()
    done = ntkit("verify", "--jobs", 1, "--json", "out.json", cwd=tmp_path)
    assert "0 trials to measure" not in done.stdout, "what was to be measured afresh still is"
    assert json.loads((tmp_path / "out.json").read_text())[0]["verdict"] == "flaky"


def test_a_worker_that_is_left_as_it_was_serves_the_whole_file(tmp_path: Path) -> None:
    """Also when a library that the first trial imports adds to the environment (scikit-learn does)."""
    body = "import os, sklearn.datasets; open('pids', 'a').write(f'{os.getpid()} ')"
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("a", body), equal_claim("b", body))
    assert ntkit("verify", "--jobs", 1, cwd=tmp_path).returncode == 0
    pids = (tmp_path / "pids").read_text().split()
    assert len(pids) == 4
    assert len(set(pids)) == 1
