"""Figures for Hermann et al. (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Pairs, Record
from ntkit.claims.figures import BLUE, ORANGE, PINK, head

AMPLITUDES = np.array([0.1, 0.3, 1.0, 3.0, 10.0])
CURVES = (
    ("many-samples", PINK, "s", "48 samples"),
    ("least-squares", ORANGE, "^", "least squares"),
    (None, BLUE, "o", "tangent kernel"),
)


def availability(record: Record) -> Figure:
    """Share of conflicting probes that follow the shortcut, over its amplitude: the kernel's rises, that of least squares not.

    Bars are twice the standard error over draws.
    """
    figure = Figure(figsize=(3.6, 3.0))
    axes = figure.add_subplot(xscale="log")
    for control, colour, marker, name in CURVES:
        rises = record.part("rises", control)
        if not isinstance(rises, Pairs):
            continue
        shares = np.concatenate([np.asarray(rises.second)[:, :1], np.asarray(rises.first)], axis=1)
        error = 2 * shares.std(axis=0, ddof=1) / np.sqrt(len(shares))
        label = name if control is None else f"{name} (control, {record.verdict['controls'][control]['verdict']})"
        axes.errorbar(AMPLITUDES, shares.mean(axis=0), error, color=colour, marker=marker, markersize=4, label=label)
    axes.set_xticks(AMPLITUDES, [f"{a:g}" for a in AMPLITUDES])
    axes.minorticks_off()
    axes.set_ylim(0, 0.85)
    axes.legend(loc="upper left")
    axes.set_xlabel("amplitude $a$ of the shortcut")
    axes.set_ylabel("share of probes that follow it")
    head(figure, record)
    return figure
