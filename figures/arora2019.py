"""Figures for Arora, Khandeparkar, Khodak, Plevrakis, Saunshi (2019)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, SKY, head

CONTROLS = (
    ("undivided", ORANGE, "without $1 / (1 - \\tau)$ (control)"),
    ("natural-logarithm", PINK, "natural logarithm (control)"),
    ("not-convex", AMBER, "loss not convex (control)"),
    ("any-two-classes", SKY, "any two classes (control)"),
)


def contrastive_bound(record: Record) -> Figure:
    """The supervised loss over its bound for random problems; and how far it exceeds the bound, with the controls."""
    figure = Figure(figsize=(7.2, 3.1))
    left, right = figure.subplots(1, 2)
    claim = record.measurement()
    if isinstance(claim, Bounds):
        upper, value = np.asarray(claim.upper, float), np.asarray(claim.value)
        left.plot([3e-4, 1e3], [3e-4, 1e3], linestyle=DASHES, color=GUIDE, zorder=3)
        left.plot(np.maximum(upper, 1e-3), np.maximum(value, 1e-3), ".", color=BLUE, markersize=3)
        left.text(0.05, 0.92, "losses below 0.001 drawn at 0.001", transform=left.transAxes, fontsize="small", va="top")
    left.set(xscale="log", yscale="log", xlabel=r"bound $(L_{un} - \tau) / (1 - \tau)$", ylabel=r"$L^\mu_{sup}$")
    left.set(xlim=(5e-4, 1e3), ylim=(5e-4, 1e3))
    for control, colour, label in ((None, BLUE, "as claimed"), *CONTROLS):
        found = record.measurement(control)
        if isinstance(found, Bounds):
            excess = np.sort(np.asarray(found.value) - np.asarray(found.upper, float))
            right.plot(excess, np.arange(1, excess.size + 1) / excess.size, color=colour, label=label)
    right.axvline(0, linestyle=DASHES, color=GUIDE)
    right.set_xscale("symlog", linthresh=0.01)
    right.set_xticks([-10, -0.1, 0, 0.1, 10], ["$-10$", "$-0.1$", "0", "0.1", "10"])
    right.minorticks_off()
    right.set(xlabel="supervised loss minus bound", ylabel="share of problems below", ylim=(0, 1.7))
    right.set_yticks([0, 0.5, 1])
    right.legend(fontsize="small", loc="upper left")
    head(figure, record)
    return figure
