"""Figures for Boopathy et al. (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record, Series
from ntkit.claims.figures import BLUE, GREY, ORANGE, head

CASES = ("12, 2, 2.5", "20, 10, 5", "40, 34, 1.5", "40, 34, 3", "30, 18, 3.5", "30, 18, 6")
WRONG = (("no-teacher", "^", "no teacher"), ("one-sample-less", "s", "one sample less"))


def linear_closed_form(record: Record) -> Figure:
    """Left: sampled bits minus closed form, at 0; middle: where no sampling reaches, slope 1/2; right: they fall with n."""
    figure = Figure(figsize=(7.6, 3.0))
    left, middle, right = figure.subplots(1, 3)
    for control, marker, name in ((None, "o", "closed form"), *WRONG):
        found = record.part("sampled", control)
        if isinstance(found, Estimates):
            colour = BLUE if control is None else ORANGE
            label = name if control is None else f"{name} ({record.verdict['controls'][control]['verdict']})"
            x = np.arange(np.size(found.mean))
            left.errorbar(x, found.mean, 2 * np.asarray(found.stderr), fmt=marker, color=colour, markersize=4, label=label)
    left.axhspan(-0.2, 0.2, color=GREY, alpha=0.15)
    left.set_xticks(range(len(CASES)), CASES, rotation=45, ha="right")
    left.minorticks_off()
    left.set_ylim(-1.5, 2.2)
    left.set(xlabel="$d,\\ n,\\ \\epsilon$", ylabel="bits", title="sampled minus closed form")
    left.legend(loc="upper left")
    terms = record.part("leading")
    if isinstance(terms, Series):
        x, bits = np.asarray(terms.x), np.asarray(terms.y)[0]
        middle.plot(x, bits, "o", color=BLUE, markersize=5, label="exact")
        middle.plot(x, x / 2, "-", color=GREY, linewidth=0.9, label="slope 1/2")
        middle.legend(loc="upper left")
    middle.set(xlabel="$(d-n)\\,\\log_2\\frac{d-n}{e\\,\\epsilon}$", ylabel="bits", title="$\\epsilon = 0.1,\\ d-n$ to 200")
    falls = record.part("falls")
    if isinstance(falls, Bounds):
        count = 39  # steps of n, for each of three eps
        less, more = np.asarray(falls.value), np.asarray(falls.upper)
        for i, (epsilon, style) in enumerate((("0.1", "-"), ("0.3", "--"), ("1", ":"))):
            rows = slice(i * count, (i + 1) * count)
            curve = np.append(more[rows], less[rows][-1])
            right.plot(np.arange(curve.size), curve, style, color=BLUE, label=f"$\\epsilon = {epsilon}$")
        right.legend()
        right.set_ylim(0)
    right.set(xlabel="$n$", ylabel="bits", title="$d = 40$")
    head(figure, record)
    return figure
