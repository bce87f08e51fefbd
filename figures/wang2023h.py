"""Figures for Wang, Nichani, Lee (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Crossings, Estimates, Pairs, Record
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, PINK, head


def kernel_staircase(record: Record) -> Figure:
    """Relative error of kernel ridge regression over the exponent of n in d: each degree is learnt at its own."""
    figure = Figure(figsize=(4.8, 3.4))
    axes = figure.add_subplot(xlabel=r"$\log n \,/\, \log d$", ylabel="relative error")
    d = 12 if record.tier == "quick" else 20
    sizes = np.array([d, d**2 // 2, 2 * d**2, min(d**3 // 2, 3000)])
    at = np.log(sizes) / np.log(d)
    learnt, unlearnt, composite = (record.part(name) for name in ("learnt", "unlearnt", "composite"))
    if isinstance(learnt, Pairs) and isinstance(unlearnt, Pairs):
        low, high = np.asarray(learnt.second), np.asarray(unlearnt.first)
        curves = (
            (at[1:], low[:, :3], GREEN, "s", "degree 1", (at[1] - 0.03, 0.03)),
            (at[[0, 2, 3]], np.concatenate([high[:, :1], low[:, 3:]], axis=1), BLUE, "o", "degree 2", (1.55, 0.62)),
            (at, high[:, 1:], ORANGE, "^", "degree 4", (at[3] + 0.03, 1.02)),
        )
        for x, y, colour, marker, name, place in curves:
            error = 2 * y.std(axis=0, ddof=1) / np.sqrt(len(y))
            axes.errorbar(x, y.mean(axis=0), error, color=colour, marker=marker, markersize=5, capsize=2, linewidth=0.9)
            side = "right" if name == "degree 1" else "left"
            axes.text(place[0], place[1], name, color=colour, ha=side, va="bottom" if name != "degree 4" else "center")
    if isinstance(composite, Estimates):
        value, floor = float(np.asarray(composite.mean)), float(np.asarray(composite.predicted))
        axes.plot([at[2], 3.3], [floor, floor], color=GREY, linestyle=DASHES, linewidth=0.9)
        axes.errorbar([at[3]], [value], [2 * float(np.asarray(composite.stderr))], fmt="D", color=PINK, markersize=5, capsize=2)
        axes.text(at[3] + 0.05, value + 0.02, "$g(p)$", color=PINK, va="bottom")
        axes.text(at[2], floor - 0.02, "its part of degree 4", color=GREY, va="top")
    axes.set(xlim=(0.9, 3.35), ylim=(-0.05, 1.2))
    head(figure, record)
    return figure


def feature_step(record: Record) -> Figure:
    """Left: overlaps of all dimensions on one curve. Right: samples for cos^2 = 1/2, over d."""
    figure = Figure(figsize=(5.9, 3.1))
    left, right = figure.subplots(1, 2)
    law, slope = record.part("law"), record.part("slope")
    left.set(xscale="log", xlabel="samples $n / n_0$", ylabel=r"$\cos^2(M, A)$", ylim=(-0.03, 1), title="one curve")
    right.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel=r"$n$ where $\cos^2 = 1/2$", title="exponent")
    if isinstance(law, Estimates) and isinstance(slope, Crossings):
        dims, grid = np.asarray(slope.x), np.asarray(slope.grid)
        zero = grid * (1 / np.asarray(law.predicted) - 1)
        mean = np.asarray(law.mean)
        fine = np.geomspace(0.2, 6, 50)
        left.plot(fine, 1 / (1 + 1 / fine), color="black", linestyle=DASHES, linewidth=0.9)
        for i, (colour, marker) in enumerate(((GREEN, "s"), (PINK, "v"), (GREY, "D"), (BLUE, "o"))):
            left.plot(
                grid[i] / zero[i],
                mean[i],
                marker,
                color=colour,
                markersize=4,
                markerfacecolor="none",
                label=f"$d = {dims[i]:g}$",
            )
        control = record.part("law", control="no-linear-part")
        if isinstance(control, Estimates):
            left.plot(grid[-1] / zero[-1], np.asarray(control.mean)[-1], "^-", color=ORANGE, markersize=4, linewidth=0.7)
            verdict = record.verdict["controls"]["no-linear-part"]["verdict"]
            left.text(0.25, 0.05, f"$g$ without a linear part\n(control, {verdict})", color=ORANGE, va="bottom")
        left.legend(loc="upper left")
        left.set_xticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
        left.minorticks_off()
        crossing = np.exp([np.interp(0.5, mean[i], np.log(grid[i])) for i in range(len(dims))])
        right.plot(dims, crossing, "o", color=BLUE, markersize=6)
        for power, colour in ((2, BLUE), (4, GREY)):
            right.plot(dims, crossing[0] * (dims / dims[0]) ** power, color=colour, linestyle=DASHES, linewidth=0.9)
            right.text(dims[-1], 1.3 * crossing[0] * (dims[-1] / dims[0]) ** power, f"$d^{power}$", color=colour, ha="center")
        right.set_xticks(dims, [f"{value:g}" for value in dims])
        right.minorticks_off()
        right.set_ylim(150, 60_000)
    head(figure, record)
    return figure
