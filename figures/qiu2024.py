"""Figures for Qiu, Potapczynski, Finzi, Goldblum, Wilson (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Integers, Record, Sides
from ntkit.claims.figures import AMBER, BLUE, ORANGE, PINK, head

COLOURS = (BLUE, ORANGE, PINK, AMBER)
BLUE, ORANGE = COLOURS[:2]


def btt_rank_and_params(record: Record) -> Figure:
    """Left: how close a Gaussian matrix can be approximated, over r. Right: rank of the whole matrix, and of its slices."""
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    bs = [3, 4, 6, *([8] if record.tier == "full" else [])]
    left.set(xlabel="$r$", ylabel="relative error, nearest matrix", ylim=(-0.03, 1))
    left.set_title("a Gaussian matrix of size $b^2$")
    left.grid(True)
    distance = record.part("distance")
    if isinstance(distance, Sides):
        found, expected = np.asarray(distance.lhs), np.asarray(distance.rhs)
        start = 0
        for b, colour in zip(bs, COLOURS, strict=False):
            r = np.arange(1, b + 1)
            span = slice(start, start + b)
            left.plot(r, np.sqrt(expected[span]) / b**2, color=colour, linewidth=0.8)
            left.plot(r, np.sqrt(found[span]) / b**2, "o", color=colour, markerfacecolor="white", label=f"$b = {b}$")
            start += b
        left.legend(loc="upper right")
        left.set_xticks(range(1, bs[-1] + 1))
    b = bs[-1]
    start = sum(bs[:-1])
    right.set(xlabel="$r$", ylabel="rank", ylim=(0, b * b * 1.12))
    right.set_title(f"Gaussian cores, $b = {b}$")
    right.grid(True)
    r = np.arange(1, b + 1)
    whole, low = record.part("whole"), record.part("whole", "low-rank")
    if isinstance(whole, Integers):
        right.plot(r, np.asarray(whole.got)[start:], "o-", color=BLUE, markerfacecolor="white", linewidth=0.8)
        right.text(1, b * b * 1.04, "whole matrix", color=BLUE)
    if isinstance(low, Integers):
        right.plot(r, np.asarray(low.expected)[start:], "^", color=ORANGE, linestyle=(0, (4, 2)), markerfacecolor="white")
        verdict = record.verdict["controls"]["low-rank"]["verdict"]
        right.text(b * 0.62, b * b * 0.5, f"$r b$\n(control, {verdict})", color=ORANGE)
    slices = record.part("slices")
    if isinstance(slices, Integers):
        ranks = np.asarray(slices.got)[-(b**3) :].reshape(b, b * b)
        right.plot(r, ranks.max(axis=1), "s", color="black", markersize=3, markerfacecolor="white")
        right.text(b * 0.75, b * 0.2, "slices", ha="left", va="bottom")
    right.set_xticks(r)
    head(figure, record)
    return figure
