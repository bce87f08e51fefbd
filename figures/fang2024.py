"""Figures for Fang, Buchanan, Sulam (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Series
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, PINK, SKY, head

Y = np.linspace(0, 3, 61)
NODES = np.linspace(-4, 4, 81)[10:71]
GAMMAS = np.array((2.0, 1.0, 0.5, 0.25, 0.125))
SHOWN = ((8, SKY), (6, BLUE), (4, GREEN))  # rows of gamma, the first case


def gradient_of_convex_is_prox(record: Record) -> Figure:
    """Left: gaps of convexity of pairs of points; right: least eigenvalues of the Jacobian; none is negative."""
    figure = Figure(figsize=(6.2, 3.1))
    left, right = figure.subplots(1, 2)
    bins = np.linspace(-1, 1, 41)
    for control, colour, name in (("untied", ORANGE, "own backward weights"), (None, BLUE, "LPN")):
        found = record.part("gap", control)
        if isinstance(found, Bounds):
            label = f"{name} ({record.verdict['controls'][control]['verdict']})" if control else name
            left.hist(np.ravel(found.value), bins, color=colour, alpha=0.6, label=label)
    left.set(yscale="log", xlabel="$\\psi(y) - \\psi(z) - \\langle f(z), y - z \\rangle$, scaled", ylabel="pairs of points")
    left.set_ylim(0.5, 1e7)
    for control, colour, marker, name in (
        ("one-negative-unit", ORANGE, "^", "a negative unit"),
        ("even-activation", PINK, "s", "even activation"),
        (None, BLUE, "o", "LPN"),
    ):
        found = record.part("positive", control)
        if isinstance(found, Bounds):
            values = np.sort(np.ravel(found.value))
            label = f"{name} ({record.verdict['controls'][control]['verdict']})" if control else name
            share = np.arange(1, values.size + 1) / values.size
            right.plot(values, share, marker, color=colour, markersize=3, label=label)
    right.axvline(0.1, color=GREY, linestyle=DASHES, linewidth=0.9)
    right.text(0.3, 8e-4, "$a$", color=GREY)
    right.set(
        yscale="log", xlabel="least eigenvalue of $\\nabla f$", ylabel="share of points below", xlim=(-6, 6), ylim=(6e-4, 30)
    )
    for axes in (left, right):
        axes.axvline(0, color=GREY, linewidth=0.9)
        axes.legend(loc="upper left")
    head(figure, record)
    return figure


def proximal_matching_limit(record: Record) -> Figure:
    """Left: the distance to soft thresholding over y for three gamma; right: how it vanishes below the threshold."""
    figure = Figure(figsize=(6.2, 3.3))
    left, right = figure.subplots(1, 2)
    found = record.part("uniform")
    if isinstance(found, Bounds):
        for row, colour in SHOWN:
            error = np.maximum(np.asarray(found.value)[row], 1e-18)
            left.plot(Y, error, ".-", color=colour, markersize=3, label=f"$\\gamma = 2^{{{row - 12}}}$")
            left.axhline(np.asarray(found.upper)[row, 0], color=colour, linestyle=DASHES, linewidth=0.9)
    for control, colour in (("mean", ORANGE), ("median", PINK)):
        other = record.part("uniform", control)
        if isinstance(other, Bounds):
            verdict = record.verdict["controls"][control]["verdict"]
            left.plot(Y, np.maximum(np.asarray(other.value)[0], 1e-18), "-", color=colour, label=f"{control} ({verdict})")
    left.axvline(1, color=GREY, linestyle=":", linewidth=0.9)
    left.set(yscale="log", xlabel="$y / \\lambda$", ylabel="distance to soft thresholding", ylim=(1e-5, 300), xlim=(0, 2.5))
    left.legend(loc="upper right", ncols=2, fontsize="x-small")
    for wrong, colour, marker, name in (
        ("wide-kernel", ORANGE, "^", "$e^{-r^2 / 2 \\gamma^2}$"),
        ("exact-below", PINK, "s", "limit 0"),
        (None, BLUE, "o", "claim"),
    ):
        series = record.part("below", wrong)
        if isinstance(series, Series):
            x, y = np.asarray(series.x), np.asarray(series.y)[0]
            label = f"{name} ({record.verdict['controls'][wrong]['verdict']})" if wrong else name
            right.plot(x, y, marker, color=colour, markersize=4, label=label)
            if wrong is None:
                right.plot(x, y[0] * x / x[0], color=GREY, linestyle=DASHES, linewidth=0.9, zorder=0, label="slope 1")
    right.set(xscale="log", yscale="log", xlabel="$\\gamma$ / smallest length", ylim=(None, 100))
    right.set(ylabel="$c_\\gamma / \\tau$ minus its limit, $|y| < \\lambda$")
    right.legend(loc="upper left")
    head(figure, record)
    return figure


def proximal_matching_trained(record: Record) -> Figure:
    """Left: the distance of the trained network to soft thresholding over y; right: to the exact minimiser, over gamma."""
    figure = Figure(figsize=(6.2, 3.2))
    left, right = figure.subplots(1, 2)
    square, soft = record.part("soft", "square-loss"), record.part("soft")
    if isinstance(square, Bounds):
        label = f"square loss ({record.verdict['controls']['square-loss']['verdict']})"
        left.plot(NODES, np.asarray(square.value)[0, -1], "-", color=ORANGE, label=label)
    if isinstance(soft, Bounds):
        for stage, colour in ((0, PINK), (2, SKY), (4, BLUE)):
            errors = np.asarray(soft.value)[0, stage]
            left.plot(NODES, errors, "-", color=colour, label=f"$\\gamma = {GAMMAS[stage]:g}$")
        left.axhline(np.asarray(soft.upper)[0, -1, 0], color=BLUE, linestyle=DASHES, linewidth=0.9)
    left.set(xlabel="$y$", ylabel="$|f - S_\\lambda|$, a prior", ylim=(0, 1.0))
    left.legend(loc="upper center", ncols=2, fontsize="x-small")
    for control, colour, marker, name in (
        ("noise-misjudged", ORANGE, "^", "noise 10 % larger"),
        ("stage-behind", PINK, "s", "a stage behind"),
        (None, BLUE, "o", "trained"),
    ):
        found = record.part("stages", control)
        if isinstance(found, Bounds):
            largest = np.asarray(found.value).max(axis=-1)
            label = f"{name} ({record.verdict['controls'][control]['verdict']})" if control else name
            x = np.broadcast_to(GAMMAS, largest.shape)
            right.plot(x.ravel(), largest.ravel(), marker, color=colour, markersize=4, label=label)
    right.plot(GAMMAS, GAMMAS / 10, color=GREY, linestyle=DASHES, linewidth=0.9, label="$\\gamma / 10$")
    right.set(xscale="log", yscale="log", xlabel="$\\gamma$", ylabel="largest $|f - c_\\gamma|$", ylim=(5e-4, 50))
    right.set_xticks(GAMMAS, ["2", "1", "1/2", "1/4", "1/8"])
    right.minorticks_off()
    right.legend(loc="upper left")
    head(figure, record)
    return figure
