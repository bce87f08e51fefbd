"""Figures for Cammarasana, Patanè (2025)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import BLUE, ORANGE, PINK, head


def weighted_conv_is_preconditioning(record: Record) -> Figure:
    """Left: losses of the weighted network, and of the plain one at the rates claimed, which lie on each other.

    Right: the largest difference between their kernels after each step, for the claim and for wrong rates.
    """
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    left.set(xlabel="step", ylabel="loss of the first task", yscale="log")
    left.grid(True)
    left.set_title("weighted (line), plain at other rates (dots)")
    losses = record.part("losses")
    if isinstance(losses, Sides):
        for weighted, plain, colour, name in zip(
            np.asarray(losses.lhs)[:, 0], np.asarray(losses.rhs)[:, 0], (BLUE, ORANGE), ("descent", "Adam"), strict=True
        ):
            left.plot(weighted, color=colour)
            left.plot(range(0, len(plain), 4), plain[::4], "o", color=colour, markersize=4, markerfacecolor="white")
            left.text(len(plain) * 0.6, weighted[int(len(plain) * 0.6)] * 1.12, name, color=colour)
    right.set(xlabel="step", yscale="log", ylim=(1e-18, 1e2))
    right.grid(True)
    right.set_title("largest difference of kernels")
    shown = ((None, "descent", BLUE, "descent"), (None, "adam", ORANGE, "Adam"), ("one-power", "descent", PINK, ""))
    for control, part, colour, name in shown:
        sides = record.part(part, control)
        if isinstance(sides, Sides):
            off = np.abs(np.asarray(sides.lhs) - np.asarray(sides.rhs)).max(axis=(0, 2))
            steps = np.flatnonzero(off) + 1
            right.plot(steps, off[off > 0], ".-", color=colour, markersize=3, linewidth=0.7, label=name or None)
            if control:
                verdict = record.verdict["controls"][control]["verdict"]
                right.text(50, off.max() * 5, f"one power of $\\alpha$ less (control, {verdict})", color=colour, ha="right")
    right.legend(loc="center right")
    head(figure, record)
    return figure
