"""`ntkit analyze kernel` against answers that are known, and what it refuses."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyses import kernel
from analyses.kernel import Inputs, draw, summarise
from ntkit.cli import Parser, main
from ntkit.data import digits
from ntkit.kernels import parse
from ntkit.studies import add_study_options, network_and_inputs, progress_line

NET = "dense relu dense"


def analyze(*arguments: object) -> int:
    """The exit status of the study, with a network and a folder unless others are given."""
    return main(["analyze", "kernel", "--net", NET, "-o", "out", *map(str, arguments)])


def directly(*arguments: object) -> int:
    """The same without the command around it."""
    parser = Parser()
    kernel.add_options(parser)
    return kernel.run(parser.parse_args(["--net", NET, "-o", "out", *map(str, arguments)]))


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What is said when something is refused: one line, and maybe two that point at a word."""
    try:
        status = analyze(*arguments)
    except SystemExit as exit_:
        status = int(str(exit_.code))
    assert status == 2
    error = capsys.readouterr().err
    assert error.count("\n") == (3 if "^" in error else 1)
    assert not Path("out", "record.json").exists()
    return error


def facts(folder: str = "out") -> Any:
    """Results and conventions of the record."""
    record = json.loads(Path(folder, "record.json").read_text())
    return record["conventions"] | record["results"]


def points(count: int = 12) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 5))


def test_a_linear_network_on_orthogonal_inputs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", 2 * np.eye(4))
    assert analyze("--data", "x.npy", "--net", "dense") == 0
    for kind in ("nngp", "ntk"):
        np.testing.assert_allclose(np.load(f"out/{kind}.npy"), np.eye(4), rtol=1e-15)
        summary = facts()["kernels"][kind]
        found = [summary[name] for name in ("trace", "largest", "smallest", "effective_rank", "condition", "lost")]
        np.testing.assert_allclose(found, [4, 1, 1, 4, 1, 0], rtol=1e-14)
    shown = capsys.readouterr().out
    assert "network  dense\ndata     4 of 4 inputs of x.npy, 4, float64" in shown
    assert "wrote out/nngp.npy, out/ntk.npy, out/data.npz, out/figure.svg, out/record.json" in shown
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "data.npz",
        "figure.svg",
        "nngp.npy",
        "ntk.npy",
        "record.json",
    ]
    assert b"<svg" in Path("out/figure.svg").read_bytes()


def test_digits_are_vectors_or_images_as_the_network_asks(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze("--count", 20, "--kind", "ntk", "--format", "svg") == 0
    assert "20 of 1797 handwritten digits, 64, float64" in capsys.readouterr().out
    images = digits().images[np.arange(20) * 1797 // 20]
    np.testing.assert_allclose(np.load("out/ntk.npy"), parse(NET).ntk(images.reshape(20, -1)), rtol=1e-14)
    assert not Path("out/nngp.npy").exists()
    net = "conv3x3 relu gap dense"
    assert analyze("--count", 20, "--kind", "nngp", "--net", net, "--dtype", "float32", "--format", "png") == 0
    assert "handwritten digits, 8 x 8 x 1, float32" in capsys.readouterr().out
    found = np.load("out/nngp.npy")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, parse(net).nngp(images[..., None]), rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "net", "options", "read"),
    [
        ((6, 4, 3), "conv3 relu gap dense", (), "4 x 3"),
        ((6, 4, 3), "conv3 relu gap dense", ("--as", "images"), "4 x 3 x 1"),
        ((6, 4, 3), "conv3x3 relu gap dense", (), "4 x 3 x 1"),
        ((6, 4, 3), "dense", (), "12"),
        ((6, 4, 3), "dense gap", ("--as", "sequences"), "4 x 3"),
        ((6, 4, 3, 2), "residual(conv3:same) gap", (), "4 x 3 x 2"),
        ((6, 4, 3, 2), "conv3:same flatten", ("--count", "3"), "4 x 3 x 2"),
    ],
)
def test_axes(here: Path, shape: tuple[int, ...], net: str, options: tuple[str, ...], read: str) -> None:
    x = np.random.default_rng(1).normal(size=shape)
    np.save("x.npy", x)
    study = Parser()
    add_study_options(study)
    chosen = study.parse_args(["--data", "x.npy", "--net", net, *options])
    parsed, inputs = network_and_inputs(chosen)
    assert parsed == parse(net)
    assert " x ".join(map(str, inputs.x.shape[1:])) == read
    np.testing.assert_array_equal(inputs.x.ravel(), x[:: 6 // len(inputs.x)].ravel())


def test_centred_and_scaled(here: Path) -> None:
    x = points() * 1e200 + 1e199
    np.savez("x.npz", x=x, y=np.arange(12) % 2)
    assert analyze("--data", "x.npz", "--key", "x", "--labels", "y", "--centre", "--normalise", "--net", "dense") == 0
    x = x / 1e200
    x -= x.mean(0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(np.load("out/nngp.npy"), x @ x.T, atol=1e-14)
    assert facts()["centred"]
    assert facts()["normalised"]


def test_integers_are_converted_with_a_notice(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", np.arange(6, dtype=np.uint8).reshape(3, 2))
    assert analyze("--data", "x.npy") == 0
    assert "notice: --data x.npy holds uint8, converted to float64" in capsys.readouterr().out


def test_eigenvalues_below_rounding_are_no_condition_number(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", np.ones((5, 3)))
    assert analyze("--data", "x.npy", "--kind", "nngp", "--net", "dense") == 0
    shown = capsys.readouterr().out
    assert "> 9e14" in shown  # 1 / (5 eps)
    assert "4 eigenvalues are at most 5.6e-15, which may be all rounding" in shown
    assert facts()["kernels"]["nngp"]["effective_rank"] == pytest.approx(1)


def test_zeros_everywhere(here: Path) -> None:
    np.save("x.npy", np.zeros((5, 3)))
    assert analyze("--data", "x.npy") == 0
    assert facts()["kernels"]["ntk"]["effective_rank"] == 0


def test_of_a_large_matrix_only_the_largest_eigenvalues_are_found(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MOST_EXACT": 50, "TOP": 7, "MOST_SHOWN": 20}.items():
        monkeypatch.setattr(kernel, name, value)
    assert directly("--count", 60, "--dtype", "float32", "--format", "svg") == 0
    shown = capsys.readouterr().out
    assert "finding the 7 largest of 60 eigenvalues ..." in shown
    assert shown.count("found are the 7 largest of 60 eigenvalues") == 2
    for kind, found in facts()["kernels"].items():
        matrix = np.load(f"out/{kind}.npy").astype(float)
        values = np.linalg.eigvalsh(matrix)[::-1]
        np.testing.assert_allclose(kernel.spectrum(matrix), values[:7], rtol=1e-9)
        np.testing.assert_allclose([found["trace"], found["largest"]], [values.sum(), values[0]], rtol=1e-9)
        assert [found[name] for name in ("smallest", "effective_rank", "condition", "found")] == [None, None, None, 7]
        assert found["rounding"] == pytest.approx(60 * 2**-23 * values[0])
    picture = Path("out/figure.svg").read_text()
    assert "7 largest of 60 eigenvalues" in picture
    assert "inputs, by label (20 of 60)" in picture


def test_of_a_large_matrix_of_low_rank_no_more_eigenvalues_are_shown_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "MOST_EXACT", 50)
    x = np.random.default_rng(0).normal(size=(400, 3))
    found = kernel.spectrum(x @ x.T)
    np.testing.assert_allclose(found[:3], np.linalg.svd(x, compute_uv=False) ** 2, rtol=1e-9)
    assert np.abs(found[3:]).max(initial=0) < 1e-9


def test_pairs_are_those_of_the_lower_triangle() -> None:
    for got, expected in zip(kernel._pairs(40), np.tril_indices(40, -1), strict=True):
        np.testing.assert_array_equal(got, expected)
    first, second = kernel._pairs(10**6)
    assert len(first) == kernel.MOST_PAIRS
    assert (second >= 0).all()
    assert (second < first).all()
    assert (first < 10**6).all()


def test_a_run_that_was_interrupted_goes_on(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = "--net", "conv2 relu gap dense", "--count", 120

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(kernel, "progress_line", lambda: stop)
    with pytest.raises(KeyboardInterrupt):
        directly(*images)
    assert "the same command goes on with it" in capsys.readouterr().err
    begun = {"nngp.partial.npy", "nngp.partial.npy.progress", "ntk.partial.npy", "ntk.partial.npy.progress"}
    assert {path.name for path in Path("out").iterdir()} == begun
    assert "-o out: out/nngp.partial.npy was begun with another kernel, other inputs or tiles; remove it" in refused(
        capsys, *images, "--centre"
    )
    half = np.load("out/ntk.partial.npy", mmap_mode="r+")
    half[0, 0] = 7.0  # stays only if the first rows are not computed again
    half.flush()
    assert analyze(*images, "--format", "svg") == 0
    found = np.load("out/ntk.npy")
    assert found[0, 0] == 7
    expected = parse("conv2 relu gap dense").ntk(digits().images[np.arange(120) * 1797 // 120][..., None])
    np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-12)
    assert analyze(*images, "--format", "svg") == 0  # a second run begins anew
    np.testing.assert_allclose(np.load("out/ntk.npy"), expected, rtol=1e-12)
    assert {path.name for path in Path("out").iterdir()} == {"nngp.npy", "ntk.npy", "data.npz", "record.json", "figure.svg"}


def test_what_is_taken_is_said_before(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze("--count", 20, "--format", "svg") == 0
    shown = capsys.readouterr()
    assert re.search(r"memory   .* [kM]B at most, and 6.4 kB on disk; tiles: 1\ncomputed 20 x 20", shown.out)
    assert not shown.err  # no terminal, no progress


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    show = progress_line()
    assert show is not None
    show(1, 2)
    show(2, 2)
    assert re.findall(r"computing: (\d+%)", capsys.readouterr().err) == ["25%", "100%"]


def test_effective_rank() -> None:
    assert summarise(np.array([1.0, 1.0, 1.0, 0.0]), np.float64).effective_rank == pytest.approx(3)
    shares = np.array([0.5, 0.25, 0.25])
    assert summarise(8 * shares, np.float64).effective_rank == pytest.approx(2**1.5)


def test_the_picture_shows_matrix_spectrum_and_curve() -> None:
    x = points(30)
    matrix = np.asarray(parse(NET).nngp(x))
    labels = np.array(["b", "a", "c"] * 10)
    spectrum = np.linalg.eigvalsh(matrix)[::-1]
    figure = draw("title", Inputs(x, labels, 30, "x"), {"nngp": matrix}, {"nngp": spectrum})
    heat, spectral, curve, _ = figure.axes
    order = np.argsort(labels, kind="stable")
    np.testing.assert_array_equal(heat.images[0].get_array(), matrix[np.ix_(order, order)])
    assert [tick.get_text() for tick in heat.get_xticklabels()] == ["a", "b", "c"]
    np.testing.assert_array_equal(spectral.lines[0].get_ydata(), spectrum)
    drawn = {line.get_label(): line for line in curve.lines if len(np.asarray(line.get_xdata()))}
    angle, value = np.concatenate([line.get_xydata() for name, line in drawn.items() if "median" not in name]).T
    assert len(angle) == 30 * 29 / 2
    theta = np.radians(angle)  # two layers of relu: the normalised arc-cosine kernel
    np.testing.assert_allclose(value, (np.sin(theta) + (np.pi - theta) * np.cos(theta)) / np.pi, atol=1e-12)


def test_wrong_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = points()
    np.savez("two.npz", x=x, y=np.arange(12))
    np.save("x.npy", x)
    for name, array in {
        "complex": x + 1j, "words": np.array([["a"], ["b"]]), "flat": x[:, 0], "none": x[:0], "single": x[:1],
        "nan": np.where(x == x[7, 2], np.nan, x), "large": 1e200 * x, "zero": x * (np.arange(12) != 3)[:, None],
        "short": np.arange(11), "table": x, "objects": np.array([{}, 1], dtype=object),
    }.items():  # fmt: skip
        np.save(f"{name}.npy", array)
    Path("text.npy").write_text("1, 2, 3")
    for options, message in {
        ("nowhere.npy",): "--data nowhere.npy: there is no such file",
        (".",): "--data .: holds no images (.png, .jpg, .jpeg, .bmp, .ppm, .pgm) in folders that are their labels",
        ("text.npy",): "--data text.npy: is no .npy or .npz file of plain numbers, or is damaged",
        ("objects.npy",): "--data objects.npy: holds pickled Python objects, which are not read, since that can run code",
        ("two.npz",): "--data two.npz: holds 2 arrays (x, y); choose one by --key",
        ("two.npz", "--key", "z"): "--data two.npz: holds no array 'z', only x, y",
        ("x.npy", "--key", "z"): "--data x.npy: a key chooses one of several arrays of a .npz file, got key 'z'; leave it out",
        ("complex.npy",): "--data complex.npy: must hold real numbers, got dtype complex128",
        ("words.npy",): "--data words.npy: must hold real numbers, got dtype <U1",
        ("flat.npy",): "--data flat.npy: must have shape (inputs, ...) with at least two inputs, got (12,)",
        ("none.npy",): "at least two inputs, got (0, 5)",
        ("single.npy",): "at least two inputs, got (1, 5)",
        ("nan.npy",): "got 1 values (of 60) that are nan or infinite, the first in input 7",
        ("large.npy", "--dtype", "float32"): "--data large.npy: must be finite in float32, got 60 values (of 60)",
        ("large.npy",): "the nngp of these inputs is not finite in float64; smaller inputs may help, as by --normalise",
        ("zero.npy", "--normalise"): "--normalise: input 3 of --data zero.npy is zero, and so has no scale",
        ("x.npy", "--count", "13"): "--count 13: there are only 12 inputs",
        ("x.npy", "--labels", "short.npy"): "--labels short.npy: must be one number or word for each of the 12 inputs",
        ("x.npy", "--labels", "table.npy"): "got shape (12, 5) of float64",
        ("two.npz", "--key", "x", "--labels", "z"): "--labels z: two.npz: holds no array 'z', only x, y",
        ("x.npy", "--as", "images"): "--as images: --data x.npy has inputs of shape (5,), which cannot be images",
    }.items():
        assert message in refused(capsys, "--data", *options)


def test_wrong_options(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    for options, message in {
        ("--labels", "y"): "--labels y: goes with --data; the digits have their own labels",
        ("--count", "1"): "argument --count: must be a whole number from 2, got '1'",
        ("--kind", "ntks"): "argument --kind: invalid choice: 'ntks'",
        ("--dtype", "float16"): "argument --dtype: invalid choice: 'float16'",
        ("--size", "3"): "unrecognized arguments: --size 3; see ntkit analyze --help",
        ("-o", "file"): "-o file: cannot be a folder (File exists)",
        ("--net", ""): "--net: a network needs at least one word",
    }.items():
        assert message in refused(capsys, *options)


def test_a_wrong_word_is_pointed_at(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "--net", "conv3x3 rleu gap dense") == (
        'ntkit: error: --net: word 2, "rleu", is no layer; did you mean relu?\n  conv3x3 rleu gap dense\n          ^^^^\n'
    )
    error = refused(capsys, "--net", "conv9x9 relu gap dense")
    assert 'word 1, "conv9x9", has a window of 9, which does not fit 8 pixels' in error
    assert "(inputs of shape (8, 8, 1); --as reads them otherwise)" in error
    assert not Path("out").exists()
