"""Figures for Paquette, Paquette, Xiao, Pennington (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record, Sides
from ntkit.claims.figures import ALLOWED, AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head

CASES = ("1, 0.8", "0.75, 0.4", "1.5, 0.7")
CURVES = ("1, 0.8", "0.75, 0.4")


def plrf_terms(record: Record) -> Figure:
    """Slopes found over slopes predicted, with controls; and random floors over their equivalent."""
    figure = Figure(figsize=(7.2, 3.0))
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    left.plot([-3.4, 0.3], [-3.4, 0.3], linestyle=DASHES, color=GUIDE, zorder=0)
    shown = (
        ("sums", None, BLUE, "os", ("forcing", "kernel")),
        ("floor", None, BLUE, "^", ("floor",)),
        ("sums", "target-alone", ORANGE, "o", ("forcing, $2\\beta$ alone (control)",)),
        ("sums", "kernel-squared", PINK, " s", ("", "kernel, $r^{-2}$ (control)")),
        ("floor", "no-maximum", AMBER, "^", ("floor, $d^{-2\\alpha}$ (control)",)),
    )
    for part, control, colour, markers, labels in shown:
        sides = record.part(part, control)
        if isinstance(sides, Sides):
            found, predicted = (np.asarray(side).reshape(len(CASES), -1).T for side in (sides.lhs, sides.rhs))
            for marker, label, x, y in zip(markers, labels, predicted, found, strict=False):
                if label:
                    face = colour if control is None else "none"
                    left.plot(x, y, marker, color=colour, markersize=5, markerfacecolor=face, label=label)
    left.set(xlabel="exponent predicted", ylabel="exponent found")
    left.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    right.axhspan(0.85, 1.15, color=ALLOWED, linewidth=0, zorder=0)
    right.axhline(1, linestyle=DASHES, color=GUIDE, zorder=1)
    for control, colour, label in ((None, BLUE, "equivalent"), ("power-scale", ORANGE, "$\\kappa = d^{-2\\alpha}$ (control)")):
        ratios = record.part("equivalent", control)
        if isinstance(ratios, Estimates):
            mean, error = np.asarray(ratios.mean), 2 * np.asarray(ratios.stderr)
            right.errorbar(range(len(CASES)), mean, error, fmt="o", color=colour, capsize=2, label=label)
    right.set_xticks(range(len(CASES)), CASES)
    right.set(xlabel=r"$\alpha, \beta$", ylabel="mean floor, 40 features / predicted", xlim=(-0.5, 2.5))
    right.set_ylim(0, None)
    right.legend(fontsize="small", loc="lower left")
    head(figure, record)
    return figure


def volterra(record: Record) -> Figure:
    """The equation over the recursion of moments, with controls; and the errors of runs over the equation."""
    figure = Figure(figsize=(7.2, 3.0))
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1))
    left.axhline(1, linestyle=DASHES, color=GUIDE, zorder=0)
    shown = (
        (None, BLUE, "as claimed"),
        ("squared-factor", ORANGE, "$q = (1 - g\\lambda)^2$ (control)"),
        ("forcing-alone", PINK, "forcing alone (control)"),
    )
    for control, colour, label in shown:
        sides = record.part("recursion", control)
        if isinstance(sides, Sides):
            ratios = np.asarray(sides.rhs) / np.asarray(sides.lhs)
            for ratio, line, case in zip(ratios, ("-", ":"), CURVES, strict=True):
                left.plot(range(1, ratio.size), ratio[1:], line, color=colour, label=rf"{label}, $\alpha, \beta = {case}$")
    left.set(xscale="log", xlabel="step $t$", ylabel="equation / recursion of moments", ylim=(0.6, 1.5))
    left.legend(fontsize="small", loc="upper left")
    right.axhspan(0.94, 1.06, color=ALLOWED, linewidth=0, zorder=0)
    right.axhline(1, linestyle=DASHES, color=GUIDE, zorder=1)
    for control, colour, label in ((None, BLUE, "Gaussian inputs"), ("sign-features", ORANGE, "random signs (control)")):
        runs = record.part("runs", control)
        if isinstance(runs, Estimates):
            mean, error = np.asarray(runs.mean).ravel(), 2 * np.asarray(runs.stderr).ravel()
            right.errorbar(range(mean.size), mean, error, fmt="o", color=colour, markersize=4, capsize=2, label=label)
    right.set_xticks(range(6), ["10", "30", "60"] * 2)
    right.axvline(2.5, color=GUIDE, linewidth=0.5)
    right.set(xlabel=r"step $t$; left $\alpha = 1$, right $\alpha = 0.75$", ylabel="mean error of runs / equation")
    right.legend(fontsize="small", loc="lower right")
    head(figure, record)
    return figure
