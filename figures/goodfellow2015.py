"""Figures for Goodfellow, Vinyals, Saxe (2015)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Sides
from ntkit.claims.figures import ALLOWED, BLUE, DASHES, GREY, GUIDE, ORANGE, PINK, head

SUPPORTED, REFUTED = 1e-3, 2e-2
SHAPES = ("o", "D")  # two hidden layers, and four


def monotone_interpolation(record: Record) -> Figure:
    """What the loss rises by on three kinds of path, over how much it changes."""
    figure = Figure(figsize=(4.8, 3.1))
    axes = figure.add_subplot(ylabel="rise / range of the loss")
    axes.set_yscale("symlog", linthresh=1e-4, linscale=0.6)
    rows = (
        (None, BLUE, "initialisation\nto solution"),
        ("two-solutions", ORANGE, "solution\nto solution"),
        ("untrained", PINK, "initialisation to\ninitialisation"),
    )
    names = []
    for place, (control, colour, label) in enumerate(rows):
        found = record.measurement(control)
        if isinstance(found, Bounds):
            values = np.asarray(found.value)
            for shape, marker in enumerate(SHAPES):
                own = values[shape::2]
                shifts = np.full(len(own), place + 0.2 * shape - 0.1) + np.linspace(-0.05, 0.05, len(own)) * (len(own) > 1)
                axes.plot(shifts, own, marker, color=colour, zorder=3)
        names.append(label if control is None else f"{label}\n(control, {record.verdict['controls'][control]['verdict']})")
    for shape, (marker, label) in enumerate(zip(SHAPES, ("two hidden layers", "four hidden layers"), strict=True)):
        axes.plot([], [], marker, color=GREY, label=label, zorder=shape)
    axes.axhspan(-1, SUPPORTED, color=ALLOWED, zorder=0)
    axes.axhline(REFUTED, linestyle=DASHES, color=GUIDE, zorder=0)
    axes.text(-0.45, SUPPORTED * 0.8, "supports", color=GUIDE, va="top")
    axes.text(-0.45, REFUTED * 1.1, "refutes above", color=GUIDE, va="bottom")
    axes.set_xticks(range(len(rows)), names)
    axes.minorticks_off()
    axes.set_yticks([0, 1e-3, 1e-2, 1e-1, 1], ["0", "$10^{-3}$", "$10^{-2}$", "0.1", "1"])
    axes.set(xlim=(-0.5, len(rows) - 0.5), ylim=(-3e-5, 3))
    axes.legend(loc="upper left")
    head(figure, record)
    return figure


DEPTHS = (1, 2, 4, 8)
PLACES = {1: (0.2, 0.3), 2: (0.43, 0.3), 4: (0.595, 0.3), 8: (0.68, 0.42)}  # of labels, to the left of their curves


def deep_linear_scalar_path(record: Record) -> Figure:
    """The loss on the way to the minimum for chains of four lengths, and the largest deviation from two formulas."""
    figure = Figure(figsize=(7.2, 3.0))
    curves = figure.add_subplot(1, 2, 1, xlabel="share $a$ of the way to the minimum", ylabel="loss")
    deviations = figure.add_subplot(1, 2, 2, yscale="log", xlabel="length $L$ of the chain", ylabel="largest deviation")
    fine = np.linspace(0, 1, 201)
    rows = ((None, BLUE, "o", "exponent $L$", DASHES), ("one-less", ORANGE, "^", "exponent $L - 1$", ":"))
    for control, colour, marker, label, line in rows:
        found = record.measurement(control)
        if not isinstance(found, Sides):
            continue
        lhs, rhs = (np.asarray(side).reshape(-1, 8, np.shape(side)[-1]) for side in (found.lhs, found.rhs))
        if control is not None:
            label += f" (control, {record.verdict['controls'][control]['verdict']})"
        largest, first = np.abs(lhs - rhs).max(axis=(0, 2)), int(control is not None)  # one layer has no smaller exponent
        deviations.plot(np.arange(1, 9)[first:], np.maximum(largest, 1e-17)[first:], marker, color=colour, label=label)
        for depth in DEPTHS:
            power = depth - (control == "one-less" and depth > 1)
            if control is None:
                a = np.linspace(0, 1, lhs.shape[-1])
                curves.plot(a, lhs[0, depth - 1], marker, color=colour, markersize=3, label="measured" if depth == 1 else None)
                curves.text(*PLACES[depth], f"$L = {depth}$", color=GUIDE, ha="right", va="center")
            if depth > 1 or control is None:
                shade, name = GUIDE if control is None else colour, label if depth == 2 else None
                curves.plot(fine, 0.5 * (fine**power - 1) ** 2, linestyle=line, color=shade, label=name, zorder=1)
    curves.set_ylim(-0.01, 0.56)
    curves.legend(loc="lower left", fontsize="small")
    deviations.axhline(1e-12, linestyle=DASHES, color=GUIDE, linewidth=0.9, zorder=0)
    deviations.text(8.2, 1.6e-12, "allowed", color=GUIDE, ha="right", va="bottom")
    deviations.text(1.15, 1e-17, "or less", color=BLUE, va="center")
    deviations.set_ylim(1e-18, 30)
    deviations.legend(loc="center left", bbox_to_anchor=(0, 0.68))
    head(figure, record)
    return figure
