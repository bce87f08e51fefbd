"""Figures for Mohamadi, Bae, Sutherland (2023)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Record, Series
from ntkit.claims.figures import AMBER, BLUE, DASHES, GREEN, ORANGE, PINK, head

PARTS = {  # part of the claim -> colour, marker, name, and how far above the last marker it stands: the curves nearly meet
    "frobenius": (BLUE, "o", "Frobenius norm", 1.0),
    "largest_eigenvalue": (GREEN, "s", "largest eigenvalue", 0.75),
    "regression": (PINK, "D", "regression", 1.35),
}
CONTROLS = {  # control -> colour, marker, name
    "without-root": (AMBER, "^", r"without $1/\sqrt{O}$"),
    "shared-readout": (ORANGE, "v", "shared readout"),
}


def pntk_rate(record: Record) -> Figure:
    """Relative errors of the pseudo-NTK over the width: three fall together, those of both controls do not.

    Markers are means over networks, with twice their standard errors; the controls' errors are in Frobenius norm. The guide
    has slope -1/2 and ends in the last marker of the Frobenius norm.
    """
    figure = Figure(figsize=(3.4, 3.1))
    axes = figure.add_subplot(xscale="log", yscale="log")
    for control, (colour, marker, name) in CONTROLS.items():
        series = record.part("frobenius", control)
        if isinstance(series, Series):
            x, curve = _curve(axes, series, colour, marker, face="white")
            verdict = record.verdict["controls"][control]["verdict"]
            axes.text(x[0], curve[0] * 1.15, f"{name} (control, {verdict})", color=colour, va="bottom")
    for part, (colour, marker, name, above) in PARTS.items():
        series = record.part(part)
        if isinstance(series, Series):
            x, curve = _curve(axes, series, colour, marker, face=colour)
            axes.text(x[-1] * 1.2, curve[-1] * above, name, color=colour, va="center")
            if part == "frobenius":
                guide = curve[-1] * (x / x[-1]) ** -0.5
                axes.plot(x, guide, color="black", linestyle=DASHES, linewidth=0.9, zorder=4)
                axes.text(x[1], guide[1] * 1.12, "slope $-1/2$", va="bottom")
                axes.set_xticks(x.tolist(), [f"{width:g}" for width in x])
                axes.set_xlim(x[0] / 1.2, x[-1] * 6)
    _finish(figure, axes, record)
    return figure


def _curve(axes: Axes, series: Series, colour: str, marker: str, face: str) -> tuple[np.ndarray, np.ndarray]:
    """Draw the mean over networks, and return it with the widths."""
    x, y = np.asarray(series.x), np.asarray(series.y)
    curve, stderr = y.mean(0), y.std(0, ddof=1) / np.sqrt(len(y))
    axes.errorbar(x, curve, 2 * stderr, color=colour, marker=marker, markerfacecolor=face, linewidth=1, zorder=3)
    return x, curve


def _finish(figure: Figure, axes: Axes, record: Record) -> None:
    """Ticks, names of the axes, and above them the verdict."""
    axes.set_yticks([0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10"])
    axes.set_ylim(0.05, 14)
    axes.minorticks_off()
    axes.set_xlabel("width $n$")
    axes.set_ylabel("relative error of the pseudo-NTK")
    head(figure, record)
    slopes = [
        f"{judged['statistic']:.2f}"
        for part in PARTS
        if (judged := record.verdict.get("parts", {}).get(part)) and judged["statistic"]
    ]
    if slopes:
        axes.set_title(f"slopes {', '.join(slopes)}, predicted -0.5", parse_math=False)
