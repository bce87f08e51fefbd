"""Figures for Gavrikov, Keuper (2022)."""

from math import log

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record
from ntkit.claims.figures import BLUE, GUIDE, ORANGE, head

FILTERS, LAYERS, MANY = (4, 16, 64), (16, 64, 256), 10_000


def filter_measures_null(record: Record) -> Figure:
    """Left: variance entropy of random filters over their number, with 95 % of layers; the fitted threshold lies below.

    Right: orthogonality of random filters, and what it would be for squares in place of absolute values.
    """
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    left.set(xscale="log", xlabel="filters $n$", ylabel="variance entropy", ylim=(0.45, 1.0))
    left.set_title("nine taps")
    left.grid(True)
    n = np.geomspace(7, MANY, 200)
    left.plot(n, np.log10(9) - 88 / (2 * log(10) * (9 * (n - 1) + 2)), color="black", linewidth=0.9, label="second order")
    left.axhline(np.log10(9), color=GUIDE, linestyle=(0, (1, 1)), linewidth=0.9)
    left.text(7, np.log10(9) + 0.006, r"$\log_{10} 9$", va="bottom")
    threshold = 1.2618047 / (1 + np.exp(-0.88767525 * (np.log2(n) - 2.30436435))) - 0.31050834  # from the authors' code
    left.plot(n, threshold, color=ORANGE, linestyle=(0, (4, 2)), linewidth=0.9, label="the authors' threshold")
    for part, counts in (("entropy", LAYERS), ("limit", (MANY,))):
        measured = record.part(part)
        if isinstance(measured, Estimates):
            low, high = np.quantile(np.asarray(measured.samples), (0.025, 0.975), axis=0)
            mean = np.asarray(measured.mean)
            left.errorbar(counts, mean, (mean - low, high - mean), fmt="o", color=BLUE, markersize=3.5, capsize=2)
    left.errorbar([], [], [], fmt="o", color=BLUE, markersize=3.5, capsize=2, label="95 % of random layers")
    left.legend(loc="lower right")
    right.set(xscale="log", xlabel="filters $n$", ylabel="orthogonality", ylim=(0.7, 1.0))
    right.set_title("36 weights in a filter")
    right.grid(True)
    measured = record.part("orthogonality")
    if isinstance(measured, Estimates):
        low, high = np.quantile(np.asarray(measured.samples), (0.025, 0.975), axis=0)
        mean, predicted = np.asarray(measured.mean), np.asarray(measured.predicted)
        right.errorbar(FILTERS, mean, (mean - low, high - mean), fmt="o", color=BLUE, markersize=3.5, capsize=2)
        right.axhline(predicted[0], color="black", linewidth=0.9)
        right.text(64, predicted[0] + 0.006, "absolute values", ha="right", va="bottom")
    wrong = record.part("orthogonality", "squared")
    if isinstance(wrong, Estimates):
        verdict = record.verdict["controls"]["squared"]["verdict"]
        level = float(np.asarray(wrong.predicted)[0])
        right.axhline(level, color=ORANGE, linestyle=(0, (4, 2)), linewidth=0.9)
        right.text(64, level - 0.005, f"squares (control, {verdict})", color=ORANGE, ha="right", va="top")
    for axes, ticks in ((left, (10, 100, 1000, 10_000)), (right, FILTERS)):
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
    head(figure, record)
    return figure
