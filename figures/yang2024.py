"""Figures for Yang, Yu, Zhu, Hayou (2024)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record
from ntkit.claims.figures import BLUE, GREEN, ORANGE, head

DEPTHS = np.array([4, 16, 64])
LAWS = {0.5: (BLUE, r"$\alpha = 1/2$", -13), 1.0: (GREEN, r"$\alpha = 1$", 7)}


def depth_scaling_forward(record: Record) -> Figure:
    """Mean squared length of the last layer over depth: exact laws, and means with twice their standard errors."""
    figure = Figure(figsize=(2.95, 4.2))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    depths = np.geomspace(3.2, 80, 100)
    for part, marker, shift, name in (("scaled", "o", 0.95, "width 64"), ("narrow", "D", 1.05, "width 8")):
        estimates = record.part(part)
        if isinstance(estimates, Estimates):
            for row, (colour, *_) in enumerate(LAWS.values()):
                cells = slice(3 * row, 3 * row + 3)
                _points(above, DEPTHS * shift, estimates, cells, colour, marker)
            above.plot([], [], marker, color="black", markersize=3, label=name)
    for alpha, (colour, name, up) in LAWS.items():
        law = (1 + depths ** (-2 * alpha)) ** depths
        above.plot(depths, law, color=colour, linewidth=1, zorder=1)
        above.annotate(name, (20, (1 + 20 ** (-2 * alpha)) ** 20), (0, up), textcoords="offset points", color=colour)
    above.axhline(np.e, color="black", linestyle=":", linewidth=0.9)
    above.text(3.2, np.e + 0.03, "$e$")
    estimates = record.part("unscaled")
    if isinstance(estimates, Estimates):
        shallow = depths[depths < 20]
        below.plot(shallow, 2**shallow, color=ORANGE, linewidth=1, zorder=1)
        _points(below, DEPTHS[:2], estimates, slice(0, 2), ORANGE, "o")
        below.text(6, 2.0**9, r"$\alpha = 0$: $2^L$", color=ORANGE, ha="right")
    above.set(xscale="log", ylim=(0.9, 3.0), ylabel=r"mean of $|h_L|^2$")
    above.legend(loc="center right")
    below.set(yscale="log", xlabel="layers $L$", ylabel=r"mean of $|h_L|^2$")
    below.set_xticks(DEPTHS.tolist(), [str(depth) for depth in DEPTHS])
    for axes in (above, below):
        axes.minorticks_off()
    head(figure, record)
    return figure


def _points(axes: Axes, x: np.ndarray, estimates: Estimates, cells: slice, colour: str, marker: str) -> None:
    mean, stderr = np.asarray(estimates.mean)[cells], np.asarray(estimates.stderr)[cells]
    axes.errorbar(x, mean, 2 * stderr, fmt=marker, color=colour, markersize=3, capsize=2, linewidth=1)
