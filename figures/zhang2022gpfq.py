"""Figures for Zhang, Zhou, Saab (2022)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record, Series, Sides
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, PINK, head

MULTIPLES = np.array((1, 4, 8, 16, 32))


def step_identity(record: Record) -> Figure:
    """Left: both sides of the identity; right: how far a choice is from the best of the alphabet."""
    figure = Figure(figsize=(6.0, 3.0))
    left, right = figure.subplots(1, 2)
    for control, colour, marker, name in (("no-projection", ORANGE, "^", "no projection"), (None, BLUE, "o", "claim")):
        found = record.part("recursion", control)
        if isinstance(found, Sides):
            label = f"{name} ({record.verdict['controls'][control]['verdict']})" if control else name
            some = slice(0, None, 12)
            left.plot(np.asarray(found.rhs)[some], np.asarray(found.lhs)[some], marker, color=colour, markersize=2, label=label)
    left.plot([1e-10, 1], [1e-10, 1], "-", color=GREY, linewidth=0.9, zorder=0)
    left.set(xscale="log", yscale="log", xlim=(1e-8, 3), ylim=(1e-8, 3))
    left.set(xlabel="sum of squares, scaled", ylabel="$\\|u_t\\|^2$, scaled")
    left.legend(loc="upper left")
    for control, colour, name in (
        ("memoryless", ORANGE, "$Q(w_t)$"),
        ("previous-column", PINK, "$X_{t-1}$ for $X_t$"),
        (None, BLUE, "greedy"),
    ):
        bounds = record.part("greedy", control)
        if isinstance(bounds, Bounds):
            excess = np.sort(np.maximum(np.asarray(bounds.value) - np.asarray(bounds.upper), 0))
            label = f"{name} ({record.verdict['controls'][control]['verdict']})" if control else name
            right.plot(excess, 1 - np.arange(excess.size) / excess.size, "-", color=colour, linewidth=2, label=label)
    right.set(
        xlabel="$\\|u_t\\|^2$ minus its least, scaled", ylabel="share of steps above", xlim=(-0.03, 1), ylim=(-0.03, 1.03)
    )
    right.legend(loc="upper right")
    head(figure, record)
    return figure


def relative_error_rate(record: Record) -> Figure:
    """Left: relative error over the number of weights; right: the mean square error against its closed form."""
    figure = Figure(figsize=(6.2, 3.1))
    left, right = figure.subplots(1, 2)
    for part, delta, colour, marker, name in (
        ("three_levels", 1.0, BLUE, "o", "3 levels"),
        ("nine_levels", 0.25, GREEN, "s", "9 levels"),
    ):
        for control in ("memoryless", None):
            found = record.part(part, control)
            if isinstance(found, Series):
                x = np.asarray(found.x)
                middle = np.median(np.asarray(found.y), axis=0)
                face = {} if control is None else {"markerfacecolor": "none"}
                label = name if control is None else f"{name}, $Q(w_t)$ (control)"
                left.plot(x, middle, marker, color=colour, markersize=5, label=label, **face)
                law = 4 * delta**2 / x if control is None else np.full(x.shape, delta**2 / 4)
                left.plot(x, law, color=GREY, linestyle=DASHES, linewidth=0.9, zorder=0)
    left.plot([], [], color=GREY, linestyle=DASHES, linewidth=0.9, label="$m \\delta^2 / 4N$, $\\delta^2 / 4$")
    left.set(
        xscale="log", yscale="log", xlabel="weights $N$, $m = 16$", ylabel="relative square error, median", ylim=(3e-4, 60)
    )
    left.set_xticks([128, 256, 512], ["128", "256", "512"])
    left.minorticks_off()
    left.legend(loc="upper left", fontsize="x-small")
    estimates = record.part("mean")
    wrong = record.part("mean", "half-correction")
    if isinstance(estimates, Estimates) and isinstance(wrong, Estimates):
        steady = np.array([[(m * delta) ** 2 / 12] for m in (16, 32) for delta in (1.0, 0.25)])
        fine = np.geomspace(0.8, 40, 100)
        right.plot(fine, 1 - np.exp(16 * fine * np.log(1 - 1 / 16)), "-", color=GREY, linewidth=0.9, label="law, $m = 16$")
        for shown, colour, marker, name in (
            (wrong, ORANGE, "^", "half taken back (control)"),
            (estimates, BLUE, "o", "measured"),
        ):
            ratio, error = np.asarray(shown.mean) / steady, 2 * np.asarray(shown.stderr) / steady
            for i, (r, e) in enumerate(zip(ratio, error, strict=True)):
                spread = MULTIPLES * 1.05 ** (i - 1.5)
                right.errorbar(spread, r, e, fmt=marker, color=colour, markersize=3, label=name if i == 0 else None)
    right.set(xscale="log", xlabel="$N / m$", ylabel="mean of $\\|u_N\\|^2$ / ($m^2 \\delta^2 / 12$)", ylim=(0.4, 2.1))
    right.set_xticks(MULTIPLES, [str(k) for k in MULTIPLES])
    right.minorticks_off()
    right.legend(loc="upper left")
    head(figure, record)
    return figure
