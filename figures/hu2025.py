"""Figures for Hu, Goel, Killiakov, Yang (2025)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record
from ntkit.claims.figures import AMBER, BLUE, DASHES, GREEN, GUIDE, ORANGE, PINK, head

ASPECTS = np.array([1, 2, 4, 8])


def farms_aspect_ratio(record: Record) -> Figure:
    """Exponents of whole matrices and of blocks over the aspect ratio, with their limits; and the largest value."""
    figure = Figure(figsize=(7.2, 3.1))
    left, right = figure.subplots(1, 2)
    rows = (
        ("whole", None, BLUE, "o", "whole matrix"),
        ("blocks", "shape-kept", ORANGE, "v", "blocks of its shape (control)"),
        ("blocks", None, GREEN, "s", "square blocks"),
    )
    for part, control, colour, marker, label in rows:
        found = record.part(part, control)
        if isinstance(found, Estimates):
            error = 2 * np.asarray(found.stderr)
            left.errorbar(ASPECTS, found.mean, error, fmt=marker, color=colour, markersize=5, capsize=2, label=label)
            if control is None:
                left.plot(ASPECTS, found.predicted, linestyle=DASHES, color=GUIDE, zorder=0)
    left.set(xscale="log", xlabel="columns / rows", ylabel="Hill exponent of the upper half", ylim=(1.5, 6))
    left.legend(fontsize="small", loc="upper left", title="dashed: limits", title_fontsize="small")
    shown = ((None, BLUE, "o", "Gaussian"), ("common-mean", PINK, "^", "mean 0.1 (control)"))
    for control, colour, marker, label in shown:
        found = record.part("edge", control)
        if isinstance(found, Estimates):
            error = 2 * np.asarray(found.stderr)
            right.errorbar(ASPECTS, found.mean, error, fmt=marker, color=colour, markersize=5, capsize=2, label=label)
    fine = np.geomspace(1, 8, 50)
    right.plot(fine, (1 + 1 / np.sqrt(fine)) ** 2, linestyle=DASHES, color=GUIDE, label="$(1 + \\sqrt{a/b})^2$")
    right.plot(fine, 1 + 1 / fine, linestyle=DASHES, color=AMBER, linewidth=1, label="$1 + a/b$ (control)")
    right.set(xscale="log", yscale="log", xlabel="columns / rows $b/a$", ylabel="largest squared singular value / $b$")
    low, high = right.get_ylim()
    right.set_ylim(low, high * 2)
    right.legend(fontsize="small", loc="upper right")
    right.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    for axes in (left, right):
        axes.set_xticks(ASPECTS, [str(aspect) for aspect in ASPECTS])
        axes.minorticks_off()
    head(figure, record)
    return figure
