"""Figures for Tian (2025)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Series, Sides
from ntkit.claims.figures import ALLOWED, BLUE, GREEN, GREY, GUIDE, ORANGE, head

NAMES = ("Z5", "Z7", "Z8", "S3", "Q8", "A4", "S3 x Z3", "Z16", "Z23", "D5", "S4", "Q8 x Z3", "A5")


def energy_spectrum(record: Record) -> Figure:
    """Left: where ascent ends, for each group, on the levels of its blocks; right: the weights it ends in, on Z8: sines."""
    figure = Figure(figsize=(6.2, 3.1))
    left, right = figure.subplots(1, 2, width_ratios=(1.7, 1))
    levels, waves = record.part("levels"), record.part("waves")
    spread = np.random.default_rng(0)
    if isinstance(levels, Sides):
        ended, predicted = np.asarray(levels.lhs), np.asarray(levels.rhs)
        for i, (energies, marks) in enumerate(zip(ended, predicted, strict=True)):
            for mark in np.unique(marks):
                left.plot([i - 0.4, i + 0.4], [mark, mark], color=GREY, linewidth=0.8, zorder=1)
            left.plot(i + spread.uniform(-0.25, 0.25, energies.size), energies, ".", color=BLUE, markersize=3, zorder=2)
        names = [*NAMES[: len(ended)]]
        other = record.part("levels", control="latin-square")
        if isinstance(other, Sides):
            energies = np.asarray(other.lhs)[0]
            x = len(names) + spread.uniform(-0.25, 0.25, energies.size)
            left.plot(x, energies, "^", color=ORANGE, markersize=3, zorder=2)
            left.plot([len(names) - 0.4, len(names) + 0.4], [1 / 4, 1 / 4], color=GREY, linewidth=0.8, zorder=1)
            names.append("no group")
            verdict = record.verdict["controls"]["latin-square"]["verdict"]
            left.text(len(names) - 1.35, 0.36, f"control,\n{verdict}", color=ORANGE, ha="right", va="center")
        left.set_xticks(range(len(names)), names, rotation=45, ha="right")
        fractions = (8, 6, 4, 2)
        left.set_yticks([1 / n for n in fractions], [f"1/{n}" for n in fractions])
        left.minorticks_off()
        left.set_ylim(0, 0.56)
    left.set(ylabel="$E / M$ after ascent", title="levels $1/2d$, $1/4d$ as lines")
    if isinstance(waves, Sides):
        weights, fitted = np.asarray(waves.lhs), np.asarray(waves.rhs)
        x = np.arange(weights.shape[-1])
        for i, colour in enumerate((BLUE, GREEN, ORANGE)):
            right.plot(x, fitted[i, 0] - i, "-", color=colour, linewidth=0.8)
            right.plot(x, weights[i, 0] - i, "o", color=colour, markersize=4)
        right.set_yticks([])
        right.set_xticks(x)
        right.minorticks_off()
    right.set(xlabel="element $g$ of Z8", title="three units: $u_g$, one frequency", ylabel="$u_g$, shifted")
    head(figure, record)
    return figure


def sample_threshold(record: Record) -> Figure:
    """Pairs that keep a frequency, over M ln M: a horizontal line is the law, and it is not reached."""
    figure = Figure(figsize=(3.6, 3.1))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="$M$, prime", ylabel="$n_* / (M\\,\\ln M)$")
    measured = record.measurement()
    if isinstance(measured, Series):
        x, y = np.asarray(measured.x), np.asarray(measured.y)
        ratio = y / x
        mean, error = np.exp(np.log(ratio).mean(axis=0)), np.log(ratio).std(axis=0, ddof=1) / np.sqrt(len(y))
        axes.plot(np.multiply(x, 1.03), ratio.T, ".", color=BLUE, alpha=0.35, markersize=3)
        axes.errorbar(x, mean, [mean * (1 - np.exp(-2 * error)), mean * (np.exp(2 * error) - 1)], fmt="o", color=BLUE)
        middle = np.exp(np.log(mean).mean())
        centre = np.exp(np.log(x).mean())
        for power, text, style in ((1.0, "$M\\,\\ln M$", "-"), (1.5, "$M^{3/2}\\,\\ln M$", "--"), (2.0, "$M^2\\,\\ln M$", ":")):
            axes.plot(x, middle * (x / centre) ** (power - 1), style, color=GREY, linewidth=0.9, label=text)
        slope = record.verdict["statistic"]
        axes.set_title(f"exponent {slope:.2f} of $M$, beside the logarithm")
        axes.set_xticks(x, [f"{value:g}" for value in x])
        axes.set_yticks([5, 10, 20, 40], ["5", "10", "20", "40"])
        axes.minorticks_off()
        axes.set_ylim(5, 45)
        axes.legend(loc="upper left")
    head(figure, record)
    return figure


def corrected_threshold(record: Record) -> Figure:
    """Pairs that keep a frequency over M ln M, counted in two ways: only the corrected number follows the law."""
    figure = Figure(figsize=(4.2, 3.2))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="$M$, prime", ylabel="pairs $/\\ (M\\,\\ln M)$")
    counted = ((None, "$n_*/(1 - n_*/M^2)$", BLUE, "o"), ("uncorrected", "$n_*$", ORANGE, "^"))
    spread = np.random.default_rng(0)
    for control, text, colour, marker in counted:
        measured = record.measurement(control)
        if not isinstance(measured, Series):
            continue
        x, ratio = np.asarray(measured.x), np.asarray(measured.y) / np.asarray(measured.x)
        mean, error = np.exp(np.log(ratio).mean(axis=0)), np.log(ratio).std(axis=0, ddof=1) / np.sqrt(len(ratio))
        judged = record.verdict if control is None else record.verdict["controls"][control]
        label = f"{text}: exponent {judged['statistic']:.2f}" + ("" if control is None else f"\n(control, {judged['verdict']})")
        beside = x * np.exp((1 if control is None else -1) * spread.uniform(0.05, 0.15, ratio.shape))
        axes.plot(beside.ravel(), ratio.ravel(), marker, color=colour, alpha=0.3, markersize=2)
        errors = [mean * (1 - np.exp(-2 * error)), mean * (np.exp(2 * error) - 1)]
        axes.errorbar(x, mean, errors, fmt=f"{marker}-", color=colour, linewidth=1, label=label)
        if control is None:
            low, high = (exponent - 1 for exponent in judged["regions"]["supported"])
            line, middle = np.geomspace(x[0], x[-1], 50), np.exp(np.log(mean).mean())
            centre = np.exp(np.log(x).mean())
            band = middle * (line / centre) ** low, middle * (line / centre) ** high
            axes.fill_between(line, *band, color=ALLOWED, linewidth=0, zorder=0, label="slopes allowed")
            axes.plot(x, np.full(x.shape, middle), color=GUIDE, linewidth=0.9, label="$M\\,\\ln M$")
            axes.set_xticks(x, [f"{value:g}" for value in x])
    axes.set_yticks([10, 20, 40], ["10", "20", "40"])
    axes.minorticks_off()
    axes.set_ylim(6, 45)
    axes.legend(loc="upper left")
    head(figure, record)
    return figure
