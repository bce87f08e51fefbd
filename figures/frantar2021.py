"""Figures for Frantar, Kurtic, Alistarh (2021)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, SKY, head

COUNTS = (1, 5, 20, 80, 320)


def mfac_exact(record: Record) -> Figure:
    """Relative errors of the recursion, of its shuffled twin, and of the controls, over the number of gradients."""
    figure = Figure(figsize=(5.4, 3.0))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="number of gradients $m$", ylabel="relative error")
    shown = (
        ("product", None, BLUE, "o", "recursion"),
        ("order", None, SKY, "s", "shuffled against not"),
        ("product", "m-forgotten", ORANGE, "v", "$1 + g^\\top v$"),
        ("product", "stale", PINK, "^", "$v = g/\\lambda$"),
        ("product", "last-left-out", AMBER, "x", "$m - 1$ gradients"),
        ("product", "diagonal", "black", "+", "diagonal of $F$"),
    )
    for part, control, colour, marker, label in shown:
        sides = record.part(part, control)
        if isinstance(sides, Sides):
            errors = np.linalg.norm(np.asarray(sides.lhs) - np.asarray(sides.rhs), axis=1)
            x, drawn = np.asarray(COUNTS[: len(errors)]), errors > 0
            label = label if control is None else f"{label} (control)"
            axes.plot(x[drawn], errors[drawn], marker, color=colour, label=label, markersize=5, markerfacecolor="none")
    axes.axhline(1e-9, linestyle=DASHES, color=GUIDE, label="tolerance")
    ticks = COUNTS if record.tier == "full" else COUNTS[:-1]
    axes.set_xticks(ticks, [str(m) for m in ticks])
    axes.minorticks_off()
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    head(figure, record)
    return figure
