"""Figures for Achour et al. (2022): where orthogonal convolutions exist, and what L_orth says of the rest."""

from itertools import product
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ntkit.claims import Bounds, Integers, Record, Series, Sides
from ntkit.claims.figures import BLUE, DASHES, EDGE, GREEN, GREY, ORANGE, PINK, head

COLOURS = LinearSegmentedColormap.from_list("dark where 0", ["#07182e", BLUE, "#d3ebf7"])
UNIT = Normalize(0, 1)
INSET = 0.22  # half the width of the inner squares, in cells


def strided_spectrum_fft(record: Record) -> Figure:
    """Singular values by blocks over those of the matrix: on the diagonal; off it with zero padding or without the factor."""
    figure = Figure(figsize=(2.95, 2.9))
    axes = figure.add_subplot(xlabel="singular values of the matrix", ylabel="by Fourier transform")
    for control, colour, marker, name in (
        ("weight", ORANGE, "^", "without $(\\prod S)^{-1/2}$"),
        ("zeros", PINK, "s", "matrix padded by zeros"),
        (None, BLUE, "o", "circular"),
    ):
        sides = record.measurement(control)
        if isinstance(sides, Sides):
            label = name if control is None else f"{name} (control)"
            axes.plot(sides.rhs, sides.lhs, marker, color=colour, markersize=2.5, markeredgewidth=0, label=label)
    axes.plot([0, 1], [0, 1], color="black", linestyle=DASHES, linewidth=0.9)
    axes.set(xlim=(-0.02, 1.05), ylim=(-0.03, 2.7))
    axes.legend(loc="upper left")
    head(figure, record)
    return figure


def existence_circular(record: Record) -> Figure:
    """Singular values of the best kernel found, for every window and stride: where some are 0, no kernel is orthogonal.

    Rows: dimension and input channels C. Columns: output channels M. The line is the border that the theorem draws: dark for
    k < S and M > C k^d. A kernel that is found is constructed, or trained where nothing can be constructed.
    """
    figure = Figure(figsize=(6.4, 4.6))
    values, square = record.part("values"), record.part("square")
    if isinstance(values, Sides) and isinstance(square, Integers):
        ends, claimed = np.asarray(values.lhs), np.asarray(square.expected)
        outputs = (1, 2, 3, 4, 5, 8) if claimed.shape[1] < 16 else (1, 2, 4, 5, 10, 16)
        panels = figure.subplots(4, len(outputs), sharex=True, sharey=True)
        for (d, c), row in zip(((1, 1), (1, 2), (2, 1), (2, 2)), panels, strict=True):
            row[0].set_ylabel(f"{d}D, $C = {c}$\n\nstride $S$")
            for m, axes in zip(outputs, row, strict=True):
                at = d - 1, m - 1, c - 1
                _cells(axes, ends[0][at].T, ends[1][at].T, claimed[at].T)
        for m, top, bottom in zip(outputs, panels[0], panels[-1], strict=True):
            top.set_title(f"$M = {m}$", loc="center")
            bottom.set_xlabel("window $k$")
    head(figure, record)
    _key(
        figure,
        "cell: the smallest of the best kernel found; square in it: the largest\n"
        "line: the theorem; no kernel is orthogonal for $k < S$ and $M > C k^d$",
    )
    return figure


def lorth_optimal_value(record: Record) -> Figure:
    """L_orth over its claimed minimum: constructed kernels lie on the diagonal, no kernel lies below."""
    figure = Figure(figsize=(2.95, 3.0))
    axes = figure.add_subplot(xlabel="claimed minimum of $L_{orth}$", ylabel="$L_{orth}$")
    attained, bound = record.part("attained"), record.part("bound")
    if isinstance(attained, Sides) and isinstance(bound, Bounds):
        least, values = np.asarray(bound.lower), np.asarray(bound.value)
        spread = 0.6 * np.modf(np.arange(len(least)) * 0.618)[0] - 0.3
        axes.plot(
            least + spread, values, ".", color=BLUE, markersize=2, markeredgewidth=0, label="random, or optimal with noise"
        )
        axes.plot(np.ravel(attained.rhs), np.ravel(attained.lhs), "D", color=ORANGE, markersize=3.5, label="constructed")
        top = float(np.max(attained.rhs)) + 2
        axes.plot([0, top], [0, top], color="black", linestyle=DASHES, linewidth=0.9, zorder=1)
        axes.set(xlim=(-0.6, top), ylim=(-0.6, top))
    axes.legend(loc="lower right", markerscale=1.5)
    head(figure, record)
    return figure


def spectral_bound_independent_of_n(record: Record) -> Figure:
    """err_s^2 / L_orth over the number of lags: it reaches the line where they are equal, at every size, and not beyond."""
    figure = Figure(figsize=(2.95, 3.0))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="lags $(2q+1)^d$", ylabel="$err_s^2\\;/\\;L_{orth}$")
    for name, colour, shift, words in (("sharp", BLUE, 0.97, "$N \\geq 2q+1$"), ("small", ORANGE, 1.07, "$N \\leq 2q$")):
        bounds = record.part(name)
        if isinstance(bounds, Bounds):
            lags, ratios = np.asarray(bounds.upper), np.asarray(bounds.value)
            axes.plot(lags * shift, ratios, ".", color=colour, markersize=2.5, markeredgewidth=0)
            attained = ratios > 0.999 * lags
            axes.plot(lags[attained] * shift, ratios[attained], "D", color=colour, markersize=3.5, label=words)
    ends = np.array([2.5, 60])
    axes.plot(ends, ends, color="black", linestyle=DASHES, linewidth=0.9)
    axes.text(5.2, 7, "sharp bound", rotation=36, rotation_mode="anchor")
    axes.set(xlim=ends, ylim=(0.02, 200))
    axes.set_xticks([3, 5, 9, 25, 49], ["3", "5", "9", "25", "49"])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(loc="lower right", title="attained at")
    head(figure, record)
    return figure


def scalability_in_n(record: Record) -> Figure:
    """Both errors over the number of output points: err_F grows as its root, err_s stays below bounds that know no N."""
    figure = Figure(figsize=(2.95, 3.0))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="output points $N^d$", ylabel="error")
    for name, colour, marker, words in (("frobenius", ORANGE, "s", "$err_F$"), ("spectral", BLUE, "o", "$err_s$")):
        series = record.part(name)
        if isinstance(series, Series):
            x, y = np.asarray(series.x), np.asarray(series.y)
            for curve in y:
                axes.plot(x, curve, color=colour, marker=marker, markersize=2.5, linewidth=0.7, alpha=0.6)
            axes.text(x[1], y[:, 1].max() * 1.5, words, color=colour, va="bottom", ha="right")
    bounds = record.part("bounded")
    if isinstance(bounds, Bounds):
        upper = np.asarray(bounds.upper)[:, 0]
        for bound in upper:
            axes.axhline(bound, color=GREY, linestyle=DASHES, linewidth=0.6)
        axes.text(4000, 1.1 * upper.max(), "$\\sqrt{(2q+1)^d L_{orth}}$", color=GREY, ha="right", va="bottom")
    head(figure, record)
    return figure


def training_reaches_existence(record: Record) -> Figure:
    """Singular values after training, for every number of channels: dark exactly where no orthogonal kernel exists.

    Rows: dimension. Columns: window below, at and above the stride.
    """
    figure = Figure(figsize=(6.4, 2.9))
    values = record.part("values")
    if isinstance(values, Sides):
        ends, claimed = np.asarray(values.lhs), np.asarray(values.rhs)[0]
        panels = figure.subplots(2, 3, sharex=True, sharey=True)
        for at, axes in enumerate(panels.ravel()):
            _cells(axes, ends[0, at].T, ends[1, at].T, claimed[at].T)
        for axes, words in zip(panels[0], ("$k = 2 < S = 3$", "$k = S = 3$", "$k = 3 > S = 2$"), strict=True):
            axes.set_title(words, loc="center")
        for d, row in enumerate(panels, start=1):
            row[0].set_ylabel(f"{d}D\n\ninputs $C$")
        for axes in panels[1]:
            axes.set_xlabel("output channels $M$")
    head(figure, record)
    _key(
        figure,
        "cell: the smallest of the best start; square in it: the largest\n"
        "line: the theorem; no kernel is orthogonal for $k < S$ and $M > C k^d$",
    )
    return figure


def landscape_hard_when_square(record: Record) -> Figure:
    """Where descent on L_orth ends, in 2D with k = 3, S = 1: near 0 for M = C - 1 and C + 1, often above 0.07 for M = C."""
    figure = Figure(figsize=(5.0, 2.4))
    gap = record.part("gap")
    if isinstance(gap, Bounds):
        values = np.asarray(gap.value)
        squares = 1 if len(values) == 3 else 2  # first the squares, then the neighbours of the first one
        titles = ("$M = 1,\\ C = 2$", "$M = C = 2$", "$M = 3,\\ C = 2$")
        for axes, i, title in zip(figure.subplots(1, 3, sharey=True), (squares, 0, squares + 1), titles, strict=True):
            axes.axvspan(1e-2, 1, color=EDGE, alpha=0.1, linewidth=0)
            axes.hist(np.clip(values[i], 1e-8, 1), np.geomspace(1e-8, 1, 33), color=BLUE)
            axes.set(xscale="log", xlim=(1e-8, 1), title=title, xlabel="final $L_{orth}$")
            share = float((values[i] > 1e-2).mean())
            axes.text(7e-3, 0.97, f"stuck: {share:.0%}", color=EDGE, ha="right", va="top", transform=axes.get_xaxis_transform())
            axes.set_xticks([1e-8, 1e-5, 1e-2])
            axes.xaxis.set_minor_locator(NullLocator())
        figure.axes[0].set_ylabel("starts")
    head(figure, record)
    return figure


def _cells(axes: Axes, smallest: np.ndarray, largest: np.ndarray, claimed: np.ndarray) -> None:
    """A cell for each layer: its smallest singular value, and in it the largest; the line is the border drawn by theory."""
    rows, columns = smallest.shape
    y, x = np.indices((rows, columns)) + 1.0
    for half, shades in ((0.46, smallest), (INSET, largest)):
        corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
        squares = np.stack([x, y], axis=-1).reshape(-1, 1, 2) + corners
        axes.add_collection(PolyCollection(squares, array=shades.ravel(), cmap=COLOURS, norm=UNIT, linewidth=0))
    lines = [[(j + 1.5, i + 0.5), (j + 1.5, i + 1.5)] for i, j in np.argwhere(np.diff(claimed, axis=1))]
    lines += [[(j + 0.5, i + 1.5), (j + 1.5, i + 1.5)] for i, j in np.argwhere(np.diff(claimed, axis=0))]
    axes.add_collection(LineCollection(lines, color=ORANGE, linewidth=1.8, capstyle="round"))
    axes.set(xlim=(0.5, columns + 0.5), ylim=(0.5, rows + 0.5), aspect="equal")
    axes.set_xticks(range(1, columns + 1))
    axes.set_yticks(range(1, rows + 1))
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)


def _key(figure: Figure, words: str) -> None:
    """What colours, squares and lines of the maps mean, below them."""
    for axes in figure.axes:
        axes.grid(False)
    bar = figure.colorbar(
        ScalarMappable(UNIT, COLOURS), ax=figure.axes, location="bottom", shrink=0.3, aspect=18, pad=0.03, anchor=(0.0, 0.5)
    )
    bar.set_label("singular value", loc="left")
    bar.outline.set_visible(False)
    bar.ax.text(1.2, 0.5, words, transform=bar.ax.transAxes, va="center", linespacing=1.4)


def zero_same_trivial(record: Record) -> Figure:
    """Left: err_F is never below the bound by the energy beside the centre; right: where searches for orthogonal layers end."""
    figure = Figure(figsize=(6.4, 3.1))
    left, right = figure.subplots(1, 2)
    left.set(xscale="log", yscale="log", xlabel="$\\mathrm{err}_F$", ylabel="bound by energy beside the centre")
    for control, colour, marker, name in (("circular", ORANGE, "^", "circular"), (None, BLUE, "o", "zero padding")):
        found = record.part("border", control)
        if isinstance(found, Bounds):
            error = np.maximum(np.asarray(found.upper), 1e-16)
            left.plot(error, np.asarray(found.value), marker, color=colour, markersize=3, alpha=0.6)
            left.plot([], [], marker, color=colour, markersize=4, label=_name(record, control, name))
    left.plot([1e-5, 20], [1e-5, 20], "-", color=GREY, linewidth=0.9, zorder=0)
    left.text(1e-8, 3e-3, "forbidden\nwith zero padding", color=GREY, ha="center")
    left.set(xlim=(1e-17, 40), ylim=(1e-7, 40))
    left.set_xticks([1e-16, 1e-12, 1e-8, 1e-4, 1])
    left.legend(loc="lower left")
    for control, colour, marker, name in (
        (None, BLUE, "o", "zero padding"),
        ("circular", ORANGE, "^", "circular"),
        ("one-short", PINK, "s", "$N = k - 1$"),
    ):
        found = record.part("optimum", control)
        if isinstance(found, Bounds):
            shares = np.asarray(found.value)
            place = np.arange(shares.size)
            right.plot(place, shares, marker, color=colour, markersize=5, label=_name(record, control, name))
    names = ["2, 3\n1D", "3, 2\n1D", "3, 3\n1D", "1, 2\n2D", "2, 2\n1D", "2, 3\n1D", "1, 2\n2D", "2, 1\n2D"]
    found = record.part("optimum")
    count = np.asarray(found.value).size if isinstance(found, Bounds) else 4
    right.set_xticks(range(count), names[:count])
    right.set(yscale="log", ylim=(1e-12, 10), xlim=(-0.6, count - 0.4))
    right.set(xlabel="$M, C$ of the orthogonal layer found", ylabel="share of energy beside the centre")
    right.legend(loc="center left", bbox_to_anchor=(0.0, 0.62))
    head(figure, record)
    return figure


def valid_co_impossible(record: Record) -> Figure:
    """Left: where orthonormal columns exist without padding, for S = 1 and 2; right: the least error where they do not."""
    figure = Figure(figsize=(6.4, 3.3))
    one, two, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.4))
    found = record.part("every")
    if isinstance(found, Integers):
        cells = list(product((1, 2, 3), range(1, 8), range(1, 6)))  # S, k, N: the order of the measurement
        got = np.asarray(found.got)[: len(cells)]
        for axes, stride in ((one, 1), (two, 2)):
            for kind, face, label in ((1, BLUE, "possible"), (0, "white", "impossible")):
                at = np.array([(k, n) for (s, k, n), is_one in zip(cells, got, strict=True) if s == stride and is_one == kind])
                axes.plot(*at.T, "o", color=BLUE, markerfacecolor=face, markersize=5, label=label)
            k = np.arange(1, 8)
            least = np.maximum((k - 1) // stride + 1, 2) - 0.5
            axes.bar(k, np.maximum(5.6 - least, 0), 1.0, least, color=GREEN, alpha=0.15, label="$N > q$, $N > 1$")
            axes.set(title=f"$S = {stride}$", xlabel="taps $k$", xlim=(0.4, 7.6), ylim=(0.4, 7.4), yticks=range(1, 6), xticks=k)
    handles, labels = one.get_legend_handles_labels()
    one.legend(handles[:2], labels[:2], loc="upper left")
    two.legend(handles[2:], labels[2:], loc="upper left")
    one.set_ylabel("outputs $N$")
    optimum = record.part("optimum")
    if isinstance(optimum, Sides):
        least = np.asarray(optimum.lhs)
        for taps, sizes, colour in ((2, np.arange(2, 9), BLUE), (3, np.arange(3, 9), GREEN)):
            n = np.linspace(taps, 8, 60)
            right.plot(n, (taps - 1) * (n - taps + 1) / (2 * n - taps + 1), "-", color=colour, linewidth=0.9)
            first = 0 if taps == 2 else 7
            right.plot(sizes, least[first : first + sizes.size], "o", color=colour, markersize=4, label=f"$k = {taps}$, found")
    right.set(xlabel="outputs $N$", ylabel="least $\\mathrm{err}_F^2$, $C = S = 1$", ylim=(0, 1), xticks=range(2, 9))
    right.legend(loc="lower right")
    head(figure, record)
    for axes in (one, two):
        axes.grid(False)
    return figure


def valid_ro_free_taps(record: Record) -> Figure:
    """Which numbers of outputs have orthonormal rows without padding, for two inputs: those up to the stairs."""
    figure = Figure(figsize=(6.4, 2.9))
    panels = figure.subplots(1, 3, sharey=True)
    measured = record.measurement()
    most_channels, most_taps = (2, 5) if record.tier == "quick" else (3, 7)
    cells = []  # M, C, k, S, N: the order of the measurement
    for c, k, s, n in product(range(1, most_channels + 1), range(1, most_taps + 1), (1, 2), (2, 3, 4)):
        free = c * sum(ceil(ceil((k - r) / s) / n) for r in range(min(k, s)))
        cells += [(m, c, k, s, n) for m in (free, free + 1) if m * n <= c * (s * (n - 1) + k)]
    for axes, size in zip(panels, (2, 3, 4), strict=True):
        taps = np.arange(1, most_taps + 1)
        axes.step(taps, 2 * np.ceil(taps / size), where="mid", color=BLUE, linewidth=1, label="free taps")
        axes.plot(taps, 2 * (taps + size - 1) / size, "--", color=GREY, linewidth=0.9, label="rows = columns")
        if isinstance(measured, Integers):
            for kind, face, label in ((1, BLUE, "found"), (0, "white", "not found")):
                at = [
                    (cell[2], cell[0])
                    for cell, got in zip(cells, np.asarray(measured.got), strict=True)
                    if got == kind and (cell[1], cell[3], cell[4]) == (2, 1, size)
                ]
                axes.plot(*np.array(at).reshape(-1, 2).T, "o", color=BLUE, markerfacecolor=face, markersize=5, label=label)
        axes.set(title=f"$N = {size}$", xlabel="taps $k$", xticks=taps)
    panels[0].yaxis.get_major_locator().set_params(integer=True)
    panels[0].set_ylabel("outputs $M$, $C = 2$, $S = 1$")
    panels[2].legend(loc="upper left")
    head(figure, record)
    return figure


def _name(record: Record, control: str | None, name: str) -> str:
    return name if control is None else f"{name} (control, {record.verdict['controls'][control]['verdict']})"
