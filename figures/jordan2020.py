"""Figures for Jordan and Dimakis (2020)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import AMBER, BLUE, GREY, ORANGE, head


def milp_equals_enumeration(record: Record) -> Figure:
    """The integer program against the largest over all polygons, and against what the two mistakes give."""
    figure = Figure(figsize=(3.9, 3.4))
    axes = figure.add_subplot(xscale="log", yscale="log")
    for control, colour, marker in (("free-signs", ORANGE, "x"), ("centre", AMBER, "+"), (None, BLUE, ".")):
        found = record.measurement(control)
        if isinstance(found, Sides):
            kept = np.minimum(found.lhs, found.rhs) > 1e-3
            label = "all polygons"
            if control is not None:
                label = f"{control.replace('-', ' ')} (control, {record.verdict['controls'][control]['verdict']})"
            axes.plot(np.asarray(found.rhs)[kept], np.asarray(found.lhs)[kept], marker, color=colour, markersize=6, label=label)
    ends = np.array([min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1]) * 3])
    axes.plot(ends, ends, "-", color=GREY, linewidth=0.9, zorder=0)
    axes.set(xlim=ends, ylim=ends, xlabel="largest $\\|J_c\\|_1$ by enumeration", ylabel="optimum of the integer program")
    axes.legend(loc="upper left")
    head(figure, record)
    return figure
