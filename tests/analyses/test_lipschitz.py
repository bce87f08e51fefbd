"""`ntkit analyze lipschitz`: what it finds, what it writes, and what it refuses."""

import argparse
import csv
import hashlib
import json
import shlex
import shutil
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from analyses import lipschitz
from ntkit.cli import main
from ntkit.lipschitz import Bound, Flatten, Network, local_lipschitz
from ntkit.studies import Ladder, channels_first, drawn_ladder

RNG = np.random.default_rng(0)
ARRAYS = {"W1": RNG.normal(size=(6, 3)), "b1": RNG.normal(size=6), "W2": RNG.normal(size=(3, 6)), "b2": RNG.normal(size=3)}
POINTS = RNG.uniform(0.0, 1.0, (5, 3))


def analyze(*arguments: object) -> int:
    return main(["analyze", "lipschitz", *map(str, arguments)])


def values(x: np.ndarray) -> np.ndarray:
    return np.maximum(x @ ARRAYS["W1"].T + ARRAYS["b1"], 0) @ ARRAYS["W2"].T + ARRAYS["b2"]


@pytest.fixture(autouse=True)
def _files(here: Path) -> None:
    np.savez("net.npz", **ARRAYS, act="relu")
    np.savez("points.npz", x=POINTS, y=values(POINTS).argmax(1) * np.array([1, 1, 1, 1, 0]))


def run(*arguments: object) -> int:
    """As the command does, with methods that compile quickly."""
    parser = argparse.ArgumentParser()
    lipschitz.add_options(parser)
    options = parser.parse_args(list(map(str, arguments)))
    options.command = shlex.join(map(str, arguments))
    return lipschitz.run(options)


def test_bounds_and_certificates_of_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lipschitz, "METHODS", ("lirpa",))
    monkeypatch.setattr(lipschitz, "SEARCHED", None)
    options = ("--weights", "net.npz", "--data", "points.npz", "--key", "x", "--labels", "y", "--clip", 0, 1)
    assert run(*options, "--radius", "0.01,0.1,1", "--out", "out", "--json", "all.json") == 0
    facts = json.loads(Path("all.json").read_text())
    record = json.loads(Path("out/record.json").read_text())
    assert record["results"] == facts
    assert record["inputs"][0] == {"file": "net.npz", "sha256": hashlib.sha256(Path("net.npz").read_bytes()).hexdigest()}
    assert shlex.split(record["command"])[:2] == ["--weights", "net.npz"]
    data = np.load("out/data.npz")
    np.testing.assert_allclose(data["values"], values(POINTS), rtol=1e-12)
    assert data["lirpa"].shape == (3, 5, 3)
    assert (data["attained"] <= data["lirpa"]).all()
    assert facts["median"]["lirpa"] == np.median(data["lirpa"].max(2), 1).tolist()
    classes, lines = values(POINTS).argmax(1), list(csv.DictReader(Path("out/bounds.csv").read_text().splitlines()))
    assert [int(line["class"]) for line in lines[:5]] == classes.tolist() == facts["class"]
    assert facts["right"] == (classes == np.load("points.npz")["y"]).tolist()
    certain = np.array([line["certain"] == "True" for line in lines]).reshape(3, 5)
    assert certain.sum(1).tolist() == facts["certain"]
    assert 0 < certain.sum() < certain.size
    for radius, row in zip((0.01, 0.1, 1.0), certain, strict=True):
        for x, own, sure in zip(POINTS, classes, row, strict=True):
            around = np.clip(x + radius * RNG.uniform(-1, 1, (2000, 3)).round(1), 0, 1)
            assert not sure or (values(around).argmax(1) == own).all()
    assert all(0 <= reach <= 1 for reach in facts["certified_radius"])
    assert "inputs whose class is certain in the ball" in Path("out/figure.svg").read_text()
    assert "net.npz on 5 inputs of points.npz" in Path("out/figure.svg").read_text()


def test_each_method_is_asked_at_each_radius(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """But what holds everywhere once; and derivatives are searched for once a radius."""
    asked = []

    def bound(net: Network, x: np.ndarray, radius: float, **options: Any) -> Bound:
        asked.append((options["method"], radius, options["deadline"], options["key"] is not None))
        rows = np.full((len(x), 1), 2.0)
        status = "stopped at the limit" if radius > 0.1 else "upper and lower bound met"
        return Bound(rows, rows[:, 0], rows / 2, "upper", options["method"], None, "float64", (x, x), 0.0, status)

    monkeypatch.setattr("ntkit.lipschitz.local_lipschitz", bound)
    np.savez("one.npz", W1=np.ones((1, 3)))
    options = ("--weights", "one.npz", "--data", "points.npz", "--key", "x", "--count", 1, "--radius", "0.1,0.2")
    assert run(*options, "--bab", 3, "--exact", 7.5, "--json", "all.json") == 0
    everywhere = [(name, 0.1, None, False) for name in ("product", "absolute")]
    local = [(name, radius, None, name == "lirpa") for radius in (0.1, 0.2) for name in ("ibp", "recurjac", "lirpa", "best")]
    timed = [(name, radius, limit, False) for radius in (0.1, 0.2) for name, limit in (("bab", 3.0), ("exact", 7.5))]
    assert asked == [*everywhere, *local[:4], *timed[:2], *local[4:], *timed[2:]]
    facts = json.loads(Path("all.json").read_text())
    assert facts["median"] == {**{key: [2.0, 2.0] for key in (*lipschitz.METHODS, *lipschitz.TIMED)}, "attained": [1.0, 1.0]}
    assert facts["status"] == {
        "bab": ["upper and lower bound met", "stopped at the limit"],
        "exact": ["upper and lower bound met", "stopped at the limit"],
    }
    shown = capsys.readouterr().out.splitlines()
    assert "network  Network((3,) -> Matrix -> 1)" in shown
    assert "largest change of an output for a change of the input by 1 in the l_inf norm" in shown
    assert ["exact", "2", "2", "(stopped)"] in [line.split() for line in shown]


def test_an_interrupted_run_goes_on_with_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Method by method and radius by radius; other inputs, weights or norms are other parts."""
    asked: list[tuple[str, float]] = []

    def bound(net: Network, x: np.ndarray, radius: float, **options: Any) -> Bound:
        if len(asked) == most:
            raise KeyboardInterrupt
        asked.append((options["method"], radius))
        rows = np.full((len(x), 3), radius + len(options["method"]))
        return Bound(rows, rows[:, 0], rows / 2, "upper", options["method"], None, "float64", (x, x), 0.0, "met")

    monkeypatch.setattr("ntkit.lipschitz.local_lipschitz", bound)
    given = ("--weights", "net.npz", "--data", "points.npz", "--key", "x", "--radius", "0.1,0.2", "--bab", 3, "--out")
    most = 99
    assert run(*given, "whole") == 0
    every = [*asked]
    asked.clear()
    most = 4
    with pytest.raises(KeyboardInterrupt):
        run(*given, "out")
    assert [file.name for file in Path("out").iterdir()] == ["parts.partial"]
    most = 99
    np.savez("other.npz", **{**ARRAYS, "b1": ARRAYS["b1"] + 1}, act="relu")
    for options, left in (
        ((), every[4:]),
        (("--weights", "other.npz"), every),
        (("--count", 2), every),
        (("--seed", 1), every),
    ):
        shutil.copytree("out", "again")
        asked.clear()
        assert run(*given, "again", *options) == 0
        assert asked == left
        assert not Path("again/parts.partial").exists()
        if not options:
            for name in ("data.npz", "figure.svg", "bounds.csv"):
                assert Path("again", name).read_bytes() == Path("whole", name).read_bytes()
        shutil.rmtree("again")


def test_methods_are_those_of_local_lipschitz() -> None:
    assert {*lipschitz.METHODS, *lipschitz.TIMED} <= set(get_args(local_lipschitz.__annotations__["method"]))


def test_images_are_brought_into_the_shape_that_the_network_takes(capsys: pytest.CaptureFixture[str]) -> None:
    images = RNG.normal(size=(2, 4, 5, 3))

    def of(*shape: int) -> Network:
        return Network.from_layers([Flatten()], input_shape=shape)

    assert channels_first((60,), images).shape == (2, 60)
    assert "notice: inputs of shape (4, 5, 3) are flattened in this order, channels last" in capsys.readouterr().out
    np.testing.assert_array_equal(channels_first((3, 4, 5), images), images.transpose(0, 3, 1, 2))
    assert "notice: channels are the last axis of the data, and are moved to the front" in capsys.readouterr().out
    np.testing.assert_array_equal(channels_first((3, 4, 5), images.reshape(2, 60)), images.reshape(2, 3, 4, 5))
    np.testing.assert_array_equal(channels_first((1, 4, 5), images[..., 0]), images[:, None, :, :, 0])
    with pytest.raises(ValueError, match=r"inputs must have shape \(4, 3, 5\) or \(60,\), as the network takes them"):
        channels_first((4, 3, 5), images)


def test_what_did_not_end_is_drawn_open_and_one_output_has_no_class() -> None:
    one = np.ones((1, 2, 1))
    found = Ladder(
        norm="2", radii=[0.1], bounds={"best": 2 * one, "exact": 1.5 * one}, status={"exact": ["stopped at the limit"]},
        lower=0 * one, values=np.ones((2, 1)), labels=None, certified_radius=None,
    )  # fmt: skip
    assert any("1.5 (stopped)" in line for line in lipschitz.table(found))
    figure = drawn_ladder("a network", found)
    (axes,) = figure.axes
    assert axes.lines[1].get_markerfacecolor() == "white"
    assert (found.certain, found.right, found.certified_radius) == (None, None, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--weights nowhere.npz", "--weights nowhere.npz: there is no such file"),
        ("--weights net.pt", "--weights net.pt: must be a file .npz, .safetensors, .onnx, got '.pt'"),
        ("--weights net.npz", "--data: inputs must have shape (3,) or (3,), as the network takes them, got (8, 8, 1)"),
        ("--weights bare.npz", "--weights bare.npz: --activation must be given, as the file does not say"),
        ("--weights conv.npz", "--weights conv.npz: --input-shape must be given for convolutions, such as W1"),
        ("--weights net.npz --activation relu", "act is in the file, so that it must not be given"),
        ("--weights net.npz --radius 0.1,0.01", "must be a positive number, or a rising list such as 0.01,0.03,0.1"),
        ("--weights net.npz --radius 0", "must be a positive number, or a rising list"),
        ("--weights net.npz --radius wide", "must be a positive number, or a rising list"),
        ("--weights net.npz --input-shape 3x0", "must be whole numbers from 1, as in 3x32x32, got '3x0'"),
        ("--weights net.npz --exact 1,2", "must be one positive number of seconds, got '1,2'"),
        ("--weights net.npz --data points.npz --key x --clip 0 1 --norm 2", "--clip 0 1: goes with the norm inf, got --norm 2"),
        ("--weights net.npz --data points.npz --key x --clip 1 0", "--clip 1 0: must be two finite numbers that rise"),
        ("--weights net.npz --data points.npz --key x --clip 0 0.5", "--clip 0 0.5: inputs must lie within it, got numbers"),
        ("--weights net.npz --data points.npz --key x --exact 1 --norm 2", "--exact 1: goes with networks of ReLUs"),
        ("--weights net.npz --data points.npz --key x --bab 1 --norm 1", "--bab 1: goes with networks of ReLUs"),
        ("--weights net.npz --data points.npz --key x --count 6", "--count 6: there are only 5 inputs"),
        ("--weights net.npz --data points.npz --key x --out net.npz", "-o net.npz: cannot be a folder"),
    ],
)
def test_what_is_refused(options: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.pt").touch()
    np.savez("bare.npz", **ARRAYS)
    np.savez("conv.npz", W1=np.ones((1, 1, 3, 3)), stride1=1, padding1="same", act="relu")
    try:
        status = analyze(*shlex.split(options))
    except SystemExit as exit_:
        status = int(str(exit_.code))
    assert status == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_labels_that_name_no_outputs_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    from ntkit.studies import Inputs

    net = Network.sequential([(np.ones((2, 3)), None)])
    data: Any = Inputs(POINTS, np.array([0, 1, 2, 0, 1]), 5, "points")
    assert lipschitz._known_labels(net, data) is None
    assert "notice: labels are no whole numbers from 0 to 1, as of outputs; they are left out" in capsys.readouterr().out
