"""Networks that a user brings to a study: functions of her files, and weights beside words."""

import json
import re
import shlex
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from analyses import kernel
from ntkit.cli import main
from ntkit.kernels import Dense, Relu, empirical_ntk, parse, serial
from ntkit.lipschitz import Network, local_lipschitz

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
MINE = """
import jax

class Net:
    def __init__(self, change=lambda outputs: outputs):
        self.change = change
    def init(self, key):
        return {"first": jax.random.normal(key, (3, 4)), "last": jax.numpy.ones((4, 2))}
    def apply(self, params, x):
        return self.change(jax.numpy.tanh(x @ params["first"]) @ params["last"])

def make():
    return Net()

def failing():
    return Net(lambda outputs: helper(outputs))

def helper(outputs):
    return outputs["nowhere"]

def flat():
    return Net(lambda outputs: outputs[:, 0])

def whole():
    net = Net()
    net.init = lambda key: {"first": jax.numpy.ones((3, 4), int)}
    return net

def number():
    return 3

def raising():
    raise KeyError("width")
"""


@pytest.fixture(autouse=True)
def _files(here: Path) -> None:
    Path("my nets").mkdir()
    Path("my nets/mäin.py").write_text(MINE)
    np.savez("points.npz", X=X, y=np.arange(12) % 2)


def analyze(*arguments: object) -> int:
    return main(["analyze", *map(str, arguments)])


def test_the_kernel_of_a_function_is_its_own_tangent_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--net", "my nets/mäin.py:make", "--data", "points.npz", "--seed", 3, "--out", "ö ut")
    assert analyze("kernel", *given, "--json", "all.json") == 0
    shown = capsys.readouterr().out
    assert "network  my nets/mäin.py:make\nweights  random, seed 3: the tangent kernel of this one network" in shown
    params = {"first": jax.random.normal(jax.random.key(3), (3, 4)), "last": jnp.ones((4, 2))}
    expected = empirical_ntk(lambda p, x: jnp.matmul(jnp.tanh(jnp.matmul(x, p["first"])), p["last"]), params, X)
    np.testing.assert_allclose(np.load("ö ut/ntk.npy"), expected, rtol=1e-12)
    record = json.loads(Path("ö ut/record.json").read_text())
    assert record["conventions"]["network"] == "my nets/mäin.py:make"
    assert record["results"] == json.loads(Path("all.json").read_text())
    assert shlex.split(record["command"]) == ["ntkit", "analyze", "kernel", *map(str, given), "--json", "all.json"]

    assert [Path(entry["file"]) for entry in record["inputs"]] == [Path("my nets/mäin.py"), Path("points.npz")]

    assert analyze("spectrum", *given[:4], "--seed", 3) == 0  # nothing is kept without --out
    assert "wrote" not in capsys.readouterr().out
    eigenvalues = np.load("ö ut/data.npz")["ntk_eigenvalues"]
    assert analyze("spectrum", *given[:4], "--seed", 3, "--json", "spectrum.json") == 0
    found = json.loads(Path("spectrum.json").read_text())["spectrum"]["eigenvalues"]
    np.testing.assert_allclose(found, eigenvalues / 12, atol=1e-13 * eigenvalues[0])


def test_a_matrix_that_was_begun_with_other_code_is_not_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the same place and weights: nothing else tells."""
    given = ("kernel", "--net", "my nets/mäin.py:make", "--data", "points.npz", "--out", "out")
    with monkeypatch.context() as patch:
        patch.setattr("ntkit.kernels._tiles._VECTORS", 4)  # three bands

        def interrupt(done: int, total: int) -> None:
            raise KeyboardInterrupt

        patch.setattr("analyses.kernel.progress_line", lambda: interrupt)
        patch.setattr("ntkit._commands.analyze._load", lambda file: kernel)
        assert analyze(*given) == 130
        assert Path("out/ntk.partial.npy").exists()
        file = Path("my nets/mäin.py")
        file.write_text(file.read_text().replace("tanh", "sin"))
        assert analyze(*given) == 2
        assert "ntk.partial.npy was begun with another kernel, other inputs or tiles" in capsys.readouterr().err
        assert analyze(*given, "--no-resume") == 130


def test_a_function_is_trained_and_its_weights_are_taken_again(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--net", "my nets/mäin.py:make", "--data", "points.npz")
    small = ("--steps", 20, "--points", 3, "--eigenvalues", 2, "--out", "out")
    assert analyze("landscape", *given, *small) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Whether units can be rescaled without changing the function is not known" in shown
    assert analyze("kernel", *given, "--weights", "out/weights.npz", "--out", "trained") == 0
    with np.load("out/weights.npz") as saved:
        params = {"first": jnp.asarray(saved["arr_0"]), "last": jnp.asarray(saved["arr_1"])}
    expected = empirical_ntk(lambda p, x: jnp.matmul(jnp.tanh(jnp.matmul(x, p["first"])), p["last"]), params, X)
    np.testing.assert_allclose(np.load("trained/ntk.npy"), expected, rtol=1e-12)


def test_weights_of_a_function_are_taken_by_the_names_of_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    """Two arrays of one shape under names that other orders would exchange."""
    source = "make = lambda: type('Net', (), dict(init=staticmethod(init), apply=staticmethod(apply)))()"
    Path("twice.py").write_text(
        "import jax.numpy as jnp\n"
        "def init(key): return {'2': jnp.ones((3, 3)), '10': jnp.ones((3, 3)), 'b': jnp.ones(3), 'w': jnp.ones((3, 1))}\n"
        f"def apply(p, x): return (jnp.tanh(x @ p['2']) @ p['10'] + p['b'][None]) @ p['w']\n{source}\n"
    )
    params = {name: RNG.normal(size=shape) for name, shape in {"2": (3, 3), "10": (3, 3), "b": 3, "w": (3, 1)}.items()}
    np.savez("named.npz", **params)
    given = ("kernel", "--net", "twice.py:make", "--data", "points.npz")
    assert analyze(*given, "--weights", "named.npz", "--out", "out") == 0

    def apply(p: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        hidden = jnp.matmul(jnp.tanh(jnp.matmul(x, p["2"])), p["10"])
        return jnp.matmul(hidden + p["b"][None], p["w"])

    expected = empirical_ntk(apply, {name: jnp.asarray(array) for name, array in params.items()}, X)
    np.testing.assert_allclose(np.load("out/ntk.npy"), expected, rtol=1e-12)
    np.savez("other.npz", **{f"layer{name}": array for name, array in params.items()})
    capsys.readouterr()
    assert analyze(*given, "--weights", "other.npz") == 2
    assert "must hold arrays 10, 2, b, w, or arr_0, arr_1, ..., got layer" in capsys.readouterr().err


def test_weights_of_words_in_either_layout() -> None:
    """Names say the order: the layers by their numbers, weights before biases; and 10 comes after 2."""
    net = serial(Dense(b_std=1.0, width=4), Relu(), Dense(b_std=1.0, width=2))
    first, last, b, c = (RNG.normal(size=shape) for shape in ((3, 4), (4, 2), 4, 2))
    np.savez("torch.npz", **{"2.weight": first.T, "10.weight": last.T, "10.bias": c, "2.bias": b})
    np.savez("plain.npz", W1=first, b1=b, W2=last, b2=c)
    words = "dense4@,1 relu dense2@1,1"
    params = net.init(jax.random.key(0), (3,), parametrization="standard")
    values = [first, b, last, c]
    params = jax.tree.unflatten(jax.tree.structure(params), list(map(jnp.asarray, values)))
    for file, layout in (("torch.npz", ("--layout", "oihw")), ("plain.npz", ())):
        given = ("--net", words, "--data", "points.npz", "--weights", file, *layout)
        assert analyze("kernel", *given, "--out", "out") == 0
        np.testing.assert_allclose(np.load("out/ntk.npy"), net.empirical_ntk(params, X), rtol=1e-12)


def test_bounds_of_words_are_those_of_the_network() -> None:
    first, last = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))
    np.savez("plain.npz", W1=first, W2=last)
    given = ("--net", "dense4 relu dense2", "--data", "points.npz", "--weights", "plain.npz", "--count", 2, "--radius", 0.1)
    assert analyze("lipschitz", *given, "--out", "out") == 0
    net = Network.sequential([(first.T, None), (last.T, None)], activation="relu")
    expected = local_lipschitz(net, X[[0, 6]], 0.1, method="lirpa").rows
    np.testing.assert_allclose(np.load("out/data.npz")["lirpa"][0], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("net", "status", "said"),
    [
        ("failing", 1, "ntkit: error: .*Error: "),
        ("raising", 1, "ntkit: error: KeyError: 'width'"),
        ("flat", 2, r"flat: apply must return shape \(1, outputs\) for 1 inputs, got \(1,\)"),
        ("whole", 2, "whole: init must return a pytree of arrays of float32 or float64, got int64"),
        ("number", 2, r"number\(\) must return an object with init\(key\) and apply\(params, x\), got 3"),
        ("nobody", 2, "mäin.py has no function nobody; it has Net, failing, flat, helper, make, number, raising, whole"),
    ],
)
def test_what_a_user_wrote_is_shown_as_hers(net: str, status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze("kernel", "--net", f"my nets/mäin.py:{net}", "--data", "points.npz", "--out", "out") == status
    error = capsys.readouterr().err
    assert re.search(said, error), error
    frames = re.findall(r'File "(.*?)", line \d+, in (\S+)', error)
    assert all(file.endswith("mäin.py") for file, _ in frames)
    assert bool(frames) == (status == 1)
    if net == "failing":
        assert [name for _, name in frames][-2:] == ["<lambda>", "helper"]
    if status == 2:
        assert error.count("\n") == 1
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("kernel", "--net", "none.py:make"), "--net none.py:make: there is no such file as none.py"),
        (("kernel", "--net", "my nets/mäin.py:make", "--kind", "nngp"), "--kind nngp: a finite network has one kernel here"),
        (("kernel", "--net", "dense4 relu dense", "--weights", "w.npz"), 'word 3, "dense", needs a width'),
        (("kernel", "--net", "dense4 relu dense", "--layout", "oihw"), "--layout oihw: goes with --weights"),
        (("spectrum", "--kernel", "laplace 2", "--weights", "w.npz"), "--weights w.npz: goes with --net"),
        (("kernel", "--net", "conv3c2 flatten dense2", "--weights", "w.npz", "--layout", "oihw"), "does not go with flatten"),
        (("lipschitz", "--net", "my nets/mäin.py:make", "--weights", "w.npz"), "bounds need layers, not a function"),
        (("lipschitz", "--net", "dense2", "--weights", "w.npz", "--activation", "relu"), "--activation: goes with a file"),
        (("lipschitz", "--net", "dense2", "--weights", "w.npz"), "shapes (3, 2), got a (2, 2)"),
        (("kernel", "--net", "dense2", "--weights", "nan.npz"), "--weights nan.npz: a must hold finite floating-point numbers"),
        (
            ("kernel", "--net", "dense2@,1", "--weights", "three.npz"),
            "(3, 2), (2,), got b (2,), a (3, 2), c (2,); dense64@,1 has",
        ),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("w.npz", a=np.ones((2, 2)))
    np.savez("nan.npz", a=np.full((3, 2), np.nan))
    np.savez("three.npz", a=np.ones((3, 2)), b=np.ones(2), c=np.ones(2))
    assert analyze(*arguments, "--data", "points.npz") == 2
    assert said in capsys.readouterr().err


def test_a_syntax_error_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("wrong.py").write_text("x = 1\ndef make(:\n")
    assert analyze("kernel", "--net", "wrong.py:make", "--data", "points.npz") == 1
    assert capsys.readouterr().err == "ntkit: error: SyntaxError: invalid syntax (wrong.py, line 2)\n"


def test_words_with_widths_are_the_same_network_in_the_limit() -> None:
    for words, out in (("dense8 relu dense2", "narrow"), ("dense relu dense", "none")):
        assert analyze("kernel", "--net", words, "--data", "points.npz", "--out", out) == 0
    np.testing.assert_array_equal(np.load("narrow/ntk.npy"), np.load("none/ntk.npy"))
    assert parse("dense8 relu dense2") != parse("dense relu dense")
