"""Networks from .npz and .safetensors files: values, precision, and what is refused."""

import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from ntkit.lipschitz import Conv, Dense, Flatten, LeakyRelu, Network, Relu, Tanh, load_network

RNG = np.random.default_rng(0)
W1, B1, W2, B2, W3 = (
    RNG.normal(size=(4, 3)),
    RNG.normal(size=4),
    RNG.normal(size=(5, 4)),
    RNG.normal(size=5),
    RNG.normal(size=(2, 5)),
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def equal(found: Network, expected: Network) -> bool:
    """Whether both have the same steps and weights."""
    same = jax.tree_util.tree_structure(found) == jax.tree_util.tree_structure(expected)
    pairs = zip(jax.tree_util.tree_leaves(found), jax.tree_util.tree_leaves(expected), strict=True)
    return same and all(a.dtype == b.dtype and (a == b).all() for a, b in pairs)


def test_dense_layers_with_and_without_biases() -> None:
    np.savez("net.npz", b1=B1, W1=W1, W3=W3, W2=W2, b2=B2, act="tanh")
    expected = Network.sequential([(W1, B1), (W2, B2), (W3, None)], "tanh")
    assert equal(load_network("net.npz"), expected)
    np.savez("each.npz", W1=W1, W2=W2, W3=W3, act=["relu", "tanh"])
    layers = [Dense(W1), Relu(), Dense(W2), Tanh(), Dense(W3)]
    assert equal(load_network("each.npz"), Network.from_layers(layers, input_shape=(3,)))
    np.savez("bare.npz", W1=W1, W2=W2)
    assert equal(
        load_network("bare.npz", activation=LeakyRelu(0.2)), Network.sequential([(W1, None), (W2, None)], LeakyRelu(0.2))
    )
    np.savez("one.npz", W1=W1)
    assert equal(load_network(Path("one.npz")), Network.sequential([(W1, None)]))


def test_convolutions_come_with_stride_and_padding() -> None:
    first, second, last = RNG.normal(size=(2, 1, 3, 2)), RNG.normal(size=(3, 2, 2, 2)), RNG.normal(size=(2, 3 * 3 * 2))
    arrays = {"W1": first, "stride1": [2, 1], "padding1": [[1, 0], [0, 1]], "W2": second, "stride2": 1, "padding2": "same"}
    layers = [
        Conv(first, None, (2, 1), [(1, 0), (0, 1)]),
        Relu(),
        Conv(second, None, 1, "same"),
        Relu(),
        Flatten(),
        Dense(last),
    ]
    expected = Network.from_layers(layers, input_shape=(1, 6, 2))
    np.savez("net.npz", **arrays, W3=last, act="relu", input_shape=[1, 6, 2])
    assert equal(load_network("net.npz"), expected)
    np.savez("open.npz", **arrays, W3=last, act="relu")
    assert equal(load_network("open.npz", input_shape=(1, 6, 2)), expected)


@pytest.mark.parametrize("names", [("W{}", "b{}"), ("{}.weight", "{}.bias"), ("model.fc{}.weight", "model.fc{}.bias")])
def test_safetensors_in_the_natural_order_of_names(names: tuple[str, str]) -> None:
    numbers = (1, 2, 3) if names[0] == "W{}" else (2, 9, 10)
    arrays = dict(zip([names[0].format(n) for n in numbers], (W1, W2, W3), strict=True))
    arrays |= {names[1].format(numbers[0]): B1, names[1].format(numbers[1]): B2}
    save_file(arrays, "net.safetensors")
    assert equal(load_network("net.safetensors", activation="relu"), Network.sequential([(W1, B1), (W2, B2), (W3, None)]))


@pytest.mark.parametrize(
    ("dtype", "kept"), [("float16", "float32"), ("bfloat16", "float32"), ("float32",) * 2, ("float64",) * 2]
)
def test_precision_is_kept(dtype: str, kept: str) -> None:
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    save_file({"W1": W1.astype(kind), "W2": W2.astype(kind)}, "net.safetensors")
    (first, second) = jax.tree_util.tree_leaves(load_network("net.safetensors", activation="relu"))
    np.testing.assert_array_equal(first, W1.astype(kind).astype(kept))
    assert first.dtype == second.dtype == jnp.dtype(kept)


def test_double_precision_is_not_rounded_unsaid() -> None:
    np.savez("net.npz", W1=W1)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(ValueError, match=r"net.npz: W1 is float64, which JAX rounds .*'jax_enable_x64', True\) turns"):
            load_network("net.npz")
    finally:
        jax.config.update("jax_enable_x64", True)


SQUARE = RNG.normal(size=(2, 1, 3, 3))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"act": "relu"}, "must have at least one layer of weights, got none"),
        ({"W1": W1, "W2": W3, "act": "relu"}, r"W2 must take inputs of shape \(4,\), got weights of shape \(2, 5\)"),
        ({"W1": W1, "b1": B2}, r"W1: bias must have shape \(4,\), got \(5,\)"),
        ({"W1": W1, "W3": W3, "act": "relu"}, "weights must be W1 to W2, without gaps, as there are 2; got W3"),
        ({"W1": W1, "b2": B2}, "weights must be W1 to W1, without gaps, as there are 1; got b2"),
        ({"W1": W1, "weights": W2}, "weights is no name of W1, b1, W2, ..., stride1, padding1, act, input_shape"),
        ({"W1": W1, "W2": W2}, "activation must be given, as the file does not say what stands between its 2 layers"),
        ({"W1": W1, "W2": W2, "act": "maxout"}, "activation must be one of relu, .* got 'maxout'"),
        ({"W1": W1, "W2": W2, "act": ["relu", "relu"]}, "act must be one name, or 1 for what stands between 2 layers, got 2"),
        ({"W1": W1, "W2": W2, "act": 1}, "act must be the name of an activation or a row of names, got array"),
        ({"W1": W1 * np.nan}, "W1 must have finite weights, got 12 of 12 that are nan or infinite"),
        ({"W1": W1.astype(int)}, r"W1 must be float16, bfloat16, float32 or float64, got int64 of shape \(4, 3\)"),
        ({"W1": B1}, r"W1 must have weights of 2 to 4 axes \(2 axes are dense layers, .* got shape \(4,\)"),
        (
            {"W1": SQUARE},
            "W1: weights of 4 axes are a convolution, whose stride and padding the file must say: add stride1 and pad",
        ),
        (
            {"W1": SQUARE, "stride1": 1, "padding1": 0},
            r"input_shape must be given for convolutions, such as W1 of shape \(2, 1,",
        ),
        (
            {"W1": SQUARE, "stride1": 1.5, "padding1": 0},
            r"stride1 must be a whole number, or one for each axis, got array\(1.5\)",
        ),
        (
            {"W1": SQUARE, "stride1": 1, "padding1": "full"},
            "padding1 must be 'valid', 'same', 'circular', a number or pairs by",
        ),
        (
            {"W1": SQUARE, "stride1": 1, "padding1": 0, "input_shape": "1x5x5"},
            "input_shape must be a row of whole numbers, got",
        ),
        (
            {"W1": SQUARE, "stride1": 1, "padding1": 0, "input_shape": [1, 2, 5]},
            r"W1: windows of \(3, 3\) do not fit into \(2, 5\)",
        ),
        ({"W1": W1, "stride1": 1}, "stride1 and padding1 go with weights of 3 or 4 axes, got 2 in W1"),
    ],
)
def test_arrays_that_make_no_network_are_named(arrays: dict[str, Any], message: str) -> None:
    np.savez("net.npz", **arrays)
    with pytest.raises(ValueError, match=f"net.npz: {message}"):
        load_network("net.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"0.weight": W1, "1.running_mean": B1}, "1.running_mean is no name of W1, b1, W2, ... or 0.weight, 0.bias, .*ONNX"),
        ({"0.weight": W1, "1.bias": B1}, "1.bias is no name of"),
        ({"0.weight": W1, "1.weight": B1}, r"1.weight must have weights of 2 to 4 axes .*; normalisation comes with ONNX"),
        (
            {"0.weight": SQUARE},
            "0.weight: weights of 4 axes are a convolution, whose stride and padding are not in such a file",
        ),
        ({"fc1.weight": W1, "fc2.weight": W3}, r"fc2.weight must take inputs of shape \(4,\), got weights of shape \(2, 5\)"),
        ({"W1": W1, "act": B1}, "act is no name of"),
        ({}, "must have at least one layer of weights, got none"),
    ],
)
def test_tensors_that_make_no_network_are_named(arrays: dict[str, Any], message: str) -> None:
    save_file(arrays, "net.safetensors")
    with pytest.raises(ValueError, match=f"net.safetensors: {message}"):
        load_network("net.safetensors", activation="relu")


class Trap:
    """Leaves a mark where it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("trapped"),)


def test_other_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez("net.npz", W1=W1, W2=W2, act="relu")
    save_file({"W1": W1}, "net.safetensors")
    Path("short.npz").write_bytes(Path("net.npz").read_bytes()[:-200])
    Path("short.safetensors").write_bytes(Path("net.safetensors").read_bytes()[:-8])
    Path("pickle.npz").write_bytes(pickle.dumps(Trap()))
    np.savez("objects.npz", W1=np.array([Trap()], dtype=object))
    with zipfile.ZipFile("torch.npz", "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Trap()))
    Path("trapped").unlink(missing_ok=True)
    for file, message in {
        "short.npz": "or is damaged", "short.safetensors": "or is damaged", "pickle.npz": "holds pickled Python objects",
        "objects.npz": "holds pickled Python objects", "torch.npz": "holds pickled Python objects",
        "nowhere.npz": "there is no such file", "net.pt": r"must be a file .npz, .safetensors, .onnx, got '.pt'",
        "net": "must be a file .npz, .safetensors, .onnx, got 'no ending'",
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=f"{file}: .*{message}"):
            load_network(file)
    assert not Path("trapped").exists()
    with pytest.raises(ValueError, match=r"net.npz: act is in the file, so that it must not be given, got Relu\(below=0.0\)"):
        load_network("net.npz", activation="relu")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"needs the extra, pip install 'ntkit\[safetensors\]'"):
        load_network("net.safetensors")
