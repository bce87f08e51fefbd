"""`ntkit analyze spectrum` against answers that are known, and what it refuses."""

import dataclasses
import json
import re
import shlex
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from analyses import spectrum
from ntkit.cli import Parser, main
from ntkit.data import digits
from ntkit.kernels import gram, parse
from ntkit.spectra import Sample, enclosed_eigenvalues, fit_power_law, target_power
from ntkit.studies import grouped, if_certain, law_title, law_words, shown_bound

NET = "dense relu dense"


def analyze(*arguments: object) -> int:
    return main(["analyze", "spectrum", "--net", NET, "-o", "out", "--format", "svg", *map(str, arguments)])


def directly(*arguments: object) -> int:
    """The same without the command around it."""
    parser = Parser()
    spectrum.add_options(parser)
    return spectrum.run(parser.parse_args(["--net", NET, "-o", "out", "--format", "svg", *map(str, arguments)]))


def facts(folder: str = "out") -> Any:
    """Results and conventions of the record."""
    record = json.loads(Path(folder, "record.json").read_text())
    return record["conventions"] | record["results"]


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


def features(count: int, eigenvalues: np.ndarray, seed: int = 0) -> np.ndarray:
    """Gaussian inputs on which a linear network's kernel has these eigenvalues in the population."""
    x = np.random.default_rng(seed).normal(size=(count, len(eigenvalues)))
    return np.asarray(x * np.sqrt(len(eigenvalues) * eigenvalues))


def test_a_linear_network_on_orthogonal_inputs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", 2 * np.eye(4))
    assert analyze("--data", "x.npy", "--net", "dense", "--format", "pdf") == 0
    found = facts()["spectrum"]
    np.testing.assert_allclose(found["eigenvalues"], [0.25] * 4, rtol=1e-14)
    assert np.all(np.array(found["lower"]) <= 0.25)
    assert np.all(np.array(found["upper"]) >= 0.25)
    assert found["rank"] == [4, 4]
    np.testing.assert_allclose([found[name] for name in ("trace", "effective_rank", "participation_ratio")], [1, 4, 4])
    assert found["effective_dimension"]["0.1"] == pytest.approx(4 * 0.25 / 0.35)
    assert facts()["target"] is None
    assert facts()["exponent"]["verdict"] == "too short"
    shown = capsys.readouterr().out
    assert "no exponent: too few numbers" in shown
    assert "not estimated, since there are too few; on average the largest come out too large" in shown
    assert "wrote out/data.npz, out/figure.pdf, out/record.json" in shown
    assert sorted(path.name for path in Path("out").iterdir()) == ["data.npz", "figure.pdf", "record.json"]
    assert Path("out/figure.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("exponent", [1.5, 2.0])
def test_known_exponents_of_kernel_and_target(here: Path, capsys: pytest.CaptureFixture[str], exponent: float) -> None:
    k = np.arange(1.0, 1001)
    x = features(400, k**-exponent)
    phi = x / np.sqrt(len(k) * k**-exponent)
    np.savez("x.npz", x=x, y=phi @ k**-1.25)  # power k^-2.5
    assert analyze("--data", "x.npz", "--key", "x", "--labels", "y", "--net", "dense", "--shift", 0) == 0
    law = facts()["exponent"]
    assert law["verdict"] == "power law"
    assert law["interval"][0] <= exponent <= law["interval"][1]
    assert law["interval"][1] - law["interval"][0] < 0.5
    aim = facts()["target"]
    assert aim["exponent"]["verdict"] == "power law"
    assert aim["exponent"]["interval"][0] <= 2.5 <= aim["exponent"]["interval"][1]
    assert aim["beyond"][0] == pytest.approx(1)
    assert f"eigenvalue k ~ (k +0)^-{law['exponent']:.3g}, 95 % interval" in capsys.readouterr().out
    assert f"exponent {law['exponent']:.3g}" in Path("out/figure.svg").read_text()


def test_no_exponent_where_there_is_no_power_law(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", features(300, np.exp(-np.arange(100.0) / 4)))
    assert analyze("--data", "x.npy", "--net", "dense") == 0
    law = facts()["exponent"]
    assert law["verdict"] == "exponential"
    assert law["exponent"] is None
    assert law["interval"] is None
    assert "no power law here: on k =" in capsys.readouterr().out
    assert "eigenvalues: no power law" in Path("out/figure.svg").read_text()


def test_groups_of_neighbours() -> None:
    k, mean = grouped(np.arange(1.0, 12), first=2)
    np.testing.assert_allclose(mean, [2, 3, 4, 5, 6, 7.5, 9.5], rtol=1e-14)  # the last, 11 and 12, is not whole
    np.testing.assert_allclose(k[-2:], np.sqrt([7 * 8, 9 * 10]), rtol=1e-14)
    np.testing.assert_allclose(grouped(np.array([1.0, 0.0, 1.0]))[0], [1, 3], rtol=1e-14)


def test_a_constant_mode_is_left_out_of_fits(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    k = np.arange(1.0, 301)
    x = np.concatenate([features(300, k**-2.0), np.full((300, 1), 1e3)], axis=1)
    np.save("x.npy", x)
    assert analyze("--data", "x.npy", "--net", "dense", "--shift", -1) == 0
    assert "fits       leave out k = 1" in capsys.readouterr().out
    law = facts()["exponent"]
    assert law["window"][0] >= 2
    assert law["interval"][0] <= 2 <= law["interval"][1]
    assert analyze("--data", "x.npy", "--net", "dense", "--window", "1:30") == 0


def test_a_target_of_noise_has_no_exponent(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    k = np.arange(1.0, 301)
    np.savez("x.npz", x=features(200, k**-2.0), y=np.random.default_rng(5).normal(size=200))
    assert analyze("--data", "x.npz", "--key", "x", "--labels", "y", "--net", "dense") == 0
    assert facts()["target"]["exponent"]["verdict"] in ("none", "too noisy")
    assert facts()["target"]["exponent"]["exponent"] is None
    assert re.search(r"target     no (exponent|power law)", capsys.readouterr().out)


def test_numbers_are_those_of_the_instruments(here: Path) -> None:
    assert analyze("--count", 80, "--kind", "nngp", "--seed", 3, "--repeats", 5, "--window", "2:40") == 0
    rows = np.arange(80) * 1797 // 80
    images, labels = digits()
    matrix = gram(parse(NET), images[rows].reshape(80, -1), kind="nngp")
    exact, found = enclosed_eigenvalues(matrix), facts()["spectrum"]
    np.testing.assert_allclose(found["eigenvalues"], exact.values / 80, rtol=1e-13)
    assert np.all(np.array(found["lower"]) * 80 <= exact.lower)
    assert np.all(np.array(found["upper"]) * 80 >= exact.upper)
    law = fit_power_law(exact.values / 80, samples=80, window=(2, 40))
    assert facts()["exponent"]["slope"] == pytest.approx(law.slope)
    assert facts()["exponent"]["window"] == list(law.window)
    one_hot = np.eye(10)[labels[rows]]
    sample = Sample(matrix, one_hot - one_hot.mean(0))
    power, aim = target_power(sample, key=jax.random.key(3), repeats=5), facts()["target"]
    assert aim["variance"] == pytest.approx(1 - (one_hot.mean(0) ** 2).sum())
    np.testing.assert_allclose(aim["shares"], power.power / aim["variance"], atol=1e-9)
    np.testing.assert_allclose(aim["beyond"], power.tails / aim["variance"], atol=1e-9)
    np.testing.assert_allclose(aim["beyond_interval"], power.interval() / aim["variance"], atol=1e-9)
    assert aim["modes"]["0.9"] == power.dimension(0.9)


def test_the_largest_by_lanczos_are_the_same(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert directly("--count", 60) == 0
    everything = facts()
    assert directly("--count", 60, "--eigenvalues", 9) == 0
    held = facts()
    for name, value in {"MOST_EXACT": 50, "MOST_HELD": 55, "TOP": 9}.items():
        monkeypatch.setattr(spectrum, name, value)
    assert directly("--count", 60, "-o", "operator") == 0
    for some in (held, facts("operator")):
        found = some["spectrum"]
        assert found["found"] == 9
        np.testing.assert_allclose(found["eigenvalues"], everything["spectrum"]["eigenvalues"][:9], rtol=1e-9)
        assert np.all(np.array(found["lower"]) <= np.array(everything["spectrum"]["upper"])[:9])
        assert np.all(np.array(found["upper"]) >= np.array(everything["spectrum"]["lower"])[:9])
        assert [found["rank"], found["bias"], some["target"]["beyond_interval"]] == [None, [], None]
        np.testing.assert_allclose(found["trace"], everything["spectrum"]["trace"], rtol=1e-12)
        np.testing.assert_allclose(some["target"]["shares"], everything["target"]["shares"][:9], atol=1e-9)
        np.testing.assert_allclose(some["target"]["beyond"], everything["target"]["beyond"][:10], atol=1e-9)


@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_few_inputs(here: Path, count: int) -> None:
    np.savez("x.npz", x=np.random.default_rng(0).normal(size=(count, 3)), y=np.arange(count) / 3)
    assert analyze("--data", "x.npz", "--key", "x", "--labels", "y") == 0
    assert analyze("--data", "x.npz", "--key", "x", "--eigenvalues", 1) == 0
    assert facts()["spectrum"]["found"] == 1


def test_a_sample_of_a_flat_spectrum_shows_the_largest_too_large(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", features(200, np.full(100, 0.01)))
    assert analyze("--data", "x.npy", "--net", "dense") == 0
    found = facts()["spectrum"]
    assert found["eigenvalues"][0] > 0.02  # of Marchenko and Pastur: (1 + 1 / sqrt(2))^2 = 2.9 times
    assert found["bias"][0] > 0.2  # (1 + 1)^2 = 4 times for a half
    assert found["unbiased_up_to"] == 0
    assert "sampling   that of k = 1 is about +" in capsys.readouterr().out


def test_errors_of_sampling_are_about_right(here: Path) -> None:
    k, truth = np.arange(1.0, 1001), []
    for seed in range(6):
        np.save("x.npy", features(240, k**-1.5, seed))
        assert analyze("--data", "x.npy", "--net", "dense", "-o", seed) == 0
        found = facts(str(seed))["spectrum"]
        truth.append([np.array(found["eigenvalues"][:30]) * k[:30] ** 1.5 - 1, found["bias"], found["sampling_error"]])
    off, bias, scatter = np.swapaxes(truth, 0, 1)
    assert bias.mean(0)[20:].mean() == pytest.approx(off.mean(0)[20:].mean(), rel=1 / 3)
    assert scatter.mean(0)[10:].mean() == pytest.approx(off.std(0, ddof=1)[10:].mean(), rel=1 / 3)


def test_what_is_rounding_is_said_and_left_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.repeat(np.random.default_rng(0).normal(size=(10, 30)), 12, axis=0)
    np.savez("x.npz", x=x, y=x[:, 0])
    for dtype in ("float64", "float32"):
        assert analyze("--data", "x.npz", "--key", "x", "--labels", "y", "--dtype", dtype) == 0
        found = facts()["spectrum"]
        assert found["rank"] == [10, 10]
        assert len(found["bias"]) == 10
        np.testing.assert_allclose(sum(facts()["target"]["shares"][:10]), 1, atol=1e-5)
    assert "rank       10 of 120 above rounding" in capsys.readouterr().out
    assert "of 120 inputs (10 above rounding)" in Path("out/figure.svg").read_text()


def test_the_same_seed_gives_the_same_bytes(here: Path) -> None:
    def written(seed: int, folder: str) -> list[bytes]:
        assert analyze("--count", 40, "--seed", seed, "-o", folder) == 0
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
        record = json.loads(files.pop("record.json"))
        assert shlex.split(record.pop("command"))[-6:].count(folder) == 1
        return [*files.values(), json.dumps(record).encode()]

    assert written(0, "first") == written(0, "second")
    assert written(1, "third") != written(0, "first")
    assert facts("third")["spectrum"]["eigenvalues"] == facts("first")["spectrum"]["eigenvalues"]
    assert facts("third")["spectrum"]["bias"] != facts("first")["spectrum"]["bias"]


def test_an_interrupt_leaves_no_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(spectrum, "progress_line", lambda *_, **__: stop)
    with pytest.raises(KeyboardInterrupt):
        directly("--count", 40)
    assert not any(Path("out").iterdir())


def test_laws_in_words() -> None:
    k = np.arange(1.0, 101)
    law = fit_power_law((k + 2) ** -3.0)
    assert law_words(law, "eigenvalue k").startswith("eigenvalue k ~ (k +2)^-3, 95 % interval 3 to 3, from k = ")
    assert law_title(law, "x") == "x: exponent 3 [3, 3]"
    noisy = if_certain(dataclasses.replace(law, interval=(2.0, 4.0)))
    assert np.isnan(noisy.exponent)
    assert law_words(noisy, "power").startswith("no exponent: too noisy on k = ")
    assert law_title(noisy, "x") == "x: no exponent"
    assert if_certain(law) is law
    assert "no power law here: on k =" in law_words(fit_power_law(1 / (k + k**3 / 1000)), "eigenvalue k")
    assert "an exponential law predicts the end" in law_words(fit_power_law(np.exp(-k / 9)), "eigenvalue k")


def test_inputs_of_any_size_and_names_of_any_script(here: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    np.save("größe 日本.npy", x)
    np.save("huge.npy", 1e150 * x)
    assert analyze("--data", "größe 日本.npy", "-o", "ö日本") == 0
    assert analyze("--data", "huge.npy") == 0
    assert facts("ö日本")["data"] == "inputs of größe 日本.npy"
    np.testing.assert_allclose(facts()["spectrum"]["sampling_error"], facts("ö日本")["spectrum"]["sampling_error"], rtol=1e-9)


def test_bounds_that_are_shown_are_bounds() -> None:
    for bound in (0.0, 1e-16, 1.04e-16, 1.05e-16, 1.06e-16, 9.99e-5, 2.0000001, 5e-324):
        shown = float(shown_bound(bound))
        assert bound <= shown <= 1.1 * bound + 1e-323


def test_wrong_options(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, message in {
        ("--eigenvalues", "0"): "argument --eigenvalues: must be a whole number from 1, got '0'",
        ("--count", 20, "--eigenvalues", 21): "--eigenvalues 21: there are only 20, one for each input",
        ("--window", "5"): "argument --window: must be A:B, whole numbers from 1 with A below B, got '5'",
        ("--window", "9:3"): "argument --window: must be A:B, whole numbers from 1 with A below B, got '9:3'",
        ("--count", 20, "--window", "3:30"): "--window 3:30: only 20 eigenvalues were found above rounding",
        ("--shift", "-2"): "--shift -2: must be finite and above -2, minus the first k that is fitted",
        ("--shift", "-1.5", "--centre", "--net", "dense"): "--shift -1.5: must be finite and above -1, minus the first k",
        ("--shift", "-5", "--window", "5:20"): "--shift -5: must be finite and above -5",
        ("--shift", "nan"): "--shift nan: must be finite and above -2",
        ("--repeats", "1"): "argument --repeats: must be a whole number from 2 to 10000, got '1'",
        ("--repeats", "1000000"): "argument --repeats: must be a whole number from 2 to 10000, got '1000000'",
        ("--seed", "-1"): "argument --seed: must be a whole number from 0 to 9223372036854775806, got '-1'",
        ("--seed", 2**64): f"argument --seed: must be a whole number from 0 to 9223372036854775806, got '{2**64}'",
        ("--kind", "both"): "argument --kind: invalid choice: 'both'",
        ("--labels-are", "words"): "argument --labels-are: invalid choice: 'words'",
    }.items():
        assert message in refused(capsys, *options)


def test_wrong_data(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).normal(size=(12, 3))
    arrays = {
        "same": np.ones(12), "nan": np.where(x[:, 0] == x[3, 0], np.nan, x[:, 0]), "words": np.array(list("abcdefghijkl")),
        "few": np.array(list("aabbccaabbcc")), "huge": 1e160 * x[:, 0], "tiny": 1e-170 * x[:, 0],
        "rounded": 3 + 1e-15 * x[:, 0],
    }  # fmt: skip
    np.savez("x.npz", x=x, zero=0 * x, large=1e200 * x, **arrays)
    for options, message in {
        ("--labels", "same"): "--labels same: all 12 are 1.0, which leaves nothing to learn",
        ("--labels", "nan"): "--labels nan: must be finite, got 1 that are nan or infinite",
        ("--labels", "huge", "--labels-are", "numbers"): "must be 1e-100 to 1e+100 to have a square; scale them",
        ("--labels", "tiny"): "must be 1e-100 to 1e+100 to have a square; scale them",
        ("--labels", "rounded"): "up to rounding, which leaves nothing to learn",
        ("--labels", "words"): "--labels words: 12 classes for 12 inputs are too many; at most 6",
        ("--labels", "few", "--labels-are", "numbers"): "--labels-are numbers: --labels few are words, such as 'a'",
    }.items():
        assert message in refused(capsys, "--data", "x.npz", "--key", "x", *options)
    assert "is zero within rounding, and so has no spectrum" in refused(capsys, "--data", "x.npz", "--key", "zero")
    assert "is not finite in float64" in refused(capsys, "--data", "x.npz", "--key", "large")
    np.save("square.npy", 1e120 * x)
    assert "whose square float64 lacks" in refused(capsys, "--data", "square.npy", "--eigenvalues", 3)
