"""Figures for Fournier et al. (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GUIDE, ORANGE, SKY, head

DIMS = np.array((5, 10, 30))


def forward_gradient(record: Record) -> Figure:
    """Cosines after and before the product with the derivative; and variances over the dimension."""
    figure = Figure(figsize=(7.2, 3.0))
    cosines = figure.add_subplot(1, 2, 1, xlabel=r"$\cos(v, g)$", ylabel=r"$\cos(\hat g, g)$")
    found = record.part("guess", "signed")
    if isinstance(found, Sides):
        cosines.plot(np.asarray(found.rhs), np.asarray(found.lhs), "o", color=BLUE, markersize=3, label="guesses")
    ends = np.array((-1.0, 0.0, 1.0))
    cosines.plot(ends, np.abs(ends), linestyle=DASHES, color=GUIDE, label="$|\\cos(v, g)|$")
    cosines.plot(ends, ends, ":", color=ORANGE, label="with its sign (control)")
    cosines.set_ylim(-1.05, 1.05)
    cosines.legend(fontsize="small", loc="lower right")
    variances = figure.add_subplot(1, 2, 2, xlabel="dimension $d$", ylabel=r"$(\mathbb{E}|\hat g - g|^2 / |g|^2) / d$")
    variance, swapped = record.part("variance"), record.part("variance", "swapped")
    for j, (law, colour, marker) in enumerate((("Gaussian", BLUE, "o"), ("Rademacher", SKY, "s"))):
        if isinstance(variance, Estimates):
            mean, stderr = (np.asarray(a)[j::2] / DIMS for a in (variance.mean, variance.stderr))
            variances.errorbar(DIMS, mean, 1.96 * stderr, fmt=marker, color=colour, markersize=4, label=law)
        predicted = 1 + (1 - 2 * j) / DIMS
        variances.plot(DIMS, predicted, linestyle=DASHES, color=GUIDE, label="$1 \\pm 1/d$" if j == 0 else None, zorder=0)
    if isinstance(swapped, Estimates):
        wrong = np.asarray(swapped.predicted)[0::2] / DIMS
        variances.plot(DIMS, wrong, "x", color=ORANGE, zorder=5, label="$1 - 1/d$ for Gaussian (control)")
    variances.set_xscale("log")
    variances.set_xticks(DIMS, [str(d) for d in DIMS])
    variances.minorticks_off()
    variances.set_ylim(0.75, 1.45)
    variances.legend(fontsize="small")
    head(figure, record)
    return figure
