"""Figures for Wang and Isola (2020)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record, Series
from ntkit.claims.figures import BLUE, DASHES, GUIDE, ORANGE, PINK, head


def infonce_limit(record: Record) -> Figure:
    """Deviations from the limit over the number of negatives, with the rate that the theorem allows."""
    figure = Figure(figsize=(4.2, 3.0))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="number of negatives $M$")
    axes.set_ylabel(r"$|L_M - \log M - \mathrm{limit}|$")
    shown = (
        (None, BLUE, "o", "claim"),
        ("mean-inside", PINK, "s", "mean inside (control)"),
        ("half-the-negatives", ORANGE, "v", r"$\log(M/2)$ (control)"),
    )
    for control, colour, marker, label in shown:
        found = record.part("rate", control)
        if isinstance(found, Series):
            x, y = np.asarray(found.x), np.asarray(found.y).mean(axis=0)
            axes.plot(x, y, "-", marker=marker, color=colour, label=label, markersize=4)
            if control is None:
                axes.plot(x, y[0] * (x / x[0]) ** -0.5, linestyle=DASHES, color=GUIDE, label="$M^{-1/2}$, allowed")
    axes.set_ylim(top=3)
    axes.legend(fontsize="small", loc="lower left")
    head(figure, record)
    return figure


def infonce_rate(record: Record) -> Figure:
    """M times the deviation, and the limits with and without the negatives' variance."""
    figure = Figure(figsize=(4.2, 2.6))
    axes = figure.add_subplot(xlabel="number of negatives $M$", ylabel="$M$ times the deviation")
    found, wrong = record.measurement(), record.measurement("variance-forgotten")
    if isinstance(found, Estimates):
        axes.errorbar([0, 1], np.asarray(found.mean), 1.96 * np.asarray(found.stderr), fmt="o", color=BLUE, label="measured")
        limit = float(np.asarray(found.predicted)[0])
        axes.axhspan(0.98 * limit, 1.02 * limit, color=GUIDE, alpha=0.12, linewidth=0)
        axes.axhline(limit, linestyle=DASHES, color=GUIDE, label="limit and tolerance")
    if isinstance(wrong, Estimates):
        axes.axhline(float(np.asarray(wrong.predicted)[0]), linestyle=DASHES, color=ORANGE, label="without variance (control)")
    axes.set_xticks([0, 1], ["256", "512"])
    axes.set_xlim(-0.5, 1.5)
    axes.set_ylim(5.2, 6.15)
    axes.legend(fontsize="small", loc="upper left")
    head(figure, record)
    return figure


def uniform_potential(record: Record) -> Figure:
    """Potentials of finite measures over that of the uniform one, which must not be below 1."""
    figure = Figure(figsize=(4.6, 3.0))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="potential of the uniform measure")
    axes.set_ylabel("potential / uniform's")
    shown = (
        ("self-pairs-left-out", ORANGE, "v", "without self pairs (control)"),
        (None, BLUE, "o", "finite measures"),
    )
    for control, colour, marker, label in shown:
        found = record.part("minimum", control)
        if isinstance(found, Bounds):
            value, lower = np.asarray(found.value), np.asarray(found.lower)
            axes.plot(lower, value / lower, marker, color=colour, label=label, markersize=3, markerfacecolor="none")
    axes.axhline(1, linestyle=DASHES, color=GUIDE, label="bound")
    axes.set_ylim(1e-3, 1e4)
    axes.legend(fontsize="small")
    head(figure, record)
    return figure
