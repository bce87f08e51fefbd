"""Figures for Shi et al. (2022), second part."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Counts, Record, Series
from ntkit.claims.figures import AMBER, BLUE, GREY, ORANGE, head

SIZES = (0.01, 0.05, 0.1, 0.25)


def _named(record: Record, control: str) -> str:
    return f"control {control} ({record.verdict['controls'][control]['verdict']})"


def certificate_is_safe(record: Record) -> Figure:
    """The least margin that attacks find on each certified ball, sorted: positive, but for the linear guess."""
    figure = Figure(figsize=(4.6, 3.1))
    axes = figure.add_subplot(xlabel="images, by margin", ylabel="least margin found by attacks")
    for control, colour, marker in (("gradient", ORANGE, "x"), (None, BLUE, ".")):
        found = record.part("inside", control)
        if isinstance(found, Bounds):
            value = np.sort(np.ravel(found.value))
            label = "certified radius" if control is None else _named(record, control)
            axes.plot(np.arange(value.size) + 1, value, marker, color=colour, markersize=5, label=label)
    power = record.part("power")
    if isinstance(power, Counts):
        broken, tried = int(np.sum(power.successes)), int(np.sum(power.trials))
        axes.set_title(f"at 4 times the radius: class changed in {broken} of {tried}")
    axes.axhline(0, color=GREY, linewidth=0.9)
    axes.legend(loc="upper left")
    head(figure, record)
    return figure


def smooth_activations(record: Record) -> Figure:
    """Left: attained against the bound; middle: LiRPA over IBP; right: the excess over the centre's norm, of order 1."""
    figure = Figure(figsize=(8.2, 3.1))
    left, middle, right = figure.subplots(1, 3)
    for control, colour in (("frozen", AMBER), ("blunted", ORANGE), (None, BLUE)):
        found = record.part("sound", control)
        if isinstance(found, Bounds) and found.upper is not None:
            label = "bound" if control is None else _named(record, control)
            left.plot(
                np.ravel(found.upper), np.ravel(found.value), ".", color=colour, markersize=2.5, label=label, rasterized=True
            )
    left.set(xscale="log", yscale="log", xlabel="bound of $\\|J_c\\|_1$", ylabel="largest at 200 points")
    ends = np.array([0.3, 1e4])
    left.plot(ends, ends, "-", color=GREY, linewidth=0.9, zorder=0)
    left.set(xlim=(0.3, 1e4), ylim=(0.3, 1e4))
    left.legend(loc="upper left")
    ladder = record.part("ibp")
    if isinstance(ladder, Bounds) and ladder.upper is not None:
        ratio = np.asarray(ladder.value) / np.asarray(ladder.upper)
        for name, rows, colour in (("tanh", ratio[: len(SIZES)], BLUE), ("logistic", ratio[len(SIZES) :], GREY)):
            spread = rows.reshape(len(SIZES), -1)
            middle.plot(SIZES, np.median(spread, axis=1), "o-", color=colour, label=name, markersize=4)
            middle.fill_between(SIZES, spread.min(axis=1), spread.max(axis=1), color=colour, alpha=0.15)
    middle.axhline(1, color=GREY, linestyle=":", linewidth=0.9)
    middle.set(xscale="log", ylim=(0, 1.25), xlabel="radius $\\epsilon$", ylabel="LiRPA / IBP, median and range")
    middle.legend(loc="lower right")
    gaps = record.part("centre")
    if isinstance(gaps, Series):
        x = np.asarray(gaps.x)
        right.plot(x, np.asarray(gaps.y).T, "-", color=BLUE, alpha=0.4, linewidth=0.8)
        right.plot(x, np.median(np.asarray(gaps.y), axis=0)[0] * x / x[0], "--", color=GREY, label="slope 1")
        right.legend(loc="upper left")
    right.set(xscale="log", yscale="log", xlabel="radius $\\epsilon$", ylabel="bound $-\\ \\|J_c(x_0)\\|_1$")
    head(figure, record)
    return figure


def tightness_grows_with_eps(record: Record) -> Figure:
    """Medians over images of bounds over what is attained: LiRPA's rises with the radius, that of the norm product does not."""
    figure = Figure(figsize=(4.4, 3.2))
    axes = figure.add_subplot(
        xscale="log", yscale="log", xlabel="radius $\\epsilon$", ylabel="bound / attained, median of images"
    )
    gain = record.part("ibp")
    for control, colour, marker in (("norm-product", ORANGE, "x"), (None, BLUE, "o")):
        found = record.part("rising", control)
        if isinstance(found, Bounds) and found.upper is not None:
            curve = np.append(np.asarray(found.value), np.asarray(found.upper)[-1])
            label = "LiRPA" if control is None else _named(record, control)
            axes.plot(SIZES, curve, f"{marker}-", color=colour, markersize=5, label=label)
            if control is None and isinstance(gain, Bounds):
                axes.plot(SIZES, curve * np.asarray(gain.value), "s--", color=GREY, markersize=4, label="IBP throughout")
    axes.set(ylim=(0.8, 40), xticks=SIZES, xticklabels=[str(size) for size in SIZES], yticks=[1, 2, 5, 10, 20])
    axes.set_yticklabels(["1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.legend(loc="upper left")
    head(figure, record)
    return figure
