"""Figures for Woodruff, Yasuda (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, GUIDE, ORANGE, PINK, SKY, head


def total_sensitivity(record: Record) -> Figure:
    """Totals over the rank, for p = 2 equal to it, for p = 1 and 3/2 below it, and for p = 4 below its square."""
    figure = Figure(figsize=(7.2, 3.1))
    left, right = figure.subplots(1, 2)
    ranks = np.arange(1, 5)
    left.plot(ranks, ranks, linestyle=DASHES, color=GUIDE, label="$d$")
    left.plot(ranks, ranks - 1, linestyle=DASHES, color=ORANGE, linewidth=1, label="$d - 1$ (control)")
    two = record.part("two")
    if isinstance(two, Sides):
        left.plot(two.rhs, two.lhs, "D", color=GREY, markersize=6, markerfacecolor="none", label="$p = 2$")
        wrong = record.part("two", "columns")
        if isinstance(wrong, Sides):
            left.plot(wrong.rhs, wrong.lhs, "x", color=PINK, markersize=5, label="columns, not rank (control)")
    for name, colour, shift, label in (("one", BLUE, -0.12, "$p = 1$"), ("between", GREEN, 0.12, "$p = 3/2$")):
        totals = record.part(name)
        if isinstance(totals, Bounds):
            left.plot(np.asarray(totals.upper) + shift, totals.value, ".", color=colour, label=label)
    left.set(xlabel="rank $d$", ylabel="total of the sensitivities", ylim=(0, 7.5), xticks=range(1, 7))
    left.legend(fontsize="small", loc="upper left", ncols=2)
    four = record.part("four")
    right.plot(ranks, ranks**2, linestyle=DASHES, color=GUIDE, label="$d^2$")
    right.plot(ranks, ranks, linestyle=DASHES, color=ORANGE, linewidth=1, label="$d$ (control)")
    if isinstance(four, Bounds):
        right.plot(np.sqrt(np.asarray(four.upper, float)), four.value, ".", color=SKY, label="$p = 4$")
    right.set(xlabel="rank $d$", ylabel="total of the sensitivities", xticks=ranks)
    right.legend(fontsize="small", loc="upper left")
    head(figure, record)
    return figure
