"""`ntkit analyze`: which studies there are, and that one can be stopped."""

import re
import shlex
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from analyses import kernel, learning_curve, lipschitz, orthoconv, spectrum
from ntkit.cli import Parser, parser
from ntkit.kernels import parse
from ntkit.studies import convolutions, is_place
from ntkit.studies._kernels import parsed_kernel
from tests.support import environment, ntkit, start_ntkit

STUDY = '''
"""Count to a number."""
def add_options(parser):
    parser.add_argument("--to", type=int, required=True)
def run(options):
    print(*range(options.to))
    return 0
'''


def test_studies_of_the_current_folder_are_added_and_replace_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "analyses"
    folder.mkdir()
    for name, text in {"count_up": STUDY, "kernel": STUDY, "broken": "def f(:", "_helper": STUDY, "tool": "x = 1"}.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "raises.py").write_text(f"{STUDY}\nx = 1 / 0\n")
    shown = ntkit("analyze", "--help", cwd=tmp_path).stdout
    names = re.findall(r"^    ([a-z_-]+)(?: |$)", shown, flags=re.MULTILINE)
    ours = ["kernel", "landscape", "learning-curve", "lipschitz", "orthoconv", "separation", "spectrum"]
    assert names == sorted([*ours, "broken", "count-up", "raises"])
    assert "Kernel matrix of a network on data" in shown
    done = ntkit("analyze", "count-up", "--to", 3, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "0 1 2\n")
    for arguments, message in {
        ("count-up",): "ntkit analyze count-up: error: the following arguments are required: --to",
        ("broken",): "ntkit: error: analyses/broken.py:1: SyntaxError",
        ("raises",): "ntkit: error: analyses/raises.py:9: ZeroDivisionError: division by zero",
        ("kernle",): "ntkit analyze: error: argument STUDY: invalid choice: 'kernle'",
        (): "ntkit analyze: error: the following arguments are required: STUDY; see ntkit analyze --help",
    }.items():
        done = ntkit("analyze", *arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "study", [kernel, spectrum, learning_curve, orthoconv, lipschitz], ids=lambda study: str(study.__name__)
)
def test_help_is_quick_and_its_examples_are_good(tmp_path: Path, study: ModuleType) -> None:
    name = study.__name__.removeprefix("analyses.").replace("_", "-")
    code = (
        "import sys; from ntkit.cli import main\n"
        f"try: main(['analyze', '{name}', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'jax', 'matplotlib', 'scipy', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(tmp_path / "cache"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    examples = re.findall(rf"^  (ntkit analyze {name} .*)", done.stdout, flags=re.MULTILINE)
    assert len(examples) >= 3
    for example in examples:
        outer = parser().parse_args(shlex.split(example)[1:])
        options = Parser()
        study.add_options(options)
        given = options.parse_args(outer.arguments[1:])
        if study is lipschitz:
            assert given.radius[0] > 0
        elif study is not orthoconv and given.net:
            assert is_place(given.net) or parse(given.net)
        elif study is not orthoconv:
            assert parsed_kernel(given.kernel)
        elif given.weights is None:
            assert convolutions(given)


def test_help_of_the_kernel_study_names_every_word() -> None:
    from ntkit.kernels._words import _NAMES

    assert kernel.__doc__ is not None
    named = re.findall(r"[a-z]+", kernel.__doc__)
    assert [name for name in _NAMES if name not in named] == []


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_ctrl_c_ends_it_with_130_and_leaves_nothing_that_looks_whole(tmp_path: Path, seconds: float) -> None:
    run = start_ntkit(
        "analyze", "kernel", "--net", "conv3x3 relu conv3x3 relu gap dense", "--count", 1797, "-o", "out", cwd=tmp_path
    )
    assert run.stdout is not None
    for line in run.stdout:
        if line.startswith("memory"):
            break
    try:
        run.communicate(timeout=seconds or 0.01)
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130, output
    assert output.endswith("ntkit: interrupted\n")
    assert "Traceback" not in output
    assert {".partial" in file.name for file in (tmp_path / "out").iterdir()} <= {True}


@pytest.mark.parametrize(
    ("study", "options", "begun"),
    [
        ("spectrum", "--net 'dense relu dense' --count 1500", "data"),
        ("learning-curve", "--net 'dense relu dense' --count 1500", "data"),
        ("orthoconv", "--in-channels 512 --out-channels 512 --kernel 3 --size 14", "work"),
    ],
)
def test_ctrl_c_ends_the_others_before_anything_is_written(tmp_path: Path, study: str, options: str, begun: str) -> None:
    run = start_ntkit("analyze", study, *shlex.split(options), "-o", "out", cwd=tmp_path)
    assert run.stdout is not None
    for line in run.stdout:
        if line.startswith(begun):
            break
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130, output
    assert output.endswith("ntkit: interrupted\n")
    assert "Traceback" not in output
    assert not any((tmp_path / "out").iterdir())


def test_ctrl_c_in_a_callback_from_c_is_not_lost(tmp_path: Path) -> None:
    """JAX has callbacks at garbage collection, where Python prints and forgets what is raised."""
    (tmp_path / "analyses").mkdir()
    (tmp_path / "analyses" / "busy.py").write_text(
        textwrap.dedent(
            """
            '''Is interrupted once, while garbage is collected.'''
            import gc
            import signal
            import time

            def add_options(parser):
                pass

            def interrupt(phase, info):
                gc.callbacks.clear()
                signal.raise_signal(signal.SIGINT)

            def run(options):
                gc.callbacks[:] = [interrupt]
                gc.collect()
                time.sleep(20)
                return 0
            """
        )
    )
    run = start_ntkit("analyze", "busy", cwd=tmp_path)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130, output
    assert output == "ntkit: interrupted\n"
