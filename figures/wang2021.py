"""Figures for Wang and Liu (2021)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GUIDE, ORANGE, PINK, SKY, head

TEMPERATURES = np.geomspace(0.03, 10, 50)


def temperature_weights(record: Record) -> Figure:
    """The entropy of the weights over the temperature; and the hardest negative's weight against its lower bound."""
    figure = Figure(figsize=(7.2, 3.0))
    entropies = figure.add_subplot(1, 2, 1, xscale="log", xlabel="temperature", ylabel="entropy of the weights")
    for control, colour, label in ((None, BLUE, "claim"), ("inverse", ORANGE, "inverse temperature (control)")):
        found = record.part("entropy", control)
        if isinstance(found, Bounds):
            rows = np.concatenate([np.asarray(found.lower)[:1], np.asarray(found.value)])
            entropies.plot(TEMPERATURES, rows[:, 1:10], color=colour, linewidth=0.5, alpha=0.6)
            entropies.plot(TEMPERATURES, rows.mean(axis=1), color=colour, label=f"{label}, mean")
    entropies.axhline(np.log(16), linestyle=DASHES, color=GUIDE, label="uniform, $\\log 16$", zorder=0)
    entropies.set_ylim(-0.1, 3.9)
    entropies.legend(fontsize="small", loc="upper left")
    weights = figure.add_subplot(1, 2, 2, xscale="log", xlabel="temperature", ylabel="mean weight")
    sides = record.part("weights")
    if isinstance(sides, Sides):
        found_weights = np.asarray(sides.lhs).mean(axis=1)
        for place, colour, label in ((-1, BLUE, "hardest negative"), (-2, PINK, "second"), (0, SKY, "easiest")):
            weights.plot(TEMPERATURES, found_weights[:, place], color=colour, label=label)
    for control, line, colour, label in (
        (None, "-", "black", "sum"),
        ("total-of-all", ":", ORANGE, "sum, relative to\n$1/\\tau$ (control)"),
    ):
        total = record.part("total", control)
        if isinstance(total, Sides):
            weights.plot(TEMPERATURES, np.asarray(total.lhs).mean(axis=1), line, color=colour, label=label)
    weights.axhline(1 / 16, linestyle=DASHES, color=GUIDE, label="uniform, $1/16$", zorder=0)
    weights.set_ylim(-0.05, 1.75)
    weights.legend(fontsize="small", ncols=2)
    head(figure, record)
    return figure
