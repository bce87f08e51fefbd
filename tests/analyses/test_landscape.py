"""`ntkit analyze landscape`: what it finds, what it writes, and what it refuses."""

import argparse
import csv
import hashlib
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ntkit.landscape
from analyses import landscape
from ntkit.cli import main
from ntkit.kernels import parse
from ntkit.landscape import Adam, train
from ntkit.lipschitz import LeakyRelu, Network, load_network
from ntkit.studies import Scenery, drawn_scenery, rescalable, studied_network

pytestmark = pytest.mark.usefixtures("hardly_optimised")

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(30, 3))
SMALL = ("--steps", 30, "--points", 5, "--eigenvalues", 3)
DATA = ("--data", "points.npz", "--key", "x")


def analyze(*arguments: object) -> int:
    return main(["analyze", "landscape", *map(str, arguments)])


@pytest.fixture(autouse=True)
def _files(here: Path) -> None:
    np.savez("points.npz", x=POINTS, classes=(POINTS[:, 0] > 0).astype(int), numbers=POINTS[:, 1] ** 2)


def test_a_network_is_trained_as_it_says_and_measured(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--net", "dense4 erf dense2", *DATA, "--labels", "classes", *SMALL, "-o", "out", "--json", "all.json")
    assert analyze(*options) == 0
    shown = capsys.readouterr().out
    assert "weights  Adam, rate 0.001, 30 steps of 30 inputs, seed 0" in shown
    assert "rescaled" not in shown  # erf is not homogeneous
    facts, record = (json.loads(Path(name).read_text()) for name in ("all.json", "out/record.json"))
    assert record["results"] == facts
    assert record["inputs"] == [{"file": "points.npz", "sha256": hashlib.sha256(Path("points.npz").read_bytes()).hexdigest()}]
    assert not Path("out/plane.npz").exists()

    with np.load("out/weights.npz") as saved:  # (3, 4) and (4, 2), both without biases
        first, last = (jnp.asarray(saved[name]) for name in ("arr_0", "arr_1"))

    def loss(params: list[jax.Array]) -> jax.Array:
        z = jnp.matmul(jax.scipy.special.erf(jnp.matmul(jnp.asarray(POINTS), params[0])), params[1])
        right = jax.nn.log_softmax(z)[jnp.arange(30), (POINTS[:, 0] > 0).astype(int)]
        return -right.mean()

    flat, unravel = jax.flatten_util.ravel_pytree([first, last])
    hessian = np.asarray(jax.hessian(lambda v: loss(unravel(v)))(flat))
    values = np.linalg.eigvalsh(hessian)
    assert facts["loss"] == pytest.approx(float(loss([first, last])), rel=1e-10)
    np.testing.assert_allclose(facts["eigenvalues"], values[::-1][:3], rtol=1e-6)
    assert facts["smallest"] == pytest.approx(values[0], abs=1e-6)
    assert facts["trace_interval"][0] <= np.trace(hessian) <= facts["trace_interval"][1]
    assert values[0] <= facts["plane_curvatures"][1] <= facts["plane_curvatures"][0] <= values[-1]
    assert facts["gradient"] == pytest.approx(float(jnp.linalg.norm(jax.grad(lambda v: loss(unravel(v)))(flat))), rel=1e-8)
    arrays = np.load("out/data.npz")
    assert arrays["plane"].shape == (5, 5)
    assert arrays["plane"][2, 2] == pytest.approx(facts["loss"], rel=1e-12)
    np.testing.assert_allclose(arrays["plane"][:, 2], arrays["first"], rtol=1e-12)
    assert "dense4 erf dense2 on 30 inputs of points.npz" in Path("out/surface.html").read_text()
    rows = list(csv.DictReader(Path("out/line.csv").read_text().splitlines()))
    np.testing.assert_allclose([float(row["second"]) for row in rows], arrays["plane"][2], rtol=1e-12)

    before = {file.name: file.read_bytes() for file in Path("out").iterdir()}
    assert main(shlex.split(record["command"])[1:]) == 0  # the command of the record repeats it
    assert {file.name: file.read_bytes() for file in Path("out").iterdir()} == before
    # With an even number of points no point of the grid is the network itself, whose loss and accuracy are said all the same.
    assert analyze(*options[:-4], "-o", "again", "--weights", "out/weights.npz", "--points", 4) == 0
    again = json.loads(Path("again/record.json").read_text())["results"]
    assert (again["loss"], again["accuracy"]) == (facts["loss"], facts["accuracy"])


def test_training_is_that_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def watched(*arguments: object, **options: object) -> object:
        asked.update(method=arguments[2], steps=arguments[3], **options)
        return train(*arguments, **options)

    monkeypatch.setattr("ntkit.landscape.train", watched)
    given = ("--rate", 0.01, "--batch", 7, "--labels", "numbers")
    assert analyze("--net", "dense4 relu dense1", *DATA, *SMALL, *given, "-o", "out") == 0
    assert (asked["method"], asked["steps"], asked["batch"]) == (Adam(0.01), 30, 7)
    results = json.loads(Path("out/record.json").read_text())["results"]
    assert results["accuracy"] is None
    assert results["rescalable_units"]


def parsed(*arguments: object) -> argparse.Namespace:
    options = argparse.ArgumentParser()
    landscape.add_options(options)
    return options.parse_args(list(map(str, arguments)))


def test_a_network_of_a_file_has_one_bias_for_each_channel() -> None:
    shapes = {"W1": (2, 1, 3, 3), "b1": 2, "W2": (10, 2 * 64), "b2": 10}
    arrays = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
    np.savez("net.npz", **arrays, act="relu", input_shape=[1, 8, 8], padding1="same", stride1=1)
    studied, inputs = studied_network(parsed("--weights", "net.npz", "--count", 20, "-o", "out"), jax.random.key(0))
    assert [leaf.shape for leaf in studied.params] == [(2, 1, 3, 3), (2,), (10, 128), (10,)]
    expected = load_network("net.npz")(jnp.asarray(inputs.x))
    np.testing.assert_allclose(studied.outputs(studied.params, jnp.asarray(inputs.x)), expected, rtol=1e-12)
    moved = [*studied.params[:3], studied.params[3] + 1]
    np.testing.assert_allclose(studied.outputs(moved, jnp.asarray(inputs.x)), expected + 1, rtol=1e-12)
    assert (studied.homogeneous, studied.filter_axis, studied.trained) == (True, 0, None)


def test_a_network_of_a_file_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("net.npz", W1=RNG.normal(size=(4, 3)), W2=RNG.normal(size=(2, 4)), act="tanh")
    given = ("--weights", "net.npz", *DATA, "--labels", "classes", "--points", 3, "--eigenvalues", 2, "-o", "out")
    assert analyze(*given) == 0
    assert json.loads(Path("out/record.json").read_text())["results"]["parameters"] == 20
    assert "weights  net.npz" in capsys.readouterr().out
    assert not Path("out/weights.npz").exists()


def scenery(**changed: object) -> Scenery:
    grid = np.linspace(-1, 1, 3)
    plane = 1 + grid[:, None] ** 2 + grid[None] ** 2
    found = Scenery(
        grid=grid, lines=[plane[:, 1], plane[1]], plane=plane, centre=1.0, accuracy=None, accuracies=None, gradient=0.0,
        curvatures=np.array([2.0, 1.0]), top=np.array([10.0, 3.0]), residuals=np.zeros(2), smallest=0.0, smallest_residual=0.0,
        params=5, trace=15.0, trace_interval=(14.0, 16.0), density_grid=np.linspace(0, 10, 4), density=np.full(4, 0.1),
        density_interval=np.full((2, 4), 0.1), conventions=(), homogeneous=False,
    )  # fmt: skip
    return replace(found, **changed)


def test_the_verdict_says_what_the_picture_cannot_show() -> None:
    said = " ".join(scenery().verdict())
    assert "It shows 20 % of the sharpest curvature; a mean one is 3." in said
    assert "which proves nothing of other directions" in said
    assert "Units" not in said
    assert "the Hessian has a negative eigenvalue" in " ".join(scenery(smallest=-0.5).verdict())
    assert "one such direction proves" in " ".join(scenery(curvatures=np.array([2.0, -1.0])).verdict())
    assert "do not compare its widths" in " ".join(scenery(homogeneous=True).verdict())
    flat = scenery(top=np.zeros(2), curvatures=np.zeros(2))
    assert "It does not curve at its centre, nor does the loss in any direction" in " ".join(flat.verdict())
    holes = np.ones((3, 3))
    holes[0, 0] = np.nan
    assert "NaN or infinite at 1 of 9 points" in " ".join(scenery(plane=holes).verdict())


def test_a_picture_with_holes_and_without_spread_is_drawn() -> None:
    holes = np.ones((3, 3))
    holes[0, 0] = np.inf
    figure = drawn_scenery("a network", scenery(plane=holes))
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes[:4]]
    assert figure.axes[1].get_xlabel() == "multiple of the first direction"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "out"), "--net or --weights must be given: the network, in words or from a file"),
        (("--net", "dense2", *DATA, "-o", "out"), "--labels must be given: a loss needs what is to be learnt"),
        (("--net", "dense1", *DATA, "--labels", "numbers", "--loss", "cross-entropy", "-o", "out"), "goes with classes"),
        (("--net", "dense10", "--batch", 1000, "-o", "out"), "--batch 1000: there are only 500 inputs"),
        (
            ("--net", "dense10", "--weights", "points.npz", "-o", "out"),
            "must hold arrays of shapes (64, 10), got classes (30,), num",
        ),
        (("--net", "dense10", "--weights", "other.npz", "-o", "out"), "must hold arrays of shapes (64, 10), got arr_0 (2, 2)"),
        (("--weights", "none.npz", "-o", "out"), "--weights none.npz: there is no such file"),
        (("--net", "dense10", "--weights", "cut.npz", "-o", "out"), "--weights cut.npz: "),
        (("--net", "dense10", "--weights", "other.npy", "-o", "out"), "must hold arrays of shapes (64, 10), got other (3,)"),
        (("--weights", "three.npz", *DATA, "--labels", "numbers", "-o", "out"), "do not go with the network's 3 outputs"),
        (("--net", "dense10", "--weights", "zero.npz", "-o", "out"), "the weights leave no plane"),
        (("--net", "dense10", "--activation", "relu", "-o", "out"), "--activation relu: goes with a network of a file"),
        (("--weights", "three.npz", "--centre", "-o", "out"), "--centre: goes with --net"),
        (("--weights", "three.npz", "--as", "images", "-o", "out"), "--as: goes with --net"),
        (("--weights", "three.npz", "--layout", "oihw", "-o", "out"), "--layout oihw: goes with --net"),
        (("--net", "dense10", "--layout", "oihw", "-o", "out"), "--layout oihw: goes with --weights"),
        (("--net", "dense4 relu dense", "-o", "out"), 'word 3, "dense", needs a width, as in dense32, since the network is'),
        (("--net", "dense9", "-o", "out"), "there are 10 classes or numbers, which do not go with the network's 9 outputs"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[object, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("other.npz", np.ones((2, 2)))
    np.savez("zero.npz", np.zeros((64, 10)))
    np.save("other.npy", np.ones(3))
    np.savez("three.npz", W1=np.ones((3, 3)))
    Path("cut.npz").write_bytes(Path("other.npz").read_bytes()[:50])
    assert analyze(*arguments) == 2
    assert said in capsys.readouterr().err
    computed = ("--batch 1000", "the weights leave no plane")  # is known only after the network and its inputs are
    assert Path("out").exists() == said.startswith(computed)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dense relu dense", True),
        ("dense relu dense layernorm", True),
        ("dense layernorm relu dense", False),
        ("dense erf dense", False),
        ("dense relu", False),
        ("conv3x3 relu avgpool2x2 flatten dense", True),
    ],
)
def test_units_can_be_rescaled_between_weights_through_homogeneous_functions(words: str, expected: bool) -> None:
    assert rescalable(parse(words, (8, 8, 1) if "conv" in words else None).layers) == expected


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--points", 2, "must be a whole number from 3"), ("--rate", "1,2", "must be one positive number, got '1,2'")],
)
def test_numbers_are_checked(option: str, value: object, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed("-o", "out", option, value)
    assert said in capsys.readouterr().err


def test_an_interrupted_run_neither_trains_again_nor_draws_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the same bytes; with another rate or --no-resume it trains."""
    options = ("--net", "dense4 relu dense1", *DATA, "--labels", "numbers", *SMALL, "--steps", 20, "--out")
    assert analyze(*options, "whole") == 0
    done: list[str] = []

    def counted(name: str) -> None:
        function = getattr(ntkit.landscape, name)

        def call(*given: Any, **more: Any) -> Any:
            if name == stop:
                raise KeyboardInterrupt
            done.append(name)
            return function(*given, **more)

        monkeypatch.setattr(ntkit.landscape, name, call)

    for name in ("train", "slice_2d", "top_eigenpairs", "trace"):
        counted(name)
    stop = "trace"
    assert analyze(*options, "out") == 130
    assert done == ["train", "slice_2d", "top_eigenpairs"]
    stop = ""
    rest = ["slice_2d", "top_eigenpairs", "trace"]
    for more, left in (((), rest), (("--no-resume",), ["train", *rest])):
        shutil.copytree("out", "again")
        done.clear()
        assert analyze(*options, "again", *more) == 0
        assert done == left  # the plane's rows are those of its file
        assert not {"parts.partial", "plane.npz"} & {file.name for file in Path("again").iterdir()}
        for file in ("data.npz", "figure.svg", "line.csv", "weights.npz"):
            assert Path("again", file).read_bytes() == Path("whole", file).read_bytes(), file
        shutil.rmtree("again")
    stop = "slice_2d"
    done.clear()
    assert analyze(*options, "out", "--rate", 0.01) == 130
    assert done == ["train"]


def test_parts_of_networks_that_only_look_alike_are_not_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, shapes and what is printed are the same; the slope is not."""
    layers, found = [(np.ones((2, 3)), None), (np.ones((1, 2)), None)], []
    for slope in (0.1, 0.2):
        net = Network.sequential(layers, LeakyRelu(slope))
        monkeypatch.setattr("ntkit.lipschitz.load_network", lambda *_, net=net, **__: net)
        found.append(studied_network(parsed("--weights", "net.onnx", *DATA, "--labels", "numbers"), jax.random.key(0))[0])
    assert found[0].words == found[1].words
    assert found[0].code != found[1].code


def test_a_plane_of_another_network_is_not_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--net", "dense1", *DATA, "--labels", "numbers", *SMALL, "-o", "out")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landscape, "progress_line", lambda *_, **__: stopped)
        with pytest.raises(KeyboardInterrupt):
            landscape.run(parsed(*options))
    assert Path("out/plane.npz").exists()
    assert analyze(*options, "--seed", 1) == 2
    assert "-o out: plane.npz there was begun for another picture; --no-resume deletes it" in capsys.readouterr().err
    assert analyze(*options, "--seed", 1, "--no-resume") == 0
