"""Figures for Reid et al. (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, head

DIMS, LENGTHS = (2, 3, 4, 8, 16, 64), np.array((0.25, 0.5, 1.0, 2.0, 3.0))
SHOWN = {2: "o", 8: "s", 64: "^"}
CELLS = [f"{coupling}\nd = {d}" for d in (4, 8) for coupling in ("ind.", "orth.", "simp.")]


def simrf_order(record: Record) -> Figure:
    """Errors relative to independent directions, by formula; and errors of samples over what the formula says."""
    figure = Figure(figsize=(7.2, 3.0))
    ratios = figure.add_subplot(1, 2, 1, xlabel="$v = |x + y|$", ylabel="mean square error / independent's", yscale="log")
    for control, couplings in ((None, ("simplex", "orthogonal")), ("opposite-sign", ("opposite",))):
        found = record.part("order", control)
        if not isinstance(found, Bounds):
            continue
        middle, least, largest = (np.asarray(a, float).reshape(len(DIMS), -1) for a in (found.value, found.lower, found.upper))
        for coupling in couplings:
            rho, colour = {
                "simplex": (least, BLUE),
                "orthogonal": (middle, AMBER),
                "opposite": (least, ORANGE),
            }[coupling]
            for d, marker in SHOWN.items():
                i = DIMS.index(d)
                alone = np.exp(2 * LENGTHS**2) - np.exp(LENGTHS**2)
                error = alone + (d - 1) * (rho[i] - largest[i])
                label = {"opposite": "opposite sign (control)"}.get(coupling, coupling) if d == 8 else None
                line = "-" if control is None else ":"
                ratios.plot(LENGTHS, error / alone, line, color=colour, marker=marker, markersize=4, label=label)
    ratios.axhline(1, linestyle=DASHES, color=GUIDE, zorder=0)
    ratios.legend(
        fontsize="small", title="circles: d = 2, squares: 8, triangles: 64", title_fontsize="small", loc="lower right"
    )
    sampled = figure.add_subplot(1, 2, 2, ylabel="mean square error / predicted")
    shown = ((None, BLUE, "o", "claim"), ("one-length", ORANGE, "v", "one length (control)"))
    for shift, (control, colour, marker, label) in enumerate(shown):
        found = record.part("error", control)
        if isinstance(found, Estimates):
            mean, stderr, predicted = (np.ravel(a) for a in (found.mean, found.stderr, found.predicted))
            sampled.errorbar(
                np.arange(6) + 0.2 * (shift - 0.5), mean / predicted, 1.96 * stderr / np.abs(predicted), fmt=marker,
                color=colour, label=label, markersize=4,
            )  # fmt: skip
    sampled.axhline(1, linestyle=DASHES, color=GUIDE, zorder=0)
    sampled.set_xticks(range(6), CELLS, fontsize="x-small")
    sampled.legend(fontsize="small")
    head(figure, record)
    return figure
