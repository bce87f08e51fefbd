"""`ntkit analyze learning-curve` against answers that are known, and what it refuses."""

import json
import re
import shlex
from argparse import ArgumentTypeError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from analyses import learning_curve as study
from ntkit.cli import Parser, main
from ntkit.data import digits
from ntkit.kernels import gram, parse
from ntkit.spectra import Sample, learning_curve, samples_needed
from ntkit.studies import targets

NET = "dense relu dense"


def analyze(*arguments: object) -> int:
    return main(["analyze", "learning-curve", "--net", NET, "-o", "out", "--format", "svg", *map(str, arguments)])


def directly(*arguments: object) -> int:
    """The same without the command around it."""
    parser = Parser()
    study.add_options(parser)
    return study.run(parser.parse_args(["--net", NET, "-o", "out", "--format", "svg", *map(str, arguments)]))


def facts(folder: str = "out") -> Any:
    """Results and conventions of the record."""
    record = json.loads(Path(folder, "record.json").read_text())
    return record["conventions"] | record["results"]


def column(name: str, folder: str = "out") -> np.ndarray:
    return np.array([row[name] for row in facts(folder)["curve"]])


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What is said in one line when something is refused."""
    try:
        status = analyze(*arguments)
    except SystemExit as exit_:
        status = int(str(exit_.code))
    assert status == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not Path("out", "record.json").exists()
    return error


def linear(count: int = 60, dim: int = 5) -> dict[str, np.ndarray]:
    """Inputs and noiseless linear labels, both symmetric about 0, so that centring changes nothing."""
    x = np.random.default_rng(1).normal(size=(count // 2, dim))
    x = np.concatenate([x, -x])
    return {"x": x, "y": x @ np.arange(1.0, dim + 1)}


def test_a_linear_network_learns_a_linear_function(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = linear()
    np.savez("x.npz", **data)
    options = "--data", "x.npz", "--key", "x", "--labels", "y", "--net", "dense", "--ridge", 0, "--sizes", "2,4,10,30"
    assert analyze(*options, "--target", 1e-6, "--format", "pdf") == 0
    np.testing.assert_array_equal(column("n"), [2, 4, 10, 30])
    variance = (data["y"] ** 2).mean()
    assert facts()["variance"] == pytest.approx(variance)
    for name in ("predicted", "measured"):
        assert (column(name)[:2] > 0.1 * variance).all()
        np.testing.assert_allclose(column(name)[2:], 0, atol=1e-9)
    assert "wrong" not in facts()["curve"][0]
    assert facts()["labels"] == "numbers, centred"
    assert facts()["needed"]["n"] in (5, 6)  # as many as dimensions, or one more to be sure
    shown = capsys.readouterr().out
    assert "labels   numbers, centred; predicting their mean costs" in shown
    assert "error 1e-06: predicted from n = " in shown
    assert "where they differ most, at n = 4" in shown  # beyond, both are rounding
    assert "wrote out/data.npz, out/figure.pdf, out/record.json" in shown
    assert sorted(path.name for path in Path("out").iterdir()) == ["data.npz", "figure.pdf", "record.json"]
    assert Path("out/figure.pdf").read_bytes().startswith(b"%PDF")


def test_nothing_is_learnt_of_orthogonal_inputs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("x.npz", x=np.eye(40), y=np.array(["b", "a", "a", "b"] * 10))
    options = "--data", "x.npz", "--key", "x", "--labels", "y", "--net", "dense", "--ridge", "0.01"
    assert analyze(*options, "--target", "0.1") == 0
    np.testing.assert_array_equal(column("n"), [8, 16, 20])
    for name in ("predicted", "measured", "lower", "upper"):
        np.testing.assert_allclose(column(name), 0.5, rtol=1e-12)  # two classes of half of the inputs
    assert facts()["labels"] == "2 classes, one-hot, centred"
    assert (column("wrong") > 0.3).all()
    needed = facts()["needed"]
    assert [needed[name] for name in ("n", "measured", "extrapolated", "agrees")] == [None, None, None, False]
    assert needed["best"] == pytest.approx(0.5)
    shown = capsys.readouterr().out
    assert (
        "error 0.1: not with 39 of the 40 inputs, where 0.5 is predicted\n  how many it takes, these data do not say" in shown
    )
    assert "test error: 0.1 is not reached" in Path("out/figure.svg").read_text()


def test_numbers_are_those_of_the_instruments(here: Path) -> None:
    assert analyze("--count", 120, "--kind", "nngp", "--seed", 3, "--repeats", 6, "--sizes", "10:60", "--target", "0.5") == 0
    rows = np.arange(120) * 1797 // 120
    images, labels = digits()
    one_hot = np.eye(10)[labels[rows]]
    matrix = gram(parse(NET), images[rows].reshape(120, -1), kind="nngp")
    sample = Sample(matrix, one_hot - one_hot.mean(0))
    n = [10, 20, 40, 60]
    expected = learning_curve(sample, n, ridge="optimal", key=jax.random.key(0), repeats=60)
    np.testing.assert_array_equal(column("n"), n)
    np.testing.assert_allclose(column("predicted"), expected.test, rtol=1e-9)
    np.testing.assert_allclose(column("ridge"), expected.ridge, rtol=1e-4, atol=1e-9)  # flat around the best
    assert (np.abs(column("measured") - expected.mean()) < 4 * 6**-0.5 * expected.simulated_test.std(0)).all()
    needed = facts()["needed"]
    assert needed["n"] == samples_needed(sample, 0.5)
    assert needed["interval"][0] < needed["measured"] < needed["interval"][1]
    assert needed["agrees"] == (needed["interval"][0] <= 0.5)
    assert needed["crossing"][1] <= needed["crossing"][0] <= needed["crossing"][2]
    assert 0.8 < needed["crossing"][0] / needed["n"] < 1.5


def test_what_is_best_not_learnt_has_an_infinite_ridge(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    residual = np.random.default_rng(1).normal(size=40)
    residual -= x @ np.linalg.lstsq(x, residual, rcond=None)[0]
    np.savez("x.npz", x=x, y=residual)
    assert analyze("--data", "x.npz", "--key", "x", "--labels", "y", "--net", "dense", "--target", "0.01") == 0
    assert set(column("ridge")) == {None}
    np.testing.assert_allclose(column("predicted"), facts()["variance"], rtol=1e-2)
    assert re.search(r"^ +8 +inf ", capsys.readouterr().out, flags=re.MULTILINE)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_measured_errors_are_those_of_regression_on_the_splits(here: Path, ridge: float) -> None:
    x = np.random.default_rng(2).normal(size=(30, 4))
    labels = np.array(list("aab" * 10))
    np.savez("x.npz", x=x, y=labels)
    options = (
        "--data",
        "x.npz",
        "--key",
        "x",
        "--labels",
        "y",
        "--ridge",
        ridge,
        "--repeats",
        3,
        "--seed",
        7,
        "--sizes",
        "1,9,29",
    )
    assert analyze(*options) == 0
    matrix = gram(parse(NET), x)
    one_hot = np.stack([labels == "a", labels == "b"], axis=1).astype(float)
    y = one_hot - one_hot.mean(0)
    errors, wrong = np.empty((3, 3)), np.empty((3, 3))
    for repeat in range(3):
        order = np.random.default_rng([7, repeat]).permutation(30)
        for point, n in enumerate((1, 9, 29)):
            chosen, others = order[:n], order[n:]
            weights = np.linalg.solve(matrix[np.ix_(chosen, chosen)] + ridge * np.eye(n), y[chosen])
            predicted = matrix[np.ix_(others, chosen)] @ weights
            errors[repeat, point] = ((predicted - y[others]) ** 2).sum(1).mean()
            wrong[repeat, point] = ((predicted + one_hot.mean(0)).argmax(1) != one_hot[others].argmax(1)).mean()
    np.testing.assert_allclose(column("measured"), errors.mean(0), rtol=1e-7)
    half = 4.302652730 * errors.std(0, ddof=1) / 3**0.5
    np.testing.assert_allclose(column("upper"), errors.mean(0) + half, rtol=1e-6)
    np.testing.assert_allclose(column("lower"), np.maximum(errors.mean(0) - half, 0), rtol=1e-6)  # no error is negative
    np.testing.assert_allclose(column("wrong"), wrong.mean(0), rtol=1e-12)


def test_more_repeats_and_other_sizes_keep_the_splits(here: Path) -> None:
    x = np.random.default_rng(2).normal(size=(30, 4))
    sample, aim = Sample(gram(parse(NET), x), x[:, 0]), targets(x[:, 0], SimpleNamespace(labels=None, labels_are=None))
    few = study.measured(sample, aim, [5, 10], SimpleNamespace(repeats=3, seed=0, ridge=0.1))[0]
    more = study.measured(sample, aim, [10], SimpleNamespace(repeats=5, seed=0, ridge=0.1))[0]
    np.testing.assert_array_equal(few.simulated_test[:, 1], more.simulated_test[:3, 0])


@pytest.mark.parametrize(
    ("labels", "asked", "words"),
    [
        (np.arange(60) % 3, None, "3 classes"),
        (np.arange(60) % 3 / 1.0, None, "3 classes"),
        (np.arange(60) % 3, "numbers", "numbers"),
        (np.arange(60) % 30, None, "numbers"),
        (np.arange(60) % 30, "classes", "30 classes"),
        (np.arange(60) / 7, None, "numbers"),
        (np.arange(60) % 2 == 0, None, "2 classes"),
        (np.arange(60) % 2 == 0, "numbers", "numbers"),
        (np.array(["x", "y"] * 30), None, "2 classes"),
    ],
)
def test_labels_are_classes_or_numbers(labels: np.ndarray, asked: str | None, words: str) -> None:
    found = targets(labels, SimpleNamespace(labels="y", labels_are=asked))
    assert found.words.startswith(words)
    np.testing.assert_allclose(found.values.mean(0), 0, atol=1e-12)
    assert found.variance == pytest.approx((found.values**2).sum() / 60)


def test_sizes_by_doubling_or_as_a_list() -> None:
    assert study.sizes("8:250") == [8, 16, 32, 64, 128, 250]
    assert study.sizes("8:64") == [8, 16, 32, 64]
    assert study.sizes("3:4") == [3, 4]
    assert study.sizes("7") == [7]
    assert study.sizes("3,5,100") == [3, 5, 100]
    for text, message in {
        "0:8": "whole numbers from 1, got '0:8'", "8:4": "must rise, got '8:4'", "5,5": "must rise, got '5,5'",
        "a": "got 'a'", "": "got ''", "1:2:3": "got '1:2:3'", "1.5,2": "got '1.5,2'", "8:": "got '8:'",
    }.items():  # fmt: skip
        with pytest.raises(ArgumentTypeError, match=message):
            study.sizes(text)


def test_where_a_curve_crosses_an_error() -> None:
    n = np.array([10.0, 100.0, 1000.0])
    assert study._crossing(n, 1 / n, 0.01) == pytest.approx(100)
    assert study._crossing(n, 1 / n, 10**-2.5) == pytest.approx(10**2.5)
    assert study._crossing(n, 1 / n, 1e-4) is None
    assert study._crossing(n, 1 / n, 0.5) is None
    assert study._crossing(n, np.array([0.1, 1.0, 0.1]), 10**-0.5) == pytest.approx(10**2.5)  # after its last rise


@pytest.mark.parametrize(("error", "expected"), [(0.05, 2000), (0.002, None), (0.25, None)])
def test_an_extrapolation_is_told_up_to_ten_times_the_inputs(error: float, expected: int | None) -> None:
    n = np.array([50.0, 100.0, 200.0, 400.0])
    curve: Any = SimpleNamespace(n=n, mean=lambda: 100 / n)
    found = study._extrapolated(curve, error, 500)
    assert found == expected if expected is None else abs(found - expected) <= 1
    rising: Any = SimpleNamespace(n=n, mean=lambda: n)
    assert study._extrapolated(rising, 0.01, 500) is None
    short: Any = SimpleNamespace(n=n[:1], mean=lambda: 100 / n[:1])
    assert study._extrapolated(short, error, 500) is None


def test_a_prediction_that_measuring_does_not_support_says_so(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ntkit.spectra.samples_needed", lambda *_, **__: 10.0)
    assert directly("--count", 100, "--target", "0.45", "--sizes", "10,90") == 0
    shown = capsys.readouterr().out
    assert "predicted from n = 10 on" in shown
    assert "which is more: the prediction is too optimistic here\n  the measured errors cross it at n = " in shown
    assert not facts()["needed"]["agrees"]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_few_inputs(here: Path, count: int) -> None:
    np.savez("x.npz", x=np.random.default_rng(0).normal(size=(count, 3)), y=np.arange(count) / 3)
    assert analyze("--data", "x.npz", "--key", "x", "--labels", "y", "--target", 0.1) == 0


@pytest.mark.parametrize(("error", "n"), [("1e300", 1), ("1e-300", None)])
def test_an_error_far_from_all_that_are_measured_is_answered_and_not_drawn(here: Path, error: str, n: int | None) -> None:
    assert analyze("--count", 40, "--target", error) == 0
    assert facts()["needed"]["n"] == n


def test_the_same_seed_gives_the_same_bytes(here: Path) -> None:
    def written(seed: int, folder: str) -> list[bytes]:
        assert analyze("--count", 40, "--seed", seed, "-o", folder, "--target", "0.5") == 0
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
        record = json.loads(files.pop("record.json"))
        assert shlex.split(record.pop("command"))[-6:].count(folder) == 1
        return [*files.values(), json.dumps(record).encode()]

    assert written(0, "first") == written(0, "second")
    assert written(1, "third") != written(0, "first")
    np.testing.assert_array_equal(column("predicted", "third"), column("predicted", "first"))


def test_an_interrupt_leaves_no_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "progress_line", lambda *_, **__: stop)
    with pytest.raises(KeyboardInterrupt):
        directly("--count", 40)
    assert not any(Path("out").iterdir())


def test_wrong_options(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, message in {
        ("--sizes", "8:4"): "argument --sizes: must rise, got '8:4'",
        ("--count", 20, "--sizes", "5,20"): "--sizes: must leave inputs to test on: at most 19 of the 20, got 20",
        ("--ridge", "-1"): "argument --ridge: must be a number from 0, or optimal, got '-1'",
        ("--ridge", "best"): "argument --ridge: must be a number from 0, or optimal, got 'best'",
        ("--ridge", "inf"): "argument --ridge: must be a number from 0, or optimal, got 'inf'",
        ("--target", "0"): "argument --target: must be a positive number, got '0'",
        ("--target", "nan"): "argument --target: must be a positive number, got 'nan'",
        ("--repeats", "1"): "argument --repeats: must be a whole number from 2 to 10000, got '1'",
        ("--seed", "x"): "argument --seed: must be a whole number from 0 to 9223372036854775806, got 'x'",
        ("--kind", "both"): "argument --kind: invalid choice: 'both'",
    }.items():
        assert message in refused(capsys, *options)


def test_wrong_data(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(12, 3))
    np.savez("x.npz", x=x, same=np.ones(12), y=x[:, 0], large=1e200 * x)
    file = "--data", "x.npz", "--key"
    for options, message in {
        ("x",): "--data x.npz: a learning curve needs labels; say by --labels where they are",
        ("x", "--labels", "same"): "--labels same: all 12 are 1.0, which leaves nothing to learn",
        ("large", "--labels", "y"): "is not finite in float64; smaller inputs may help, as by --normalise",
    }.items():
        assert message in refused(capsys, *file, *options)
    monkeypatch.setattr(study, "MOST", 11)
    with pytest.raises(study.UsageError, match="--count 12: at most 11 inputs can be studied"):
        directly(*file, "x", "--labels", "y")
    monkeypatch.setattr(study, "matrix", lambda *_: np.diag([1.0] * 11 + [-1.0]))
    monkeypatch.setattr(study, "MOST", 12)
    with pytest.raises(study.UsageError, match=r"cannot be learnt from: gram must be positive .*; --dtype float64 rounds less"):
        directly(*file, "x", "--labels", "y", "--dtype", "float32")
