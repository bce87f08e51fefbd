"""Figures for Bahri et al. (2021)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record, Series, Sides
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, head

KINDS = (("o", 7.0), ("x", 4.0))  # markers of the two sides, the one around the other


def variance_limited_one(record: Record) -> Figure:
    """What finite features or finite data add to the loss: slope -1. Left: predicted; right: simulated.

    Beside it the loss itself in the other regime, which falls as D^-alpha.
    """
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    exact = record.part("exact")
    left.set(xscale="log", yscale="log", xlabel="the larger of $D$ and $P$", ylabel="loss minus limit", title="eigenframework")
    if isinstance(exact, Sides):
        excess, closed = np.asarray(exact.lhs), np.asarray(exact.rhs)
        grid = 1024 * 2.0 ** np.arange(excess.shape[-1])
        for i, (colour, alpha) in enumerate(((BLUE, "0.5"), (GREEN, "1"))):
            for values, (marker, size) in zip(excess[i], KINDS, strict=True):
                left.plot(grid, values, marker, color=colour, markersize=size, markerfacecolor="none")
            left.plot(grid, closed[i, 0], color="black", linestyle=DASHES, linewidth=0.9)
            left.text(grid[0] / 1.4, excess[i, 0, 0], f"$\\alpha = {alpha}$", color=colour, ha="right", va="center")
        whole = record.part("exact", control="whole-loss")
        if isinstance(whole, Sides):
            loss = np.asarray(whole.lhs)[0, 0]
            left.plot(grid / 16, loss, "^-", color=ORANGE, markersize=4, linewidth=0.7)
            verdict = record.verdict["controls"]["whole-loss"]["verdict"]
            left.text(grid[0], loss[1], f"the loss itself\n(control, {verdict})", color=ORANGE, va="center")
    right.set(xscale="log", yscale="log", xlabel="difference of $D$ and $P$", title="simulated, $\\alpha = 0.5$")
    for name, colour, (marker, size), label in zip(
        ("width", "data"), (BLUE, ORANGE), KINDS, ("$P$ features, 32 samples", "$D$ samples, 32 features"), strict=True
    ):
        series = record.part(name)
        if isinstance(series, Series):
            _draws(right, series, colour)
            mean = np.asarray(series.y).mean(axis=0)
            right.plot(series.x, mean, marker, color=colour, markersize=size, markerfacecolor="none", label=label)
            if name == "width":
                x = np.asarray(series.x)
                right.plot(x, mean[0] * x[0] / x, color="black", linestyle=DASHES, linewidth=0.9, label="slope $-1$")
    right.legend(loc="lower left")
    head(figure, record)
    return figure


def resolution_limited_duality(record: Record) -> Figure:
    """Left: the losses of n samples and of n features lie on each other. Right: their ratio, and simulation over prediction."""
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    left.set(xscale="log", yscale="log", xlabel="$n$", ylabel="loss", title="one of them $n$, the other endless")
    right.set(xscale="log", xlabel="$n$", ylabel="ratio", title="ratios of losses")
    equal, slopes = record.part("equal"), record.part("slopes")
    if isinstance(equal, Sides) and isinstance(slopes, Sides):
        sides = [np.asarray(side) for side in (equal.lhs, equal.rhs)]
        n = 32 * 2.0 ** np.arange(sides[0].shape[1])
        for i, (colour, alpha) in enumerate(((BLUE, "0.5"), (GREEN, "1"))):
            for side, (marker, size), name in zip(sides, KINDS, ("samples", "features"), strict=True):
                label = f"$n$ {name}" if i == 0 else None
                left.plot(n, side[i], marker, color=colour, markersize=size, markerfacecolor="none", label=label)
            text = f"$\\alpha = {alpha}$, slope {np.asarray(slopes.lhs)[i, 0]:.2f}"
            left.text(n[1] * 1.15, sides[0][i, 0], text, color=colour, va="center")
        left.legend(loc="lower left")
        for axes in (left, right):
            axes.set_xticks(n, [f"{value:g}" for value in n])
            axes.minorticks_off()
        right.plot(n, (sides[0] / sides[1]).T, "-", color=BLUE, linewidth=1.2)
        right.text(n[-1], 1.008, "samples / features", color=BLUE, ha="right")
        other = record.part("equal", control="target")
        if isinstance(other, Sides):
            right.plot(n, (np.asarray(other.lhs) / np.asarray(other.rhs)).T, "^-", color=ORANGE, markersize=4, linewidth=0.7)
            verdict = record.verdict["controls"]["target"]["verdict"]
            right.text(n[0], 0.93, f"steeper target\n(control, {verdict})", color=ORANGE, va="center")
    means = record.part("means")
    if isinstance(means, Estimates):
        scale = np.asarray(means.predicted)
        ratio, error = np.asarray(means.mean) / scale, np.asarray(means.stderr) / scale
        x = 32 * 2.0 ** np.arange(ratio.size)
        right.errorbar(x, ratio, 2 * error, fmt=".", color=GREY, markersize=4, linewidth=0.8)
        right.text(32, ratio.max() + 2.2 * error.max(), "simulated / predicted", color=GREY, va="bottom")
        right.set_ylim(0.89, max(1.05, ratio.max() + 5 * error.max()))
    head(figure, record)
    return figure


def _draws(axes: Axes, series: Series, colour: str) -> None:
    """Every draw, faintly."""
    y = np.asarray(series.y)
    axes.plot(np.multiply(series.x, 1.08), np.where(y > 0, y, np.nan).T, ".", color=colour, alpha=0.4, markersize=3)
