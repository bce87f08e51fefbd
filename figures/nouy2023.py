"""Figures for Nouy, Michel (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head

SHOWN = (
    (None, BLUE, "o", 0.0, "volumes squared"),
    ("volumes", PINK, "v", 0.12, "volumes (control)"),
    ("uniform", ORANGE, "x", 0.24, "uniform (control)"),
    ("repeated-row", AMBER, "s", -0.12, "two equal rows (control)"),
)


def volume_sampling(record: Record) -> Figure:
    """Mean errors over the least one, by the number of columns; and means of solutions over the best ones."""
    figure = Figure(figsize=(7.2, 3.2))
    left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
    ticks = np.arange(1, 5)
    left.plot(ticks, ticks + 1, linestyle=DASHES, color=GUIDE, label="$d + 1$")
    right.plot([-1.2, 1.2], [-1.2, 1.2], linestyle=DASHES, color=GUIDE)
    for control, colour, marker, shift, label in SHOWN:
        errors, solutions = record.part("error", control), record.part("unbiased", control)
        if isinstance(errors, Sides):
            columns = np.asarray(errors.rhs) - 1 + shift
            left.plot(columns, errors.lhs, marker, color=colour, markersize=4, markerfacecolor="none", label=label)
        if isinstance(solutions, Sides) and control != "repeated-row":
            right.plot(solutions.rhs, solutions.lhs, marker, color=colour, markersize=4, markerfacecolor="none")
    left.set(yscale="log", xlabel="number of columns $d$", ylabel="mean squared error / least", xticks=ticks)
    low, high = left.get_ylim()
    left.set_ylim(low, high * 40)
    left.legend(fontsize="small", loc="upper left")
    right.set(xlabel="entries of the best solution", ylabel="entries of the mean solution", ylim=(-2, 2))
    head(figure, record)
    return figure
