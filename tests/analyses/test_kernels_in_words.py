"""Studies of a kernel in place of a network: the same numbers as those of the kernel itself, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ntkit.cli import main
from ntkit.data import digits
from ntkit.kernels import ArcCosine, GammaExponential, Gaussian, Laplace, Matern, parse
from ntkit.spectra import Sample, enclosed_eigenvalues, learning_curve
from ntkit.studies._kernels import KERNELS, in_words, parsed_kernel

SPECTRUM = ("analyze", "spectrum", "-o", "out", "--format", "svg", "--count", "60", "--repeats", "3")
CURVE = ("analyze", "learning-curve", "-o", "out", "--format", "svg", "--count", "60", "--repeats", "3")


@pytest.mark.parametrize(
    ("words", "kernel"),
    [
        ("laplace 2", Laplace(2.0)),
        ("gaussian 0.5", Gaussian(0.5)),
        ("matern 1.5 3", Matern(1.5, 3.0)),
        ("gamma 0.5 0.0001", GammaExponential(0.5, 1e-4)),
        ("arccosine 1", ArcCosine(1)),
    ],
)
def test_words_and_kernels_are_the_same(words, kernel):
    assert parsed_kernel(words) == kernel
    assert in_words(kernel) == words
    assert words.split()[0] in KERNELS


def test_examples_are_kernels_and_networks_have_their_own_words():
    for _, example in KERNELS.values():
        assert in_words(parsed_kernel(example)) == example
    assert in_words(parse("dense relu dense")) == "dense relu dense"


def record() -> dict[str, Any]:
    found = json.loads(Path("out", "record.json").read_text())
    return found["conventions"] | found["results"]


def test_a_spectrum_is_that_of_the_kernel(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SPECTRUM, "--kernel", "laplace 20"]) == 0
    said, found = capsys.readouterr().out, record()
    assert "kernel   laplace 20\n" in said
    assert found["kernel"] == "laplace 20"
    assert "network" not in found
    x = digits()[0].reshape(-1, 64)[np.arange(60) * 1797 // 60]
    expected = enclosed_eigenvalues(np.asarray(Laplace(20.0).gram(np.asarray(x, np.float64))))
    values = np.array(found["spectrum"]["eigenvalues"])
    np.testing.assert_allclose(values, expected.values / 60, atol=1e-14)
    assert "laplace 20" in Path("out", "figure.svg").read_text()


def test_the_largest_by_lanczos_are_those_of_the_kernel(here: Path) -> None:
    assert main([*SPECTRUM, "--kernel", "arccosine 1", "--eigenvalues", "4"]) == 0
    found = record()["spectrum"]["eigenvalues"]
    x = np.asarray(digits()[0].reshape(-1, 64)[np.arange(60) * 1797 // 60], np.float64)
    expected = np.linalg.eigvalsh(np.asarray(ArcCosine(1).gram(x)))[:-5:-1] / 60
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_a_learning_curve_is_that_of_the_kernel(here: Path) -> None:
    assert main([*CURVE, "--kernel", "gaussian 20", "--ridge", "0.1", "--sizes", "20,40"]) == 0
    found = record()
    x, labels = digits()
    rows = np.arange(60) * 1797 // 60
    one_hot = np.eye(10)[np.asarray(labels)[rows]]
    gram = np.asarray(Gaussian(20.0).gram(np.asarray(x.reshape(-1, 64)[rows], np.float64)))
    expected = learning_curve(Sample(gram, one_hot - one_hot.mean(0)), [20, 40], ridge=0.1)
    np.testing.assert_allclose([row["predicted"] for row in found["curve"]], expected.test, rtol=1e-9)
    assert found["kernel"] == "gaussian 20"


@pytest.mark.parametrize("study", [SPECTRUM, CURVE])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--kernel", "rbf 1"), "--kernel 'rbf 1': must begin with laplace, gaussian, matern, gamma, arccosine"),
        (("--kernel", ""), "--kernel '': must begin with laplace"),
        (("--kernel", "laplace"), "--kernel 'laplace': laplace takes bandwidth, as in 'laplace 2'"),
        (("--kernel", "matern 1.5"), "--kernel 'matern 1.5': matern takes nu and bandwidth, as in 'matern 1.5 2'"),
        (("--kernel", "laplace two"), "--kernel 'laplace two': laplace takes bandwidth"),
        (("--kernel", "laplace -1"), "--kernel 'laplace -1': bandwidth must be a positive number, got -1.0"),
        (("--kernel", "arccosine 0.5"), "--kernel 'arccosine 0.5': order must be 0, 1 or 2, got 0.5"),
        (("--kernel", "arccosine nan"), "--kernel 'arccosine nan': order must be 0, 1 or 2, got nan"),
        (("--kernel", "laplace 2", "--kind", "nngp"), "--kind nngp: goes with --net; kernels are those of vectors"),
        (("--kernel", "laplace 2", "--as", "images"), "--as images: goes with --net; kernels are those of vectors"),
        (("--kernel", "laplace 2", "--net", "dense"), "not allowed with argument --kernel"),
        ((), "one of the arguments --net --kernel is required"),
    ],
)
def test_what_is_no_kernel_is_refused(here, capsys, study, options, message):
    try:
        status = main([*study, *options])
    except SystemExit as exit_:
        status = int(str(exit_.code))
    assert status == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()
