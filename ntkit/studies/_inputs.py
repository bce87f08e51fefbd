"""The network and the inputs of a study: options, and data in the shape that the network takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies._finite import FiniteNetwork, add_weights_options, drawn_network, parsed_network
from ntkit.studies._kernels import KERNELS, Kernel, in_words, parsed_kernel
from ntkit.studies._spread import check_dask_option
from ntkit.studies._user_data import add_file_options, check_within, found_data, source_of
from ntkit.studies._user_network import file_of, is_place

if TYPE_CHECKING:
    import jax

    from ntkit.kernels import Layer, Network

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Labels = np.ndarray[Any, np.dtype[Any]]

COUNT = 500  # inputs, unless told otherwise
MOST_REPEATS = 10_000  # of what is random: beyond, no error bar is worth the time
MOST_SEEDS = 2**63 - 2  # the largest that NumPy and JAX both take, with room for the next


@dataclass(frozen=True)
class Inputs:
    """What a study works on.

    Attributes:
        x: shape (n, d), (n, length, channels) or (n, height, width, channels), float32 or float64, finite.
        labels: shape (n,), numbers or words; None where there are none.
        total: how many inputs the data have.
        name: of the data.
        files: that they were read from.
    """

    x: Floats
    labels: Labels | None
    total: int
    name: str
    files: tuple[Path, ...] = ()


def add_study_options(parser: argparse.ArgumentParser, *, kernels: bool = False, files: bool = False) -> None:
    """Declare the network, or in place of it a kernel if the study takes one, and the inputs.

    With `files` the network need not be given in words, as the study takes it from a file.
    """
    either = parser.add_mutually_exclusive_group(required=not files)
    either.add_argument(
        "--net", metavar="NET", help='the network: words, as in "conv3x3 relu gap dense", or FILE.py:function that returns an '
        "object with init(key) and apply(params, x)",
    )  # fmt: skip
    if kernels:
        examples = ", ".join(f'"{example}"' for _, example in KERNELS.values())
        either.add_argument("--kernel", metavar="WORDS", help=f"a kernel in place of a network, with its numbers: {examples}")
    add_weights_options(
        parser, "the weights of --net (.npz, .safetensors), or without --net a file that holds a network" if files else
        "the weights of --net (.npz, .safetensors): studies that finite network in place of the limit of infinite width",
    )  # fmt: skip
    add_file_options(parser)
    parser.add_argument(
        "--as", dest="shape", choices=("vectors", "sequences", "images"),
        help="what an input is: (d,), (length, channels), or (height, width) with or without channels; default: vectors if the "
        "network has no layer that sees pixels, else images if the data have four axes, as images in all formats have, or a "
        "window has two numbers, else sequences",
    )  # fmt: skip
    _add_count_option(parser, 2, COUNT)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float64", help="to compute in (default: float64)")
    parser.add_argument("--centre", action="store_true", help="subtract the mean of the inputs")
    parser.add_argument("--normalise", action="store_true", help="scale every input to mean square 1 (after --centre)")


def add_data_options(parser: argparse.ArgumentParser, count: int) -> None:
    """Declare the inputs of a study whose network is given, and how many of them are taken."""
    add_file_options(parser)
    _add_count_option(parser, 1, count)


def _add_count_option(parser: argparse.ArgumentParser, least: int, count: int) -> None:
    what = f"inputs, evenly spread over the data (default: {count})"
    parser.add_argument("--count", type=whole(least), metavar="N", help=what)


def kernel_and_inputs(options: argparse.Namespace) -> tuple[Network | Kernel, Inputs]:
    """The network or the kernel, and the inputs: as `network_and_inputs`, for studies that take both.

    A network with weights, or of a file, comes as the kernel that it is: its own tangent kernel.

    Raises:
        UsageError: as there, an option that goes with networks only, or a cluster that cannot be.
        UserCodeError: the user's code raised.
    """
    check_dask_option(options)
    if getattr(options, "kernel", None) is None:
        if options.weights is not None or is_place(options.net):
            return _finite_kernel_and_inputs(options)
        if options.layout is not None:
            raise UsageError(f"--layout {options.layout}: goes with --weights")
        options.kind = options.kind or "ntk"
        return network_and_inputs(options)
    for name, value in (("weights", options.weights), ("layout", options.layout)):
        if value is not None:
            raise UsageError(f"--{name} {value}: goes with --net")
    for name, value in (("kind", options.kind), ("as", options.shape)):
        if value not in (None, "vectors"):
            raise UsageError(f"--{name} {value}: goes with --net; kernels are those of vectors")
    kernel = parsed_kernel(options.kernel)
    return kernel, _inputs(options, lambda x: "vectors")


def network_and_inputs(options: argparse.Namespace) -> tuple[Network, Inputs]:
    """The network, and the inputs in the shape that it takes: what the options of `add_study_options` ask for.

    Raises:
        UsageError: words, a file or an option that cannot be; where it is a word, a note points at it.
    """
    net = parsed_network(options.net)
    inputs = _inputs(options, lambda x: options.shape or _guess(x, list(net.layers)))
    return parsed_network(options.net, inputs.x.shape[1:]), inputs


def finite_network_and_inputs(options: argparse.Namespace, key: jax.Array) -> tuple[FiniteNetwork, Inputs]:
    """The network at its weights, given or random, and the inputs in the shape that it takes.

    Inputs of a network of FILE.py:function have the shape that the data have, unless --as says another.

    Raises:
        UsageError: words, a file or an option that cannot be.
        UserCodeError: the user's code raised.
    """
    if is_place(options.net):
        inputs = _inputs(options, lambda x: options.shape)
    else:
        net = parsed_network(options.net, finite=True)
        inputs = _inputs(options, lambda x: options.shape or _guess(x, list(net.layers)))
    finite = drawn_network(options, inputs.x.shape[1:], key)
    finite.net.apply(finite.params, inputs.x[:1])  # so that what does not fit is said before the work
    return finite, inputs


def _finite_kernel_and_inputs(options: argparse.Namespace) -> tuple[FiniteNetwork, Inputs]:
    import jax

    if options.kind not in (None, "ntk"):
        raise UsageError(f"--kind {options.kind}: a finite network has one kernel here, its ntk")
    options.kind = "ntk"
    return finite_network_and_inputs(options, jax.random.key(options.seed))


def _inputs(options: argparse.Namespace, shape: Callable[[Floats], str | None]) -> Inputs:
    """The inputs, in a shape that may depend on them."""
    source = source_of(options)
    found, rows = chosen_inputs(options, options.dtype, COUNT, least=2)
    x = _prepared(_shaped(found.x, shape(found.x), source), rows, options, source)
    return replace(found, x=x)


def chosen_inputs(
    options: argparse.Namespace, dtype: str, count: int, *, least: int = 1
) -> tuple[Inputs, np.ndarray[Any, np.dtype[np.int64]]]:
    """Inputs in the shape that the data have, evenly spread over them, and their numbers.

    Args:
        options: those of `add_data_options` or `add_study_options`.
        dtype: of the inputs.
        count: how many, unless options say it, and as far as there are.
        least: how many there must be.

    Raises:
        UsageError: a file that cannot be read, or holds what are no inputs.
    """
    count = count if options.count is None else options.count
    source, data = source_of(options), found_data(options, count)
    x, total = data.x, data.total
    if x.ndim < 2 or 0 in x.shape or total < least:
        enough = "at least two inputs" if least > 1 else "at least one input"
        raise UsageError(f"{source}: must have shape (inputs, ...) with {enough}, got {x.shape}")
    if options.count is not None and count > total:
        raise UsageError(f"--count {count}: there are only {total} inputs")
    check_within(x.size * np.dtype(dtype).itemsize, f"--count {len(x)}: as {dtype} these inputs", options)
    rows = np.arange(total) if data.rows is None else data.rows
    return Inputs(_floats(x, rows, dtype, source), data.y, total, data.name, data.files), rows


def channels_first(shape: tuple[int, ...], x: Floats) -> Floats:
    """Data in the shape that a network of a file takes, channels first; channels that come last are moved, and that is said.

    Raises:
        UsageError: they do not fit.
    """
    plain = x.shape[1:] if x.ndim != 3 or len(shape) != 3 else (1, *x.shape[1:])
    if plain == shape or (x[0].size == prod(shape) and (len(shape) == 1 or x.ndim == 2)):
        if x.ndim == 4 and x.shape[-1] > 1:
            print(f"notice: inputs of shape {x.shape[1:]} are flattened in this order, channels last")
        return x.reshape(-1, *shape)
    if x.ndim == len(shape) + 1 and (x.shape[-1], *x.shape[1:-1]) == shape:
        if x.shape[-1] > 1:
            print("notice: channels are the last axis of the data, and are moved to the front")
        return np.moveaxis(x, -1, 1)
    raise UsageError(
        f"--data: inputs must have shape {shape} or ({prod(shape)},), as the network takes them, got {x.shape[1:]}"
    )


def _floats(x: np.ndarray, rows: np.ndarray, dtype: str, source: str) -> Floats:
    """Finite numbers of a dtype."""
    if x.dtype.kind != "f":
        print(f"notice: {source} holds {x.dtype}, converted to {dtype}")
    with np.errstate(over="ignore"):
        floats = np.array(x, dtype=dtype)  # a copy: what is mapped could change
    bad = ~np.isfinite(floats)
    if bad.any():
        first = rows[np.argwhere(bad)[0, 0]]
        raise UsageError(
            f"{source}: must be finite in {dtype}, got {bad.sum()} values (of {bad.size}) that are nan or infinite, "
            f"the first in input {first}"
        )
    return floats


def _guess(x: Floats, layers: Iterable[Layer]) -> str:
    """What an input is, from axes and layers."""
    spatial = spatial_layers(layers)
    if x.ndim == 2 or not spatial:
        return "vectors"
    flat = any(isinstance(getattr(layer, "window", None), tuple) for layer in spatial)
    return "images" if flat or x.ndim == 4 else "sequences"


def spatial_layers(layers: Iterable[Layer]) -> list[Layer]:
    """The layers that see pixels."""
    from ntkit.kernels import AvgPool, Conv, GlobalAvgPool

    return [layer for layer in every_layer(layers) if isinstance(layer, Conv | AvgPool | GlobalAvgPool)]


def every_layer(layers: Iterable[Layer]) -> Iterable[Layer]:
    """All layers, those in branches too."""
    for layer in layers:
        yield layer
        for branch in getattr(layer, "branches", ()):
            yield from every_layer(branch)


def _shaped(x: Floats, shape: str | None, source: str) -> Floats:
    if shape is None:
        return x
    if shape == "vectors":
        return x.reshape(len(x), -1)
    if shape == "images" and x.ndim == 3:
        return x[..., None]
    if shape == "sequences" and x.ndim == 4 and x.shape[-1] == 1:
        return x[..., 0]
    if x.ndim != (4 if shape == "images" else 3):
        raise UsageError(f"--as {shape}: {source} has inputs of shape {x.shape[1:]}, which cannot be {shape}")
    return x


def _prepared(x: Floats, rows: np.ndarray, options: argparse.Namespace, source: str) -> Floats:
    """Centred and scaled, where that is asked for."""
    if options.centre:
        x = x - x.mean(0)
    if options.normalise:
        size = np.abs(x.reshape(len(x), -1)).max(1)
        if (size == 0).any():
            raise UsageError(f"--normalise: input {rows[np.argmin(size)]} of {source} is zero, and so has no scale")
        x = x / size.reshape(-1, *[1] * (x.ndim - 1))  # so that no square overflows
        x = x / np.sqrt((x**2).mean(tuple(range(1, x.ndim)), keepdims=True))
    return x


def files_of(options: argparse.Namespace, inputs: Inputs) -> list[Path | str]:
    """What a study of a network has read: its weights, its code and its inputs."""
    net = options.net if options.net is not None and is_place(options.net) else None
    return [*filter(None, (options.weights, net and file_of(net))), *inputs.files]


def described(studied: Network | Kernel, inputs: Inputs, options: argparse.Namespace) -> dict[str, Any]:
    """What every record of a study says of network or kernel, and of inputs; two lines are printed."""
    shape = " x ".join(map(str, inputs.x.shape[1:]))
    which = "network" if options.net else "kernel"
    print(f"{which:8} {in_words(studied)}")
    if isinstance(studied, FiniteNetwork):
        print(f"weights  {options.weights or f'random, seed {options.seed}'}: the tangent kernel of this one network")
    print(f"data     {len(inputs.x)} of {inputs.total} {inputs.name}, {shape}, {inputs.x.dtype}")
    return {
        which: in_words(studied), "weights": studied.weights if isinstance(studied, FiniteNetwork) else None,
        "data": inputs.name, "total": inputs.total, "shape": inputs.x.shape, "dtype": str(inputs.x.dtype),
        "centred": options.centre, "normalised": options.normalise,
    }  # fmt: skip


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """For `type=` of an option: a whole number that is not too small, nor too large; the function raises ArgumentTypeError.

    Example:
        >>> whole(2)("20")
        20
    """

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            limit = "" if most is None else f" to {most}"
            raise argparse.ArgumentTypeError(f"must be a whole number from {least}{limit}, got {text!r}")
        return int(text)

    return read


def span(text: str) -> tuple[int, int]:
    """For `type=` of an option: A:B, two whole numbers from 1 that rise.

    Raises:
        ArgumentTypeError: anything else.

    Example:
        >>> span("4:200")
        (4, 200)
    """
    first, colon, last = text.partition(":")
    if not (colon and first.isdecimal() and last.isdecimal() and 1 <= int(first) < int(last)):
        raise argparse.ArgumentTypeError(f"must be A:B, whole numbers from 1 with A below B, got {text!r}")
    return int(first), int(last)
