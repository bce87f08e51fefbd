"""Figures for Zheng, Zhang, Mao (2021)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Integers, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GUIDE, ORANGE, PINK, head

SHARES = np.array([0.4, 0.7, 0.95, 1.05, 1.4, 2.0])


def amp_gaussian_well(record: Record) -> Figure:
    """Minima of the worst loss over the formula's, with two wrong formulas; and which of two wells is taken at which radius."""
    figure = Figure(figsize=(7.2, 2.9))
    minima, choice = figure.subplots(1, 2)
    variants = (
        ("radius-squared", ORANGE, "^", r"$\epsilon^4$"),
        ("no-half", PINK, "v", r"no factor 2"),
        (None, BLUE, "o", "claim"),
    )
    for control, colour, marker, label in variants:
        found = record.part("minimum", control)
        if isinstance(found, Sides):
            word = "" if control is None else f" (control, {record.verdict['controls'][control]['verdict']})"
            minima.plot(found.rhs, found.lhs, marker, color=colour, markersize=4, label=label + word)
    minima.axline((-1, -1), slope=1, color=GUIDE, linestyle=DASHES, zorder=1)
    minima.set(xlabel="predicted minimum of the worst loss, less $C$", ylabel="minimum found")
    minima.legend(loc="upper left", fontsize="small")
    for control, colour, marker in (("deepest", ORANGE, "^"), (None, BLUE, "o")):
        found = record.part("choice", control)
        if isinstance(found, Integers):
            claimed = control is None
            got = np.reshape(found.got if claimed else found.expected, (-1, len(SHARES))).mean(axis=0)
            label = "found" if claimed else f"as the deepest (control, {record.verdict['controls'][control]['verdict']})"
            choice.plot(SHARES, got, marker, color=colour, markersize=4 if claimed else 7, label=label)
    choice.plot([0.3, 1, 1, 2.1], [0, 0, 1, 1], color=GUIDE, linestyle=DASHES, zorder=1, label="predicted")
    choice.set(xlabel="radius over the critical radius", ylabel="pairs in which the wide well is taken", ylim=(-0.08, 1.45))
    choice.set_yticks([0, 0.5, 1])
    choice.legend(loc="upper left", fontsize="small")
    head(figure, record)
    return figure
