"""Figures for Klambauer, Unterthiner, Mayr, Hochreiter (2017)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record
from ntkit.claims.figures import BLUE, DASHES, GREEN, GUIDE, ORANGE, head

SHOWN = 1500  # points of each cloud


def fixed_point_and_contraction(record: Record) -> Figure:
    """Above: small variances grow and large ones shrink, towards the fixed point. Below: how much g contracts.

    Above, nothing changes at 1. Below, the share of points whose largest singular value is at most that on the
    axis, up to the edge 1 for the claim and beyond it where weights are too heavy.
    """
    figure = Figure(figsize=(2.95, 4.5))
    above, below = figure.subplots(2, 1, height_ratios=(2.2, 1.5))
    head(figure, record)
    above.axhline(1, color=GUIDE, linestyle=DASHES, linewidth=0.9)
    _cloud(above, record, "shrinking-from-two", "shrinking", ORANGE)
    _cloud(above, record, "growing-to-a-half", "growing", ORANGE)
    _cloud(above, record, None, "shrinking", BLUE)
    _cloud(above, record, None, "growing", GREEN)
    above.plot([1], [1], "*", color="black", markersize=8)
    above.text(1.1, 1.12, "fixed point", ha="center")
    above.text(0.013, 2.2, "growing", color=GREEN)
    above.text(30, 0.85, "shrinking", color=BLUE, ha="right")
    above.text(0.3, 0.75, "controls:\nfurther in", color=ORANGE, va="top")
    above.set(xscale="log", xlabel="variance $\\nu$", ylabel="new variance / $\\nu$", xlim=(0.01, 33), ylim=(0.4, 2.4))
    for control, colour, text in (("much-heavier-weights", ORANGE, "heavier weights"), (None, BLUE, "claim")):
        bounds = record.part("contraction", control)
        if isinstance(bounds, Bounds):
            values = np.quantile(np.asarray(bounds.value), np.linspace(0, 1, 201))
            below.plot(values, np.linspace(0, 1, 201), color=colour)
            words = f"{text}\n(control, {record.verdict['controls'][control]['verdict']})" if control else text
            below.text(0.97 if control else 0.76, 0.1 if control else 0.6, words, color=colour, ha="right")
    below.axvline(1, color=GUIDE, linestyle=DASHES, linewidth=0.9)
    below.set(xlabel="largest singular value of the Jacobian", ylabel="share of points", ylim=(0, 1.03))
    return figure


def _cloud(axes: Axes, record: Record, control: str | None, part: str, colour: str) -> None:
    """The factor by which the variance changes, over the variance, thinned."""
    bounds = record.part(part, control)
    if isinstance(bounds, Bounds):
        before = np.asarray(bounds.upper if bounds.lower is None else bounds.lower)
        chosen = np.linspace(0, before.size - 1, SHOWN).astype(int)
        after = np.asarray(bounds.value)[chosen]
        axes.plot(before[chosen], after / before[chosen], ".", color=colour, markersize=1.5, markeredgewidth=0, rasterized=True)
