"""How much can the outputs of a network change around its inputs, and is its class certain there?

The network comes from a file, or its layers from --net, in words with widths as for
`ntkit analyze kernel`, and its weights from --weights, as `ntkit analyze landscape`
writes them. Without --net the file is .npz with arrays W1, b1, ..., weights (out, in),
and act, the name of the activation between layers; .safetensors with such arrays or
with 0.weight, 0.bias, ... (--activation says what stands between layers); or .onnx
(dense and convolution layers, average pooling, normalisation, residuals). Convolutions
of .npz files come with stride1, padding1, ... and input_shape. Nothing pickled is read.

For each input x and each radius r: how much an output can change for a change of the
input by 1 within the ball around x, by methods from crude to tight, all of which hold
for real numbers and the weights of the file, and below them all what a derivative in
the ball attains. Shown is the largest of all outputs, and of all inputs the median.
For small networks of ReLUs, --bab S adds branch and bound, which is certified whenever
it stops, and --exact S the exact number by integer programming: at most S seconds a
radius, after which they give what they have (open marks), no more than "lirpa".

Where there are several outputs, the largest names the class. It is certain in the ball
if each margin, the largest output less another, exceeds r times a bound of how much
that difference can change ("lirpa", of the difference itself). Labels, if there are
any and they are numbers of outputs, say whether the class is right.

Data are vectors, or images in the order channels, height, width; height, width,
channels is turned where only that fits. --clip 0 1 says that inputs lie in [0, 1],
and cuts the balls to it.

Into --out go record.json with all numbers and what repeats them, bounds.csv with a row
for each input and radius, data.npz with the bounds of every output, and the picture
figure.svg. --json FILE writes the numbers alone.

Examples:
  ntkit analyze lipschitz --weights net.npz --radius 0.01,0.03,0.1 --clip 0 1 --out digits
  ntkit analyze lipschitz --weights net.onnx --data points.npz --key x --labels y --count 50 --out net --json net.json
  ntkit analyze lipschitz --weights small.safetensors --activation relu --data points.npy --radius 0.1 --exact 60
"""

from __future__ import annotations

import argparse
import csv
import io
import math
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies import (
    Inputs,
    Ladder,
    Parts,
    UserNetwork,
    add_data_options,
    add_output_options,
    add_weights_options,
    announce,
    announce_memory,
    channels_first,
    chosen_inputs,
    drawn_ladder,
    drawn_network,
    is_place,
    output,
    parsed_network,
    positive,
    progress_line,
    reals,
    short,
    spatial_layers,
    timed_twice,
    weights_error,
)

if TYPE_CHECKING:
    from ntkit.lipschitz import Network

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Arrays = dict[str, np.ndarray[Any, Any]]

COUNT = 20  # inputs, unless told otherwise
MANY, FEW = 100, 16  # inputs from which on their time is told, and of how many it is measured
METHODS = ("product", "absolute", "ibp", "recurjac", "lirpa", "best")  # from crude to tight
TIMED = ("bab", "exact")  # with a deadline: an option each
EVERYWHERE = ("product", "absolute")  # hold at all radii
SEARCHED: Final = "lirpa"  # at which large derivatives are looked for
NORMS = {"inf": math.inf, "2": 2.0, "1": 1.0}
CONVENTIONS = {
    "bounds": "of how much an output can change for a change of the input by 1 in the norm, on the ball",
    "arithmetic": "float64, rounded outward; exact: float64, solver tolerance 1e-7",
    "attained": "by a derivative, up to rounding",
    "certified_radius": "the class is certain on the ball of that radius, looked for up to the largest one; bounds and the "
    "network's values at the input are rounded outward",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    parser.add_argument(
        "--net", metavar="WORDS", help='the layers, as in "dense32 relu dense10", if the file does not say them'
    )
    add_weights_options(parser, "file of the network: .npz, .safetensors or .onnx", required=True)
    parser.add_argument("--activation", metavar="NAME", help="between layers, for files that do not say it, such as relu")
    parser.add_argument("--input-shape", type=_shape, metavar="CxHxW", help="shape of an input, for files that do not say it")
    add_data_options(parser, COUNT)
    parser.add_argument(
        "--radius", type=reals, default=[0.01, 0.03, 0.1], metavar="R", help="of balls, as in 0.01,0.1 (default: 0.01,0.03,0.1)"
    )
    parser.add_argument("--norm", choices=tuple(NORMS), default="inf", help="of balls and changes (default: inf)")
    parser.add_argument("--clip", type=float, nargs=2, metavar=("LOW", "HIGH"), help="the range of the data, for the norm inf")
    for name in TIMED:
        parser.add_argument(
            f"--{name}",
            type=partial(positive, unit="seconds"),
            metavar="SECONDS",
            help=f"add the method {name}, for at most so long at each radius",
        )
    add_output_options(parser, seed="of the search for derivatives")


def run(options: argparse.Namespace) -> int:
    """Compute, print, write, draw."""
    data, rows = chosen_inputs(options, "float64", COUNT)
    net = network(options, data.x)
    x = channels_first(net.input_shape, data.x)
    _check(net, x, options)
    places = output(options)
    print(f"network  {net!r}")
    print(f"data     {len(x)} of {data.total} {data.name}, {' x '.join(map(str, net.input_shape))}", flush=True)
    _announce(net, x, options)
    found = measured(net, x, _known_labels(net, data), options, places.parts())
    for line in table(found):
        print(line)
    title = f"{short(Path(options.weights).name)} on {len(x)} {data.name}"
    places.write(
        _facts(found, rows),
        arrays=_arrays(found, rows),
        draw=lambda: drawn_ladder(title, found),
        conventions=CONVENTIONS | {"network": repr(net), "data": data.name},
        read=(options.weights, *data.files),
        tables={"bounds.csv": _csv(found, rows)},
    )
    return 0


def network(options: argparse.Namespace, x: Floats) -> Network:
    """The network of the file, or the layers of --net with the weights of the file; else a UsageError."""
    from ntkit.lipschitz import load_network

    if options.net is not None:
        return _in_words(options, x)
    if options.layout is not None:
        raise UsageError(f"--layout {options.layout}: goes with --net")
    try:
        given = {name: getattr(options, name) for name in ("activation", "input_shape", "max_bytes")}
        return load_network(options.weights, **given)
    except (ValueError, ImportError) as error:
        raise weights_error(error) from None


def _in_words(options: argparse.Namespace, x: Floats) -> Network:
    """Layers of --net; images come with channels last there, with or without an axis for them."""
    import jax

    from ntkit import lipschitz

    if is_place(options.net):
        raise UsageError(f"--net {options.net}: bounds need layers, not a function; write them in words")
    for name in ("activation", "input_shape"):
        if getattr(options, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')}: goes with a file that holds a network, not with --net")
    sees_pixels = bool(spatial_layers(parsed_network(options.net).layers))
    shape = x[..., None].shape[1:] if sees_pixels and x.ndim == 3 else x.shape[1:] if sees_pixels else (x[0].size,)
    options.dtype = "float64"
    finite = drawn_network(options, shape, jax.random.key(0))  # all of whose weights are those of the file
    assert not isinstance(finite.net, UserNetwork)
    try:
        return lipschitz.Network.from_ntkit(finite.net, finite.params, shape)
    except ValueError as error:
        raise UsageError(f"--net: {error}") from None


def _announce(net: Network, x: Floats, options: argparse.Namespace) -> None:
    """Memory of a large network's bounds, the time of those of many inputs, from that of a few, and limits where there are."""
    import jax

    from ntkit.lipschitz import certified_radius, expected_memory, local_lipschitz

    announce_memory("bounds, most of it to compile them", expected_memory(net))
    if len(x) >= MANY:
        few, norm, key = x[:: len(x) // FEW][:FEW], NORMS[options.norm], jax.random.key(options.seed)
        asked: dict[str, Any] = {"radius": options.radius[-1], "norm": norm}
        compiled, best = timed_twice(lambda: local_lipschitz(net, few, method="best", **asked))
        more, searched = timed_twice(lambda: local_lipschitz(net, few, method=SEARCHED, key=key, **asked))
        certificate = 0.0, 0.0
        if net.outputs > 1:
            certificate = timed_twice(lambda: certified_radius(net, few, limit=max(options.radius), norm=norm))
        every = (2 * best + searched) * len(options.radius) + certificate[1]  # other methods take what the best one does
        announce("bounds", 2 * compiled + more + certificate[0] + every * len(x) / FEW)
    limits = {name: getattr(options, name) for name in TIMED if getattr(options, name) is not None}
    if limits:
        announce(f"{' and '.join(limits)}, at most", sum(limits.values()) * len(options.radius))


def measured(net: Network, x: Floats, labels: np.ndarray[Any, Any] | None, options: argparse.Namespace, parts: Parts) -> Ladder:
    """All methods at all radii."""
    import jax

    from ntkit.lipschitz import certified_radius, local_lipschitz

    limits = {name: getattr(options, name) for name in TIMED if getattr(options, name) is not None}
    methods = [name for name in METHODS if name != "absolute" or options.norm == "inf"] + list(limits)
    norm, clip = NORMS[options.norm], None if options.clip is None else tuple(options.clip)
    shared: dict[str, Any] = {
        "net": str(jax.tree.structure(net)),
        "weights": list(map(np.asarray, jax.tree.leaves(net))),
        "x": x,
    }
    shared |= {"norm": options.norm, "clip": clip, "seed": options.seed}
    values, show = _values(net, x), progress_line("bounding", power=1)
    found: dict[str, list[Arrays]] = {name: [] for name in methods}

    def bound(name: str, radius: float) -> dict[str, Any]:
        key = jax.random.key(options.seed) if name == SEARCHED else None
        asked: dict[str, Any] = {"method": name, "norm": norm, "clip": clip, "deadline": limits.get(name), "key": key}
        made = local_lipschitz(net, x, radius, **asked)
        return {"rows": made.rows, "lower": made.lower, "status": made.status}

    def certain() -> dict[str, Any]:
        return {"radius": certified_radius(net, x, limit=max(options.radius), norm=norm, clip=clip).radius}

    for done, radius in enumerate(options.radius):
        for number, name in enumerate(methods, 1):
            if name in EVERYWHERE and done:
                found[name].append(found[name][0])
            else:
                depends = {**shared, "method": name, "radius": radius, "deadline": limits.get(name)}
                found[name].append(parts.found_or(depends, partial(bound, name, radius)))
            if show:
                show(done * len(methods) + number, len(methods) * len(options.radius))
    radii = None
    if values.shape[1] > 1:
        radii = parts.found_or({**shared, "method": "certified", "limit": max(options.radius)}, certain)["radius"]
    return Ladder(
        norm=options.norm,
        radii=options.radius,
        bounds={name: np.array([made["rows"] for made in every]) for name, every in found.items()},
        status={name: [str(made["status"]) for made in found[name]] for name in limits},
        lower=np.max([[made["lower"] for made in every] for every in found.values()], axis=0),
        values=values,
        labels=labels,
        certified_radius=radii,
    )


def _values(net: Network, x: Floats) -> Floats:
    """The network's outputs, in float64."""
    import jax
    import jax.numpy as jnp

    return np.asarray(jax.tree_util.tree_map(lambda array: array.astype(np.float64), net)(jnp.asarray(x)))


def _known_labels(net: Network, data: Inputs) -> np.ndarray[Any, Any] | None:
    """Labels that are numbers of outputs."""
    labels = data.labels
    if labels is None or net.outputs == 1:
        return None
    if labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < net.outputs:
        return labels
    print(f"notice: labels are no whole numbers from 0 to {net.outputs - 1}, as of outputs; they are left out")
    return None


def _check(net: Network, x: Floats, options: argparse.Namespace) -> None:
    """What can be refused before computing."""
    if options.clip is not None:
        low, high = options.clip
        if options.norm != "inf":
            raise UsageError(f"--clip {low:g} {high:g}: goes with the norm inf, got --norm {options.norm}")
        if not -math.inf < low < high < math.inf:
            raise UsageError(f"--clip {low:g} {high:g}: must be two finite numbers that rise")
        if x.min() < low or x.max() > high:
            raise UsageError(f"--clip {low:g} {high:g}: inputs must lie within it, got numbers from {x.min():g} to {x.max():g}")
    for name in TIMED:
        limit = getattr(options, name)
        if limit is not None and (options.norm != "inf" or not net.piecewise):
            raise UsageError(f"--{name} {limit:g}: goes with networks of ReLUs and leaky ReLUs in the norm inf")


def table(found: Ladder) -> Iterable[str]:
    """A row for each method, a column for each radius."""
    count = len(found.values)
    yield ""
    of = "" if count == 1 else f", median of {count} inputs"
    yield f"largest change of an output for a change of the input by 1 in the l_{found.norm} norm{of}"
    rows = [["radius", *(f"{radius:g}" for radius in found.radii)]]
    for name in found.bounds:
        cells = [f"{value:.5g}" for value in found.median(name)]
        for place, solved in enumerate(found.solved.get(name, [])):
            cells[place] += "" if solved else " (stopped)"
        rows.append([name, *cells])
    rows.append(["attained", *(f"{value:.5g}" for value in found.median("attained"))])
    if found.certain is not None:
        rows.append(["certain", *(f"{sum(row)} of {count}" for row in found.certain)])
    if found.certain is not None and found.right is not None:
        rows.append(["and right", *(f"{sum(row & found.right)} of {count}" for row in found.certain)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        yield "  ".join([f"{first:{widths[0]}}", *(f"{cell:>{w}}" for cell, w in zip(others, widths[1:], strict=True))])
    if found.right is not None:
        yield f"right    {found.right.sum()} of {count} inputs themselves"


def _facts(found: Ladder, rows: np.ndarray[Any, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "norm": found.norm, "radii": found.radii, "inputs": rows.tolist(),
        "median": {name: found.median(name).tolist() for name in (*found.bounds, "attained")},
        "largest": {name: bounds.max((1, 2)).tolist() for name, bounds in found.bounds.items()},
        "status": found.status, "class": found.classes.tolist(),
    }  # fmt: skip
    if found.certain is not None and found.certified_radius is not None:
        facts |= {"certain": found.certain.sum(1).tolist(), "certified_radius": found.certified_radius.tolist()}
    return facts | {"right": None if found.right is None else found.right.tolist()}


def _csv(found: Ladder, rows: np.ndarray[Any, Any]) -> str:
    """A row for each input and radius."""
    text = io.StringIO()
    names = ["input", "class", "label", "radius", *found.bounds, "attained", "certified_radius", "certain"]
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for place, radius in enumerate(found.radii):
        for i, row in enumerate(rows):
            cells = {"input": row, "class": found.classes[i], "label": None if found.labels is None else found.labels[i]}
            cells |= {"radius": radius, "attained": found.lower[place, i].max()}
            cells |= {name: bounds[place, i].max() for name, bounds in found.bounds.items()}
            if found.certified_radius is not None and found.certain is not None:
                cells |= {"certified_radius": found.certified_radius[i], "certain": found.certain[place, i]}
            writer.writerow(cells)
    return text.getvalue()


def _arrays(found: Ladder, rows: np.ndarray[Any, Any]) -> dict[str, Any]:
    arrays = {"inputs": rows, "radii": np.array(found.radii), "values": found.values, "attained": found.lower}
    if found.certified_radius is not None:
        arrays["certified_radius"] = found.certified_radius
    return arrays | found.bounds


def _shape(text: str) -> tuple[int, ...]:
    """For `type=` of an option: sizes as in 3x32x32."""
    words = text.split("x")
    if not all(word.isdecimal() and int(word) >= 1 for word in words):
        raise argparse.ArgumentTypeError(f"must be whole numbers from 1, as in 3x32x32, got {text!r}")
    return tuple(int(word) for word in words)
