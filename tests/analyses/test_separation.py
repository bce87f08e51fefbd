"""`ntkit analyze separation`: the laws, what it writes, how it resumes, and what it refuses."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ntkit.cli import main

SMALL = ("--patches", "4:8", "--dim", "256,1024", "--replicates", "20", "--format", "svg")


def analyze(*arguments: object, out: str = "out") -> int:
    return main(["analyze", "separation", "--out", out, *map(str, arguments)])


def facts(folder: str = "out") -> Any:
    return json.loads(Path(folder, "record.json").read_text())["results"]


@pytest.fixture(autouse=True)
def _for_workers(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTKIT_CACHE", str(here / "cache"))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")


def test_laws_table_record_and_picture(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(*SMALL, "--json", "laws.json", "--jobs", 2) == 0
    laws = json.loads(Path("laws.json").read_text())
    assert list(laws) == ["cnn", "lcn", "fcn"]
    for arch, power in (("cnn", 0), ("lcn", 1), ("fcn", 2)):
        assert set(laws[arch]) == {"k", "d", "n_star"}
        assert len(laws[arch]["n_star"]) == 4  # k = 4 with both d, then k = 8
        low, high = laws[arch]["k"]["interval"]
        assert low < laws[arch]["k"]["slope"] < high
        assert abs(laws[arch]["k"]["slope"] - power) < 0.35  # d is small
        assert abs(laws[arch]["d"]["slope"] - 1) < 0.25
    assert laws["fcn"]["n_star"][0] == pytest.approx(facts()["cells"][8]["n"] / 0.15**2)
    assert {arch: facts()[arch] for arch in laws} == laws
    assert np.load("out/data.npz")["fcn_8_1024_errors"].shape[0] == 20
    with Path("out", "cells.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["arch"] for row in rows[::4]] == ["cnn", "lcn", "fcn"]
    assert float(rows[0]["lower"]) < float(rows[0]["n"]) < float(rows[0]["upper"])
    assert "signal in a random patch" in Path("out", "figure.svg").read_text()
    shown = capsys.readouterr().out
    assert "fcn: n*/sigma^2 ~ k^" in shown
    # The same again is read from the store, to the byte; other formats and files need no measuring.
    before = Path("laws.json").read_bytes()
    assert analyze(*SMALL, "--json", "laws.json") == 0
    assert Path("laws.json").read_bytes() == before


def test_shards_are_joined(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = ("--arch", "cnn", "--patches", "4:16", "--dim", "256", "--format", "svg", "--store")
    for i in (1, 2):
        assert analyze(*grid, f"store{i}", "--shard", f"{i}/2") == 0
    assert "the others belong to other shards" in capsys.readouterr().out
    assert main(["merge", "store1", "store2", "--store", "all"]) == 0
    assert analyze(*grid, "all") == 0
    assert len(facts()["cells"]) == 3


def test_one_size_has_no_slope_and_a_static_signal_no_separation(here: Path) -> None:
    assert analyze("--arch", "lcn", "--patches", "4", "--dim", "512", "--json", "one.json", "--format", "svg") == 0
    law = json.loads(Path("one.json").read_text())["lcn"]
    assert law["k"] == law["d"] == {"slope": None, "interval": None, "why": "one size has no slope"}
    assert analyze("--arch", "fcn", "--patches", "8,32", "--dim", "4096", "--static", "--format", "svg", out="static") == 0
    assert abs(facts("static")["fcn"]["k"]["slope"]) < 0.15
    assert "always in the first patch" in Path("static", "figure.svg").read_text()


def test_cells_without_a_crossing_are_null_with_the_reason(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With sixteen pixels one sample shows the signal, and there is no smaller number."""
    assert analyze("--arch", "cnn", "--patches", "64,128", "--dim", "16", "--json", "laws.json", "--format", "svg") == 0
    law = json.loads(Path("laws.json").read_text())["cnn"]
    assert law["k"] == {"slope": None, "interval": None, "why": "at size 64: one sample does, and there is no smaller number"}
    assert law["n_star"] == pytest.approx([64 / 0.09, 128 / 0.09])
    assert "one sample does" in capsys.readouterr().out


def test_training_in_full_beside_the_law(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = ("--arch", "cnn", "--patches", "4", "--dim", "256", "--replicates", "20", "--format", "svg")
    assert analyze(*grid, "--simulate") == 0
    (full,) = facts()["trained in full"]
    (exact,) = facts()["cells"]
    assert full["interval"][0] < exact["interval"][1]
    assert exact["interval"][0] < full["interval"][1]
    assert "trained in full: 1 of 1 cells" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--arch", "cnn,mlp"), "must be different ones of cnn, lcn, fcn, got 'cnn,mlp'"),
        (("--patches", "8:4"), "must rise, got '8:4'"),
        (("--dim", "0"), "of whole numbers from 1, got '0'"),
        (("--target", "0.6"), "target must lie between the least error"),
        (("--target", "1e-4"), "the least error 0.000429 of this learner and the 0.5 of knowing nothing, got 0.0001"),
        (("--target", "nan"), "must be a positive number, got 'nan'"),
        (("--shard", "3/2"), "must be I/N with 1 <= I <= N, got '3/2'"),
        (("--replicates", "19"), "must be a whole number from 20"),
        (("--json", "nowhere/laws.json"), "--json nowhere/laws.json: must be a file in a folder that exists"),
    ],
)
def test_what_is_refused(here: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str) -> None:
    try:
        status = analyze(*options)
    except SystemExit as exit_:
        status = int(str(exit_.code))
    assert status == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
