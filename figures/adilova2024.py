"""Figures for Adilova, Andriushchenko, Kamp, Fischer, Jaggi (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Pairs, Record
from ntkit.claims.figures import ALLOWED, BLUE, DASHES, GREY, GUIDE, ORANGE, PINK, head


def layerwise_convexity(record: Record) -> Figure:
    """How far losses between two networks reach above their chord: never for one linear layer, but for the controls."""
    figure = Figure(figsize=(4.8, 3.1))
    axes = figure.add_subplot(yscale="log", xlabel="loss between / chord", ylabel="share of pairs above")
    axes.axvspan(0, 1, color=ALLOWED, zorder=0)
    axes.axvline(1, linestyle=DASHES, color=GUIDE, zorder=0)
    rows = (
        (None, BLUE, "-", "one linear layer moves"),
        ("all-at-once", ORANGE, (0, (5, 1)), "all linear layers move"),
        ("relu", PINK, (0, (2, 1)), "one ReLU layer moves"),
    )
    right = 1.0
    for control, colour, line, label in rows:
        found = record.measurement(control)
        if isinstance(found, Bounds):
            ratio = np.sort(np.asarray(found.value) / np.asarray(found.upper))
            label += "" if control is None else f" (control, {record.verdict['controls'][control]['verdict']})"
            axes.step(ratio, 1 - np.arange(len(ratio)) / len(ratio), where="pre", linestyle=line, color=colour, label=label)
            axes.plot(ratio[-1], 1 / len(ratio), "o", color=colour)
            right = max(right, float(ratio[-1]))
    axes.set(xlim=(0, 1.05 * right), ylim=(2e-4, 1.5))
    axes.legend(loc="upper right")
    head(figure, record)
    return figure


def layerwise_barrier(record: Record) -> Figure:
    """The rise of the loss at the midpoint where one layer is averaged, all but one, and all; and what is asked."""
    figure = Figure(figsize=(4.8, 3.2))
    axes = figure.add_subplot(xlabel="layer", ylabel="rise of the loss at the midpoint")
    rows = ((None, BLUE, -0.2, "only this layer averaged"), ("all-but-one", ORANGE, 0.2, "all but this layer"))
    layers = np.arange(1, 5)
    for control, colour, shift, label in rows:
        found = record.measurement(control)
        if not isinstance(found, Pairs):
            continue
        rises, whole = np.exp(np.asarray(found.second)), np.exp(np.asarray(found.first))
        label += "" if control is None else f" (control, {record.verdict['controls'][control]['verdict']})"
        axes.bar(layers + shift, rises.mean(axis=0), 0.36, color=colour, alpha=0.6, label=label)
        for column, layer in enumerate(layers):
            axes.plot(layer + shift + np.linspace(-0.1, 0.1, len(rises)), rises[:, column], ".", color=colour, markersize=4)
        if control is None:
            axes.bar(5.0, whole[:, 0].mean(), 0.36, color=GREY, alpha=0.6)
            axes.plot(5.0 + np.linspace(-0.1, 0.1, len(whole)), whole[:, 0], ".", color=GREY, markersize=4)
            axes.axhline(whole[:, 0].mean() / 2, linestyle=DASHES, color=GUIDE, linewidth=0.9, zorder=0)
            axes.text(5.3, whole[:, 0].mean() / 2 - 0.03, "asked:\nbelow half", color=GUIDE, va="top")
    axes.set_xticks([*layers, 5], [*map(str, layers), "all\naveraged"])
    axes.set(xlim=(0.4, 6.3), ylim=(0, 2.1))
    axes.legend(loc="upper left")
    head(figure, record)
    return figure
