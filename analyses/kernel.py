"""Kernel matrix of a network on data, its spectrum, and its distance curve.

The network is given in words, from its inputs to its outputs:

  layers      dense, conv3x3, conv5, avgpool2, gap, flatten, layernorm
  functions   relu, leaky0.1, erf, gelu, sin, cos, exp, abs, sign, step,
              hermite3, identity
  branches    residual( ... ), ( ... + ... ), ( ... * ... )

conv3x3/2:same has a stride and padding (valid, same, circular), dense@1.5,0.1
standard deviations of weights and biases. By default biases are off, and
weights have sqrt(2) after relu, else 1. These kernels are those of infinite
width; channels, as in conv3x3x64 or dense64, are those of a finite network, whose
own tangent kernel is studied where --weights holds its weights. FILE.py:function
in place of words is a network of your own, at the weights of init or --weights.

Into --out go nngp.npy and ntk.npy, data.npz with eigenvalues, record.json with
the numbers of the table and what repeats them, and figure.svg: heat map,
eigenvalues, and K(x, z) over its diagonal against the angle between inputs. Row
i of N is input i * total // N of the data. The effective rank is exp(entropy)
of the eigenvalues over their sum.

Matrices may be larger than memory: they are computed tile by tile, into files.
After Ctrl-C the same command goes on where it was. Above 8000 inputs only the
100 largest eigenvalues are found; the heat map shows at most 1000 inputs.

Examples:
  ntkit analyze kernel --net "dense relu dense relu dense" -o kernel
  ntkit analyze kernel --net "conv3x3x64 relu gap dense" --kind ntk --count 200 -o kernel
  ntkit analyze kernel --net "dense erf dense@1,0.1" --data points.npz --key x --labels y --normalise -o kernel
  ntkit analyze kernel --net "dense64 relu dense10" --weights trained.npz -o kernel
  ntkit analyze kernel --net mine.py:make --data points.npz -o kernel
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import NtkitError, UsageError
from ntkit.studies import (
    BLUE,
    GREY,
    KINDS,
    MOST_CLASSES,
    ORANGE,
    Inputs,
    Kernel,
    Output,
    add_dask_option,
    add_output_options,
    add_study_options,
    announce_gram,
    check_finite,
    described,
    files_of,
    function_of,
    heading,
    in_words,
    is_place,
    kernel_and_inputs,
    output,
    progress_line,
    spread,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ntkit.kernels import Network

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Labels = np.ndarray[Any, np.dtype[Any]]

PANEL = (2.95, 2.5)  # inches
MOST_PAIRS = 6000  # points in the panel of angles
MOST_SHOWN = 1000  # inputs in the heat map
MOST_EXACT = 8000  # inputs up to which all eigenvalues are found: minutes, and two copies of the matrix in float64
TOP = 100  # eigenvalues that are found beyond


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    add_study_options(parser)
    parser.add_argument("--kind", choices=(*KINDS, "both"), help="which kernel (default: both; ntk of a finite network)")
    add_dask_option(parser)
    add_output_options(parser, seed="of random weights")


def run(options: argparse.Namespace) -> int:
    """Compute, print, write, draw."""
    if options.weights is None and not is_place(options.net):
        options.kind = options.kind or "both"
    studied, inputs = kernel_and_inputs(options)
    places = output(options)
    conventions = described(studied, inputs, options)
    kinds = [kind for kind in KINDS if options.kind in (kind, "both")]
    began = time.perf_counter()
    matrices = _matrices(studied, inputs.x, kinds, places, options)
    seconds = time.perf_counter() - began
    print(f"computed {len(inputs.x)} x {len(inputs.x)} in {seconds:.2f} s", flush=True)
    if len(inputs.x) > MOST_EXACT:
        print(f"finding the {TOP} largest of {len(inputs.x)} eigenvalues ...", flush=True)
    spectra = {kind: spectrum(matrix) for kind, matrix in matrices.items()}
    summaries = {kind: _summary(spectra[kind], matrices[kind]) for kind in kinds}
    for line in _table(summaries, len(inputs.x)):
        print(line)
    title = f"{in_words(studied)}\non {len(inputs.x)} {inputs.name}"
    places.write(
        {"seconds": seconds, "kernels": {kind: asdict(summary) for kind, summary in summaries.items()}},
        arrays={f"{kind}_eigenvalues": spectra[kind] for kind in kinds},
        draw=lambda: draw(title, inputs, matrices, spectra),
        conventions=conventions,
        read=files_of(options, inputs),
        besides=() if places.folder is None else [places.folder / f"{kind}.npy" for kind in kinds],
    )
    return 0


@dataclass(frozen=True)
class Summary:
    """A spectrum in numbers.

    Attributes:
        trace, largest, smallest: of the eigenvalues; the smallest may be negative by rounding.
        effective_rank: exp(-sum p log p) with p the positive eigenvalues over their sum (Roy and Vetterli, 2007).
        condition: largest / smallest; where the smallest is lost in rounding, a lower bound.
        rounding: what rounding can do to an eigenvalue, n eps largest.
        lost: how many of the eigenvalues that were found lie below that.
        found: how many were found, the largest. If not all were, smallest, effective_rank and condition are None.
    """

    trace: float
    largest: float
    smallest: float | None
    effective_rank: float | None
    condition: float | None
    rounding: float
    lost: int
    found: int


def summarise(eigenvalues: Floats, dtype: Any, count: int | None = None, trace: float | None = None) -> Summary:
    """Numbers about a spectrum (falling), for a matrix that was computed in a dtype.

    With `count` and `trace` of the matrix, the spectrum may be only its upper end.
    """
    count = len(eigenvalues) if count is None else count
    trace = float(eigenvalues.sum()) if trace is None else trace
    largest, smallest = float(eigenvalues[0]), float(eigenvalues[-1])
    rounding = count * float(np.finfo(dtype).eps) * largest
    lost = int((eigenvalues <= rounding).sum())
    if len(eigenvalues) < count:
        return Summary(trace, largest, None, None, None, rounding, lost, len(eigenvalues))
    positive = eigenvalues[eigenvalues > 0]
    shares = positive / positive.sum()
    rank = float(np.exp(-(shares * np.log(shares)).sum())) if len(positive) else 0.0
    floor = smallest if not lost else rounding + max(smallest, 0.0)
    condition = largest / floor if floor > 0 else 1.0
    return Summary(trace, largest, smallest, rank, condition, rounding, lost, count)


def _summary(eigenvalues: Floats, matrix: Floats) -> Summary:
    return summarise(eigenvalues, matrix.dtype, len(matrix), float(np.diag(matrix).sum(dtype=np.float64)))


def spectrum(matrix: Floats) -> Floats:
    """All eigenvalues of a symmetric matrix, or the largest of a large one; falling."""
    count = len(matrix)
    if count <= MOST_EXACT:
        return np.asarray(np.linalg.eigvalsh(matrix.astype(np.float64))[::-1])
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    def product(v: Floats) -> Floats:
        return np.concatenate([np.asarray(rows, np.float64) @ v.ravel() for rows in _bands(matrix)])

    operator = LinearOperator((count, count), product, dtype=np.float64)
    start = np.random.default_rng(0).normal(size=count)
    try:
        found = eigsh(operator, TOP, which="LA", v0=start, tol=1e-6, maxiter=10, return_eigenvectors=False)
    except ArpackNoConvergence as error:  # of a matrix of low rank, the others are all rounding
        found = error.eigenvalues
    return np.sort(found)[::-1]


def _bands(matrix: Floats) -> Iterable[Floats]:
    """Groups of rows of some megabytes."""
    size = max(1, 2**20 // matrix.shape[1])
    return (matrix[start : start + size] for start in range(0, len(matrix), size))


def _matrices(
    studied: Network | Kernel, x: Floats, kinds: list[str], places: Output, options: argparse.Namespace
) -> dict[str, Floats]:
    """The kernel matrices by kind, mapped from their files, which are whole or not there; in memory without a folder."""
    from ntkit.kernels import Network, gram, grams

    partial = [places.unfinished(f"{kind}.partial.npy") for kind in kinds]
    try:
        announce_gram(studied, x, kinds, on_disk=places.folder is not None)
        with spread(studied, x, options.kind, options, places.folder) as elsewhere:
            more: dict[str, Any] = {"progress": progress_line(), "elsewhere": elsewhere}
            if len(kinds) == 2 and isinstance(studied, Network):
                found: Sequence[Floats] = grams(studied, x, out=(partial[0], partial[1]), **more)
            else:
                found = [gram(function_of(studied), x, kind=kinds[0], out=partial[0], **more)]
    except NtkitError:
        raise
    except ValueError as error:
        own = str(error).startswith("out: ")
        raise UsageError(f"-o {places.folder}: {str(error)[5:]}" if own else f"--net: {error}") from None
    except KeyboardInterrupt:
        if any(file is not None and file.exists() for file in partial):
            print("\nwhat is finished is kept: the same command goes on with it", file=sys.stderr)
        raise
    try:
        for kind, matrix in zip(kinds, found, strict=True):
            for rows in _bands(matrix):
                check_finite(rows, kind)
    except UsageError:
        for file in filter(None, partial):
            file.unlink(missing_ok=True)
        raise
    if places.folder is None:
        return dict(zip(kinds, found, strict=True))
    files = [places.folder / f"{kind}.npy" for kind in kinds]
    for written, file in zip(filter(None, partial), files, strict=True):
        written.replace(file)
    return {kind: np.load(file, mmap_mode="r") for kind, file in zip(kinds, files, strict=True)}


def _table(summaries: dict[str, Summary], count: int) -> Iterable[str]:
    yield f"{'kernel':6} {'trace':>11} {'largest':>11} {'smallest':>11} {'effective rank':>15} {'condition':>11}"
    for kind, s in summaries.items():
        smallest, rank = ("-" if value is None else f"{value:.4g}" for value in (s.smallest, s.effective_rank))
        yield f"{kind:6} {s.trace:11.4g} {s.largest:11.4g} {smallest:>11} {rank:>15} {_condition(s):>11}"
        if s.lost:
            yield f"       {s.lost} eigenvalues are at most {s.rounding:.2g}, which may be all rounding"
        if s.found < count:
            yield f"       found are the {s.found} largest of {count} eigenvalues"


def _condition(summary: Summary) -> str:
    if summary.condition is None:
        return "-"
    return f"{'> ' if summary.lost else ''}{summary.condition:.2g}".replace("e+0", "e").replace("e+", "e")


def draw(title: str, inputs: Inputs, matrices: dict[str, Floats], spectra: dict[str, Floats]) -> Figure:
    """A row of panels for every kernel: heat map, spectrum, kernel values against angles."""
    from matplotlib.figure import Figure

    head = heading(title)
    height = PANEL[1] * len(matrices) + 0.16 * (head.count("\n") + 1)
    figure = Figure(figsize=(3 * PANEL[0], height))
    count = len(inputs.x)
    shown = _spread(count, MOST_SHOWN)
    order, classes = _classes(None if inputs.labels is None else inputs.labels[shown], len(shown))
    name = ("input" if inputs.labels is None else "inputs, by label") + (
        f" ({len(shown)} of {count})" if len(shown) < count else ""
    )
    first, second = _pairs(count)
    angles = _angles(*(inputs.x[index].reshape(len(index), -1).astype(np.float64) for index in (first, second)))
    panels = figure.subplots(len(matrices), 3, squeeze=False)
    for (kind, matrix), row in zip(matrices.items(), panels, strict=True):
        _heat_map(row[0], kind, matrix[np.ix_(shown[order], shown[order])], classes, name)
        _spectrum(row[1], kind, spectra[kind], _summary(spectra[kind], matrix), count)
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


def _spectrum(axes: Axes, kind: str, eigenvalues: Floats, summary: Summary, count: int) -> None:
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
    if summary.effective_rank is None:
        axes.set_title(f"{kind}: {len(eigenvalues)} largest of {count} eigenvalues")
    else:
        axes.set_title(f"{kind}: effective rank {summary.effective_rank:.3g}, condition {_condition(summary)}")
    axes.set_xlabel("number of the eigenvalue")
    axes.set_ylabel("eigenvalue")


def _spread(count: int, most: int) -> np.ndarray:
    """0 to count - 1, or so many of them, evenly spread."""
    kept = min(count, most)
    return np.arange(kept) * count // kept


def _pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of different inputs, evenly spread over all if those are too many: entries of the strict lower triangle."""
    entry = _spread(count * (count - 1) // 2, MOST_PAIRS)
    row = ((1 + np.sqrt(8 * entry + 1)) // 2).astype(np.int64)  # above it stand row (row - 1) / 2 entries
    row -= row * (row - 1) // 2 > entry  # in case that the root was rounded up
    return row, entry - row * (row - 1) // 2


def _angles(a: Floats, b: Floats) -> Floats:
    """Angles between the rows of two matrices in degrees, nan where one is zero: arctan keeps the digits of small ones."""
    one, two = map(_units, (a, b))
    return np.asarray(np.degrees(2 * np.arctan2(np.linalg.norm(one - two, axis=1), np.linalg.norm(one + two, axis=1))))


def _units(x: Floats) -> Floats:
    largest = np.abs(x).max(1, keepdims=True)
    x = x / np.where(largest > 0, largest, 1)
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(norms > 0, norms, np.nan))


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
