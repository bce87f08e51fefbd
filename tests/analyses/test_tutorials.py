"""Tutorials run as they stand, in an empty folder, draw what they say, and become pages with every cell.

They are run by what builds the documentation, which keeps what they printed and drew: whichever comes first runs them.
"""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs._hooks import tutorials
from ntkit._commands.analyze import studies
from ntkit.studies import out_folder

SCRIPTS = sorted(tutorials.SCRIPTS.glob("*.py"))
NAMES = ["cnn_kernel", "kernel_regime", "loss_surface", "orthogonal_layer", "robust_network"]
SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?: %)?")

SMALL = '''"""A title.

What it is about.
"""

# %%
import os
print(os.getpid())

# %% [markdown]
# ## Prose
#
# Two
# lines.

# %%
for name in ("a", "b"):
    print(name)
    assert name != "c"
'''


def test_there_are_five_and_they_are_no_studies() -> None:
    assert [script.stem for script in SCRIPTS] == NAMES
    assert not {script.stem.replace("_", "-") for script in SCRIPTS} & set(studies())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_tutorial_runs_and_draws_what_its_page_shows(script: Path) -> None:
    run = tutorials.executed(script)  # its asserts have held
    page, parts = tutorials.page(script, run), tutorials.cells(script)
    for cell, printed in zip(parts, run.printed, strict=True):
        assert (cell.text if cell.prose else f"```python\n{cell.text}\n```") in page
        assert printed.strip("\n") in page
    assert sum(bool(printed.strip()) for printed in run.printed) >= 3
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page)
    assert shown == list(run.pictures) == [f"{script.stem.replace('_', '-')}.svg"]
    drawing = ElementTree.fromstring(run.pictures[shown[0]])
    words = ["".join(text.itertext()) for text in drawing.iter(f"{SVG}text")]
    assert len(list(drawing.iter(f"{SVG}path"))) > 20
    assert sum(bool(re.search("[a-z]{4}", text)) for text in words) >= 8  # axes and curves say what they are


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_numbers_in_prose_are_printed_or_stand_in_the_code(script: Path) -> None:
    parts = tutorials.cells(script)
    known = set(NUMBER.findall("\n".join([*tutorials.executed(script).printed, *(c.text for c in parts if not c.prose)])))
    known |= {f"{float(number) * 100:g} %" for number in known if "%" not in number}
    for cell in parts:
        if cell.prose:
            words = re.sub(r"\$[^$]*\$|`[^`]*`|!\[[^]]*\]\([^)]*\)", "", cell.text)
            assert set(NUMBER.findall(words)) <= known | {"0", "1"}


def test_what_was_run_is_kept_until_code_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(tmp_path / "cache"))
    script = tmp_path / "small.py"
    script.write_text(
        SMALL + "import sys\nfrom pathlib import Path\nPath('pictures').mkdir()\nassert sys.argv[1:] == ['--out', 'pictures']\n"
    )
    first = tutorials.executed(script)
    assert first.printed[-1] == "a\nb\n"
    script.write_text(script.read_text().replace("# Two\n", "# Some\n"))
    assert tutorials.executed(script) == first
    assert "## Prose\n\nSome\nlines." in tutorials.page(script, first)
    assert tutorials.page(script, first).startswith(
        "---\nhide: [toc]\n---\n\n# A title.\n\nWhat it is about.\n\n```python\nimport os"
    )
    script.write_text(script.read_text().replace('("a", "b")', '("a", "b", "a")'))
    again = tutorials.executed(script)
    assert again.printed[-1] == "a\nb\na\n"
    assert again.printed[1] != first.printed[1]
    script.write_text(script.read_text() + "\n# %% [markdown]\n# The end.\n")
    assert tutorials.page(script, tutorials.executed(script)).count("\n\nThe end.\n\n") == 1
    script.write_text(script.read_text().replace('"b", "a"', '"b", "c"'))
    with pytest.raises(RuntimeError, match=r"small\.py ends with status 1:[^$]*line 19[^$]*AssertionError"):
        tutorials.executed(script)


def test_pictures_go_where_the_command_line_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["script.py"])
    assert out_folder("Purpose.") == Path()
    monkeypatch.setattr(sys, "argv", ["script.py", "--out", "new/folder"])
    assert out_folder("Purpose, 100 %.\n\nMore.") == Path("new/folder")
    assert Path("new/folder").is_dir()
    Path("file").touch()
    for arguments, said in (
        (["--out", "file"], "--out file: cannot be a folder"),
        (["--ou", "x"], "unrecognized arguments: --ou x"),
    ):
        monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
        with pytest.raises(SystemExit, match="2"):
            out_folder(None)
        assert said in capsys.readouterr().err.splitlines()[-1]
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert out_folder(None) == Path()  # a notebook's command line is its own
