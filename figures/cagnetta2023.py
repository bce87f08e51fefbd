"""Figures for Cagnetta, Favero, Wyart (2023)."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ntkit.claims import Record, Series, Sides
from ntkit.claims.figures import ALLOWED, BLUE, DASHES, GREEN, GREY, ORANGE, PINK, SKY, head

SECTORS = (
    ("even", BLUE, "1, even", "bottom"),
    ("odd", SKY, "1, odd", "center"),
    ("two", GREEN, "2", "top"),
    ("three", PINK, "3", "center"),
)


def sector_exponents(record: Record) -> Figure:
    """Left: eigenvalues of a tree of depth 3 by sector, with the predicted slopes. Right: all slopes less their predictions.

    Dots on the right are slopes of all trees and both kernels; controls lie outside of the shaded windows.
    """
    figure = Figure(figsize=(5.9, 3.1))
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    left.set(xscale="log", yscale="log", xlabel="$|k|$", ylabel=r"eigenvalue $\Lambda_k$", title="NTK, $s = (2, 2, 2)$")
    wrong = record.part("three", control="next-dimension")
    for part, colour, name, side in SECTORS:
        series = record.part(part)
        if isinstance(series, Series):
            x, y = np.asarray(series.x), np.asarray(series.y)[0]
            ends = np.array([10.0, 300.0])
            middle = np.sqrt(x[0] * x[-1])
            height = np.exp(np.interp(np.log(middle), np.log(x), np.log(y)))
            left.plot(ends, height * (ends / middle) ** series.expected, color=colour, linestyle=DASHES, linewidth=0.9)
            left.plot(x, y, "o", color=colour, markersize=2.2, markeredgewidth=0)
            level = height * (ends[0] / middle) ** series.expected
            left.text(9.3, level, f"{name}: ${series.expected:g}$", color=colour, ha="right", va=side)
            if part == "three" and isinstance(wrong, Series):
                line = height * (ends / middle) ** wrong.expected
                left.plot(ends, line, color=ORANGE, linestyle=":", linewidth=1.2)
                word = record.verdict["controls"]["next-dimension"]["verdict"]
                left.text(40, line[-1], f"${wrong.expected:g}$\n(control, {word})", color=ORANGE, ha="center", va="bottom")
    left.set(xlim=(1.7, 380), ylim=(3e-16, 6e-3))
    left.set_xticks([10, 30, 100, 300], ["10", "30", "100", "300"])
    left.xaxis.minorticks_off()
    rows = (
        ("first", None, "sector 1", BLUE, 0.1),
        ("pairs", None, "sector 2\n($s_2 = 2$)", GREEN, 0.15),
        ("deep", None, "sectors 2, 3\n($s = (2, 2, 2)$)", PINK, 0.3),
        ("pairs", "ray", "$(k, 1)$", ORANGE, 0.15),
        ("deep", "few-active", "2 of 8 active", ORANGE, 0.3),
        ("first", "next-dimension", "$d(l) + 1$", ORANGE, 0.1),
    )
    for level, (part, control, _, colour, window) in enumerate(rows):
        sides = record.part(part, control)
        if isinstance(sides, Sides):
            differences = np.asarray(sides.lhs) - np.asarray(sides.rhs)
            if control == "few-active":
                differences = differences[-2:]  # the others are those of the claim
            right.barh(level, 2 * window, left=-window, height=0.8, color=ALLOWED, zorder=0)
            marker, face = ("^", "white") if control else ("o", colour)
            spread = level + np.linspace(-0.2, 0.2, differences.size)
            right.plot(differences, spread, marker, color=colour, markerfacecolor=face, markersize=3)
    right.axvline(0, color=GREY, linewidth=0.8)
    words = [name if control is None else f"{name}\n({_word(record, control)})" for _, control, name, _, _ in rows]
    right.set_yticks(range(len(rows)), words)
    right.set(xlabel="slope minus prediction", ylim=(len(rows) - 0.4, -0.6))
    head(figure, record)
    right.grid(visible=False, axis="y")
    return figure


def sector_constants(record: Record) -> Figure:
    """Left: eigenvalues at random labels against the predicted sums. Right: how far they are apart, with a control."""
    figure = Figure(figsize=(5.9, 3.0))
    left, right = figure.subplots(1, 2)
    left.set(xscale="log", yscale="log", xlabel="predicted", ylabel=r"eigenvalue $\Lambda_k$", title="labels at random")
    right.set(xscale="log", xlabel="predicted", ylabel="eigenvalue / predicted")
    right.axhspan(0.96, 1.04, color=ALLOWED, linewidth=0, zorder=0)
    names = ("$s = (2, 2)$", "$(3, 2)$", "$(4, 2)$", "$(2, 2, 2)$")
    sides = record.part("constants")
    if isinstance(sides, Sides):
        found, predicted = (np.split(np.asarray(side), 8) for side in (sides.lhs, sides.rhs))
        ends = np.array([np.min(predicted), np.max(predicted)])
        left.plot(ends, ends, color="black", linestyle=DASHES, linewidth=0.9)
        for i, (colour, name) in enumerate(zip((BLUE, GREEN, PINK, SKY), names, strict=True)):
            for block, marker in ((2 * i, "o"), (2 * i + 1, "x")):
                label = name if marker == "o" else None
                left.plot(predicted[block], found[block], marker, color=colour, markersize=3, markeredgewidth=0.7, label=label)
                ratio = found[block] / predicted[block]
                right.plot(predicted[block], ratio, marker, color=colour, markersize=3, markeredgewidth=0.7)
        left.legend(loc="upper left", title="o NTK, x NNGP")
    other = record.part("constants", control="own-sector")
    if isinstance(other, Sides):
        ratio = np.asarray(other.lhs) / np.asarray(other.rhs)
        shown = ratio > 1.04
        right.plot(np.asarray(other.rhs)[shown], ratio[shown], "^", color=ORANGE, markerfacecolor="none", markersize=3)
        right.text(
            0.03, 0.93, f"own sector's term alone\n({_word(record, 'own-sector')})", color=ORANGE, transform=right.transAxes
        )
        right.texts[-1].set_verticalalignment("top")
    head(figure, record)
    return figure


def no_cross_modes_in_shallow(record: Record) -> Figure:
    """Eigenvalues over the labels of two patches: one hidden layer has them on the axes only, two have them everywhere.

    White: less than 1e-12, which rounding leaves of 0.
    """
    figure = Figure(figsize=(5.9, 3.0))
    panels = figure.subplots(1, 2, sharey=True)
    sides = record.part("quadrature")
    if isinstance(sides, Sides):
        grids = np.asarray(sides.lhs)
        norm = LogNorm(1e-7, float(grids.max()))
        for axes, grid, name in zip(panels, grids, ("one hidden layer", "two hidden layers"), strict=False):
            image = axes.imshow(np.where(grid > 1e-12, grid, np.nan).T, norm=norm, origin="lower", cmap="viridis")
            axes.set(xlabel="$k_1$", title=name)
        panels[0].set_ylabel("$k_2$")
        panels[0].text(16, 17, "0", color=GREY, ha="center", va="center")
        panels[0].text(16, 14, "(and at odd $k > 1$ on the axes)", color=GREY, ha="center", va="center")
        figure.colorbar(image, ax=panels.tolist(), label=r"eigenvalue $\Lambda_{k_1, k_2}$ of the NTK", shrink=0.85)
    head(figure, record)
    for axes in figure.axes:
        axes.grid(visible=False)
    return figure


def _word(record: Record, control: str) -> str:
    return f"control, {record.verdict['controls'][control]['verdict']}"
