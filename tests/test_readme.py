"""Every code block of the README runs: the two opening ones in .ci/run, all others here."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ntkit

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
OPENING, OTHERS = BLOCKS[:2], BLOCKS[2:]


def test_the_opening_commands_are_those_that_ci_runs() -> None:
    steps = (ROOT / ".ci" / "run").read_text().splitlines()
    for language, block in OPENING:
        assert language == "sh"
        assert block.strip() in steps, block


def test_all_other_blocks_run_in_order(tmp_path: Path) -> None:
    (tmp_path / "paper_checks").mkdir()
    commands = 0
    for language, block in OTHERS:
        if language == "python" and "paper =" in block:
            (tmp_path / "paper_checks" / "doe2024.py").write_text(block)
            continue
        if language == "python":
            subprocess.run([sys.executable, "-c", block], cwd=tmp_path, check=True)
            continue
        assert language == "sh", f"a block of {language!r} is not run by anything"
        for line in block.splitlines():
            command = shlex.split(line, comments=True)
            assert command[0] == "ntkit", line
            done = ntkit(*command[1:], cwd=tmp_path)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            commands += 1
    assert commands >= 12
    for made in (
        "fair.svg",
        "fair.csv",
        "verdicts.json",
        "report/index.html",
        "merged/results.sqlite",
        "ntk.npy",
        "kernel/kernel.pdf",
    ):
        assert (tmp_path / made).is_file(), made


def test_the_claim_is_ten_lines() -> None:
    (claim,) = (block for language, block in OTHERS if language == "python" and "paper =" in block)
    declared = claim[claim.index("paper =") :]
    assert len([line for line in declared.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("name", re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()))
def test_linked_files_are_there(name: str) -> None:
    assert (ROOT / name).is_file()
