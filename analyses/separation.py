"""How many samples convolutional, locally connected and fully connected networks need, as laws in patches and pixels.

The task: one of k patches of d pixels carries a signal of norm 1, all carry noise
of standard deviation sigma in every pixel; the label is the signal's sign. With
sigma = NOISE / sqrt k the best linear classifier errs equally often for all k.
Trained are two steps of gradient descent. The filters of cnn and lcn pass what
exceeds GATE times the largest of k noise terms; the fcn is linear. What the steps
see of n samples are a few numbers whose law is known exactly, so that sizes of
tens of thousands take milliseconds: nothing is approximated, and no data are made.

n* is where the mean test error over data sets falls to --target, with a 95 %
interval by resampling data sets. Slopes are those of log n*/sigma^2. Theory, for
d far above k: n*/sigma^2 grows as d for the cnn, k d for the lcn, k^2 d for the
fcn. Intervals hold sampling error alone; finite sizes shift slopes by 0.03 to 0.1.

--static puts the signal into the first patch always: the separation is gone.
--simulate trains on data in full, too, wherever they fit into 1 GiB.

Every cell (architecture, k, d) is a trial of the runner: --jobs run beside each
other, an interrupted sweep goes on where it was, and --shard i/n measures a part
of it; join the parts' stores by `ntkit merge` and run the command once more. --dask
measures them on a cluster.

Into --out go record.json with all numbers and what repeats them, cells.csv with the
table, data.npz with the errors, and figure.svg. --json FILE writes the laws alone: for
each architecture {"k": {"slope", "interval"}, "d": ..., "n_star": [...]}, n_star being
n*/sigma^2 for each k and, within it, each d; null where there is none.

Examples:
  ntkit analyze separation --arch cnn,lcn,fcn --patches 8:64 --dim 16384 --target 0.01 --out separation
  ntkit analyze separation --patches 16 --dim 1024:65536 --out pixels --jobs 2
  ntkit analyze separation --static --out static --json static.json
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import Swept, UsageError, sweep
from ntkit.studies import (
    BLUE,
    GREY,
    MOST_REPEATS,
    ORANGE,
    add_output_options,
    heading,
    output,
    progress_line,
    sizes,
    whole,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ntkit.separation import SamplesNeeded, Scaling, SignalTask

ARCHITECTURES = ("cnn", "lcn", "fcn")
COLOURS = {"cnn": BLUE, "lcn": ORANGE, "fcn": "black"}
MARKERS = {"cnn": "o", "lcn": "s", "fcn": "^"}
THEORY = {"cnn": (0, 1), "lcn": (1, 1), "fcn": (2, 1)}  # exponents of k and d where d is far above k
PANEL = (2.95, 2.7)  # inches
MOST_NUMBERS = 2**27  # of data in full: 1 GiB
LAST_SEED = 2**31 - 1
SHARED = ("target", "noise", "gate", "static", "replicates")  # by all cells


@dataclass(frozen=True)
class Row:
    """A cell of the grid, and what came of it.

    Attributes:
        arch, patches, dim: the cell; noise: sigma.
        need: None if it failed, or belongs to another shard.
        failed: why it failed, else empty.
    """

    arch: str
    patches: int
    dim: int
    noise: float
    need: SamplesNeeded | None
    failed: str

    @property
    def n_star(self) -> float | None:
        """n* / sigma^2; None where there is none."""
        if self.need is None or self.need.status == "inconclusive":
            return None
        return self.need.n / self.noise**2


@dataclass(frozen=True)
class Law:
    """How n* / sigma^2 of one architecture grows with patches (k) and pixels (d)."""

    k: Scaling
    d: Scaling


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the study."""
    grid = "a number, a list, or A:B by doubling"
    parser.add_argument(
        "--arch", type=_architectures, default=list(ARCHITECTURES), metavar="LIST", help="of cnn,lcn,fcn (default: all)"
    )
    parser.add_argument("--patches", type=sizes, default=[8, 16, 32, 64], metavar="K", help=f"{grid} (default: 8:64)")
    parser.add_argument("--dim", type=sizes, default=[16384], metavar="D", help=f"pixels of a patch, {grid} (default: 16384)")
    parser.add_argument("--target", type=_positive, default=0.01, metavar="E", help="test error (default: 0.01)")
    parser.add_argument("--noise", type=_positive, default=0.3, metavar="NOISE", help="sigma sqrt k (default: 0.3)")
    parser.add_argument("--gate", type=_positive, default=1.5, metavar="GATE", help="of cnn and lcn (default: 1.5)")
    parser.add_argument("--static", action="store_true", help="the signal is always in the first patch")
    parser.add_argument("--simulate", action="store_true", help="train on data in full, too, where they fit into 1 GiB")
    parser.add_argument("--replicates", type=whole(20, MOST_REPEATS), default=24, metavar="R", help="data sets (default: 24)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=whole(1, 1024), default=1, metavar="J", help="cells beside each other (default: 1)")
    where.add_argument(
        "--dask", metavar="ADDRESS", help="measure on the Dask cluster of this scheduler, or on local:N processes"
    )
    parser.add_argument("--shard", type=_shard, default=(1, 1), metavar="I/N", help="measure only the I-th of N parts")
    parser.add_argument("--store", metavar="FOLDER", help="where cells are kept (default: store in the results' folder)")
    add_output_options(parser, seed="of the data", last_seed=LAST_SEED, required=True)


def run(options: argparse.Namespace) -> int:
    """Measure what is missing, print, write, draw."""
    _check(options)
    places = output(options)
    store = _store(options)
    cells = [_cell(arch, k, d, options) for arch in options.arch for k in options.patches for d in options.dim]
    rows = measured(cells, options, store)
    full = [{**cell, "full": True, "most": _most(cell)} for cell in cells if options.simulate and _affordable(cell)]
    trained = measured(full, options, store) if full else []
    here = sum(row.need is not None or bool(row.failed) for row in (*rows, *trained))
    if here < len(cells) + len(full):
        print(f"{here} of {len(cells) + len(full)} cells are measured; the others belong to other shards")
        return 0
    laws = {arch: law([row for row in rows if row.arch == arch]) for arch in options.arch}
    for line in (*table(rows), "", *_words(laws)):
        print(line)
    if options.simulate:
        for line in _compared(rows, trained, len(cells)):
            print(line)
    places.write(
        as_json(laws, rows),
        details={"cells": [_facts(row) for row in rows], "trained in full": [_facts(row) for row in trained]},
        arrays=_arrays(rows),
        draw=lambda: draw(options, rows, trained, laws),
        conventions={name: getattr(options, name) for name in ("arch", "patches", "dim", *SHARED)},
        tables={"cells.csv": _csv(rows)},
    )
    return 1 if any(row.failed for row in (*rows, *trained)) else 0


def _cell(arch: str, patches: int, dim: int, options: argparse.Namespace) -> dict[str, Any]:
    shared = {name: getattr(options, name) for name in SHARED}
    return {"architecture": arch, "patches": patches, "dim": dim, **shared}


def _store(options: argparse.Namespace) -> Path:
    """The folder in which measured cells are kept; emptied where the run is to start anew."""
    if options.store:
        if not options.resume:
            raise UsageError(f"--no-resume: does not empty --store {options.store}, which may hold other parts; take a new one")
        return Path(options.store)
    store = Path(options.out) / "store"
    if not options.resume:
        shutil.rmtree(store, ignore_errors=True)
    return store


def measured(cells: list[dict[str, Any]], options: argparse.Namespace, store: Path) -> list[Row]:
    """A row for each cell, measured if the store lacks it."""
    found = sweep(
        Path(__file__).with_name("_separation_cell.py"),
        "cell",
        cells,
        store=store,
        jobs=options.jobs,
        dask=options.dask,
        seed=options.seed,
        shard=options.shard,
        report=progress_line("measuring", power=1),
    )
    return [_row(swept) for swept in found]


def _row(swept: Swept) -> Row:
    from ntkit.separation import Criterion, SamplesNeeded

    of, need = swept.parameters, None
    if swept.arrays:
        plain: dict[str, Any] = {name: array.item() if array.ndim == 0 else array for name, array in swept.arrays.items()}
        plain |= {"interval": tuple(plain["interval"].tolist()), "criterion": Criterion(of["target"])}
        need = SamplesNeeded(**plain)
    return Row(of["architecture"], of["patches"], of["dim"], of["noise"] / math.sqrt(of["patches"]), need, swept.failed)


def law(rows: list[Row]) -> Law:
    """Both exponents of one architecture's rows."""
    from ntkit.separation import Scaling, scaling

    failed = next((row.failed for row in rows if row.failed), "")
    needs = [row.need for row in rows if row.need is not None]
    if failed:
        lost = Scaling(math.nan, (-math.inf, math.inf), failed)
        return Law(lost, lost)
    per = [row.noise**2 for row in rows]
    k, d = ([getattr(row, name) for row in rows] for name in ("patches", "dim"))
    return Law(scaling(k, needs, per=per), scaling(d, needs, per=per))


def as_json(laws: dict[str, Law], rows: list[Row]) -> dict[str, Any]:
    """The laws alone, with None where there is none."""

    def exponent(found: Scaling) -> dict[str, Any]:
        if found.why:
            return {"slope": None, "interval": None, "why": found.why}
        return {"slope": found.slope, "interval": list(found.interval)}

    return {
        arch: {
            "k": exponent(found.k),
            "d": exponent(found.d),
            "n_star": [row.n_star for row in rows if row.arch == arch],
        }
        for arch, found in laws.items()
    }


def table(rows: list[Row]) -> Iterable[str]:
    """A row for each cell."""
    yield f"{'':5} {'k':>6} {'d':>8} {'sigma':>8} {'n*':>10} {'95 % interval':>22} {'n*/sigma^2':>11}"
    for row in rows:
        cells = f"{row.arch:5} {row.patches:6d} {row.dim:8d} {row.noise:8.4g}"
        if row.need is None or row.need.status == "inconclusive":
            yield f"{cells} {'none':>10}  {row.failed or (row.need.why if row.need else '')}"
            continue
        between = "one sample does" if row.need.status == "at once" else "{:.5g} to {:.5g}".format(*row.need.interval)
        yield f"{cells} {row.need.n:10.5g} {between:>22} {row.n_star:11.4g}"


def _words(laws: dict[str, Law]) -> Iterable[str]:
    for arch, found in laws.items():
        for name, scaling, theory in zip("kd", (found.k, found.d), THEORY[arch], strict=True):
            if scaling.why:
                yield f"{arch}: no slope in {name}: {scaling.why}"
            else:
                between = "{:.3f} to {:.3f}".format(*scaling.interval)
                yield f"{arch}: n*/sigma^2 ~ {name}^{scaling.slope:.3f}, {between}; theory, signal in a random patch: {theory}"


def _compared(rows: list[Row], trained: list[Row], cells: int) -> Iterable[str]:
    """Training in full beside the exact law."""
    yield f"trained in full: {len(trained)} of {cells} cells; the data of the others need more than {MOST_NUMBERS // 2**27} GiB"
    exact = {(row.arch, row.patches, row.dim): row for row in rows}
    for row in trained:
        other = exact[row.arch, row.patches, row.dim]
        if row.n_star is None or other.n_star is None:
            continue
        assert row.need is not None
        between = "{:.5g} to {:.5g}".format(*row.need.interval)
        ratio = row.n_star / other.n_star
        yield f"  {row.arch} k = {row.patches}, d = {row.dim}: n* = {row.need.n:.5g}, {between}; {ratio:.3f} of that by the law"


def _facts(row: Row) -> dict[str, Any]:
    facts: dict[str, Any] = {"arch": row.arch, "patches": row.patches, "dim": row.dim, "sigma": row.noise}
    if row.need is None:
        return facts | {"failed": row.failed}
    found = row.need.status != "inconclusive"
    return facts | {
        "status": row.need.status, "n": row.need.n if found else None,
        "interval": list(row.need.interval) if found else None, "n_star": row.n_star, "why": row.need.why,
        "grid": row.need.grid.tolist(), "mean error": row.need.errors.mean(axis=0).tolist(),
    }  # fmt: skip


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["arch", "patches", "dim", "sigma", "status", "n", "lower", "upper", "n/sigma^2"])
    for row in rows:
        cells = [row.arch, row.patches, row.dim, row.noise]
        if row.need is None or row.need.status == "inconclusive":
            writer.writerow([*cells, "failed" if row.need is None else row.need.status, "", "", "", ""])
        else:
            writer.writerow([*cells, row.need.status, row.need.n, *row.need.interval, row.n_star])
    return text.getvalue()


def _arrays(rows: list[Row]) -> dict[str, Any]:
    """Sample sizes and errors of every data set, by cell."""
    found = {f"{row.arch}_{row.patches}_{row.dim}": row.need for row in rows}
    grids = {f"{name}_n": need.grid for name, need in found.items() if need is not None}
    return grids | {f"{name}_errors": need.errors for name, need in found.items() if need is not None}


def draw(options: argparse.Namespace, rows: list[Row], trained: list[Row], laws: dict[str, Law]) -> Figure:
    """Errors at the largest cell; n* over patches, and over pixels, where there are several."""
    from matplotlib.figure import Figure

    over = [name for name in ("patches", "dim") if len(getattr(options, name)) > 1]
    count = 1 + len(over)
    signal = "always in the first patch" if options.static else "in a random patch"
    title = f"Samples for a test error of {options.target:g} by two gradient steps\n"
    title += f"signal {signal}, sigma = {options.noise:g} / sqrt k"
    head = heading(title, 37 * count)
    figure = Figure(figsize=(count * PANEL[0], PANEL[1] + 0.16 * (head.count("\n") + 1)))
    panels = np.atleast_1d(figure.subplots(1, count))
    _errors(panels[0], options, [row for row in rows if (row.patches, row.dim) == (options.patches[-1], options.dim[-1])])
    for axes, name in zip(panels[1:], over, strict=True):
        _growth(axes, options, rows, trained, laws, name)
    figure.suptitle(head, x=0.01, ha="left", parse_math=False)
    return figure


def _errors(axes: Axes, options: argparse.Namespace, rows: list[Row]) -> None:
    """Mean error over n, with the range of all data sets."""
    axes.set(xscale="log", yscale="log", xlabel="samples $n$", ylabel="test error")
    axes.set_title(f"$k = {options.patches[-1]}$, $d = {options.dim[-1]}$")
    axes.grid(True)
    for row in rows:
        if row.need is None:
            continue
        grid, errors = row.need.grid, np.maximum(row.need.errors, options.target / 100)
        axes.fill_between(grid, errors.min(axis=0), errors.max(axis=0), color=COLOURS[row.arch], alpha=0.2, linewidth=0)
        axes.plot(grid, errors.mean(axis=0), color=COLOURS[row.arch], label=row.arch)
    axes.axhline(options.target, color=GREY, linestyle=":", linewidth=1, label="target")
    axes.legend()


def _growth(
    axes: Axes, options: argparse.Namespace, rows: list[Row], trained: list[Row], laws: dict[str, Law], name: str
) -> None:
    """n* / sigma^2 over one size, at the largest of the other, with the slopes."""
    other, letter = ("dim", "k") if name == "patches" else ("patches", "d")
    last = getattr(options, other)[-1]
    axes.set(xscale="log", yscale="log", xlabel="patches $k$" if letter == "k" else "pixels of a patch $d$")
    axes.set_ylabel(r"$n^*/\sigma^2$")
    axes.set_title(f"${'d' if letter == 'k' else 'k'} = {last}$")
    axes.grid(True)
    for arch, found in laws.items():
        at = [row for row in rows if row.arch == arch and getattr(row, other) == last and row.n_star is not None]
        if not at:
            continue
        x, y = _points(at, name)
        scaling = getattr(found, letter)
        label = arch if scaling.why else f"{arch}: ${letter}^{{{scaling.slope:.2f}}}$"
        axes.plot(x, y, MARKERS[arch], color=COLOURS[arch], markersize=4.5, label=label)
        power = 0 if options.static and letter == "k" else THEORY[arch]["kd".index(letter)]
        middle = np.exp(np.log(y).mean() - power * np.log(x).mean())
        guide = [middle * float(size) ** power for size in x]
        axes.plot(x, guide, color=COLOURS[arch], linestyle=(0, (4, 2)), linewidth=0.9)
        full = [row for row in trained if row.arch == arch and getattr(row, other) == last and row.n_star is not None]
        if full:
            axes.plot(*_points(full, name), "x", color=COLOURS[arch], markersize=8, label=f"{arch}, trained in full")
    axes.plot([], [], color=GREY, linestyle=(0, (4, 2)), linewidth=0.9, label="slopes of theory")
    axes.set_ylim(top=axes.get_ylim()[1] * 8)  # room for the legend
    ticks = getattr(options, name)
    axes.set_xticks(ticks, [f"{tick}" for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="upper left")


def _points(rows: list[Row], name: str) -> tuple[list[float], list[float]]:
    return [getattr(row, name) for row in rows], [row.n_star or math.nan for row in rows]


def _check(options: argparse.Namespace) -> None:
    """Targets that cannot be reached, or take no learning, are refused before anything is measured."""
    from ntkit.separation import Criterion, TwoStep

    for arch in options.arch:
        for k in options.patches:
            try:
                Criterion(options.target).check(TwoStep(arch), _task(k, options.dim[0], options.noise, options.static))
            except ValueError as error:
                raise UsageError(f"--target: {error}") from None


def _task(patches: int, dim: int, noise: float, static: bool) -> SignalTask:
    from ntkit.separation import DynamicSignal, StaticSignal

    return (StaticSignal if static else DynamicSignal)(patches, dim, noise / math.sqrt(patches))


def _affordable(cell: dict[str, Any]) -> bool:
    """Whether data of twice the samples that it is expected to take are small enough."""
    from ntkit.separation import TwoStep

    task = _task(cell["patches"], cell["dim"], cell["noise"], cell["static"])
    return bool(2 * TwoStep(cell["architecture"]).guess(task) <= _most(cell))


def _most(cell: dict[str, Any]) -> int:
    return max(MOST_NUMBERS // int(cell["patches"] * cell["dim"]), 1)


def _architectures(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(ARCHITECTURES) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"must be different ones of {', '.join(ARCHITECTURES)}, got {text!r}")
    return names


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text!r}")
    return value


def _shard(text: str) -> tuple[int, int]:
    first, slash, last = text.partition("/")
    if not (slash and first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"must be I/N with 1 <= I <= N, got {text!r}")
    return int(first), int(last)
