"""Figures for Patil, LeJeune (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record
from ntkit.claims.figures import ALLOWED, AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, SKY, head

SETTINGS = ("$p/2$\n1\n0.1", "$p/2$\n5\n0.1", "$4p/5$\n1\n0.01", "$4p/5$\n5\n0.0001", "$3p/2$\n2\n0.1")
SHOWN = (
    (None, BLUE, "o", "GCV"),
    ("each-member", PINK, "v", "mean GCV of members (control)"),
    ("sketch-size", SKY, "s", "sketch size for trace (control)"),
    ("one-power", AMBER, "^", "one power (control)"),
    ("training-error", ORANGE, "x", "training error (control)"),
)


def gcv_sketched_ensemble(record: Record) -> Figure:
    """Estimates over the risk in each setting."""
    figure = Figure(figsize=(6.2, 3.3))
    axes = figure.add_subplot(yscale="log", ylabel="estimate / risk")
    axes.axhspan(0.94, 1.06, color=ALLOWED, linewidth=0, zorder=0)
    axes.axhline(1, linestyle=DASHES, color=GUIDE, zorder=1)
    places = np.arange(len(SETTINGS))
    for control, colour, marker, label in SHOWN:
        found = record.measurement(control)
        if isinstance(found, Estimates):
            error = 2 * np.asarray(found.stderr)
            axes.errorbar(places, found.mean, error, fmt=marker, color=colour, markersize=5, capsize=2, label=label)
    axes.set_xticks(places, SETTINGS)
    axes.set_xlabel("sketch size, members, ridge")
    axes.set_yticks([0.2, 0.5, 1, 2, 3], ["0.2", "0.5", "1", "2", "3"])
    axes.minorticks_off()
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    head(figure, record)
    return figure
