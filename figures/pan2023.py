"""Figures for Pan and Li (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Pairs, Record
from ntkit.claims.figures import ALLOWED, BLUE, DASHES, GREY, GUIDE, ORANGE, PINK, head


def directional_sharpness(record: Record) -> Figure:
    """Curvatures along the gradient and along another step, run by run, and their ratio beside the one that is asked."""
    figure = Figure(figsize=(7.2, 3.1))
    pairs = figure.add_subplot(1, 2, 1, yscale="log", ylabel="curvature $s$ along the step")
    ratio = figure.add_subplot(1, 2, 2, yscale="log", ylabel="$s$(gradient) / $s$(other)")
    ratio.axhspan(2, 20, color=ALLOWED, zorder=0)
    ratio.axhline(1, linestyle=DASHES, color=GUIDE, zorder=0)
    rows = (
        (None, BLUE, "o", "step\nof Adam"),
        ("another-batch", ORANGE, "^", "gradient of\nanother batch"),
        ("clipped", PINK, "s", "clipped\ngradient"),
    )
    names = []
    for place, (control, colour, marker, label) in enumerate(rows):
        found = record.measurement(control)
        if isinstance(found, Pairs):
            first, second = np.exp(np.asarray(found.first)), np.exp(np.asarray(found.second))
            ends = np.array([place - 0.2, place + 0.2])
            pairs.plot(ends, np.stack([first, second]), "-", color=colour, linewidth=0.7, alpha=0.6)
            pairs.plot(np.full(len(first), ends[0]), first, "o", color=GREY, markersize=3.5)
            pairs.plot(np.full(len(second), ends[1]), second, marker, color=colour)
            ratio.plot(place + np.linspace(-0.15, 0.15, len(first)), first / second, marker, color=colour)
        names.append(label if control is None else f"{label}\n(control,\n{record.verdict['controls'][control]['verdict']})")
    pairs.plot([], [], "o", color=GREY, markersize=3.5, label="gradient, mean over a run")
    pairs.legend(loc="lower right")
    ratio.text(2.45, 2.1, "asked: above 2", color=GUIDE, ha="right", va="bottom")
    for axes in (pairs, ratio):
        axes.set_xticks(range(len(rows)), names)
        axes.set_xlim(-0.5, len(rows) - 0.5)
        axes.minorticks_off()
    pairs.set_ylim(0.2, 4)
    pairs.set_yticks([0.2, 0.5, 1, 2, 4], ["0.2", "0.5", "1", "2", "4"])
    ratio.set_ylim(0.5, 20)
    ratio.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    head(figure, record)
    return figure
