"""Figures for Liu, Liu, Gore (2025)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Series
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head


def superposition_overlap(record: Record) -> Figure:
    """Mean squared cosines over the dimension; and those of other unit vectors against the bound by Welch."""
    figure = Figure(figsize=(7.2, 3.0))
    rates = figure.add_subplot(1, 2, 1, xscale="log", yscale="log", xlabel="dimension $m$", ylabel="mean $\\cos^2$")
    for control, colour, marker, label in (
        (None, BLUE, "o", "isotropic"),
        ("common-mean", ORANGE, "v", "common mean (control)"),
    ):
        series = record.part("rate", control)
        if isinstance(series, Series):
            x, y = np.asarray(series.x), np.asarray(series.y).mean(axis=0)
            rates.plot(x, y, marker, color=colour, label=label, markersize=4)
            if control is None:
                rates.plot(x, 1 / x, linestyle=DASHES, color=GUIDE, label="$1/m$")
                rates.plot(x, y[0] * (x / x[0]) ** -0.5, ":", color=PINK, label="$m^{-1/2}$ (control)")
                rates.set_xticks(x, [f"{m:.0f}" for m in x])
    rates.minorticks_off()
    rates.legend(fontsize="small")
    bounds = figure.add_subplot(1, 2, 2, xscale="log", yscale="log", xlabel="bound", ylabel="mean $\\cos^2$")
    ends = np.array((0.002, 1.0))
    bounds.plot(ends, ends, linestyle=DASHES, color=GUIDE, label="equal", zorder=0)
    for control, colour, marker, label in (
        ("endless", AMBER, "x", "$1/m$ (control)"),
        (None, BLUE, "o", "$(n/m - 1)/(n - 1)$"),
    ):
        found = record.part("welch", control)
        if isinstance(found, Bounds):
            lower, value = np.asarray(found.lower), np.asarray(found.value)
            bounds.plot(lower, value, marker, color=colour, label=label, markersize=3, markerfacecolor="none")
    bounds.legend(fontsize="small", loc="lower right")
    head(figure, record)
    return figure
