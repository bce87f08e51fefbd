"""Pictures of singular values of convolution layers: all of one layer, or the ends of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.studies._convolutions import Convolution, by_axes
from ntkit.studies._layer_kernels import LayerKernel
from ntkit.studies._results import BLUE, GREY, ORANGE, heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = (4.4, 2.9)  # inches
PER_LAYER = 0.17  # inches
LETTERS = 56  # of a title as wide as the panel
MOST_SHOWN = 1000  # singular values of a curve
MOST_NAMES = 100  # layers that are named in the picture
LONGEST = 36  # letters of such a name
DEEPEST = 1e-8  # of the largest singular value: smaller ones lie at the edge of the picture
KINDS = {"given": "the kernel", "orthogonal": "an orthogonal kernel", "gaussian": "a Gaussian kernel"}
COLOURS = {True: BLUE, False: ORANGE, None: GREY}
CLAIM = {True: "can be orthogonal", False: "cannot be orthogonal", None: "may be orthogonal or not: it is not known"}


def drawn_layers(layers: list[Convolution], rows: list[LayerKernel]) -> Figure:
    """All singular values of one layer, or the ends of many."""
    return _one(layers[0], rows) if len(layers) == 1 else _many(layers[0], rows)


def short(name: str) -> str:
    """A name with its middle left out if it is long.

    Example:
        >>> short("features.denseblock4.denselayer16.conv2.weight")
        'features.densebl...er16.conv2.weight'
    """
    half = LONGEST // 2
    return name if len(name) <= LONGEST else f"{name[: half - 2]}...{name[-half + 1 :]}"


def _one(layer: Convolution, rows: list[LayerKernel]) -> Figure:
    """Singular values from the largest to the smallest; of a kernel of a file, where L_orth says that they lie, too."""
    from matplotlib.figure import Figure

    of = layer.layer
    first = _claim(layer).capitalize() if layer.kernel is None else f"{short(layer.name)}: {_claim(layer)}"
    numbers = f"{of.in_channels} to {of.out_channels} channels, window {by_axes(of.kernel_size)}, stride {by_axes(of.stride)}"
    images = f"images {by_axes(layer.side)} to {by_axes(layer.size)}, {layer.padding} padding"
    head = heading(f"{first}\n{numbers}\n{images}", LETTERS)
    figure = Figure(figsize=(PANEL[0], PANEL[1] + 0.16 * (head.count("\n") + 1)))
    axes = figure.subplots()
    floor = _logarithmic(axes.set_yscale, rows)
    axes.grid(True, axis="y")
    axes.axhline(1, color=GREY, linestyle=":", linewidth=1)
    for place, (row, colour) in enumerate(zip(rows, (BLUE, ORANGE), strict=False)):
        if row.values is None:
            _enclosed(axes, row, colour, 6 * place, floor)
        else:
            _falling(axes, row.values, colour, KINDS[row.name], floor)
    if rows[0].values is None:
        axes.set_xlim(-12, 118)
        axes.set_xticks([0, 100], ["largest", "smallest"])
    else:
        axes.set(xlim=(0, 100), xlabel=f"percent of the {min(layer.matrix)} singular values, the largest first")
    if layer.kernel is not None:
        _promise(axes, rows[0])
    axes.set_ylabel("singular value")
    if not floor:
        low, high = axes.get_ylim()
        middle, half = (low + high) / 2, max(high - low, 0.1 * high) / 2  # what is constant shall look so
        axes.set_ylim(max(middle - half, 0.0), middle + 1.7 * half)  # room for the legend
    axes.legend(loc="lower left" if floor else "upper right")
    figure.suptitle(head, x=0.01, ha="left", parse_math=False)
    return figure


def _claim(layer: Convolution) -> str:
    count, rank = min(layer.matrix), layer.existence.layer_rank
    if layer.existence.possible is False and rank is not None and rank < count:
        return f"cannot be orthogonal, {count - rank} of {count} singular values are 0"
    return CLAIM[layer.existence.possible]


def _falling(axes: Axes, values: np.ndarray[Any, Any], colour: str, label: str, floor: float) -> None:
    count = len(values)
    shown = np.unique(np.linspace(0, count - 1, min(count, MOST_SHOWN)).astype(int))
    edges = 100 * np.append(shown, count) / count
    axes.stairs(np.maximum(values[shown], floor), edges, baseline=None, color=colour, linewidth=1.2, label=label)


def _enclosed(axes: Axes, row: LayerKernel, colour: str, place: int, floor: float) -> None:
    """The intervals of the ends; an arrow where one reaches down to 0."""
    for x, (low, high) in ((place, row.largest), (100 + place, row.smallest)):
        axes.plot([x] * 2, [max(low, floor), high], color=colour, linewidth=1.2)
        axes.plot([x], [high], "_", color=colour, markersize=8)
        axes.plot([x], [max(low, floor)], "_" if low else "v", color=colour, markersize=8 if low else 5)
    axes.plot([], [], color=colour, label=f"{KINDS[row.name]}: between these")


def _promise(axes: Axes, row: LayerKernel) -> None:
    """Lines where L_orth alone says that all singular values lie, as far as they are near enough to be seen."""
    seen = [end for end in row.promised if 0 < end < 3 * row.largest[1]]
    for end in seen:
        axes.axhline(end, color=GREY, linestyle="--", linewidth=0.9)
    if seen:
        promise = r"{:.4g} to {:.4g} by $L_\mathrm{{orth}}$, at any size".format(*row.promised)
        axes.plot([], [], color=GREY, linestyle="--", linewidth=0.9, label=promise)


def _many(first: Convolution, rows: list[LayerKernel]) -> Figure:
    """From the smallest to the largest singular value of every layer; pale where only bounds are known."""
    from matplotlib.figure import Figure

    images, stride = by_axes(first.side), by_axes(first.layer.stride)
    able = sum(row.of.existence.possible is True for row in rows)
    title = f"{able} of {len(rows)} layers can be orthogonal\nimages of {images}, stride {stride}, {first.padding} padding"
    figure = Figure(figsize=(1.25 * PANEL[0], 1.2 + PER_LAYER * min(max(len(rows), 4), MOST_NAMES)))
    axes = figure.subplots()
    floor = _logarithmic(axes.set_xscale, rows)
    axes.grid(True, axis="x")
    axes.axvline(1, color=GREY, linestyle=":", linewidth=1)
    for place, row in enumerate(rows):
        colour = COLOURS[row.of.existence.possible]
        (least, low), (high, most) = (np.maximum(ends, floor) for ends in (row.smallest, row.largest))
        axes.plot([least, most], [place] * 2, color=colour, linewidth=1.2, alpha=0.4)
        axes.plot([low, high], [place] * 2, color=colour, linewidth=1.2)
        if high > floor:
            axes.plot([high], [place], "o", color=colour, markersize=3.5)
        axes.plot([low], [place], "<" if floor and low == floor else "o", color=colour, markersize=3.5, markerfacecolor="white")
    for possible in dict.fromkeys(row.of.existence.possible for row in rows):
        axes.plot([], [], color=COLOURS[possible], label=CLAIM[possible])
    if len(rows) <= MOST_NAMES:
        axes.set_yticks(range(len(rows)), [short(row.of.name) for row in rows], parse_math=False)
    else:
        axes.set_ylabel("number of the layer")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("singular values: the smallest (open) to the largest (filled)")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)
    figure.suptitle(heading(title, 72), x=0.01, ha="left", parse_math=False)
    return figure


def _logarithmic(set_scale: Callable[[str], Any], rows: list[LayerKernel]) -> float:
    """Choose the scale by what is not 0; the least value that it shows, or 0 where it is linear."""
    largest = max(row.largest[1] for row in rows)
    every = [
        [end for end in row.smallest if end] if row.values is None else row.values[row.values > row.rounding] for row in rows
    ]
    least = min(float(min(some, default=largest)) for some in every)
    if least > largest / 30:
        return 0.0
    set_scale("log")
    return max(least / 2, DEEPEST * largest)
