"""Figures for Foret, Kleiner, Mobahi, Neyshabur (2021)."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Record, Series, Sides
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head

PARTS = (
    ("rise", r"largest rise less $\rho \|g\|$", 2),
    ("lost", "what one step loses", 3),
    ("turned", "distance of directions", 1),
)


def first_order_inner_max(record: Record) -> Figure:
    """Three remainders over the radius with the predicted slopes, and the coefficient of the squared radius."""
    figure = Figure(figsize=(7.2, 2.9))
    for place, (part, title, slope) in enumerate(PARTS, 1):
        axes = figure.add_subplot(1, 4, place, xscale="log", yscale="log", xlabel=r"radius $\rho$", title=title)
        for control, colour, marker in ((None, BLUE, "o"), ("random", ORANGE, "^")):
            found = record.part(part, control)
            if not isinstance(found, Series) or (control and part == "turned"):
                continue
            x, mean = np.asarray(found.x), np.exp(np.log(np.asarray(found.y)).mean(axis=0))
            axes.plot(x, mean, marker, color=colour)
            if control is not None:
                axes.text(0.03, 0.98, f"random direction\n({_verdict(record, control)})", **_corner(axes, ORANGE))
                continue
            guide = mean[0] * (x / x[0]) ** slope
            axes.plot(x, guide, linestyle=DASHES, color=GUIDE, zorder=0)
            axes.text(x[3] * 1.5, guide[3], f"slope {slope}", color=GUIDE, va="center")
            if part == "lost":
                axes.plot(x, mean[-1] * (x / x[-1]) ** 2, ":", color=PINK, zorder=0)
                axes.text(0.98, 0.02, f"dotted: slope 2\n({_verdict(record, 'second-order')})", **_corner(axes, PINK, low=True))
        low, high = axes.get_ylim()
        axes.set_ylim(
            low / (high / low) ** (0.15 if part == "lost" else 0), high * (high / low) ** (0.2 if part != "turned" else 0)
        )
        axes.set_xlim(5e-4, 2e-1)
        axes.minorticks_off()
    ratio = figure.add_subplot(1, 4, 4, title=r"coefficient of $\rho^2$")
    rows = ((None, BLUE, "o", r"$u^T H u / 2$"), ("without-half", AMBER, "v", r"$u^T H u$"))
    for place, (control, colour, marker, label) in enumerate(rows):
        found = record.part("curvature", control)
        if isinstance(found, Sides):
            values = np.asarray(found.lhs) / np.asarray(found.rhs)
            ratio.plot(np.full(len(values), place), values, marker, color=colour)
            word = "" if control is None else f"\n({_verdict(record, control).replace(', ', ',' + chr(10))})"
            ratio.text(place, float(values.min()) - 0.05, label + word, color=colour, ha="center", va="top")
    ratio.axhline(1, linestyle=DASHES, color=GUIDE, zorder=0)
    ratio.set(xlim=(-0.7, 1.7), ylim=(0, 1.2), ylabel="measured / predicted")
    ratio.set_xticks([])
    head(figure, record)
    return figure


def _verdict(record: Record, control: str) -> str:
    return f"control, {record.verdict['controls'][control]['verdict']}"


def _corner(axes: Axes, colour: str, low: bool = False) -> dict[str, Any]:
    """Text at the upper left or the lower right of a panel."""
    place = {"ha": "right", "va": "bottom"} if low else {"ha": "left", "va": "top"}
    return {"transform": axes.transAxes, "color": colour, "fontsize": "small", **place}
