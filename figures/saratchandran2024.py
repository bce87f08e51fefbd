"""Figures for Saratchandran, Wang, Lucey (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record
from ntkit.claims.figures import BLUE, ORANGE, head

ROWS = (3, 4, 5)


def row_equilibration(record: Record) -> Figure:
    """Left: condition numbers after equilibration over those before; above the line it did harm.

    Right: those after over the best that scaling can do, each with its share of matrices below; dashed the bound sqrt(m).
    """
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    left.set(xscale="log", yscale="log", xlabel="condition number before", ylabel="after equilibration")
    left.grid(True)
    bounds = record.measurement()
    if isinstance(bounds, Bounds):
        after, before = np.ravel(np.asarray(bounds.value)), np.ravel(np.asarray(bounds.upper))
        worse = after > before * (1 + 1e-9)
        left.plot(before[~worse], after[~worse], ".", color=BLUE, markersize=2, markeredgewidth=0, rasterized=True)
        left.plot(before[worse], after[worse], "^", color=ORANGE, markersize=3.5, markerfacecolor="none")
        ends = np.array([before.min(), before.max()])
        left.plot(ends, ends, color="black", linewidth=0.8)
        left.text(0.04, 0.92, f"worse: {worse.sum()} of {worse.size}", color=ORANGE, transform=left.transAxes)
    right.set(
        xlabel="after equilibration over the best scaling", ylabel="share of matrices above", yscale="log", ylim=(2e-3, 1.5)
    )
    right.grid(True)
    best = record.measurement("best-scaling") if "best-scaling" in record.verdict["controls"] else None
    if isinstance(best, Bounds):
        ratios = np.sort(np.asarray(best.value) / np.asarray(best.upper), axis=1)
        for rows, values, colour in zip(ROWS, ratios, (BLUE, ORANGE, "#CC79A7"), strict=True):
            right.plot(values, 1 - np.arange(values.size) / values.size, color=colour, label=f"{rows} rows")
            right.axvline(rows**0.5, color=colour, linestyle=(0, (4, 2)), linewidth=0.9)
        right.text(3**0.5 - 0.03, 1, r"bounds $\sqrt{m}$", ha="right")
        right.legend(loc="center", bbox_to_anchor=(0.42, 0.6))
    head(figure, record)
    return figure
