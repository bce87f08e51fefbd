"""Can convolution layers be orthogonal, how far are kernels from it, and what are their singular values?

A layer of C input and M output channels is a matrix A. Orthogonal means A A^T = I
where it has no more rows than columns, else A^T A = I. Given are its numbers, or
kernels in a file, .npz, .npy or .safetensors (what is pickled is not read). Every
array of 3 to 5 axes counts as a layer, without groups. --size is the side of the
images that go in: the same for all layers of a file, as are stride and padding.

For numbers: whether any kernel is orthogonal; if none is, the nearest changes that
allow one, of each kind; and the spectra of an orthogonal and a Gaussian kernel.

For kernels: L_orth, which is 0 where circular layers are orthogonal, and what it
says of err_s, the spectral norm of A A^T - I, at every size; the largest and the
smallest singular value; the distance to the nearest orthogonal kernel, between what
singular values say and what a search finds. It looks at circular layers of up to
2000 weights, for seconds each (long windows along three axes: a minute), and ends
in a local minimum; --nearest W looks at larger ones, --nearest 0 at none.

A kernel of 512 to 512 channels, 3x3, at 7x7 takes 4 s of one core.

Into --out go record.json with all numbers and what repeats them, layers.csv with
the table, data.npz with singular values and the kernels that were made or found,
and the picture figure.svg. --json FILE writes the numbers alone.

Examples:
  ntkit analyze orthoconv --in-channels 64 --out-channels 128 --kernel 3 --stride 2 --size 32
  ntkit analyze orthoconv --in-channels 1 --out-channels 9 --kernel 2x3 --stride 3 --size 30 --out layer
  ntkit analyze orthoconv --weights model.safetensors --layer conv1.weight --size 56 --out conv1 --json conv1.json
"""

from __future__ import annotations

import argparse
import csv
import io
import math
from collections.abc import Iterable
from typing import Any

from ntkit.studies import (
    MOST_NEAREST,
    Convolution,
    LayerKernel,
    Parts,
    add_convolution_options,
    add_output_options,
    announce,
    announce_memory,
    by_axes,
    check_affordable,
    convolutions,
    drawn_layers,
    made_kernels,
    measured_kernel,
    output,
    progress_line,
    regulariser_bytes,
    seconds,
    short,
    whole,
)

LONG = 5  # seconds of work that are announced
MOST_WEIGHTS = 2**20
WORDS = {True: "possible", False: "impossible", None: "not known"}
CAN = {True: "yes", False: "no", None: "?"}
CHANGES = {
    "out_channels": "at most {} output channels", "kernel_size": "a kernel of {}", "stride": "a stride of {}",
    "padding": "{} padding",
}  # fmt: skip
CONVENTIONS = {
    "kernel": "out_channels, in_channels, window",
    "image": "points of the image that goes in",
    "orthogonal": "A A^T = I where the matrix A has no more rows than columns, else A^T A = I",
    "intervals": "hold the number, rounding included; null is infinite or not known",
    "dtype": "float64",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    add_convolution_options(parser)
    parser.add_argument(
        "--nearest", type=whole(0, MOST_WEIGHTS), default=MOST_NEAREST, metavar="W",
        help=f"look for the nearest orthogonal kernel where there are up to W weights (default: {MOST_NEAREST})",
    )  # fmt: skip
    add_output_options(parser, seed="of kernels that are made")


def run(options: argparse.Namespace) -> int:
    """Measure, print, write, draw."""
    from threadpoolctl import threadpool_limits

    layers = convolutions(options)
    for layer in layers:
        check_affordable(layer)
    places = output(options)
    for line in _words(layers):
        print(line, flush=True)
    announce_memory("L_orth of the largest layer", max(map(regulariser_bytes, layers)))
    announce("spectra", sum(map(seconds, layers)))
    with threadpool_limits(1):  # many small matrices: threads would wait for each other
        rows = measured(layers, options, places.parts())
    for line in (*table(rows), *_enclosed(rows), *_impossible(layers)):
        print(line)
    places.write(
        {"layers": [_layer_facts(layer, rows) for layer in layers]},
        arrays=_arrays(rows),
        draw=lambda: drawn_layers(layers, rows),
        conventions=CONVENTIONS,
        read=(options.weights,),
        tables={"layers.csv": _csv(rows)},
    )
    return 0


def measured(layers: list[Convolution], options: argparse.Namespace, parts: Parts) -> list[LayerKernel]:
    """The kernels of a file, or those that are made."""
    if options.weights is None:
        kernels = [(layers[0], name, kernel) for name, kernel in made_kernels(layers[0], options.seed).items()]
    else:
        kernels = [(layer, "given", layer.kernel) for layer in layers if layer.kernel is not None]
    rows, show = [], progress_line("decomposing", power=1)
    for done, (layer, name, kernel) in enumerate(kernels, 1):
        rows.append(measured_kernel(layer, name, kernel, parts, most=options.nearest))
        if show:
            show(done, len(kernels))
    return rows


def _words(layers: list[Convolution]) -> Iterable[str]:
    """What is asked; where there is one layer, what is known of it before any kernel."""
    first = layers[0]
    if len(layers) == 1:
        name = "" if first.kernel is None else f"{first.name}: "
        yield f"layer      {name}{_called(first)}"
        yield f"images     {by_axes(first.side)} to {by_axes(first.size)}, a matrix of {' x '.join(map(str, first.matrix))}"
        yield f"orthogonal {WORDS[first.existence.possible]}: {first.existence.reason}"
        least = {"L_orth": first.existence.least_l_orth, "err_F": first.existence.least_frobenius}
        if any(least.values()):
            yield f"at least   {', '.join(f'{name} {value:.6g}' for name, value in least.items() if value)}"
        if not first.existence.possible:
            yield f"change     possible with {_changes(first)}"
    else:
        yield f"{len(layers)} layers on images of {by_axes(first.side)}, {first.padding}, stride {by_axes(first.layer.stride)}"
    for layer in layers:
        if layer.padding == "valid" and layer.inputs != layer.side:
            yield f"notice: {layer.name} sees {by_axes(layer.inputs)} of the image; the rest is left out"
    work = sum(map(seconds, layers)) * (2 if first.kernel is None else 1)
    if first.padding == "circular" and work > LONG:
        yield f"work       about {work:.2g} s of one core"
    yield ""


def table(rows: list[LayerKernel]) -> Iterable[str]:
    """A row for each kernel, columns as wide as they must be."""
    head = ["", "shape", "can be", "L_orth", "err_s at any size", "largest", "smallest", "condition", "distance"]
    lines = [head, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        yield "  ".join([f"{first:{widths[0]}}", *(f"{cell:>{w}}" for cell, w in zip(others, widths[1:], strict=True))])


def _cells(row: LayerKernel) -> list[str]:
    errors = f"{row.bounds.lower:.3g} to {row.bounds.upper:.3g}" if row.of.padding == "circular" else "-"
    shape, can, regulariser = by_axes(row.kernel.shape), CAN[row.of.existence.possible], f"{row.bounds.l_orth:.3g}"
    ends = [_interval(row, end) for end in (row.largest, row.smallest)]
    return [short(row.called), shape, can, regulariser, errors, *ends, _condition(row), _distance(row)]


def _interval(row: LayerKernel, ends: tuple[float, float]) -> str:
    low, high = ends
    if row.values is not None:
        return f"{(low + high) / 2:.5g}" if low else "0"
    return _between(f"{low:.4g}", f"{high:.4g}")


def _between(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _condition(row: LayerKernel) -> str:
    low, high = row.condition
    if row.values is None:
        return f">= {low:.3g}"
    return f"{low:.4g}" if high < math.inf else "inf"


def _distance(row: LayerKernel) -> str:
    if row.name == "orthogonal":
        return "0"
    least, near = row.least_distance, row.near
    if near is None:
        return "-" if least is None else f">= {least:.3g}"
    return f"<= {near.distance:.4g}" if least is None else _between(f"{least:.4g}", f"{near.distance:.4g}")


def _enclosed(rows: list[LayerKernel]) -> Iterable[str]:
    if any(row.values is None for row in rows):
        yield "notice: matrices with a border that are too large to decompose: intervals hold their largest and smallest values"


def _impossible(layers: list[Convolution]) -> Iterable[str]:
    """Of several layers, those that cannot be orthogonal, and what would have to change."""
    for layer in layers if len(layers) > 1 else []:
        if not layer.existence.possible:
            yield f"{layer.name}: orthogonal {WORDS[layer.existence.possible]}: {layer.existence.reason}"
            yield f"  possible with {_changes(layer)}"


def _changes(layer: Convolution) -> str:
    said = {"padding": " or ".join, "out_channels": str, "kernel_size": by_axes, "stride": by_axes}
    words = [CHANGES[kind].format(said[kind](change)) for kind, change in layer.changes.items()]  # type: ignore[operator]
    return ", or with ".join(words)


def _called(layer: Convolution) -> str:
    of = layer.layer
    window, stride = by_axes(of.kernel_size), by_axes(of.stride)
    return f"{of.in_channels} -> {of.out_channels} channels, {window}, stride {stride}, {layer.padding}"


def _layer_facts(layer: Convolution, rows: list[LayerKernel]) -> dict[str, Any]:
    of, found = layer.layer, layer.existence
    return {
        "layer": layer.name, "out_channels": of.out_channels, "in_channels": of.in_channels,
        "kernel_size": list(of.kernel_size), "stride": list(of.stride), "padding": layer.padding,
        "image": list(layer.side), "inputs": list(layer.inputs), "outputs": list(layer.size), "matrix": list(layer.matrix),
        "possible": found.possible, "reason": found.reason, "changes": layer.changes, "rank": found.rank,
        "layer_rank": found.layer_rank, "least_l_orth": found.least_l_orth, "least_frobenius": found.least_frobenius,
        "kernels": {row.name: row.facts() for row in rows if row.of is layer},
    }  # fmt: skip


def _csv(rows: list[LayerKernel]) -> str:
    text = io.StringIO()
    columns = [_columns(row) for row in rows]
    writer = csv.DictWriter(text, list(columns[0]))
    writer.writeheader()
    writer.writerows(columns)
    return text.getvalue()


def _columns(row: LayerKernel) -> dict[str, Any]:
    of, facts = row.of.layer, row.facts()
    columns = {
        "layer": row.of.name, "kernel": row.name, "out_channels": of.out_channels, "in_channels": of.in_channels,
        "kernel_size": by_axes(of.kernel_size), "stride": by_axes(of.stride), "padding": row.of.padding,
        "image": by_axes(row.of.side), "orthogonal": WORDS[row.of.existence.possible], "l_orth": facts["l_orth"],
    }  # fmt: skip
    for name in ("spectral_error_bounds", "largest", "smallest", "condition"):
        columns |= {f"{name}_from": facts[name][0], f"{name}_to": facts[name][1]}
    near = None if row.near is None else row.near.distance
    return columns | {"distance_from": facts["least_distance"], "distance_to": near}


def _arrays(rows: list[LayerKernel]) -> dict[str, Any]:
    """Singular values of every kernel, and kernels that no file has yet."""
    found: dict[str, Any] = {}
    for row in rows:
        if row.values is not None:
            found[f"{row.called}.singular_values"] = row.values
        if row.name != "given":
            found[f"{row.called}.kernel"] = row.kernel
        if row.near is not None:
            found[f"{row.called}.nearest"] = row.near.kernel
    return found
