"""Networks from files of other programs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ntkit.data import arrays
from ntkit.lipschitz._activation import Activation
from ntkit.lipschitz._kept import kept
from ntkit.lipschitz._layers import PADDINGS, Conv, Dense, Flatten, Padding
from ntkit.lipschitz._network import Builder, Network, activation_of
from ntkit.lipschitz._onnx import read_onnx

Arrays = dict[str, np.ndarray]
FORMATS = (".npz", ".safetensors", ".onnx")
_NUMBERED = re.compile(r"(W|b|stride|padding)([1-9][0-9]*)")
_TORCH = re.compile(r"(.+)\.(weight|bias)")
_CONVOLUTION = "weights of {} axes are a convolution, whose stride and padding {}"


def load_network(
    file: str | Path,
    *,
    activation: str | Activation | None = None,
    input_shape: Sequence[int] | None = None,
    max_bytes: int | None = None,
) -> Network:
    """A network from a file, with its weights in the precision that they have there (half precision as float32, which holds it).

    | file | what it holds |
    | --- | --- |
    | .npz | `W1, b1, W2, b2, ...`, biases where there are any, weights (out, in); `act`, the name of the activation between layers, or one for each of these places. Convolutions: weights (out, in, *window) with `stride1` and `padding1` ("valid", "same", "circular", a number, or pairs by axis), and `input_shape`. |
    | .safetensors | dense layers: `W1, b1, ...` as above; or `0.weight, 0.bias, fc1.weight, ...`, in the natural order of these names, which the program that wrote them must have followed: it is not in the file. |
    | .onnx | a graph of the operators that have a counterpart here; others are refused by name. |

    Images are flattened, channels first, where a dense layer follows a convolution.

    Args:
        file: its path; nothing that would run code (pickled objects) is read.
        activation: between layers, for files that do not name it; not for .onnx.
        input_shape: of one input, for files that do not say it.
        max_bytes: that the file may take; by default a quarter of the memory.

    Raises:
        ValueError: the file is none of these or is damaged, an array or operator is not understood, or shapes do not go
            together: the message names the file, and the array or the node.
        ImportError: the extra `safetensors` or `onnx` is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/net.npz", W1=np.array([[1.0], [-1.0]]), W2=np.array([[1.0, 1.0]]), act="relu")
        ...     load_network(f"{folder}/net.npz")
        Network((1,) -> Matrix, Relu, Matrix -> 1)
    """  # noqa: E501 - a table
    suffix = Path(file).suffix
    if suffix not in FORMATS:
        raise ValueError(f"{file}: must be a file {', '.join(FORMATS)}, got {suffix or 'no ending'!r}")
    given = None if activation is None else activation_of(activation)
    shape = None if input_shape is None else tuple(input_shape)
    if suffix == ".onnx":
        if given is not None:
            raise ValueError(f"activation must be None for a graph, which has its own, got {activation!r} for {file}")
        return read_onnx(file, shape, max_bytes)
    found = arrays(file, max_bytes=max_bytes)
    try:
        if suffix == ".npz" or any(_NUMBERED.fullmatch(name) for name in found):
            return _chain(list(_numbered(found, suffix)), *_settings(found, given, shape))
        return _chain(list(_named(found)), given, shape)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


@dataclass(frozen=True)
class _Weights:
    """A layer of a file: its array, its bias, and for convolutions what the file says of them."""

    name: str
    weights: np.ndarray
    bias: np.ndarray | None
    convolution: tuple[int | tuple[int, ...], Padding] | None = None


def _settings(
    found: Arrays, activation: Activation | None, shape: tuple[int, ...] | None
) -> tuple[Activation | list[Activation] | None, tuple[int, ...] | None]:
    """Activations and the shape of an input, from the file or the arguments, but not from both."""
    for name, given in (("act", activation), ("input_shape", shape)):
        if name in found and given is not None:
            raise ValueError(f"{name} is in the file, so that it must not be given, got {given!r}")
    if "input_shape" in found:
        sizes = found["input_shape"]
        if sizes.dtype.kind not in "iu" or sizes.ndim != 1:
            raise ValueError(f"input_shape must be a row of whole numbers, got {sizes!r}")
        shape = tuple(int(n) for n in sizes)
    if "act" not in found:
        return activation, shape
    names = found["act"]
    if names.dtype.kind != "U" or names.ndim > 1:
        raise ValueError(f"act must be the name of an activation or a row of names, got {names!r}")
    return (activation_of(str(names)) if names.ndim == 0 else [activation_of(str(name)) for name in names]), shape


def _numbered(found: Arrays, suffix: str) -> Iterator[_Weights]:
    """W1, b1, W2, ... in their order."""
    count = sum(name.startswith("W") and bool(_NUMBERED.fullmatch(name)) for name in found)
    for name in found:
        match = _NUMBERED.fullmatch(name)
        if match is None and (suffix != ".npz" or name not in ("act", "input_shape")):
            raise ValueError(f"{name} is no name of W1, b1, W2, ..., stride1, padding1, act, input_shape")
        if match is not None and int(match[2]) > count:
            raise ValueError(f"weights must be W1 to W{count}, without gaps, as there are {count}; got {name}")
    for number in range(1, count + 1):
        weights, bias = found[f"W{number}"], found.get(f"b{number}")
        stride, padding = (found.get(f"{word}{number}") for word in ("stride", "padding"))
        if weights.ndim not in (3, 4) and (stride is not None or padding is not None):
            raise ValueError(
                f"stride{number} and padding{number} go with weights of 3 or 4 axes, got {weights.ndim} in W{number}"
            )
        if weights.ndim in (3, 4) and (stride is None or padding is None):
            names = (
                f"the file must say: add stride{number} and padding{number}, and input_shape, to a .npz file, or export ONNX"
            )
            raise ValueError(f"W{number}: {_CONVOLUTION.format(weights.ndim, names)}")
        convolution = None if stride is None or padding is None else (_stride(number, stride), _padding(number, padding))
        yield _Weights(f"W{number}", weights, bias, convolution)


def _stride(number: int, stride: np.ndarray) -> int | tuple[int, ...]:
    if stride.dtype.kind not in "iu" or stride.ndim > 1:
        raise ValueError(f"stride{number} must be a whole number, or one for each axis, got {stride!r}")
    return int(stride) if stride.ndim == 0 else tuple(int(s) for s in stride)


def _padding(number: int, padding: np.ndarray) -> Padding:
    if padding.dtype.kind in "iu" and (padding.ndim == 0 or padding.shape[1:] == (2,)):
        return int(padding) if padding.ndim == 0 else [(int(first), int(last)) for first, last in padding]
    if padding.dtype.kind != "U" or padding.ndim or str(padding) not in PADDINGS:
        raise ValueError(
            f"padding{number} must be {', '.join(map(repr, PADDINGS))}, a number or pairs by axis, got {padding!r}"
        )
    return str(padding)  # type: ignore[return-value]


def _named(found: Arrays) -> Iterator[_Weights]:
    """`fc1.weight`, `fc1.bias`, `fc2.weight`, ... in the natural order of the names."""
    layers: dict[str, None] = {}
    for name in found:
        match = _TORCH.fullmatch(name)
        if match is None or f"{match[1]}.weight" not in found:
            raise ValueError(f"{name} is no name of W1, b1, W2, ... or 0.weight, 0.bias, ...; export what is more as ONNX")
        layers[match[1]] = None
    for name in sorted(layers, key=_natural):
        weights = found[f"{name}.weight"]
        if weights.ndim in (3, 4):
            where = "are not in such a file: save W1, stride1, padding1, input_shape, ... as .npz, or export ONNX"
            raise ValueError(f"{name}.weight: {_CONVOLUTION.format(weights.ndim, where)}")
        yield _Weights(f"{name}.weight", weights, found.get(f"{name}.bias"))


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """A key by which fc2 comes before fc10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _chain(layers: list[_Weights], activation: Activation | list[Activation] | None, shape: tuple[int, ...] | None) -> Network:
    """One layer after the other."""
    if not layers:
        raise ValueError("must have at least one layer of weights, got none")
    between = len(layers) - 1
    if activation is None and between:
        raise ValueError(f"activation must be given, as the file does not say what stands between its {len(layers)} layers")
    if isinstance(activation, list) and len(activation) != between:
        raise ValueError(
            f"act must be one name, or {between} for what stands between {len(layers)} layers, got {len(activation)}"
        )
    first = layers[0]
    if shape is None and first.convolution is not None:
        raise ValueError(f"input_shape must be given for convolutions, such as {first.name} of shape {first.weights.shape}")
    if shape is None:
        _check_axes(first)
        shape = (first.weights.shape[1],)
    builder = Builder(shape)
    for place, layer in enumerate(layers):
        weights, bias = kept(layer.name, layer.weights), None if layer.bias is None else kept(layer.name, layer.bias)
        if layer.convolution is not None:
            builder.add(layer.name, Conv(weights, bias, *layer.convolution))
        else:
            _check_axes(layer)
            if len(builder.shapes[-1]) > 1:
                builder.add(layer.name, Flatten())
            builder.add(layer.name, Dense(weights, bias))
        if place < between and activation is not None:
            builder.add(layer.name, activation[place] if isinstance(activation, list) else activation)
    return builder.network()


def _check_axes(layer: _Weights) -> None:
    if layer.weights.ndim != 2:
        known = "2 axes are dense layers, 3 or 4 convolutions; normalisation comes with ONNX"
        raise ValueError(f"{layer.name} must have weights of 2 to 4 axes ({known}), got shape {layer.weights.shape}")
