"""Figures for Tarzanagh, Li, Thrampoulidis, Oymak (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Counts, Pairs, Record
from ntkit.claims.figures import BLUE, DASHES, GREY, GUIDE, ORANGE, PINK, head


def attention_svm(record: Record) -> Figure:
    """How many problems align; least margins over the largest possible; margins over norms of both parametrisations."""
    figure = Figure(figsize=(7.2, 3.1))
    left, middle, right = figure.subplots(1, 3, width_ratios=(0.7, 1, 1))
    shown = (
        (None, BLUE, "$W^*$"),
        ("another-token", ORANGE, "one other\ntoken\n(control)"),
        ("mean-constraint", PINK, "mean of\nconstraints\n(control)"),
    )
    for place, (control, colour, _) in enumerate(shown):
        counts = record.part("direction", control)
        if isinstance(counts, Counts):
            share = float(np.asarray(counts.successes)[0] / np.asarray(counts.trials)[0])
            left.bar(place, share, color=colour, width=0.6)
            left.text(place, share + 0.02, f"{100 * share:.0f} %", ha="center", fontsize="small")
    left.axhline(0.8, linestyle=DASHES, color=GUIDE)
    left.set_xticks(range(len(shown)), [label for _, _, label in shown], fontsize="x-small")
    left.set(ylabel="share with correlation above 0.999", ylim=(0, 1.12))
    bounds = record.part("margin")
    if isinstance(bounds, Bounds):
        value, upper = np.asarray(bounds.value), np.asarray(bounds.upper, float)
        other = f"\n({int((value[0] < 0).sum())} with other tokens not drawn)"
        top = 1.05 * upper.max()
        middle.plot([0, top], [0, top], linestyle=DASHES, color=GUIDE, zorder=0)
        middle.plot(upper[1], value[1], ".", color=GREY, markersize=4, label="$W^*$ and noise")
        middle.plot(upper[0], value[0], "o", color=BLUE, markersize=4, markerfacecolor="none", label=f"trained $W$ {other}")
        middle.set(ylim=(0, 1.4 * top))
    middle.set(xlabel="largest possible: $1 / \\|W^*\\|_F$", ylabel="least margin / $\\|W\\|_F$")
    middle.legend(fontsize="small", loc="upper left")
    for control, colour, label in ((None, BLUE, "nuclear norms"), ("frobenius", ORANGE, "Frobenius norms (control)")):
        pairs = record.part("nuclear", control)
        if isinstance(pairs, Pairs):
            right.plot(pairs.second, pairs.first, "o", color=colour, markersize=4, markerfacecolor="none", label=label)
    high = right.get_xlim()[1], right.get_ylim()[1]
    right.plot([0, max(high)], [0, max(high)], linestyle=DASHES, color=GUIDE, zorder=0)
    right.set(xlabel="least margin / norm, $W$", ylabel="least margin / norm, $W = K Q^T$", ylim=(0, 1.25 * max(high)))
    right.legend(fontsize="small", loc="upper left")
    head(figure, record)
    return figure
