"""Figures for d'Ascoli et al. (2021)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Series, Sides
from ntkit.claims.figures import BLUE, DASHES, GREY, ORANGE, head

STRENGTHS = np.arange(6.0, 21.0, 2.0)
WRONG = (("border", "v", "with border"), ("one-head-less", "s", "8 heads"), ("initial-gate", "^", "gates at $\\lambda = 1$"))


def gpsa_becomes_convolution(record: Record) -> Figure:
    """Left: the error falls as exp(-alpha), and stays where an assumption fails; right: missing attention."""
    figure = Figure(figsize=(6.6, 3.1))
    left, right = figure.subplots(1, 2)
    rate = record.part("rate")
    if isinstance(rate, Series):
        alpha, error = np.asarray(rate.x), _mean(rate)
        left.semilogy(alpha, error[0] * np.exp(alpha[0] - alpha), color=GREY, linestyle=DASHES, linewidth=0.9)
        left.semilogy(alpha, error, "o", color=BLUE, markersize=5)
        left.text(alpha[3], 0.1 * error[3], "interior, slope $-1$", color=BLUE, ha="right")
    for wrong, marker, name in WRONG:
        found = record.part("rate", wrong)
        if isinstance(found, Series):
            label = f"{name} ({record.verdict['controls'][wrong]['verdict']})"
            left.semilogy(found.x, _mean(found), marker, color=ORANGE, markersize=4, alpha=0.8, label=label)
    left.legend(loc="lower left")
    left.set(xlabel="locality strength $\\alpha$", ylabel="error of the convolution", ylim=(1e-9, 100), title="largest error")
    for control, colour, marker, name in ((None, BLUE, "o", "squared distance"), ("distance", ORANGE, "^", "distance")):
        found = record.part("mass", control)
        if isinstance(found, Sides):
            ratio = np.asarray(found.lhs) / np.asarray(found.rhs)
            label = f"{name} ({record.verdict['controls'][control]['verdict']})" if control else name
            right.plot(STRENGTHS, ratio.max(axis=1), marker, color=colour, markersize=5, label=label)
    right.axhspan(0.99, 1.01, color=GREY, alpha=0.2, linewidth=0)
    right.legend(loc="upper right")
    right.set(xlabel="locality strength $\\alpha$", ylabel="$(1 - A)\\,/\\,4e^{-\\alpha}$", title="attention missed")
    head(figure, record)
    return figure


def _mean(series: Series) -> np.ndarray:
    """The geometric mean over repeats."""
    return np.asarray(np.exp(np.log(np.asarray(series.y)).mean(axis=0)))
