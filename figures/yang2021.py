"""Figures for Yang and Hu (2021)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Record, Series
from ntkit.claims.figures import BLUE, GREEN, ORANGE, PINK, head

PANELS = {"first": "first hidden layer, $h_1$", "second": "second hidden layer, $h_2$"}
CURVES = {  # control (None: the claim itself), parametrisation in its evidence -> colour, marker, face, name
    (None, "mup"): (BLUE, "o", BLUE, "maximal update"),
    ("one-rate", "mup"): (GREEN, "v", "white", "the same, one learning rate"),
    (None, "ntk"): (ORANGE, "s", ORANGE, "NTK parametrisation"),
    ("standard-as-mup", "mup"): (PINK, "^", "white", "standard, learning rate 1/n"),
}


def feature_movement_exponents(record: Record) -> Figure:
    """How far pre-activations move in training over the width: one panel per hidden layer.

    Every network is a faint point; a marker is the geometric mean, and its curve's slope stands at the end. Hollow markers
    belong to controls.
    """
    figure = Figure(figsize=(2.95, 4.6))
    for place, (part, title) in enumerate(PANELS.items()):
        axes = figure.add_subplot(2, 1, place + 1, xscale="log", yscale="log")
        axes.set_title(title)
        for (control, parametrization), look in CURVES.items():
            series = record.part(f"{parametrization}_{part}", control)
            if isinstance(series, Series):
                _curve(axes, series, *look)
        axes.minorticks_off()
        axes.set_ylabel("movement in 5 steps (rms)")
    axes.set_xlabel("width $n$")
    head(figure, record)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left")
    return figure


def _curve(axes: Axes, series: Series, colour: str, marker: str, face: str, name: str) -> None:
    x, y = np.asarray(series.x), np.asarray(series.y)
    mean = np.exp(np.log(y).mean(0))
    slope = f"{np.polyfit(np.log(x), np.log(mean), 1)[0]:+.2f}".replace("-", "\N{MINUS SIGN}")
    axes.plot(np.broadcast_to(x, y.shape), y, ".", color=colour, alpha=0.2, markersize=2, markeredgewidth=0, rasterized=True)
    axes.plot(x, mean, color=colour, marker=marker, markerfacecolor=face, linewidth=1, zorder=3, label=name)
    axes.annotate(slope, (x[-1], mean[-1]), (5, 0), textcoords="offset points", va="center", color=colour)
    axes.set_xticks(x.tolist(), [f"{width:g}" for width in x])
    axes.set_xlim(x[0] * 0.9, x[-1] * 1.75)
