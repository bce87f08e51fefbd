"""Kernel matrix of a network on data, its spectrum, and its distance curve.

The network is given in words, from its inputs to its outputs:

  layers      dense, conv3x3, conv5, avgpool2, gap, flatten, layernorm
  functions   relu, leaky0.1, erf, gelu, sin, cos, exp, abs, sign, step,
              hermite3, identity
  branches    residual( ... ), ( ... + ... ), ( ... * ... )

conv3x3/2:same has a stride and padding (valid, same, circular), dense@1.5,0.1
standard deviations of weights and biases. By default biases are off, and
weights have sqrt(2) after relu, else 1. Channels, as in conv3x3x64 or dense64,
are those of a finite network; these kernels are those of infinite width, so
channels are accepted and ignored.

Written are nngp.npy and ntk.npy, kernel.json with the numbers of the table, and
the picture kernel.pdf: heat map, eigenvalues, and K(x, z) over its diagonal
against the angle between inputs. Row i of N is input i * total // N of the
data. The effective rank is exp(entropy) of the eigenvalues over their sum.

Examples:
  ntkit analyze kernel --net "dense relu dense relu dense" -o kernel
  ntkit analyze kernel --net "conv3x3x64 relu gap dense" --kind ntk --count 200 -o kernel
  ntkit analyze kernel --net "dense erf dense@1,0.1" --data points.npz --key x --labels y --normalise -o kernel
"""

from __future__ import annotations

import argparse
import io
import json
import textwrap
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies import Inputs, add_study_options, network_and_inputs, results_folder, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ntkit.kernels import Network

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Labels = np.ndarray[Any, np.dtype[Any]]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#555555"
PANEL = (2.95, 2.5)  # inches
MOST_PAIRS = 6000  # points in the panel of angles
MOST_CLASSES = 20  # more labels are no classes


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    add_study_options(parser)
    parser.add_argument("--kind", choices=("nngp", "ntk", "both"), default="both", help="which kernel (default: both)")
    parser.add_argument("--format", choices=("pdf", "png", "svg"), default="pdf", help="of the picture (default: pdf)")


def run(options: argparse.Namespace) -> int:
    """Compute, print, write, draw."""
    from ntkit.kernels import words

    net, inputs = network_and_inputs(options)
    folder = results_folder(options.out)
    shape = " x ".join(map(str, inputs.x.shape[1:]))
    print(f"network  {words(net)}")
    print(f"data     {len(inputs.x)} of {inputs.total} {inputs.name}, {shape}, {inputs.x.dtype}")
    print("computing ...", flush=True)
    kinds = ("nngp", "ntk") if options.kind == "both" else (options.kind,)
    began = time.perf_counter()
    matrices = _matrices(net, inputs.x, kinds)
    seconds = time.perf_counter() - began
    files = [folder / f"{kind}.npy" for kind in kinds]
    for file, matrix in zip(files, matrices.values(), strict=True):
        write_whole(file, lambda out, matrix=matrix: np.save(out, matrix))  # type: ignore[misc]
    spectra: dict[str, Floats] = {
        kind: np.linalg.eigvalsh(matrix.astype(np.float64))[::-1] for kind, matrix in matrices.items()
    }
    summaries = {kind: summarise(spectra[kind], matrices[kind].dtype) for kind in kinds}
    for line in _table(summaries, len(inputs.x), seconds):
        print(line)
    facts = {
        "network": words(net), "data": inputs.name, "total": inputs.total, "shape": inputs.x.shape,
        "dtype": str(inputs.x.dtype), "centred": options.centre, "normalised": options.normalise, "seconds": seconds,
        "kernels": {kind: asdict(summary) for kind, summary in summaries.items()},
    }  # fmt: skip
    text = json.dumps(facts, indent=2, allow_nan=False)
    write_whole(folder / "kernel.json", lambda out: out.write(f"{text}\n".encode()))
    picture = folder / f"kernel.{options.format}"
    drawn = _drawn(f"{words(net)}\non {len(inputs.x)} {inputs.name}", inputs, matrices, spectra, options.format)
    write_whole(picture, lambda out: out.write(drawn))
    print(f"wrote {', '.join(map(str, (*files, folder / 'kernel.json', picture)))}")
    return 0


@dataclass(frozen=True)
class Summary:
    """A spectrum in numbers.

    Attributes:
        trace, largest, smallest: of the eigenvalues; the smallest may be negative by rounding.
        effective_rank: exp(-sum p log p) with p the positive eigenvalues over their sum (Roy and Vetterli, 2007).
        condition: largest / smallest; where the smallest is lost in rounding, a lower bound.
        rounding: what rounding can do to an eigenvalue, n eps largest.
        lost: how many eigenvalues lie below that.
    """

    trace: float
    largest: float
    smallest: float
    effective_rank: float
    condition: float
    rounding: float
    lost: int


def summarise(eigenvalues: Floats, dtype: Any) -> Summary:
    """Numbers about a spectrum (falling), for a matrix that was computed in a dtype."""
    largest, smallest = float(eigenvalues[0]), float(eigenvalues[-1])
    rounding = len(eigenvalues) * float(np.finfo(dtype).eps) * largest
    positive = eigenvalues[eigenvalues > 0]
    shares = positive / positive.sum()
    rank = float(np.exp(-(shares * np.log(shares)).sum())) if len(positive) else 0.0
    lost = int((eigenvalues <= rounding).sum())
    floor = smallest if not lost else rounding + max(smallest, 0.0)
    condition = largest / floor if floor > 0 else 1.0
    return Summary(float(eigenvalues.sum()), largest, smallest, rank, condition, rounding, lost)


def _matrices(net: Network, x: Floats, kinds: tuple[str, ...]) -> dict[str, Floats]:
    """The kernel matrices by kind."""
    try:
        found = net.kernels(x) if len(kinds) == 2 else (getattr(net, kinds[0])(x),)
    except ValueError as error:
        raise UsageError(f"--net: {error}") from None
    matrices = {kind: np.asarray(matrix) for kind, matrix in zip(kinds, found, strict=True)}
    for kind, matrix in matrices.items():
        if not np.isfinite(matrix).all():
            raise UsageError(
                f"the {kind} of these inputs is not finite in {x.dtype}; smaller inputs may help, as by --normalise"
            )
    return matrices


def _table(summaries: dict[str, Summary], count: int, seconds: float) -> Iterable[str]:
    yield f"computed {count} x {count} in {seconds:.2f} s"
    yield f"{'kernel':6} {'trace':>11} {'largest':>11} {'smallest':>11} {'effective rank':>15} {'condition':>11}"
    for kind, s in summaries.items():
        yield f"{kind:6} {s.trace:11.4g} {s.largest:11.4g} {s.smallest:11.4g} {s.effective_rank:15.4g} {_condition(s):>11}"
        if s.lost:
            yield f"       {s.lost} eigenvalues are at most {s.rounding:.2g}, which may be all rounding"


def _condition(summary: Summary) -> str:
    return f"{'> ' if summary.lost else ''}{summary.condition:.2g}".replace("e+0", "e").replace("e+", "e")


def _drawn(title: str, inputs: Inputs, matrices: dict[str, Floats], spectra: dict[str, Floats], suffix: str) -> bytes:
    """The picture in the format of a file."""
    import matplotlib.style

    dateless: dict[str, dict[str, Any]] = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None}, "svg": {"Date": None, "Creator": None}, "png": {},
    }  # fmt: skip
    buffer = io.BytesIO()
    with matplotlib.style.context("ntkit.claims.figures.ntkit", after_reset=True):
        draw(title, inputs, matrices, spectra).savefig(buffer, format=suffix, metadata=dateless[suffix])
    return buffer.getvalue()


def draw(title: str, inputs: Inputs, matrices: dict[str, Floats], spectra: dict[str, Floats]) -> Figure:
    """A row of panels for every kernel: heat map, spectrum, kernel values against angles."""
    from matplotlib.figure import Figure

    head = "\n".join(line for text in title.split("\n") for line in textwrap.wrap(text, 110))
    height = PANEL[1] * len(matrices) + 0.16 * (head.count("\n") + 1)
    figure = Figure(figsize=(3 * PANEL[0], height))
    order, classes = _classes(inputs.labels, len(inputs.x))
    first, second = _pairs(len(inputs.x))
    angles = _angles(inputs.x.reshape(len(inputs.x), -1).astype(np.float64), first, second)
    panels = figure.subplots(len(matrices), 3, squeeze=False)
    for (kind, matrix), row in zip(matrices.items(), panels, strict=True):
        _heat_map(row[0], kind, matrix[np.ix_(order, order)], classes, "input" if inputs.labels is None else "inputs, by label")
        _spectrum(row[1], kind, spectra[kind], summarise(spectra[kind], matrix.dtype))
        sizes = np.sqrt(np.maximum(np.diag(matrix), 0).astype(np.float64))
        scale = sizes[first] * sizes[second]
        keep = np.isfinite(angles) & (scale > 0)
        values = matrix[first[keep], second[keep]] / scale[keep]
        same = None if inputs.labels is None or not classes else (inputs.labels[first] == inputs.labels[second])[keep]
        _distance_curve(row[2], kind, angles[keep], values, same)
    figure.suptitle(head, x=0.01, ha="left", parse_math=False)
    return figure


def _classes(labels: Labels | None, count: int) -> tuple[np.ndarray, list[tuple[str, int]]]:
    """The order that puts equal labels side by side, and name and size of each class if they are few."""
    if labels is None:
        return np.arange(count), []
    names, sizes = np.unique(labels, return_counts=True)
    few = 1 < len(names) <= MOST_CLASSES
    return np.argsort(labels, kind="stable"), [(str(n), int(s)) for n, s in zip(names, sizes, strict=True)] if few else []


def _heat_map(axes: Axes, kind: str, matrix: Floats, classes: list[tuple[str, int]], name: str) -> None:
    """The matrix; the colours end where all but one in 200 entries do, so that a large diagonal does not hide the rest."""
    low, high = np.quantile(matrix, [0.005, 0.995])
    beyond = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    image = axes.imshow(matrix, cmap="viridis", vmin=low, vmax=high, interpolation="nearest", rasterized=True)
    extend = beyond[bool(matrix.min() < low), bool(matrix.max() > high)]
    axes.figure.colorbar(image, ax=axes, extend=extend, shrink=0.9)
    axes.set_title(f"{kind} of pairs of inputs")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xlabel(name)
    if not classes:
        axes.set_ylabel(name)
        return
    ends = np.cumsum([size for _, size in classes])
    middles = (ends - [size / 2 for _, size in classes] - 0.5).tolist()
    names = [name if len(name) < 8 else f"{name[:6]}." for name, _ in classes]
    axes.set_xticks(middles, names, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.set_yticks(middles, names)
    for end in ends[:-1]:
        axes.axhline(end - 0.5, color="white", linewidth=0.3)
        axes.axvline(end - 0.5, color="white", linewidth=0.3)


def _spectrum(axes: Axes, kind: str, eigenvalues: Floats, summary: Summary) -> None:
    """Eigenvalues from the largest to the smallest, and how far down they mean something."""
    rank = np.arange(1, len(eigenvalues) + 1)
    meant = eigenvalues > summary.rounding
    axes.set_xscale("log")
    axes.set_yscale("log" if (eigenvalues > 0).any() else "linear")
    axes.grid(True)
    axes.plot(rank[meant], eigenvalues[meant], "o", color=BLUE, markersize=2, markeredgewidth=0)
    lost = ~meant & (eigenvalues > 0)
    axes.plot(rank[lost], eigenvalues[lost], "o", color=GREY, markersize=1.5, markeredgewidth=0, alpha=0.5)
    if summary.lost:
        axes.axhline(summary.rounding, color=GREY, linestyle=":", linewidth=1)
        axes.annotate(
            "rounding",
            (0, summary.rounding),
            (3, 2),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=GREY,
        )
    axes.minorticks_off()
    axes.set_title(f"{kind}: effective rank {summary.effective_rank:.3g}, condition {_condition(summary)}")
    axes.set_xlabel("number of the eigenvalue")
    axes.set_ylabel("eigenvalue")


def _pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of different inputs, evenly spread over all if those are too many."""
    first, second = np.tril_indices(count, -1)
    kept = np.arange(min(MOST_PAIRS, len(first))) * len(first) // min(MOST_PAIRS, len(first))
    return first[kept], second[kept]


def _angles(x: Floats, first: np.ndarray, second: np.ndarray) -> Floats:
    """Angles between inputs in degrees, nan where one is zero: arctan keeps the digits of small ones."""
    largest = np.abs(x).max(1, keepdims=True)
    x = x / np.where(largest > 0, largest, 1)
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    units = x / np.where(norms > 0, norms, np.nan)
    apart = np.linalg.norm(units[first] - units[second], axis=1)
    sums = np.linalg.norm(units[first] + units[second], axis=1)
    return np.asarray(np.degrees(2 * np.arctan2(apart, sums)))


def _distance_curve(axes: Axes, kind: str, angles: Floats, values: Floats, same: np.ndarray | None) -> None:
    """The kernel over its diagonal, one point for each pair of inputs, and medians of neighbouring points."""
    axes.grid(True)
    dots: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 1.6, "markeredgewidth": 0, "rasterized": True}
    if same is None:
        axes.plot(angles, values, color=BLUE, alpha=0.35, **dots)
    else:
        for kept, colour, name in ((~same, ORANGE, "other label"), (same, BLUE, "same label")):
            axes.plot(angles[kept], values[kept], color=colour, alpha=0.35, **dots)
            axes.plot([], [], color=colour, label=name, **dots | {"markersize": 4})
    if len(angles) >= 200:
        parts = np.array_split(np.argsort(angles), 20)
        middle = [(np.median(angles[part]), np.median(values[part])) for part in parts]
        look: dict[str, Any] = {
            "color": "black",
            "marker": "o",
            "markersize": 3,
            "markeredgecolor": "white",
            "markeredgewidth": 0.4,
        }
        axes.plot(*np.transpose(middle), linestyle="none", label="median of neighbours", **look)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best")
    axes.set_title(f"{kind}: cosine of features")
    axes.set_xlabel("angle between inputs (degrees)")
    axes.set_ylabel(r"$K(x, z) \, / \sqrt{K(x, x) K(z, z)}$")
