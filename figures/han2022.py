"""Figures for Han, Srinivas, Lakkaraju (2022)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, PINK, head


def smoothgrad_equals_clime(record: Record) -> Figure:
    """Left: fits minus mean gradients, of smooth functions; right: fits to samples of a ReLU network."""
    figure = Figure(figsize=(6.2, 3.1))
    left, right = figure.subplots(1, 2)
    shown = (("uniform-noise", ORANGE, "^", "uniform noise"), (None, BLUE, "o", "Gaussian noise"))
    _scatter(left, record, "equal", shown)
    left.set(xlabel="SmoothGrad: mean gradient", ylabel="C-LIME minus SmoothGrad", title="smooth functions")
    for control, colour, marker, name in (("plain-gradient", ORANGE, "^", "gradient"), (None, BLUE, "o", "mean gradient")):
        found = record.part("relu", control)
        if isinstance(found, Estimates):
            label = f"{name} ({record.verdict['controls'][control]['verdict']})" if control else name
            predicted, mean, error = (np.asarray(a) for a in (found.predicted, found.mean, found.stderr))
            right.errorbar(predicted, mean, 2 * error, fmt=marker, color=colour, markersize=5, label=label)
    right.axline((0, 0), slope=1, color=GREY, linewidth=0.9, zorder=0)
    right.set(xlabel="(mean) gradient, closed form", ylabel="slope of the fit, mean of 400", title="a ReLU network, sampled")
    right.legend(loc="upper left")
    head(figure, record)
    return figure


def kernelshap_equals_shapley(record: Record) -> Figure:
    """Weighted fits minus Shapley values: left, games of tanh networks; right, games of pairs."""
    figure = Figure(figsize=(6.2, 3.1))
    left, right = figure.subplots(1, 2)
    shown = (("uniform-weights", ORANGE, "^", "uniform weights"), (None, BLUE, "o", "KernelSHAP"))
    _scatter(left, record, "shapley", shown)
    left.set(xlabel="Shapley value", ylabel="weighted fit minus Shapley value", title="masked inputs of a network")
    _scatter(
        right, record, "pairs", (("interactions-whole", ORANGE, "^", "whole $c_{ij}$"), (None, BLUE, "o", "half of $c_{ij}$"))
    )
    right.set(xlabel="$c_i$ + share of $\\sum_j c_{ij}$", ylabel="weighted fit minus that", title="games of pairs")
    head(figure, record)
    return figure


def no_free_lunch(record: Record) -> Figure:
    """Left: a parabola, a tangent and the best line; right: every explanation's largest error, above the least one."""
    figure = Figure(figsize=(6.2, 3.1))
    left, right = figure.subplots(1, 2)
    x = np.linspace(-1, 1, 200)
    left.plot(x, x**2, "-", color="black", linewidth=1.5, label="$f = x^2$")
    left.plot(x, 0.8 * x - 0.16, "-", color=BLUE, label="tangent at 0.4")
    left.plot(x, np.full_like(x, 0.5), "-", color=GREEN, label="best line, error 1/2")
    left.set(xlabel="$x$", ylim=(-1.2, 2.1), title="an explanation, $n = 1$")
    left.legend(loc="upper center")
    bounds, near = record.part("elsewhere"), record.part("around")
    if isinstance(bounds, Bounds) and isinstance(near, Bounds):
        errors, least = np.asarray(bounds.value), np.asarray(bounds.lower)
        cases = (least.size - 4) // 4
        for i in range(4):
            here = slice(i * (cases + 1), (i + 1) * (cases + 1))
            jitter = i + 1 + 0.3 * np.linspace(-1, 1, cases)
            right.plot(jitter, errors[here][1:], ".", color=BLUE, markersize=4, label="on $[-1, 1]$" if i == 0 else None)
            right.plot(i + 1, errors[here][0], "D", color=GREEN, markersize=5, label="best fit" if i == 0 else None)
            small = np.asarray(near.value)[i * cases : (i + 1) * cases] / 2 ** (i + 2)
            right.plot(jitter, small, ".", color=PINK, markersize=3, label="around $x_0$" if i == 0 else None)
            right.plot([i + 0.6, i + 1.4], [2.0 ** -(i + 1)] * 2, color=GREY, linestyle=DASHES, linewidth=1.2)
    right.plot([], [], color=GREY, linestyle=DASHES, label="$2^{-n}$")
    right.set(yscale="log", xlabel="degree $n$ of explanations of $x^{n + 1}$", ylabel="largest error", ylim=(1e-5, 3e4))
    right.set_xticks([1, 2, 3, 4])
    right.legend(loc="upper left", ncols=2)
    head(figure, record)
    return figure


def _scatter(axes: Axes, record: Record, part: str, shown: tuple[tuple[str | None, str, str, str], ...]) -> None:
    """Left minus right sides over right sides, of the claim and a control."""
    reach = 0.0
    for control, colour, marker, name in shown:
        found = record.part(part, control)
        if isinstance(found, Sides):
            label = f"{name} ({record.verdict['controls'][control]['verdict']})" if control else name
            right = np.ravel(found.rhs)
            off = np.ravel(found.lhs) - right
            reach = max(reach, float(np.abs(off).max()))
            axes.plot(right, off, marker, color=colour, markersize=3, alpha=0.7, label=label)
    axes.axhline(0, color=GREY, linewidth=0.9, zorder=0)
    axes.set_ylim(-1.1 * reach, 1.8 * reach)
    axes.legend(loc="upper left")
