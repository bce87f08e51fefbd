"""Figures for Alain and Bengio (2014)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record, Series, Sides
from ntkit.claims.figures import BLUE, DASHES, GUIDE, ORANGE, SKY, head

NOISES, POINTS = np.array((0.01, 0.02, 0.05, 0.1, 0.3, 1.0)), 20


def dae_score(record: Record) -> Figure:
    """Errors of (r - y) / s^2 against both scores over the noise; and the slopes that least squares learns."""
    figure = Figure(figsize=(7.2, 3.0))
    axes = figure.add_subplot(1, 2, 1, xscale="log", yscale="log", xlabel="noise $s$", ylabel="error of the score")
    shown = (
        (None, SKY, "s", "against $\\nabla \\log p_s$"),
        ("by-the-deviation", ORANGE, "v", "$(r - y)/s$ (control)"),
    )
    for control, colour, marker, label in shown:
        sides = record.part("exact", control)
        if isinstance(sides, Sides):
            squares = ((np.asarray(sides.lhs) - np.asarray(sides.rhs)) ** 2).sum(axis=-1)
            errors = np.sqrt(squares.reshape(-1, len(NOISES), POINTS).mean(axis=(0, 2)))
            axes.plot(NOISES, errors, marker, color=colour, label=label, markersize=4)
    rate = record.part("rate")
    if isinstance(rate, Series):
        x, y = np.asarray(rate.x), np.asarray(rate.y)[0]
        axes.plot(x, y, "o", color=BLUE, label="against $\\nabla \\log p$", markersize=4)
        axes.plot(x, y[0] * (x / x[0]) ** 2, linestyle=DASHES, color=GUIDE, label="slope 2")
    axes.legend(fontsize="small", loc="center right", bbox_to_anchor=(1, 0.42))
    slopes = figure.add_subplot(1, 2, 2, xlabel="entries of $-(S + s^2 I)^{-1}$", ylabel="learnt slope of $(r - y)/s^2$")
    for control, colour, marker, label in (
        (None, BLUE, "o", "claim"),
        ("noise-doubled", ORANGE, "x", "noise doubled (control)"),
    ):
        found = record.part("learnt", control)
        if isinstance(found, Estimates):
            mean, stderr, predicted = (np.ravel(np.asarray(a)) for a in (found.mean, found.stderr, found.predicted))
            slopes.errorbar(predicted, mean, 1.96 * stderr, fmt=marker, color=colour, label=label, markersize=4)
    low, high = slopes.get_xlim()
    slopes.plot([low, high], [low, high], linestyle=DASHES, color=GUIDE, zorder=0, label="equal")
    slopes.legend(fontsize="small")
    head(figure, record)
    return figure
