"""Figures for Li, Farkhoor, Liu, Yosinski (2018), on intrinsic dimension."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head

BELOW, ABOVE = np.array([1, 3, 5, 8, 9]), np.array([10, 11, 15])
VARIANTS = (
    ("axes", ORANGE, "^", "random coordinates", 0.18),
    ("eleven", AMBER, "v", "eleven constraints", 0.36),
    (None, BLUE, "o", "random directions", 0.0),
)


def toy_dimension(record: Record) -> Figure:
    """The mean least loss over the dimension of the subspace, and how far single draws range on a logarithmic scale."""
    figure = Figure(figsize=(7.2, 3.2))
    means = figure.add_subplot(1, 2, 1, xlabel="dimension $d$ of the subspace", ylabel="mean least loss")
    ranges = figure.add_subplot(1, 2, 2, yscale="log", xlabel="dimension $d$", ylabel="least loss: all draws, median marked")
    d = np.linspace(0, 10, 101)
    means.plot([*d, 15.5], [*(385 * (1 - d / 10)), 0], linestyle=DASHES, color=GUIDE, label=r"$385\, (1 - d/10)$, then 0")
    for control, colour, marker, label, shift in VARIANTS:
        unsolved, solved = (record.part(part, control) for part in ("unsolved", "solved"))
        if not (isinstance(unsolved, Bounds) and isinstance(solved, Bounds)):
            continue
        least = np.concatenate([unsolved.value, solved.value], axis=1)
        dims = np.concatenate([BELOW, ABOVE])
        error = 1.96 * least.std(axis=0, ddof=1) / len(least) ** 0.5
        label += "" if control is None else f" ({_verdict(record, control)})"
        line = "none" if control is None else (0, (1, 1))
        means.errorbar(dims, least.mean(axis=0), error, fmt=marker, linestyle=line, color=colour, label=label)
        middle = np.maximum(np.median(least, axis=0), 1e-32)
        low, high = np.maximum(least.min(axis=0), 1e-32), np.maximum(least.max(axis=0), 1e-32)
        ranges.errorbar(dims + shift, middle, [middle - low, high - middle], fmt=marker, color=colour, elinewidth=1)
    means.plot(
        d, 385 * (1 - d / 10) ** 2, ":", color=PINK, label=rf"$385\, (1 - d/10)^2$ ({_verdict(record, 'square')})", zorder=0
    )
    means.set(xlim=(0, 15.8), ylim=(-12, 640))
    means.legend(loc="upper right")
    ranges.axvline(9.6, linestyle=DASHES, color=GUIDE, linewidth=0.9, zorder=0)
    for edge, left, right, words, side in ((1e-10, 0, 9.6, "asked: above", "top"), (1e-12, 9.6, 16, "asked: below", "bottom")):
        ranges.plot([left, right], [edge, edge], linestyle=DASHES, color=GUIDE, linewidth=0.9, zorder=0)
        ranges.text(left + 1.9, edge * 4.0 ** (1 if side == "bottom" else -1), words, color=GUIDE, va=side)
    ranges.set_xlim(0.2, 15.8)
    for axes in (means, ranges):
        axes.set_xticks([1, 3, 5, 8, 10, 15])
    head(figure, record)
    return figure


def _verdict(record: Record, control: str) -> str:
    return f"control, {record.verdict['controls'][control]['verdict']}"
