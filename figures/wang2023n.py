"""Figures for Wang et al. (2023), a single neuron."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, PINK, head

DIMS = np.array([5, 20, 80])


def surrogate_inequality(record: Record) -> Figure:
    """Every random law is a point: above the diagonal the inequality holds. Right: with cos in place of monotone functions."""
    figure = Figure(figsize=(5.9, 3.1))
    panels = figure.subplots(1, 2, sharey=True)
    variants = ((None, BLUE, "monotone, 1-Lipschitz"), ("cosine", ORANGE, "cos"))
    for axes, (control, colour, name) in zip(panels, variants, strict=True):
        part = record.part("inequality", control)
        if isinstance(part, Bounds):
            axes.plot(np.asarray(part.lower), np.asarray(part.value), ".", color=colour, markersize=2)
        axes.plot([0, 1], [0, 1], color="black", linestyle=DASHES, linewidth=0.9)
        word = "" if control is None else f" (control, {record.verdict['controls'][control]['verdict']})"
        axes.set(xlim=(-0.02, 1.02), ylim=(-1.05, 1.05), title=f"{name}{word}")
        axes.set_xlabel(r"$E(s - s^*)^2$, scaled")
    panels[0].text(0.97, -0.1, "below the line\nit is violated", ha="right", va="top", color=GREY)
    panels[0].set_ylabel(r"$\langle \nabla L,\, w - w^* \rangle$, scaled")
    head(figure, record)
    return figure


def constant_factor(record: Record) -> Figure:
    """Error over OPT, over dimensions, for both adversaries: below the claimed constant, and no growth."""
    figure = Figure(figsize=(4.4, 3.2))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="dimension $d$", ylabel="error / OPT")
    variants = (
        (None, 1, BLUE, "o", "largest $x_1$ set to 0"),
        (None, 0, GREEN, "s", "largest $|x_2|$ set to 5"),
        ("cosine", 1, ORANGE, "^", "largest $x_1$ set to 0; $s$ = cos"),
        ("cosine", 0, PINK, "v", "largest $|x_2|$ set to 5; $s$ = cos"),
    )
    for control, which, colour, marker, name in variants:
        part = record.part("factor", control)
        if not isinstance(part, Estimates):
            continue
        mean, error = np.asarray(part.mean)[which], 2 * np.asarray(part.stderr)[which]
        word = "" if control is None else f" (control, {record.verdict['controls'][control]['verdict']})"
        axes.errorbar(DIMS, mean, error, marker=marker, color=colour, markersize=5, capsize=2, linewidth=0.9)
        axes.text(DIMS[0], 1.5 * mean[0], name + word, color=colour, va="bottom")
    axes.axhline(1.0, color="black", linestyle=DASHES, linewidth=0.9)
    axes.text(DIMS[-1] * 1.3, 1.08, "claimed: at most 1", ha="right", va="bottom")
    axes.set_xticks(DIMS, [str(d) for d in DIMS])
    axes.minorticks_off()
    axes.set(xlim=(4, 110), ylim=(0.02, 600))
    head(figure, record)
    return figure
