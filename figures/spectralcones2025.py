"""Figures for Cederberg, Boyd (2025)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Sides
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head


def nuclear_cone(record: Record) -> Figure:
    """Moreau's three conditions, each with the control that breaks it."""
    figure = Figure(figsize=(7.2, 2.8))
    panels = figure.subplots(1, 3)
    shown = (
        ("feasible", "largest-kept", AMBER, "cone of the largest\nsingular value (control)"),
        ("polar", "t-kept", ORANGE, "$t$ kept (control)"),
    )
    for axes, (part, wrong, colour, name) in zip(panels, shown, strict=False):
        axes.plot([-1, 1], [-1, 1], linestyle=DASHES, color=GUIDE, zorder=3)
        for control, shade, marker, label in ((wrong, colour, "x", name), (None, BLUE, "o", "projection")):
            found = record.part(part, control)
            if isinstance(found, Bounds):
                axes.plot(found.upper, found.value, marker, color=shade, markersize=3, markerfacecolor="none", label=label)
        axes.legend(fontsize="small", loc="upper left")
    panels[0].set(xlabel="$s$", ylabel=r"$\|P\|_*$", xlim=(-0.05, 1.05), ylim=(-0.05, 2.6))
    panels[1].set(xlabel="$s - t$", ylabel="largest singular value of $X - P$", xlim=(-0.05, 1.05), ylim=(-0.05, 1.35))
    rows = (
        (None, BLUE, "projection"),
        ("share-forgotten", PINK, "share of $t$ forgotten\n(control)"),
        ("other-vectors", AMBER, "other singular vectors\n(control)"),
    )
    axes = panels[2]
    for control, colour, label in rows:
        found = record.part("orthogonal", control)
        if isinstance(found, Sides):
            sizes = np.sort(np.maximum(np.abs(np.asarray(found.lhs)), 1e-18))
            axes.plot(sizes, np.arange(1, sizes.size + 1) / sizes.size, color=colour, label=label)
    axes.axvline(1e-13, ymax=0.57, linestyle=DASHES, color=GUIDE)
    axes.set(xscale="log", xlabel="|inner product of the two parts|", ylabel="share of cases below", ylim=(0, 1.75))
    axes.set_yticks([0, 0.5, 1])
    axes.set_xticks([1e-16, 1e-11, 1e-6, 1e-1])
    axes.legend(fontsize="small", loc="upper left")
    head(figure, record)
    return figure
