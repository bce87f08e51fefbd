"""Figures for Brechet, Papagiannouli, An, Montufar (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GREY, GUIDE, ORANGE, PINK, head


def bures_wasserstein(record: Record) -> Figure:
    """Losses of random matrices and least losses found over the sum of the smallest eigenvalues; gradients at selections."""
    figure = Figure(figsize=(7.2, 3.1))
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    losses = record.part("bound")
    if isinstance(losses, Bounds):
        lower, value = np.asarray(losses.lower, float), np.asarray(losses.value)
        left.plot(lower, value, ".", color=GREY, markersize=2, label="random matrices of rank $k$", rasterized=True)
        ends = np.array([lower.min() / 2, 1.0])
        left.plot(ends, ends, linestyle=DASHES, color=GUIDE, zorder=3)
    shown = (
        (None, BLUE, "o", "least losses found"),
        ("one-too-few", PINK, "v", "sum over $i \\geq k$ (control)"),
        ("squares", ORANGE, "x", "squares of eigenvalues (control)"),
    )
    for control, colour, marker, label in shown:
        found = record.part("minimum", control)
        if isinstance(found, Sides):
            left.plot(found.rhs, found.lhs, marker, color=colour, markersize=4, markerfacecolor="none", label=label)
    left.set(xscale="log", yscale="log", xlabel="predicted: sum of the smallest eigenvalues", ylabel="loss")
    left.legend(fontsize="small", loc="upper left")
    low, high = left.get_ylim()
    left.set_ylim(low, high * 100)
    names = (
        (None, BLUE, "selections"),
        ("whole-powers", ORANGE, "eigenvalues,\nnot roots (control)"),
        ("other-directions", PINK, "other directions\n(control)"),
    )
    for control, colour, label in names:
        gradients = record.part("critical", control)
        if isinstance(gradients, Sides):
            sizes = np.sort(np.maximum(np.asarray(gradients.lhs), 1e-18))
            right.plot(sizes, np.arange(1, sizes.size + 1) / sizes.size, color=colour, label=label)
    right.axvline(1e-12, linestyle=DASHES, color=GUIDE)
    right.text(5e-13, 0.05, "allowed", color=GUIDE, fontsize="small", ha="right")
    right.set(xscale="log", xlabel="largest entry of the gradient", ylabel="share of selections below", ylim=(0, 1.02))
    right.legend(fontsize="small", loc="center", bbox_to_anchor=(0.58, 0.55))
    head(figure, record)
    return figure
