"""Figures for Noci, Meterez, Hofmann, Orvieto (2024)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Pairs, Record, Series
from ntkit.claims.figures import BLUE, GREEN, ORANGE, PINK, head

CURVES = {  # control (None: the claim itself), part of its evidence -> colour, marker, face, how far up its slope stands, name
    (None, "mup"): (BLUE, "o", BLUE, 0, "maximal update"),
    (None, "ntk"): (ORANGE, "s", ORANGE, -5, "NTK parametrisation"),
    ("unscaled-rate", "mup"): (GREEN, "v", "white", 5, "maximal update, rate without n"),
    ("standard", "mup"): (PINK, "^", "white", 0, "standard, rate 1/n"),
}


def sharpness_invariance(record: Record) -> Figure:
    """Change of the sharpness in training over the width, and how much its slope differs between parametrisations.

    Above, every data set is a faint line and a marker the geometric mean, with its slope at the end; hollow markers are
    controls. Below, the paired difference of slopes of each data set, its mean, and the edge that it must exceed.
    """
    figure = Figure(figsize=(2.95, 4.4))
    above, below = figure.subplots(2, 1, height_ratios=(3, 1))
    above.set(xscale="log", yscale="log", xlabel="width $n$", ylabel="relative change of sharpness")
    for (control, part), look in CURVES.items():
        series = record.part(part, control)
        if isinstance(series, Series):
            _curve(above, series, *look)
    above.minorticks_off()
    pairs = record.part("difference")
    if isinstance(pairs, Pairs):
        difference = np.asarray(pairs.first) - np.asarray(pairs.second)
        heights = np.random.default_rng(0).uniform(-1, 1, difference.size)
        below.plot(difference, heights, ".", color=BLUE, alpha=0.6, markersize=6, markeredgewidth=0)
        below.plot([difference.mean()], [0], "D", color="black", markersize=5)
        below.axvline(0.3, color="black", linestyle=":", linewidth=0.9)
        below.text(0.32, 1.2, "asked of the mean: more than 0.3", va="bottom")
        below.set(ylim=(-1.5, 2.2), yticks=[], xlabel="difference of slopes (maximal update, NTK)")
        below.set_xlim(min(0.0, difference.min() - 0.1), max(1.6, difference.max() + 0.1))
        below.spines["left"].set_visible(False)
    head(figure, record)
    below.grid(visible=False)
    figure.legend(*above.get_legend_handles_labels(), loc="outside lower left")
    return figure


def _curve(axes: Axes, series: Series, colour: str, marker: str, face: str, up: float, name: str) -> None:
    x, y = np.asarray(series.x), np.asarray(series.y)
    mean = np.exp(np.log(y).mean(0))
    slope = f"{np.polyfit(np.log(x), np.log(mean), 1)[0]:+.2f}".replace("-", "\N{MINUS SIGN}")
    if face != "white":
        axes.plot(x, y.T, color=colour, alpha=0.15, linewidth=0.6)
    axes.plot(x, mean, color=colour, marker=marker, markerfacecolor=face, linewidth=1, zorder=3, label=name)
    axes.annotate(slope, (x[-1], mean[-1]), (5, up), textcoords="offset points", va="center", color=colour)
    axes.set_xticks(x.tolist(), [f"{width:g}" for width in x])
    axes.set_xlim(x[0] * 0.9, x[-1] * 2)
