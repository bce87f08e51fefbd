"""Figures for Bombari, Kiyani, Mondelli (2023)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record, Series
from ntkit.claims.figures import BLUE, DASHES, ORANGE, PINK, SKY, head

MODELS = (
    ("features", ORANGE, "^", "features, tanh"),
    ("even_features", PINK, "s", "features, cos"),
    ("uneven", SKY, "D", "kernel, tanh"),
    ("even", BLUE, "o", "kernel, cos"),
)
CONDITIONS = (
    ("tanh", SKY, "D", "tanh"),
    ("mixed", ORANGE, "^", "sin + cos"),
    ("few-parameters", PINK, "s", "cos, $p = 16 N$"),
    (None, BLUE, "o", "cos"),
)


def even_ntk_robust_rf_not(record: Record) -> Figure:
    """Left: sensitivities of four models over N; one stays. Right: the one that stays, where a condition is given up.

    Points are draws, markers their geometric means; dashes are the limit for cos with p = N d.
    """
    figure = Figure(figsize=(5.9, 3.1))
    left, right = figure.subplots(1, 2)
    head(figure, record)
    for part, colour, marker, name in MODELS:
        _curve(left, record, None, part, colour, marker, name)
    for control, colour, marker, name in CONDITIONS:
        _curve(right, record, control, "even", colour, marker, name)
    limit = record.part("limit")
    titles = ((left, "tangent kernels and random features"), (right, "tangent kernels, conditions given up"))
    for axes, title in titles:
        axes.set(xscale="log", yscale="log", xlabel="samples $N$", ylabel="sensitivity $S$", title=title, ylim=(2, 90))
        axes.set_yticks([2, 5, 10, 20], ["2", "5", "10", "20"])
        sizes = [100, 200, 400, 800] if axes is left else [50, 100, 200, 400, 800]
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.minorticks_off()
        axes.legend(loc="upper left", borderaxespad=0.2, labelspacing=0.3)
        if isinstance(limit, Estimates):
            level = float(np.asarray(limit.predicted)[0])
            axes.axhline(level, color="black", linestyle=DASHES, linewidth=0.9)
            axes.text(sizes[-1], level * 0.93, f"limit {level:.2f}", ha="right", va="top")
    return figure


def _curve(axes: Axes, record: Record, control: str | None, part: str, colour: str, marker: str, name: str) -> None:
    """One model's curve, with its slope in the legend."""
    series = record.part(part, control)
    if not isinstance(series, Series):
        return
    x, single = np.asarray(series.x), np.log(np.asarray(series.y))
    slope = np.polyfit(np.log(x), single.mean(axis=0), 1)[0]
    words = f" ({record.verdict['controls'][control]['verdict']})" if control else ""
    axes.plot(np.broadcast_to(x, single.shape), np.exp(single), ".", color=colour, alpha=0.35, markersize=2)
    label = f"{name}: slope {slope:.2f}{words}".replace("-0.00", "0.00")
    axes.plot(x, np.exp(single.mean(axis=0)), color=colour, marker=marker, markersize=4, label=label)
