"""Figures for Song, Sebe, Wang (2022)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import BLUE, ORANGE, PINK, head

TAYLOR, PADE, SMALLEST = (5, 10, 20, 40), (3, 5, 8), (0.3, 0.05, 0.01)
COLOURS = (BLUE, ORANGE, PINK)


def matrix_sqrt_errors(record: Record) -> Figure:
    """Left: errors of the root over the degree; lines are closed forms. Right: how far the gradient is off after each step."""
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    left.set(xscale="log", yscale="log", xlabel="degree $K$", ylabel="spectral error of the root")
    left.grid(True)
    for part, degrees, marker, style in (("taylor", TAYLOR, "o", "-"), ("pade", PADE, "s", (0, (4, 2)))):
        sides = record.part(part)
        if isinstance(sides, Sides):
            found, expected = (
                np.asarray(side).reshape(len(SMALLEST), -1, len(degrees))[:, 0] for side in (sides.lhs, sides.rhs)
            )
            for i, colour in enumerate(COLOURS):
                left.plot(degrees, expected[i], color=colour, linestyle=style, linewidth=0.8)
                left.plot(degrees, found[i], marker, color=colour, markersize=3.5, markerfacecolor="white")
    for level, colour in zip(SMALLEST, COLOURS, strict=True):
        left.plot([], [], color=colour, label=f"$l = {level:g}$")
    left.plot([], [], "o-", color="black", markersize=3.5, markerfacecolor="white", linewidth=0.8, label="Taylor")
    left.plot(
        [], [], "s", linestyle=(0, (4, 2)), color="black", markersize=3.5, markerfacecolor="white", linewidth=0.8, label="Padé"
    )
    left.legend(loc="lower left", ncols=2, columnspacing=0.8)
    left.set_ylim(1e-12, 2)
    left.set_xticks([3, 5, 10, 20, 40], ["3", "5", "10", "20", "40"])
    left.minorticks_off()
    right.set(xlabel="step of the sign iteration", ylabel="relative error of the gradient", yscale="log", ylim=(1e-17, 5))
    right.axvline(8, color="black", linestyle=(0, (1, 1)), linewidth=0.9)
    right.text(8.15, 1, "the authors stop", va="center")
    right.grid(True)
    sides = record.part("iteration")
    if isinstance(sides, Sides):
        found, expected = (
            np.asarray(side).reshape(len(SMALLEST), -1, *np.shape(side)[1:])[:, 0] for side in (sides.lhs, sides.rhs)
        )
        steps = np.arange(1, found.shape[1] + 1)
        for i, colour in enumerate(COLOURS):
            exact = expected[i, -1]
            size = np.abs(exact).max()
            off, law = (np.abs(path[i] - exact).max(axis=(1, 2)) / size for path in (found, expected))
            right.plot(steps[law > 1e-15], law[law > 1e-15], color=colour, linewidth=0.8)
            right.plot(steps, np.maximum(off, 1e-17), "o", color=colour, markersize=3.5, markerfacecolor="white")
    head(figure, record)
    return figure
