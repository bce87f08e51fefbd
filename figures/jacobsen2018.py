"""Figures for Jacobsen, Smeulders, Oyallon (2018)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Pairs, Record, Sides
from ntkit.claims.figures import BLUE, GREY, ORANGE, head

DEPTHS = (10, 40, 100, 200)


def invertible_volume_preserving(record: Record) -> Figure:
    """Left: the error of a round trip grows with depth from rounding on; right: volumes are kept, lengths are not."""
    figure = Figure(figsize=(6.6, 3.1))
    left, right = figure.subplots(1, 2)
    measured = record.measurement()
    parts = measured if isinstance(measured, dict) else {}
    digits = parts.get("digits")
    if isinstance(digits, Pairs):
        sides = ((digits.first, ORANGE, "s", "single precision"), (digits.second, BLUE, "o", "double precision"))
        for logarithms, colour, marker, name in sides:
            errors = np.asarray(logarithms)
            depths = DEPTHS[: errors.shape[1]]
            low, middle, high = 2.0 ** np.quantile(errors, (0.1, 0.5, 0.9), axis=0)
            left.fill_between(depths, low, high, color=colour, alpha=0.2, linewidth=0)
            left.semilogy(depths, middle, marker + "-", color=colour, markersize=5, label=name)
        left.set_xticks(depths)
    left.axhline(1, color=GREY, linestyle=(0, (4, 2)), linewidth=0.9)
    left.text(0.02, 1.6, "size of the input", color=GREY, ha="left", transform=left.get_yaxis_transform())
    left.legend(loc="lower right")
    left.set(xlabel="depth", ylabel="largest error of a round trip", title="invertible, but not stably")
    values, volume = parts.get("distorted"), parts.get("volume")
    if isinstance(values, Bounds) and isinstance(volume, Sides):
        low, high = np.asarray(values.value), np.asarray(values.upper)
        order = np.argsort(high / low)
        x = np.arange(order.size) + 1
        right.vlines(x, low[order], high[order], color=BLUE, linewidth=1.2 if order.size < 100 else 0.4)
        worst = np.abs(np.asarray(volume.lhs)).max()
        right.text(0.03, 0.94, f"$|\\log |\\det J|\\,| \\leq$ {worst:.0e}", transform=right.transAxes, va="top", color=GREY)
    right.axhline(1, color=GREY, linestyle=(0, (4, 2)), linewidth=0.9)
    right.set(xlabel="repeat, ordered by condition", ylabel="singular values of $J$", yscale="log", title="depth 10")
    head(figure, record)
    return figure
