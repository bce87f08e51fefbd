"""Figures for Jacot, Gabriel, Hongler (2018)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Record, Series

BLUE, ORANGE, PINK = "#0072B2", "#D55E00", "#CC79A7"


def init_limit(record: Record) -> Figure:
    """Distance of the empirical tangent kernel from three limits over the width; only the right one keeps getting closer.

    Every network is a faint point; a marker is the root mean square over networks, with twice its standard error. The guide
    has slope -1/2 and ends in the last marker.
    """
    figure = Figure(figsize=(2.95, 2.9))
    axes = figure.add_subplot(xscale="log", yscale="log")
    axes.grid(True)
    wrong = {  # control -> colour, marker, name, and where the name stands: on the last marker, or below it
        "other-activation": (ORANGE, "^", "limit with erf", "bottom"),
        "first-layer": (PINK, "s", "limit without first layer", "top"),
    }
    for control, (colour, marker, name, side) in wrong.items():
        series = record.measurement(control) if control in record.verdict["controls"] else None
        if isinstance(series, Series):
            x, curve = _curve(axes, series, colour, marker, face="white")
            verdict = record.verdict["controls"][control]["verdict"]
            y, gap = (curve[-1] * 1.12, " ") if side == "bottom" else (curve[-1] * 0.88, "\n")
            axes.text(x[-1], y, f"{name}{gap}(control, {verdict})", color=colour, ha="right", va=side)
    series = record.measurement()
    if isinstance(series, Series):
        single = np.asarray(series.y)
        x, curve = _curve(axes, series, BLUE, "o", face=BLUE)
        spread = np.geomspace(0.94, 1.06, len(single))[:, None]
        axes.plot(x * spread, single, ".", color=BLUE, alpha=0.25, markersize=2, markeredgewidth=0, rasterized=True)
        guide = curve[-1] * (x / x[-1]) ** -0.5
        axes.plot(x, guide, color="black", linestyle=(0, (4, 2)), linewidth=0.9, zorder=4)
        axes.text(x[1] * 1.1, guide[2] * 0.8, "slope $-1/2$", va="top")
        axes.text(x[0], single.min(), "limit of this network", color=BLUE, va="bottom")
        axes.set_xticks(x.tolist(), [f"{width:g}" for width in x])
    _finish(figure, axes, record)
    return figure


def _curve(axes: Axes, series: Series, colour: str, marker: str, face: str) -> tuple[np.ndarray, np.ndarray]:
    """Draw the root mean square over repeats, and return it with the widths."""
    x, squares = np.asarray(series.x), np.asarray(series.y) ** 2
    curve = np.sqrt(squares.mean(0))
    stderr = squares.std(0, ddof=1) / np.sqrt(len(squares)) / (2 * curve)
    axes.errorbar(x, curve, 2 * stderr, color=colour, marker=marker, markerfacecolor=face, linewidth=1, zorder=3)
    return x, curve


def _finish(figure: Figure, axes: Axes, record: Record) -> None:
    """Ticks, names of the axes, and above them the verdict."""
    verdict = record.verdict
    axes.set_yticks([0.1, 0.2, 0.5, 1.0], ["0.1", "0.2", "0.5", "1"])
    axes.minorticks_off()
    axes.set_xlabel("width $n$")
    axes.set_ylabel("relative distance $r(n)$")
    figure.suptitle(f"{record.claim.name}\n{verdict['verdict']} ({record.tier} tier)", x=0.02, ha="left", parse_math=False)
    if verdict["statistic"] is not None and verdict["interval"] is not None:
        low, high = verdict["interval"]
        axes.set_title(f"slope {verdict['statistic']:.3f} [{low:.3f}, {high:.3f}], predicted -0.5", parse_math=False)
