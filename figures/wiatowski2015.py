"""Figures for Wiatowski and Bölcskei (2015)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Series, Sides
from ntkit.claims.figures import AMBER, BLUE, DASHES, GREEN, GREY, ORANGE, SKY, head

LAYERS = (BLUE, SKY, GREEN, AMBER)


def vertical_translation(record: Record) -> Figure:
    """Left: how much a shift changes each layer, halved from layer to layer; without pooling it is not. Right: the bound."""
    figure = Figure(figsize=(5.9, 3.0))
    left, right = figure.subplots(1, 2)
    for part, marker, name in (("wide", "s", "wide low-pass"), ("narrow", "o", "narrow low-pass")):
        for control, colour in ((None, BLUE), ("no-pooling", ORANGE)):
            series = record.part(part, control)
            if not isinstance(series, Series):
                continue
            layer, y = np.log2(np.asarray(series.x)), np.asarray(series.y)
            mean, error = y.mean(axis=0), 2 * y.std(axis=0, ddof=1) / np.sqrt(len(y))
            style = "-" if control is None else ":"
            words = f"{name}, S = 2" if control is None else f"{name}, S = 1 (control, {_word(record, control)})"
            left.errorbar(layer, mean, error, color=colour, marker=marker, linestyle=style, label=words, capsize=2)
            left.set_xticks(layer)
            if control is None:
                left.plot(layer, mean[0] * 2.0 ** (layer[0] - layer), color="black", linestyle=DASHES, linewidth=0.8)
    left.set(yscale="log", xlabel="layer $n$", ylabel="relative change of the features", ylim=(0.008, 6))
    left.set_yticks([0.01, 0.03, 0.1, 0.3, 1.0], ["0.01", "0.03", "0.1", "0.3", "1"])
    left.minorticks_off()
    left.legend(loc="upper right", fontsize=6.5)
    left.text(1.05, 0.014, "dashed: halved\nfrom layer to layer", va="center")
    for control, colour, offset, name in (
        (None, BLUE, -0.12, "shift by $t = S^D$"),
        ("indivisible", ORANGE, 0.12, "shift by 1, not divisible by S"),
    ):
        bounds = record.part("bound", control)
        if isinstance(bounds, Bounds):
            ratio = np.asarray(bounds.value) / np.asarray(bounds.upper)
            layers = ratio.shape[2]
            x = np.broadcast_to(np.arange(layers)[:, None] + offset, ratio.shape)
            words = name if control is None else f"{name}\n(control, {_word(record, control)})"
            right.plot(x.ravel(), ratio.ravel(), "_", color=colour, markersize=5, label=words)
            right.set_xticks(range(layers))
    right.axhline(1, color="black", linestyle=DASHES, linewidth=0.9)
    right.set(yscale="log", xlabel="layer $n$", ylabel="change / bound", ylim=(1e-3, 300))
    right.legend(loc="upper left", fontsize=6.5)
    head(figure, record)
    return figure


def parseval_energy(record: Record) -> Figure:
    """Where the energy of the input is after the last layer: at 1 in all for each network, but for the controls.

    Bars are means over networks, whiskers reach from the least to the largest sum. Pooling keeps the mean only.
    """
    figure = Figure(figsize=(4.4, 3.0))
    axes = figure.add_subplot(ylabel=r"energy / $\|f\|^2$")
    names = ((None, "Parseval,\nmodulus"), ("frame-bound", "bound 1.05"), ("relu", "ReLU"), ("pooled", "pooled"))
    labels = []
    for i, (control, name) in enumerate(names):
        sides = record.part("energy", control)
        labels.append(name if control is None else f"{name}\n(control,\n{_word(record, control)})")
        if not isinstance(sides, Sides):
            continue
        seen, left = np.asarray(sides.lhs), 1 - np.asarray(sides.rhs)[:, -1]
        bottom, sums = 0.0, seen[:, -1] + left
        for n, height in enumerate([*np.diff(seen.mean(axis=0), prepend=0.0), left.mean()]):
            last = n == seen.shape[1]
            colour = GREY if last else LAYERS[n % len(LAYERS)]
            words = f"not yet seen, $U_{n}$" if last else rf"features $\Phi^{n}$"
            axes.bar(i, height, 0.6, bottom, color=colour, label="_" if i else words)
            bottom += height
        axes.errorbar(i, bottom, [[bottom - sums.min()], [sums.max() - bottom]], color="black", capsize=4)
        axes.text(i, sums.max() + 0.03, f"{bottom:.3f}", ha="center")
    axes.axhline(1, color="black", linestyle=DASHES, linewidth=0.9)
    axes.set(ylim=(0, 1.35), xlim=(-0.5, 5.4))
    axes.set_xticks(range(len(labels)), labels)
    axes.tick_params(axis="x", which="both", length=0)
    handles, texts = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], texts[::-1], loc="center right")
    axes.text(5.35, 0.28, "bars: means\nwhiskers: extremes", ha="right", va="top", color=GREY)
    head(figure, record)
    return figure


def deformation_exponents(record: Record) -> Figure:
    """Left: changes over the largest shift, in units in which the bounds are the shift and its square root; right: over R."""
    figure = Figure(figsize=(5.9, 3.1))
    left, right = figure.subplots(1, 2, width_ratios=(1.7, 1))
    for bounds, features, series, exponent, colour, marker, name in (
        ("smooth", "contraction", "deformation", 1.0, BLUE, "o", "band-limited"),
        ("jumps", "steps_contraction", "steps", 0.5, GREEN, "s", "steps"),
    ):
        bound, seen, curve = (record.part(part) for part in (bounds, features, series))
        if not (isinstance(bound, Bounds) and isinstance(seen, Bounds) and isinstance(curve, Series)):
            continue
        shifts, upper = np.asarray(curve.x), np.asarray(bound.upper)
        for part, face, size, words in ((bound, colour, 3.5, "input"), (seen, "none", 7, "features")):
            values = np.asarray(part.value)
            mean = (values / upper[: len(values)]).mean(axis=0) * shifts**exponent
            left.plot(shifts, mean, marker, color=colour, markerfacecolor=face, markersize=size, label=f"{name}: {words}")
        left.plot(shifts, shifts**exponent, color=colour, linewidth=0.9)
        text = r"bound $\|\tau\|_\infty$" if exponent == 1 else r"bound $\|\tau\|_\infty^{1/2}$"
        middle = len(shifts) // 2
        left.text(shifts[middle] * 0.8, shifts[middle] ** exponent * 1.15, text, color=colour, ha="right", va="bottom")
    left.set(
        xscale="log",
        yscale="log",
        xlabel=r"largest shift $\|\tau\|_\infty$, in samples",
        ylabel="change over the bound's constant",
    )
    left.legend(loc="lower right")
    bandwidth = record.part("bandwidth")
    if isinstance(bandwidth, Series):
        x, y = np.asarray(bandwidth.x), np.asarray(bandwidth.y)
        right.plot(x, y.T, "_", color=BLUE, alpha=0.2)
        right.plot(x, y.mean(axis=0), "o", color=BLUE, label="features, band-limited")
        right.plot(x, y.mean(axis=0)[1] * x / x[1], color="black", linestyle=DASHES, linewidth=0.9, label="slope 1")
        right.set_xscale("log")
        right.set_yscale("log")
        right.set_xticks(x, [f"{limit:g}" for limit in x])
        ticks = [tick for tick in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05) if y.min() < tick < y.max()]
        right.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        right.minorticks_off()
        right.legend(loc="upper left")
    right.set(xlabel="bandwidth $R$, at a shift of 1", ylabel=r"change / $\|f\|$")
    head(figure, record)
    return figure


def _word(record: Record, control: str) -> str:
    return str(record.verdict["controls"][control]["verdict"])
