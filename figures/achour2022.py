"""Figures for Achour, Malgouyres, Mamalet (2022)."""

from itertools import product
from math import ceil

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Integers, Record, Sides
from ntkit.claims.figures import BLUE, GREEN, GREY, ORANGE, PINK, head


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
    left.set(xlim=(1e-17, 40), ylim=(1e-5, 40))
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
    right.legend(loc="lower left")
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
