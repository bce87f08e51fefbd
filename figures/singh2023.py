"""Figures for Singh, Hofmann, Schölkopf (2023)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Integers, Record, Series
from ntkit.claims.figures import BLUE, GREEN, GREY, ORANGE, head

PURPLE = "#8855AA"
RANKS = (("outer", GREEN, "s", "$H_O$"), ("functional", PURPLE, "^", "$H_F$"), ("whole", BLUE, "o", "$H$"))


def two_layer_rank_exact(record: Record) -> Figure:
    """Left: ranks against the laws, on the diagonal; middle: what a count of dimensions misses; right: the gap at the cut."""
    figure = Figure(figsize=(8.2, 3.0))
    left, middle, right = figure.subplots(1, 3)
    for part, colour, marker, name in RANKS:
        found = record.part(part)
        if isinstance(found, Integers):
            left.plot(found.expected, found.got, marker, color=colour, markersize=3.5, label=name, alpha=0.7)
    wrong = record.part("whole", "fully-connected")
    if isinstance(wrong, Integers):
        left.plot(wrong.expected, wrong.got, "x", color=ORANGE, markersize=4, label="$H$, law with $k = 1$")
    end = left.get_xlim()[1]
    left.plot([0, end], [0, end], "-", color=GREY, linewidth=0.9, zorder=0)
    left.legend(loc="lower right")
    left.set(xlabel="law", ylabel="rank by singular values", title="random shapes")
    for control, colour, marker, name in (("dimension-count", ORANGE, "x", "count"), (None, GREEN, "s", "law")):
        found = record.part("outer", control)
        if isinstance(found, Integers):
            shown = slice(0, 30)
            off = (np.asarray(found.got) - np.asarray(found.expected))[shown]
            label = f"{name} ({record.verdict['controls'][control]['verdict']})" if control else name
            middle.plot(np.arange(off.size) + 1, off, marker, color=colour, markersize=4, label=label)
    middle.set(xlabel="shape, the 4 uneven ones first", ylabel="rank $H_O$ minus prediction", ylim=(-3, 2), yticks=range(-3, 3))
    middle.set_title("counting dimensions")
    middle.legend(loc="upper right")
    _gap(right, record)
    head(figure, record)
    return figure


def deep_rank_slope(record: Record) -> Figure:
    """Left: parameters grow as the square of the width, the rank along a line; right: increments minus the law, 0."""
    figure = Figure(figsize=(6.4, 3.0))
    left, right = figure.subplots(1, 2)
    exponent = record.part("exponent")
    if isinstance(exponent, Series):
        parameters, rank = np.asarray(exponent.x), np.asarray(exponent.y)[0]
        widths = np.sqrt(parameters / 2 + 4) - 2  # p = 2 m^2 + 8 m
        fine = np.linspace(0, widths[-1], 100)
        left.plot(fine, 2 * fine**2 + 8 * fine, "-", color=GREY, linewidth=0.9)
        left.plot(fine, rank[-1] / widths[-1] * fine, "-", color=BLUE, linewidth=0.9)
        left.plot(widths, parameters, "D", color=GREY, markersize=5, label="parameters $p$")
        left.plot(widths, rank, "o", color=BLUE, markersize=5, label="rank $H$")
        left.set_xticks(np.round(widths))
        slope = record.verdict.get("parts", {}).get("exponent", {}).get("statistic", float("nan"))
        left.set_title(f"rank $\\sim p^{{{slope:.2f}}}$; 3 layers of 2 taps")
        left.legend(loc="upper left")
    left.set(xlabel="width $m$", ylabel="number", xlim=0, ylim=0)
    for control, colour, marker in (("narrower", ORANGE, "x"), (None, BLUE, "o")):
        found = record.part("increments", control)
        if isinstance(found, Integers):
            law = np.asarray(found.expected)
            verdict = f" ({record.verdict['controls'][control]['verdict']})" if control else ""
            label = "from $m = \\max_l r_l - 1$ on" + verdict if control else "from $m = \\max_l r_l$ on"
            right.plot(law, np.asarray(found.got) - law, marker, color=colour, markersize=4.5, label=label)
    right.legend(loc="upper right")
    right.set(xlabel="law: $2\\,\\Delta m\\,\\sum_l r_l$", ylabel="increment minus law", ylim=(-4, 8))
    right.set_title("rank $H$ over $\\Delta m = 1, 1, 3$")
    head(figure, record)
    return figure


def _gap(axes: Axes, record: Record) -> None:
    found = record.part("gap")
    axes.set(xlabel="matrix", ylabel="singular value / largest", title="gap at the cut", yscale="log", ylim=(1e-18, 10))
    if not isinstance(found, Bounds):
        return
    dropped, kept = np.asarray(found.value), 1e3 * np.asarray(found.upper)
    x = np.arange(kept.size)
    axes.plot(x, kept, ".", color=BLUE, markersize=3, label="smallest that counts")
    axes.plot(x[dropped > 0], dropped[dropped > 0], ".", color=GREY, markersize=3, label="largest that does not")
    axes.axhline(1e-13, color=GREY, linestyle=(0, (4, 2)), linewidth=0.9)
    axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.42))
