"""Figures for Kiselev and Grabovoy (2024)."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ntkit.claims import Bounds, Record, Series, Sides
from ntkit.claims.figures import ALLOWED, AMBER, BLUE, DASHES, GREEN, GUIDE, ORANGE, PINK, head


def one_more_sample(record: Record) -> Figure:
    """What one more sample changes, beside the distance to the loss on all samples; and the error of the formula."""
    figure = Figure(figsize=(7.2, 3.1))
    rate = figure.add_subplot(1, 2, 1, xscale="log", yscale="log", xlabel="samples $k$", ylabel="mean over orders")
    ends = ((None, BLUE, "o", -1.0, r"$|L_{k+1} - L_k|$"), ("to-the-limit", AMBER, "v", -0.5, r"$|L_k - L_n|$"))
    for control, colour, marker, slope, label in ends:
        found = record.part("rate", control)
        if not isinstance(found, Series):
            continue
        x, y = np.asarray(found.x), np.asarray(found.y)
        mean = y.mean(axis=0)
        label += "" if control is None else f" ({_verdict(record, control)})"
        rate.errorbar(x, mean, 2 * y.std(axis=0, ddof=1) / len(y) ** 0.5, fmt=marker, color=colour, label=label)
        rate.plot(x, mean[0] * (x / x[0]) ** slope, linestyle=DASHES, color=GUIDE, linewidth=0.9, zorder=0)
        rate.text(x[-1] * 1.15, mean[0] * (x[-1] / x[0]) ** slope, f"slope\n${slope:g}$", color=GUIDE, va="center")
        if control is None:
            half = f"slope $-0.5$ in its place ({_verdict(record, 'half')})"
            rate.plot(x, mean[0] * (x / x[0]) ** -0.5, ":", color=PINK, label=half, zorder=0)
    rate.set(xlim=(8, 4000), ylim=(2e-5, 0.2))
    rate.legend(loc="lower left")
    error = figure.add_subplot(1, 2, 2, xscale="log", yscale="log", xlabel="samples $k$", ylabel="largest error of the formula")
    for control, colour, marker, label in ((None, BLUE, "o", "divided by $k + 1$"), ("divided-by-k", ORANGE, "^", "by $k$")):
        found, series = record.part("identity", control), record.part("rate", control)
        if isinstance(found, Sides) and isinstance(series, Series):
            largest = np.abs(np.asarray(found.lhs) - np.asarray(found.rhs)).max(axis=0)
            label += "" if control is None else f" ({_verdict(record, control)})"
            error.plot(series.x, np.maximum(largest, 1e-18), marker + "-", color=colour, label=label)
    error.axhline(1e-12, linestyle=DASHES, color=GUIDE, linewidth=0.9, zorder=0)
    error.text(1259, 1.6e-12, "allowed", color=GUIDE, ha="right", va="bottom")
    error.set_ylim(1e-18, 1)
    error.legend(loc="center left", bbox_to_anchor=(0, 0.62))
    head(figure, record)
    return figure


NORMS = np.array([0.1, 0.5, 1.0, 2.0])
MARKERS = ((1, "o"), (2, "s"), (3, "^"), (5, "D"))  # by the number of layers
READINGS = (("biases", "biases differentiated"), ("weights", "weights alone"))
FORMS = (
    (None, BLUE, "as printed"),
    ("repaired", GREEN, "corrected"),
    ("half", ORANGE, "half of the corrected"),
    ("no-bias-columns", PINK, "no bias columns"),
)


def hessian_bound(record: Record) -> Figure:
    """The largest eigenvalue over its bound by the norm of the weights: above 1 the bound is broken."""
    figure = Figure(figsize=(7.2, 4.4))
    for row, (part, reading) in enumerate(READINGS):
        for column, (control, colour, form) in enumerate(FORMS):
            if control == "no-bias-columns" and part == "weights":  # it differs from the corrected bound in biases only
                continue
            axes = figure.add_subplot(2, 4, 4 * row + column + 1, xscale="log", yscale="log")
            axes.axhspan(1e-4, 1, color=ALLOWED, zorder=0)
            found = record.part(part, control)
            if isinstance(found, Bounds):
                ratio = (np.asarray(found.value) / np.asarray(found.upper)).max(axis=0)
                for values, (_, marker) in zip(ratio, MARKERS, strict=True):
                    axes.plot(NORMS, values, marker + "-", color=colour, linewidth=0.9)
            axes.axhline(1, linestyle=DASHES, color=GUIDE)
            axes.set_xticks(NORMS, [f"{norm:g}" for norm in NORMS])
            axes.minorticks_off()
            axes.set(xlim=(0.07, 2.9), ylim=(2e-4, 40))
            if row == 0:
                axes.set_title(f"{form}\n({_verdict(record, control)})", color=colour)
            if column == 0:
                axes.set_ylabel(f"{reading}:\nlargest eigenvalue / bound")
            else:
                axes.tick_params(labelleft=False)
            if row == 1 or control == "no-bias-columns":
                axes.set_xlabel("norm of weights $M_W$")
    marks = [Line2D([], [], color=GUIDE, marker=marker, linestyle="-", label=f"$L = {depth}$") for depth, marker in MARKERS]
    figure.legend(handles=marks, loc="lower right", bbox_to_anchor=(0.97, 0.17), title="largest of all networks\nby layers")
    head(figure, record)
    return figure


def _verdict(record: Record, control: str | None) -> str:
    if control == "repaired":
        return str(record.verdict["repaired"]["verdict"])
    return f"control, {record.verdict['controls'][control]['verdict']}" if control else str(record.verdict["verdict"])
