"""Every code block of the README runs: the two opening ones in .ci/run, all others here."""

import re
from pathlib import Path

import pytest

from tests.pages import Session, blocks

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
OPENING, OTHERS = blocks(README)[:2], blocks(README)[2:]


def test_the_opening_commands_are_those_that_ci_runs() -> None:
    steps = (ROOT / ".ci" / "run").read_text().splitlines()
    for block in OPENING:
        assert block.language == "sh"
        assert block.text.strip() in steps, block


def test_all_other_blocks_run_in_order(tmp_path: Path) -> None:
    session = Session(README, tmp_path)
    for block in OTHERS:
        session.run(block)
    lines = [line for block in OTHERS if block.language == "sh" for line in block.text.splitlines()]
    assert len(lines) >= 12
    assert all(line.startswith("ntkit ") for line in lines)
    for made in (
        "fair.svg",
        "fair.csv",
        "verdicts.json",
        "report/index.html",
        "merged/results.sqlite",
        "ntk.npy",
        "kernel/figure.svg",
    ):
        assert (tmp_path / made).is_file(), made


def test_the_claim_is_ten_lines() -> None:
    (claim,) = (block for block in OTHERS if block.file)
    declared = claim.text[claim.text.index("paper =") :]
    assert len([line for line in declared.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("name", re.findall(r"\]\(([^)#:]+)\)", README.read_text()))
def test_linked_files_are_there(name: str) -> None:
    assert (ROOT / name).is_file()
