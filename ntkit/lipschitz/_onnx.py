"""Networks from ONNX graphs of operators that have a counterpart here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from ntkit.data import whole_file
from ntkit.lipschitz._activation import Gelu, LeakyRelu, Relu, Sigmoid, Softplus, Tanh
from ntkit.lipschitz._kept import kept
from ntkit.lipschitz._layers import AvgPool, BatchNorm, Conv, Dense, Layer
from ntkit.lipschitz._linear import Reshape, Shape
from ntkit.lipschitz._network import Add, Affine, Builder, Network

OLDEST = 9  # operator set from which on Dropout and BatchNormalization mean inference unless they say training
_MISSING = "onnx is not installed; reading graphs needs the extra, pip install 'ntkit[onnx]'"


def read_onnx(file: str | Path, input_shape: Shape | None, max_bytes: int | None = None) -> Network:
    """The network of a graph with one input, of shape (batch, ...), and one output.

    Args:
        file: its path.
        input_shape: of one input, if the graph does not say it.
        max_bytes: that the file may take; by default a quarter of the memory.

    Raises:
        ValueError: no graph, or one that has no counterpart; the message names file and node.
        ImportError: the extra `onnx` is not installed.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(f"{file}: {_MISSING}", name="onnx") from None
    try:
        # Weights in other files, which a graph may name, are not read.
        model = onnx.load_model_from_string(whole_file(file, max_bytes))
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        first = (str(error).strip() or "empty").splitlines()[0]
        raise ValueError(f"{file}: is no ONNX graph, or is damaged ({first})") from None
    version = max((entry.version for entry in model.opset_import if entry.domain in _STANDARD), default=0)
    try:
        if version < OLDEST:
            raise ValueError(f"must have operators of set {OLDEST} or newer, got set {version}")
        return _Reader(model.graph, input_shape).network()
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


_STANDARD = ("", "ai.onnx")  # names of the domain of standard operators


@dataclass(frozen=True)
class _Node:
    """A node of the graph.

    Attributes:
        name: for messages.
        kind: of the operator.
        inputs, outputs: names of values; "" for one that is left out.
        attributes: by name.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @classmethod
    def of(cls, node: Any, place: int) -> "_Node":
        from onnx import helper

        kind = node.op_type if node.domain in _STANDARD else f"{node.domain}.{node.op_type}"
        attributes = {each.name: _plain(helper.get_attribute_value(each)) for each in node.attribute}
        name = f"node {place} ({kind} {node.name})" if node.name else f"node {place} ({kind})"
        return cls(name, kind, tuple(node.input), tuple(node.output), attributes)

    def options(self, **defaults: Any) -> dict[str, Any]:
        """The attributes with their defaults; ValueError for one that is not among these."""
        for name, value in self.attributes.items():
            if name not in defaults:
                raise ValueError(f"{self.name}: the attribute {name}={value!r} has no counterpart in ntkit.lipschitz")
        return {**defaults, **self.attributes}

    def only(self, **wanted: tuple[Any, Any]) -> None:
        """ValueError for an option whose value is not the one that has a counterpart: pairs of these."""
        for name, (value, known) in wanted.items():
            if value is not None and value != known:
                raise ValueError(f"{self.name}: {name}={value!r} has no counterpart in ntkit.lipschitz, only {known!r}")


def _plain(value: Any) -> Any:
    """An attribute's value in Python's own types, or an array."""
    from onnx import TensorProto, numpy_helper

    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, int | float) or not isinstance(value, Sequence) else list(value)


class _Reader:
    """Reads nodes in their order: each value is a step of the network or a constant."""

    def __init__(self, graph: Any, input_shape: Shape | None) -> None:
        from onnx import numpy_helper

        if graph.sparse_initializer:
            raise ValueError("sparse weights have no counterpart in ntkit.lipschitz")
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        inputs = [value for value in graph.input if value.name not in self.constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            names = [[value.name for value in values] for values in (inputs, graph.output)]
            raise ValueError(f"a graph must have one input besides its weights, and one output, got {names[0]} and {names[1]}")
        self.output = graph.output[0].name
        self.nodes = _needed([_Node.of(node, place) for place, node in enumerate(graph.node, 1)], self.output)
        self.uses = [name for node in self.nodes for name in node.inputs] + [self.output]
        self.batch, shape = _input_shape(inputs[0], input_shape)
        self.builder = Builder(shape)
        self.steps = {inputs[0].name: 0}  # by the value's name
        self.aliased: set[int] = set()

    def network(self) -> Network:
        """The network of all nodes that the output needs."""
        for node in self.nodes:
            read = _READERS.get(node.kind)
            if read is None:
                raise ValueError(
                    f"{node.name} has no counterpart in ntkit.lipschitz, which knows {', '.join(sorted(_READERS))}"
                )
            for name in node.outputs[1:]:
                if name in self.uses:
                    raise ValueError(
                        f"{node.name}: its output {name} has no counterpart in ntkit.lipschitz, only the first one"
                    )
            read(self, node)
        if not self.builder.steps:
            raise ValueError("the graph must have at least one layer, got none between input and output")
        return self.builder.network()

    def data(self, node: _Node, place: int) -> int:
        """The step that makes an input of a node."""
        name = node.inputs[place]
        if name not in self.steps:
            raise ValueError(f"{node.name}: its input {name} must depend on the network's input, got a constant")
        return self.steps[name]

    def constant(self, node: _Node, place: int) -> np.ndarray | None:
        """A constant input of a node; None if it is left out."""
        name = node.inputs[place] if place < len(node.inputs) else ""
        if name in self.steps:
            raise ValueError(f"{node.name}: its input {name} must be a constant, got what depends on the network's input")
        return self.constants[name] if name else None

    def weights(self, node: _Node, place: int) -> np.ndarray:
        """Constant real numbers."""
        found = self.constant(node, place)
        if found is None:
            raise ValueError(f"{node.name}: input {place} must be weights, got none")
        return kept(f"{node.name}: {node.inputs[place]}", found)

    def bias(self, node: _Node, place: int) -> np.ndarray | None:
        """Constant real numbers, if they are there."""
        return None if self.constant(node, place) is None else self.weights(node, place)

    def add(self, node: _Node, layer: Layer) -> None:
        """A layer as what a node makes of its first input."""
        self.steps[node.outputs[0]] = self.builder.add(node.name, layer, self.data(node, 0))

    def same(self, node: _Node) -> None:
        """The node's output is its first input."""
        name, other = node.inputs[0], node.outputs[0]
        if name in self.constants:
            self.constants[other] = self.constants[name]
        else:
            self.steps[other] = self.data(node, 0)
            self.aliased.add(self.steps[other])

    def reshape(self, node: _Node, shape: Shape) -> None:
        """The same numbers in another shape."""
        step = self.data(node, 0)
        if self.builder.shapes[step] == shape:
            self.same(node)
        else:
            reshape = Reshape(self.builder.shapes[step], shape)
            self.steps[node.outputs[0]] = self.builder.push(Affine(reshape, None, step), shape)


def _needed(nodes: list[_Node], output: str) -> list[_Node]:
    """The nodes that the output depends on."""
    wanted, found = {output}, []
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            wanted |= set(node.inputs)
            found.append(node)
    return found[::-1]


def _input_shape(value: Any, given: Shape | None) -> tuple[int | None, Shape]:
    """The size of a batch, if it is fixed, and the shape of one input."""
    sizes = [dim.dim_value or None for dim in value.type.tensor_type.shape.dim]
    if len(sizes) < 2:
        raise ValueError(f"the input {value.name} must have a batch axis and at least one more, got {len(sizes)} axes")
    if given is not None and (
        len(given) != len(sizes) - 1 or any(n not in (None, m) for n, m in zip(sizes[1:], given, strict=True))
    ):
        raise ValueError(f"input_shape must suit {tuple(sizes[1:])} of the graph, got {given!r}")
    shape = tuple(sizes[1:]) if given is None else given
    if None in shape:
        raise ValueError(f"input_shape must be given, as the graph leaves sizes of {value.name} open: {shape}")
    return sizes[0], tuple(int(n) for n in shape if n is not None)


def _gemm(reader: _Reader, node: _Node) -> None:
    given = node.options(alpha=1.0, beta=1.0, transA=0, transB=0)
    node.only(transA=(given["transA"], 0))
    weights, bias = reader.weights(node, 1), reader.bias(node, 2)
    weights = weights if given["transB"] else weights.T
    if bias is not None:
        bias = _spread(node, bias, (len(weights),)) * bias.dtype.type(given["beta"])
    reader.add(node, Dense(weights * weights.dtype.type(given["alpha"]), bias))


def _matmul(reader: _Reader, node: _Node) -> None:
    node.options()
    weights = reader.weights(node, 1)
    reader.add(node, Dense(weights.T))


def _add(reader: _Reader, node: _Node) -> None:
    node.options()
    constant = [place for place, name in enumerate(node.inputs) if name in reader.constants]
    builder = reader.builder
    if not constant:
        parents = (reader.data(node, 0), reader.data(node, 1))
        shapes = [builder.shapes[parent] for parent in parents]
        if shapes[0] != shapes[1]:
            raise ValueError(f"{node.name} must add what has one shape, got {shapes[0]} and {shapes[1]}")
        reader.steps[node.outputs[0]] = builder.push(Add(parents), shapes[0])
        return
    place = 1 - constant[0]
    parent, bias = reader.data(node, place), reader.weights(node, constant[0])
    shape = builder.shapes[parent]
    values = jnp.asarray(_spread(node, bias, shape))
    before = builder.steps[parent - 1] if parent else None
    alone = reader.uses.count(node.inputs[place]) == 1 and parent not in reader.aliased
    if alone and isinstance(before, Affine) and before.bias is None:
        builder.steps[parent - 1] = replace(before, bias=values)
        reader.steps[node.outputs[0]] = parent
    else:
        reader.steps[node.outputs[0]] = builder.push(Affine(Reshape(shape, shape), values, parent), shape)


def _spread(node: _Node, values: np.ndarray, shape: Shape) -> np.ndarray:
    """A constant in the shape of what it is added to."""
    try:
        spread: np.ndarray = np.broadcast_to(values, (1, *shape))[0]
    except ValueError:
        raise ValueError(f"{node.name}: a constant that is added must suit {shape}, got shape {values.shape}") from None
    return spread


def _conv(reader: _Reader, node: _Node) -> None:
    given = node.options(auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, pads=None, strides=None)
    weights = reader.weights(node, 1)
    ndim = weights.ndim - 2
    node.only(group=(given["group"], 1), dilations=(given["dilations"], [1] * ndim))
    node.only(kernel_shape=(given["kernel_shape"], list(weights.shape[2:])))
    padding: Any = {"NOTSET": "pads", "VALID": "valid", "SAME_UPPER": "same"}.get(given["auto_pad"])
    if padding is None:
        node.only(auto_pad=(given["auto_pad"], "SAME_UPPER"))
    if padding == "pads":
        pads = given["pads"] or [0] * 2 * ndim
        padding = list(zip(pads[:ndim], pads[ndim:], strict=True))
    reader.add(node, Conv(weights, reader.bias(node, 2), given["strides"] or 1, padding))


def _average(reader: _Reader, node: _Node) -> None:
    given = node.options(
        auto_pad="NOTSET", ceil_mode=0, count_include_pad=0, dilations=None, kernel_shape=None, pads=None, strides=None
    )
    window = given["kernel_shape"]
    node.only(ceil_mode=(given["ceil_mode"], 0), dilations=(given["dilations"], [1] * len(window)))
    node.only(pads=(given["pads"], [0] * 2 * len(window)))
    if given["auto_pad"] != "VALID":
        node.only(auto_pad=(given["auto_pad"], "NOTSET"))
    reader.add(node, AvgPool(window, given["strides"] or 1))


def _global_average(reader: _Reader, node: _Node) -> None:
    node.options()
    reader.add(node, AvgPool(reader.builder.shapes[reader.data(node, 0)][1:]))


def _batch_norm(reader: _Reader, node: _Node) -> None:
    given = node.options(epsilon=1e-5, momentum=0.9, training_mode=0)
    node.only(training_mode=(given["training_mode"], 0))
    scale, shift, mean, variance = (reader.weights(node, place) for place in range(1, 5))
    reader.add(node, BatchNorm(mean, variance, scale, shift, given["epsilon"]))


def _flatten(reader: _Reader, node: _Node) -> None:
    axis = node.options(axis=1)["axis"]
    shape = reader.builder.shapes[reader.data(node, 0)]
    node.only(axis=(axis % (len(shape) + 1), 1))
    reader.reshape(node, (prod(shape),))


def _reshape(reader: _Reader, node: _Node) -> None:
    given = node.options(allowzero=0)
    node.only(allowzero=(given["allowzero"], 0))
    target = reader.constant(node, 1)
    if target is None:
        raise ValueError(f"{node.name}: input 1 must be a shape, got none")
    shape = reader.builder.shapes[reader.data(node, 0)]
    first, *others = (int(n) for n in target)
    sizes = [shape[place] if n == 0 and place < len(shape) else n for place, n in enumerate(others)]
    if first != -1 and sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = prod(shape) // max(-prod(sizes), 1)
    batch = (0, -1, reader.batch or 1)  # of an open size, graphs are often made from a batch of 1
    if first not in batch or min(sizes, default=0) < 1 or prod(sizes) != prod(shape):
        raise ValueError(f"{node.name} must keep the batch axis and {prod(shape)} numbers after it, got {target.tolist()}")
    reader.reshape(node, tuple(sizes))


def _dropout(reader: _Reader, node: _Node) -> None:
    node.options(ratio=0.5, seed=None)
    training = reader.constant(node, 2)
    node.only(training_mode=(training is not None and bool(training), False))
    reader.same(node)


def _identity(reader: _Reader, node: _Node) -> None:
    node.options()
    reader.same(node)


def _constant(reader: _Reader, node: _Node) -> None:
    given = node.options(value=None, value_float=None, value_floats=None, value_int=None, value_ints=None)
    (name, value), *_ = [(name, value) for name, value in given.items() if value is not None]
    dtype = np.float32 if name.startswith("value_float") else None
    reader.constants[node.outputs[0]] = np.asarray(value, dtype)


def _leaky(reader: _Reader, node: _Node) -> None:
    alpha = node.options(alpha=0.01)["alpha"]
    if not 0 <= alpha < 1:
        raise ValueError(f"{node.name}: alpha must be a slope in [0, 1), got {alpha!r}")
    reader.add(node, LeakyRelu(alpha))


def _gelu(reader: _Reader, node: _Node) -> None:
    node.only(approximate=(node.options(approximate="none")["approximate"], "none"))
    reader.add(node, Gelu())


def _plainly(layer: Layer) -> Callable[[_Reader, _Node], None]:
    """For an activation without options."""

    def read(reader: _Reader, node: _Node) -> None:
        node.options()
        reader.add(node, layer)

    return read


_READERS: dict[str, Callable[[_Reader, _Node], None]] = {
    "Add": _add,
    "AveragePool": _average,
    "BatchNormalization": _batch_norm,
    "Constant": _constant,
    "Conv": _conv,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average,
    "Identity": _identity,
    "LeakyRelu": _leaky,
    "MatMul": _matmul,
    "Relu": _plainly(Relu()),
    "Reshape": _reshape,
    "Sigmoid": _plainly(Sigmoid()),
    "Softplus": _plainly(Softplus()),
    "Tanh": _plainly(Tanh()),
}
