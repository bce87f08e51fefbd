"""ONNX graphs are the functions that the evaluator of the onnx package makes of them; what has no counterpart is named."""

import os
import sys
from pathlib import Path

import jax
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ntkit.lipschitz import Network, load_network

RNG = np.random.default_rng(0)


def normal(*shape, dtype=np.float64):
    return RNG.normal(size=shape).astype(dtype)


def graph(nodes, weights, shape, opset=20, batch="batch", inputs=("x",), outputs=("y",), kind=TensorProto.DOUBLE):
    """A model of these nodes, from x of shape (batch, *shape) to y."""
    nodes = [helper.make_node(kind_, ins, outs, name=outs[0], **options) for kind_, ins, outs, options in nodes]
    made = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, [batch, *shape]) for name in inputs],
        [helper.make_tensor_value_info(name, kind, [batch, "numbers"]) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def chain(*nodes, **weights):
    """Nodes one after the other; weights are inputs of theirs by name."""
    names = ["x", *[f"h{place}" for place in range(1, len(nodes))], "y"]
    return [
        (kind, [names[place], *others], [names[place + 1]], options) for place, (kind, others, options) in enumerate(nodes)
    ], weights


GRAPHS = {
    "dense": (
        *chain(
            ("Gemm", ["w1", "b1"], {"transB": 1}), ("Relu", [], {}), ("Gemm", ["w2"], {"alpha": 0.5}),
            ("LeakyRelu", [], {"alpha": 0.25}), ("MatMul", ["w3"], {}), ("Add", ["b3"], {}), ("Tanh", [], {}),
            ("Gemm", ["w4", "b4"], {"beta": 2.0}),
            w1=normal(5, 4), b1=normal(5), w2=normal(5, 3), w3=normal(3, 4), b3=normal(1, 4), w4=normal(4, 2), b4=normal(1, 2),
        ),
        (4,),
    ),
    "smooth": (
        *chain(
            ("Sigmoid", [], {}), ("Identity", [], {}), ("Softplus", [], {}), ("Dropout", ["ratio"], {}), ("Gelu", [], {}),
            ("Add", ["c"], {}), ("MatMul", ["w"], {}),
            ratio=np.float64(0.5), c=normal(), w=normal(3, 2),
        ),
        (3,),
    ),
    "images": (
        *chain(
            ("Conv", ["w1", "b1"], {"pads": [1, 0, 2, 1], "strides": [2, 1], "kernel_shape": [3, 2]}),
            ("BatchNormalization", ["scale", "shift", "mean", "variance"], {"epsilon": 0.125}), ("Relu", [], {}),
            ("AveragePool", [], {"kernel_shape": [2, 3], "strides": [1, 2]}), ("Add", ["c"], {}),
            ("Conv", ["w2"], {"auto_pad": "SAME_UPPER"}), ("Flatten", [], {}), ("MatMul", ["w3"], {}),
            w1=normal(3, 2, 3, 2), b1=normal(3), scale=normal(3), shift=normal(3), mean=normal(3), variance=normal(3) ** 2,
            c=normal(3, 1, 1), w2=normal(2, 3, 2, 2), w3=normal(2 * 3 * 2, 3),
        ),
        (2, 6, 5),
    ),
    "sequences": (
        *chain(
            ("Conv", ["w1"], {"auto_pad": "VALID", "dilations": [1]}), ("Relu", [], {}), ("GlobalAveragePool", [], {}),
            ("Reshape", ["to"], {}), ("Gemm", ["w2"], {}),
            w1=normal(3, 2, 3), to=np.array([0, -1]), w2=normal(3, 2),
        ),
        (2, 7),
    ),
    "reshapes": (
        *chain(
            ("Reshape", ["image"], {}), ("Conv", ["w"], {}), ("Reshape", ["vector"], {}), ("Flatten", [], {"axis": -1}),
            image=np.array([-1, 2, 3, 4]), w=normal(1, 2, 2, 2), vector=np.array([1, 6]),
        ),
        (24,),
    ),
    "residual": (
        [
            ("Constant", [], ["c"], {"value_floats": [0.5, -1.0, 2.0]}), ("MatMul", ["x", "w1"], ["a"], {}),
            ("Relu", ["a"], ["b"], {}), ("Identity", ["a"], ["same"], {}), ("Add", ["same", "c"], ["moved"], {}),
            ("MatMul", ["b", "w2"], ["d"], {}), ("Add", ["moved", "d"], ["e"], {}), ("Add", ["e", "b"], ["y"], {}),
            ("Relu", ["e"], ["unused"], {}), ("Softmax", ["e"], ["unused too"], {}),
        ],
        {"w1": normal(4, 3, dtype=np.float32), "w2": normal(3, 3, dtype=np.float32)},
        (4,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_values_are_those_of_the_graph(tmp_path: Path, name: str) -> None:
    nodes, weights, shape = GRAPHS[name]
    single = name == "residual"
    dtype, kind = (np.float32, TensorProto.FLOAT) if single else (np.float64, TensorProto.DOUBLE)
    onnx.save(graph(nodes, weights, shape, kind=kind), tmp_path / "net.onnx")
    net = load_network(tmp_path / "net.onnx")
    assert net.input_shape == shape
    x = normal(1, *shape, dtype=dtype)
    expected = ReferenceEvaluator(str(tmp_path / "net.onnx")).run(None, {"x": x})[0].reshape(-1)
    error = 1e-5 if single else 1e-6 if name == "smooth" else 1e-12  # the evaluator has constants of Gelu in float32
    np.testing.assert_allclose(jax.jit(Network.__call__)(net, x[0]), expected, rtol=error, atol=error)
    assert {leaf.dtype for leaf in jax.tree_util.tree_leaves(net)} == {np.dtype(dtype)}


W = {"w": np.ones((1, 1, 2, 2)), "v": np.ones((4, 2)), "k": np.ones((1, 3)), "n": np.array([1, 2]), "t": np.array(True)}


def one(kind, *others, shape=(1, 4, 4), **options):
    """A graph of one node."""
    nodes, _ = chain((kind, list(others), options))
    used = {name: value for name, value in W.items() if name in others}
    return lambda: graph(nodes, used, shape)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (one("MaxPool", kernel_shape=[2, 2]), r"node 1 \(MaxPool y\) has no counterpart in ntkit.lipschitz, which knows Add"),
        (one("Softmax"), r"node 1 \(Softmax y\) has no counterpart"),
        (one("Erf"), r"node 1 \(Erf y\) has no counterpart"),
        (one("Gelu", approximate="tanh"), r"node 1 \(Gelu y\): approximate='tanh' has no counterpart .*, only 'none'"),
        (one("LeakyRelu", alpha=1.5), r"node 1 \(LeakyRelu y\): alpha must be a slope in \[0, 1\), got 1.5"),
        (one("Conv", "w", group=2), r"node 1 \(Conv y\): group=2 has no counterpart in ntkit.lipschitz, only 1"),
        (one("Conv", "w", dilations=[2, 1]), r"dilations=\[2, 1\] has no counterpart .*, only \[1, 1\]"),
        (one("Conv", "w", kernel_shape=[3, 2]), r"kernel_shape=\[3, 2\] has no counterpart .*, only \[2, 2\]"),
        (one("Conv", "w", auto_pad="SAME_LOWER"), "auto_pad='SAME_LOWER' has no counterpart .*, only 'SAME_UPPER'"),
        (one("Conv", "w", shape=(2, 4, 4)), r"node 1 \(Conv y\) must take inputs of shape \(2, 4, 4\), got weights of shape"),
        (one("Conv", "x"), r"node 1 \(Conv y\): its input x must be a constant, got what depends on the network's input"),
        (one("AveragePool", kernel_shape=[2, 2], pads=[1, 0, 0, 0]), r"pads=\[1, 0, 0, 0\] has no counterpart"),
        (one("AveragePool", kernel_shape=[2, 2], ceil_mode=1), "ceil_mode=1 has no counterpart .*, only 0"),
        (one("Flatten", axis=2), "axis=2 has no counterpart .*, only 1"),
        (one("Reshape", "n", shape=(4,)), r"\(Reshape y\) must keep the batch axis and 4 numbers after it, got \[1, 2\]"),
        (one("MatMul", "v", shape=(3,)), r"\(MatMul y\) must take inputs of shape \(3,\), got weights of shape \(2, 4\)"),
        (one("Gemm", "v", transA=1, shape=(4,)), "transA=1 has no counterpart"),
        (one("Gemm", "v", "k", shape=(4,)), r"a constant that is added must suit \(2,\), got shape \(1, 3\)"),
        (one("Gemm", "n", shape=(4,)), r"node 1 \(Gemm y\): n must be float16, bfloat16, float32 or float64, got int64"),
        (one("Dropout", "", "t"), r"node 1 \(Dropout y\): training_mode=True has no counterpart .*, only False"),
        (one("Identity"), "the graph must have at least one layer, got none between input and output"),
        (lambda: graph([("Add", ["w", "w"], ["y"], {})], {"w": W["w"]}, (3,)), "input w must depend on the network's input"),
        (lambda: graph([("Add", ["x", "z"], ["y"], {})], {}, (3,), inputs=("x", "z")), r"got \['x', 'z'\] and \['y'\]"),
        (lambda: graph([("Relu", ["x"], ["y"], {})], {}, (3,), opset=8), "must have operators of set 9 or newer, got set 8"),
        (lambda: graph([("Relu", ["x"], ["y"], {})], {}, ("n",)), r"input_shape must be given, .* sizes of x open: \(None,\)"),
        (lambda: graph([("Relu", ["x"], ["y"], {})], {}, ()), "x must have a batch axis and at least one more, got 1 axes"),
        (
            lambda: graph([("Flatten", ["x"], ["f"], {}), ("Add", ["f", "x"], ["y"], {})], {}, (2, 1)),
            r"node 2 \(Add y\) must add what has one shape, got \(2,\) and \(2, 1\)",
        ),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_named(tmp_path: Path, make, message: str) -> None:
    onnx.save(make(), tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=f"net.onnx: .*{message}"):
        load_network(tmp_path / "net.onnx")


def test_open_sizes_are_given_by_the_caller(tmp_path: Path) -> None:
    onnx.save(graph([("Relu", ["x"], ["y"], {})], {}, (2, "n")), tmp_path / "net.onnx")
    assert load_network(tmp_path / "net.onnx", input_shape=(2, 5)).input_shape == (2, 5)
    with pytest.raises(ValueError, match=r"input_shape must suit \(2, None\) of the graph, got \(3, 5\)"):
        load_network(tmp_path / "net.onnx", input_shape=(3, 5))
    with pytest.raises(ValueError, match="activation must be None for a graph, which has its own, got 'relu' for"):
        load_network(tmp_path / "net.onnx", activation="relu")


def test_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes, weights, shape = GRAPHS["dense"]
    onnx.save(graph(nodes, weights, shape), tmp_path / "net.onnx")
    whole = (tmp_path / "net.onnx").read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-1], b"1 2 3\n", b""):
        (tmp_path / "short.onnx").write_bytes(content)
        with pytest.raises(ValueError, match=r"short.onnx: is no ONNX graph, or is damaged"):
            load_network(tmp_path / "short.onnx")
    with pytest.raises(ValueError, match=r"nowhere.onnx: there is no such file"):
        load_network(tmp_path / "nowhere.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(ValueError, match=r"folder.onnx: cannot be read \(Is a directory\)"):
        load_network(tmp_path / "folder.onnx")
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(ValueError, match=r"pipe.onnx: must be a file on disk, got a pipe or a device"):
        load_network(tmp_path / "pipe.onnx")
    elsewhere = graph(nodes, weights, shape)
    (stored,) = (tensor for tensor in elsewhere.graph.initializer[:1])
    onnx.external_data_helper.set_external_data(stored, "other.bin")
    stored.ClearField("raw_data")
    (tmp_path / "elsewhere.onnx").write_bytes(elsewhere.SerializeToString())
    (tmp_path / "other.bin").write_bytes(b"\0" * 4096)
    with pytest.raises(ValueError, match=r"elsewhere.onnx: "):
        load_network(tmp_path / "elsewhere.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"reading graphs needs the extra, pip install 'ntkit\[onnx\]'"):
        load_network(tmp_path / "net.onnx")
