"""The command as a user meets it: what it prints, where it refuses, and with which exit status."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ntkit.cli import parser
from tests.claims.test_verify import mean_claim
from tests.support import environment, equal_claim, ntkit, verdicts, write_claims

COMMANDS = ("verify", "list", "show", "figure", "report", "history", "power", "merge", "cite", "analyze", "diagnose", "init")
KEYS = {
    "claim", "paper", "where", "kind", "checked", "tier", "seed", "verdict", "recorded", "statistic", "interval", "regions",
    "sentence", "controls", "power", "seconds", "peak_mb", "versions", "evidence",
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two papers that were verified, one claim of which has no verdict as recorded."""
    folder = tmp_path_factory.mktemp("project")
    long = "a-claim-with-a-very-long-name-that-leaves-no-room-on-a-line-of-eighty-columns"
    write_claims(
        folder / "paper_checks",
        "doe2024",
        equal_claim("x"),
        equal_claim(long),
        mean_claim("near", "0.11 * (not trial.control)"),
    )
    write_claims(folder / "paper_checks", "roe2023", equal_claim("y"))
    done = ntkit("verify", "--json", "out.json", "--jobs", 2, cwd=folder)
    assert done.returncode == 3, done.stdout + done.stderr
    (folder / "first.txt").write_text(done.stdout)
    return folder


def _refused(*arguments: object, cwd: Path) -> str:
    """The one line on standard error with which a call is refused."""
    done = ntkit(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_plain_output_has_no_control_characters_and_fits_eighty_columns(project: Path) -> None:
    text = (project / "first.txt").read_text()
    assert all(character.isprintable() or character == "\n" for character in text)
    too_long = [line for line in text.splitlines() if len(line) > 80]
    assert all(" " not in line.strip() or "very-long-name" in line for line in too_long)
    assert "3 supported, 1 inconclusive; 1 not as recorded" in text
    assert re.search(r"doe2024/near: not as recorded, repeated once with four times the repeats", text)
    assert "0.11 [" not in text or "asked in [-1, 1]" in text


def test_json_has_one_object_per_claim(project: Path) -> None:
    records = json.loads((project / "out.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert [r["claim"] for r in records] == [
        c.split()[0] for c in ntkit("list", cwd=project).stdout.splitlines() if c.startswith("  ")
    ]
    for record in records:
        assert record.keys() >= KEYS
        assert (project / record["evidence"]).is_file()
        assert record["controls"]
        for control in record["controls"].values():
            assert control.keys() >= {"verdict", "statistic"}
    near = verdicts(project / "out.json")["doe2024/near"]
    assert (near["verdict"], near["recorded"], near["paper"]) == ("inconclusive", "supported", "doe2024")
    assert near["interval"][0] < near["statistic"] < near["interval"][1]
    assert near["regions"]["supported"] == [-1.0, 1.0]


def test_a_second_run_recomputes_nothing(project: Path) -> None:
    done = ntkit("verify", cwd=project)
    assert done.returncode == 3
    assert "4 claims: 0 trials to measure, 8 stored" in done.stdout


def test_chosen_claims_and_papers(project: Path) -> None:
    assert "1 supported; all as recorded" in ntkit("verify", "roe2023", cwd=project).stdout
    done = ntkit("verify", "doe2024/x", "roe2023/y", cwd=project)
    assert (done.returncode, "2 supported" in done.stdout) == (0, True)


def test_list_show_cite_history_why(project: Path) -> None:
    listed = ntkit("list", cwd=project).stdout
    assert "Doe, Roe (2024). Test" in listed
    assert "4 claims of 2 papers" in listed
    shown = ntkit("show", "doe2024/x", cwd=project).stdout
    for part in (
        "source:      Theorem 1",
        "Identity(rtol=1e-09)",
        "control:     off: one more",
        "verdict:     supported",
        "beyond the",
    ):
        assert part in shown
    assert ntkit("cite", "doe2024", cwd=project).stdout.startswith("@article{doe2024,\n  author = {Doe and Roe},")
    history = ntkit("history", "doe2024/near", cwd=project).stdout
    assert re.fullmatch(r"\S+  quick  seed 1000  inconclusive  1\.1 \[.*\]  jax \S+, numpy \S+\n", history)
    assert "off: stored, would not be measured again" in ntkit("verify", "--why", "doe2024/x", cwd=project).stdout


def test_figure_and_report(project: Path) -> None:
    done = ntkit("figure", "doe2024/x", "-o", "x.svg", cwd=project)
    assert done.returncode == 0, done.stderr
    assert (project / "x.svg").is_file()
    assert (project / "x.csv").is_file()
    assert "quick" in done.stdout
    done = ntkit("figure", "--all", "-o", "every figure", "--format", "png", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "wrote 4 figures into every figure, each with its data as .csv; claims without a result: 0" in done.stdout
    files = sorted(path.relative_to(project / "every figure").as_posix() for path in (project / "every figure").rglob("*.*"))
    assert len(files) == 8
    assert {"doe2024/near.csv", "doe2024/near.png", "doe2024/x.csv", "doe2024/x.png"} < set(files)
    done = ntkit("report", "-o", "pages", cwd=project)
    assert done.returncode == 0, done.stderr
    assert (project / "pages" / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "doe2024/z"), "unknown claim 'doe2024/z'; nearest: doe2024/x"),
        (("show", "do2024/x"), "nearest: doe2024/x"),
        (("show", "doe2024"), "doe2024 has 3 claims; name one of doe2024/x,"),
        (("cite", "zzzzzzzz"), "unknown claim 'zzzzzzzz'; `ntkit list` prints all"),
        (("verify", "--tier", "fast"), "--tier fast: there is no such tier; use quick or full"),
        (("verify", "--path", "nowhere"), "--path nowhere: there is no such folder"),
        (("verify", "--path", "empty"), "holds no claim file; `ntkit init` writes a first one"),
        (("verify", "--shard", "4/3"), "must be i/n with 1 <= i <= n, got '4/3'"),
        (("verify", "--jobs", "none"), "must be a whole number from 1, got 'none'"),
        (("verify", "--seed", "-1"), "must be a whole number from 0 to 2^63 - 1, got '-1'"),
        (("verify", "--json", "no/such/folder.json"), "--json no/such/folder.json: cannot be written"),
        (("verify", "--store", "first.txt"), "--store first.txt"),
        (("verify", "--dask", "here"), "--dask here: must be the address of a scheduler, tcp://HOST:PORT, or local:N"),
        (("verify", "--dask", "local:2", "--jobs", "2"), "argument --jobs: not allowed with argument --dask"),
        (("history", "doe2024/x", "--store", "nowhere"), "there are no results here; run `ntkit verify` first"),
        (("figure", "doe2024/x", "-o", "x.doc"), "x.doc"),
        (("figure", "-o", "x.svg"), "either a claim must be named, or --all given for those of all results"),
        (("figure", "doe2024/x", "-o", "x.svg", "--format", "svg"), "--format svg: goes with --all; of one figure, the name"),
        (("figure", "--all", "-o", "first.txt"), "-o first.txt: must be a folder where --all is given"),
        (("report",), "the following arguments are required: -o/--out; see ntkit report --help"),
        (("merge", "nowhere", "--store", "m"), "--store nowhere: there are no results here"),
        (("dance",), "argument COMMAND: invalid choice: 'dance'"),
        ((), "the following arguments are required: COMMAND"),
    ],
)
def test_bad_input_is_refused_in_one_line(project: Path, arguments: tuple[str, ...], message: str) -> None:
    (project / "empty").mkdir(exist_ok=True)
    before = sorted((project / ".ntkit").rglob("*"))
    assert message in _refused(*arguments, cwd=project)
    assert sorted((project / ".ntkit").rglob("*")) == before


def test_a_broken_file_is_reported_after_the_table_and_the_rest_runs(tmp_path: Path) -> None:
    write_claims(tmp_path / "paper_checks", "doe2024", equal_claim("x"))
    write_claims(tmp_path / "paper_checks", "roe2024", "def f(:")
    done = ntkit("verify", cwd=tmp_path)
    assert done.returncode == 2
    assert "1 supported; all as recorded" in done.stdout
    assert "1 files could not be read" in done.stdout
    assert "roe2024.py:7: SyntaxError" in done.stderr
    assert "unknown claim 'roe2024'" in _refused("show", "roe2024", cwd=tmp_path)
    assert "(1 files could not be read: " in _refused("show", "roe2024", cwd=tmp_path)
    listed = ntkit("list", cwd=tmp_path)
    assert (listed.returncode, "roe2024.py:7" in listed.stderr) == (2, True)


def test_init_writes_a_claim_that_verifies_and_touches_nothing_that_is_there(tmp_path: Path) -> None:
    assert ntkit("init", cwd=tmp_path).returncode == 0
    done = ntkit("verify", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 supported; all as recorded, every control refuted" in done.stdout
    assert "is there already" in _refused("init", cwd=tmp_path)


def test_without_a_local_folder_the_bundled_catalogue_is_used(tmp_path: Path) -> None:
    listed = ntkit("list", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "achour2022/frobenius-identity" in listed.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_parses(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ntkit.cli", command, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0
    example = re.search(r"example: (ntkit .*)", done.stdout)
    assert example is not None
    for part in example[1].split(" && "):
        assert parser().parse_args(part.split()[1:])


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["list"], ["show", "doe2024/x"]])
def test_what_only_looks_imports_no_numerics(project: Path, arguments: list[str]) -> None:
    code = (
        "import sys; from ntkit.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'jax', 'matplotlib', 'numpy', 'scipy', 'rich', 'sympy', 'sklearn', 'latex2mathml'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env=environment(project / "cache"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_framework_imports_neither_jax_nor_scipy_at_module_level() -> None:
    code = (
        "import sys, importlib, pkgutil, ntkit.claims\n"
        "for m in pkgutil.walk_packages(ntkit.claims.__path__, 'ntkit.claims.'): importlib.import_module(m.name)\n"
        "heavy = {'jax', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("extra", "coloured"), [({"TERM": "xterm-256color"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)]
)
def test_a_terminal_sees_a_live_display_and_no_color_is_respected(project: Path, extra: dict[str, str], coloured: bool) -> None:
    output = _in_a_terminal(["verify", "--seed", "77", "--store", f"live{coloured}"], project, extra)
    colours = re.findall(r"\x1b\[[0-9;]*3[1-5][0-9;]*m", output)
    assert bool(colours) is coloured
    assert "trials" in output
    assert "\x1b[" in output  # the live part moves the cursor, colours or not
    assert "3 supported, 1 inconclusive" in output


def _in_a_terminal(arguments: list[str], cwd: Path, extra: dict[str, str]) -> str:
    """What the command writes to a terminal of 80 columns."""
    driver, terminal = pty.openpty()
    command = [sys.executable, "-P", "-c", "import sys; from ntkit.cli import main; sys.exit(main())", *arguments]
    with subprocess.Popen(
        command, cwd=cwd, env={**environment(cwd / "cache"), **extra, "COLUMNS": "80"}, stdout=terminal, stderr=terminal
    ) as run:
        os.close(terminal)
        chunks = []
        while True:
            try:
                data = os.read(driver, 4096)
            except OSError:  # the other end closed
                break
            if not data:
                break
            chunks.append(data)
        run.wait()
    os.close(driver)
    return b"".join(chunks).decode()


def test_a_closed_pipe_is_no_error(project: Path) -> None:
    code = f"{sys.executable} -P -c 'import sys; from ntkit.cli import main; sys.exit(main())' list | true"
    done = subprocess.run(
        code, shell=True, cwd=project, env=environment(project / "cache"), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
