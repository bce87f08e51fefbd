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
from ntkit.studies._kernels import KERNELS, Kernel, in_words, parsed_kernel

if TYPE_CHECKING:
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
    """

    x: Floats
    labels: Labels | None
    total: int
    name: str


def add_study_options(parser: argparse.ArgumentParser, *, kernels: bool = False, files: bool = False) -> None:
    """Declare the network, or in place of it a kernel if the study takes one, the inputs, and where results go.

    With `files` the network need not be given in words, as the study takes it from a file.
    """
    either = parser.add_mutually_exclusive_group(required=not files)
    either.add_argument("--net", metavar="WORDS", help='the network, as in "conv3x3 relu gap dense"')
    if kernels:
        examples = ", ".join(f'"{example}"' for _, example in KERNELS.values())
        either.add_argument("--kernel", metavar="WORDS", help=f"a kernel in place of a network, with its numbers: {examples}")
    parser.add_argument("-o", "--out", required=True, metavar="FOLDER", help="where the results go")
    _add_file_options(parser)
    parser.add_argument(
        "--as", dest="shape", choices=("vectors", "sequences", "images"),
        help="what an input is: (d,), (length, channels), or (height, width) with or without channels; default: vectors if the "
        "network has no layer that sees pixels, else images if the data are the digits, have four axes, or a window has two "
        "numbers, else sequences",
    )  # fmt: skip
    _add_count_option(parser, 2, COUNT)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float64", help="to compute in (default: float64)")
    parser.add_argument("--centre", action="store_true", help="subtract the mean of the inputs")
    parser.add_argument("--normalise", action="store_true", help="scale every input to mean square 1 (after --centre)")


def add_data_options(parser: argparse.ArgumentParser, count: int) -> None:
    """Declare the inputs of a study whose network is given, and how many of them are taken."""
    _add_file_options(parser)
    _add_count_option(parser, 1, count)


def _add_file_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="FILE", help=".npy or .npz file of inputs (default: handwritten digits, 8 x 8)")
    parser.add_argument("--key", metavar="NAME", help="which array of a .npz file holds the inputs")
    parser.add_argument("--labels", metavar="NAME", help="labels of the inputs: an array of the .npz file, or a .npy file")


def _add_count_option(parser: argparse.ArgumentParser, least: int, count: int) -> None:
    what = f"inputs, evenly spread over the data (default: {count})"
    parser.add_argument("--count", type=whole(least), metavar="N", help=what)


def kernel_and_inputs(options: argparse.Namespace) -> tuple[Network | Kernel, Inputs]:
    """The network or the kernel, and the inputs: as `network_and_inputs`, for studies that take both.

    Raises:
        UsageError: as there, or an option that goes with networks only.
    """
    if options.kernel is None:
        options.kind = options.kind or "ntk"
        return network_and_inputs(options)
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
    from ntkit.kernels import parse

    net = _parsed(parse, options.net)
    inputs = _inputs(options, lambda x: options.shape or _guess(x, list(net.layers), not options.data))
    return _parsed(parse, options.net, inputs.x.shape[1:]), inputs


def _inputs(options: argparse.Namespace, shape: Callable[[Floats], str]) -> Inputs:
    """The inputs, in a shape that may depend on them."""
    source = _source(options)
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
    source = _source(options)
    x, labels = _file(options) if options.data else _digits(options)
    if x.ndim < 2 or 0 in x.shape or len(x) < least:
        enough = "at least two inputs" if least > 1 else "at least one input"
        raise UsageError(f"{source}: must have shape (inputs, ...) with {enough}, got {x.shape}")
    count = min(count, len(x)) if options.count is None else options.count
    if count > len(x):
        raise UsageError(f"--count {count}: there are only {len(x)} inputs")
    rows = np.arange(count) * len(x) // count
    chosen = _floats(np.asarray(x[rows]), rows, dtype, source)
    name = f"inputs of {Path(options.data).name}" if options.data else "handwritten digits"
    return Inputs(chosen, None if labels is None else np.asarray(labels)[rows], len(x), name), rows


def channels_first(shape: tuple[int, ...], x: Floats) -> Floats:
    """Data in the shape that a network of a file takes, channels first; channels that come last are moved, and that is said.

    Raises:
        UsageError: they do not fit.
    """
    plain = x.shape[1:] if x.ndim != 3 or len(shape) != 3 else (1, *x.shape[1:])
    if plain == shape or (x[0].size == prod(shape) and (len(shape) == 1 or x.ndim == 2)):
        return x.reshape(-1, *shape)
    if x.ndim == len(shape) + 1 and (x.shape[-1], *x.shape[1:-1]) == shape:
        print("notice: channels are the last axis of the data, and are moved to the front")
        return np.moveaxis(x, -1, 1)
    raise UsageError(
        f"--data: inputs must have shape {shape} or ({prod(shape)},), as the network takes them, got {x.shape[1:]}"
    )


def _source(options: argparse.Namespace) -> str:
    return f"--data {options.data}" if options.data else "digits"


def _parsed(parse: Callable[..., Network], text: str, *shape: Any) -> Network:
    try:
        return parse(text, *shape)
    except ValueError as error:
        hint = f" (inputs of shape {shape[0]}; --as reads them otherwise)" if shape else ""
        wrong = UsageError(f"--net: {error}{hint}")
        for note in getattr(error, "__notes__", ()):
            wrong.add_note(note)
        raise wrong from None


def _digits(options: argparse.Namespace) -> tuple[Any, Labels | None]:
    from ntkit.data import digits

    for name in ("key", "labels"):
        if getattr(options, name) is not None:
            raise UsageError(f"--{name} {getattr(options, name)}: goes with --data; the digits have their own labels")
    return digits()


def _file(options: argparse.Namespace) -> tuple[Any, Labels | None]:
    """Inputs and labels of the user's file, not yet looked at."""
    from ntkit.data import load

    try:
        x = load(options.data, options.key)
    except ValueError as error:
        raise UsageError(f"--data {error}".replace("by its key", "by --key")) from None
    if options.labels is None:
        return x, None
    try:
        apart = options.labels.endswith((".npy", ".npz"))
        labels = load(options.labels) if apart else load(options.data, options.labels)
    except ValueError as error:
        raise UsageError(f"--labels {options.labels}: {error}") from None
    if labels.shape != x.shape[:1] or labels.dtype.kind not in "iubfUS":
        raise UsageError(
            f"--labels {options.labels}: must be one number or word for each of the {len(x)} inputs, "
            f"got shape {labels.shape} of {labels.dtype}"
        )
    return x, labels


def _floats(x: np.ndarray, rows: np.ndarray, dtype: str, source: str) -> Floats:
    """Finite numbers of a dtype."""
    if x.dtype.kind not in "iubf":
        raise UsageError(f"{source}: must hold real numbers, got dtype {x.dtype}")
    if x.dtype.kind != "f":
        print(f"notice: {source} holds {x.dtype}, converted to {dtype}")
    with np.errstate(over="ignore"):
        floats = np.asarray(x, dtype=dtype)
    bad = ~np.isfinite(floats)
    if bad.any():
        first = rows[np.argwhere(bad)[0, 0]]
        raise UsageError(
            f"{source}: must be finite in {dtype}, got {bad.sum()} values (of {bad.size}) that are nan or infinite, "
            f"the first in input {first}"
        )
    return floats


def _guess(x: Floats, layers: Iterable[Layer], digits: bool) -> str:
    """What an input is, from axes and layers."""
    from ntkit.kernels import AvgPool, Conv, GlobalAvgPool

    spatial = [layer for layer in every_layer(layers) if isinstance(layer, Conv | AvgPool | GlobalAvgPool)]
    if x.ndim == 2 or not spatial:
        return "vectors"
    flat = any(isinstance(getattr(layer, "window", None), tuple) for layer in spatial)
    return "images" if digits or flat or x.ndim == 4 else "sequences"


def every_layer(layers: Iterable[Layer]) -> Iterable[Layer]:
    """All layers, those in branches too."""
    for layer in layers:
        yield layer
        for branch in getattr(layer, "branches", ()):
            yield from every_layer(branch)


def _shaped(x: Floats, shape: str, source: str) -> Floats:
    if shape == "vectors":
        return x.reshape(len(x), -1)
    if shape == "images" and x.ndim == 3:
        return x[..., None]
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


def described(studied: Network | Kernel, inputs: Inputs, options: argparse.Namespace) -> dict[str, Any]:
    """What every record of a study says of network or kernel, and of inputs; two lines are printed."""
    shape = " x ".join(map(str, inputs.x.shape[1:]))
    which = "network" if options.net else "kernel"
    print(f"{which:8} {in_words(studied)}")
    print(f"data     {len(inputs.x)} of {inputs.total} {inputs.name}, {shape}, {inputs.x.dtype}")
    return {
        which: in_words(studied), "data": inputs.name, "total": inputs.total, "shape": inputs.x.shape,
        "dtype": str(inputs.x.dtype), "centred": options.centre, "normalised": options.normalise,
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
