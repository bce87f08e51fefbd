"""Figures for Abad Rocamora et al. (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Series, Sides
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, PINK, head

WITHIN = (0.5, 0.9, 0.999)
BEYOND = (1.5, 2.0, 4.0)


def zero_iff_affine(record: Record) -> Figure:
    """The largest error over the radius of the ball: rounding up to the nearest kink, far from it beyond."""
    figure = Figure(figsize=(3.9, 3.1))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="radius / distance to the nearest kink")
    axes.set(ylabel="largest error / scale of $h$", xlim=(0.4, 5), ylim=(1e-18, 1))
    for control, colour, marker, name, aside in (
        (None, BLUE, "o", "ReLU", 1.0),
        ("tanh", ORANGE, "^", "tanh", 0.94),
        ("opposite-pair", PINK, "s", "kink taken back", 1.06),
    ):
        verdict = f" (control, {record.verdict['controls'][control]['verdict']})" if control else ""
        for part, radii in (("inside", WITHIN), ("beyond", BEYOND)):
            found = record.part(part, control)
            if isinstance(found, Bounds) and (control, part) not in (("opposite-pair", "inside"), ("tanh", "beyond")):
                errors = np.maximum(np.asarray(found.value), 3e-18)
                x = aside * np.broadcast_to(radii, errors.shape)
                axes.plot(x.ravel(), errors.ravel(), marker, color=colour, markersize=3, alpha=0.5)
        axes.plot([], [], marker, color=colour, markersize=4, label=name + verdict)
    axes.axvline(1, color=GREY, linestyle=":", linewidth=0.9)
    axes.axhline(2e-14, color=GREY, linestyle=DASHES, linewidth=0.9)
    axes.text(4.8, 3e-14, "rounding", color=GREY, ha="right")
    axes.set_xticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
    axes.minorticks_off()
    axes.legend(loc="center left", bbox_to_anchor=(0.0, 0.41))
    head(figure, record)
    return figure


def curvature_closed_form(record: Record) -> Figure:
    """Left: the error over the radius, with slopes 4, 6 and 2; right: the closed form against it, with and without a term."""
    figure = Figure(figsize=(6.2, 3.1))
    left, right = figure.subplots(1, 2)
    for part, colour, marker, name in (
        ("kink", ORANGE, "^", "$E$ at a kink"),
        ("rate", BLUE, "o", "$E$ of a smooth $h$"),
        ("excess", GREEN, "s", "$|E - E_H|$"),
    ):
        found = record.part(part)
        if isinstance(found, Series):
            x, y = np.asarray(found.x), np.asarray(found.y)[0]
            left.plot(x, y[0] * (x / x[0]) ** found.expected, color=colour, linestyle=DASHES, linewidth=0.9)
            left.plot(x, y, marker, color=colour, markersize=5, label=f"{name}: slope {found.expected:.0f}")
    left.set(xscale="log", yscale="log", xlabel="radius $\\epsilon$", ylabel="mean square error", ylim=(None, 1e1))
    left.set_xticks([0.01, 0.02, 0.04, 0.08], ["0.01", "0.02", "0.04", "0.08"])
    left.minorticks_off()
    left.legend(loc="upper left")
    for control, colour, marker, name in (
        ("fourth-moment", ORANGE, "^", "without $H_{ii}^2$"),
        ("fixed-middle", PINK, "s", "$\\alpha = 1/2$"),
        (None, BLUE, "o", "as claimed"),
    ):
        sides = record.part("quadratic", control)
        if isinstance(sides, Sides):
            verdict = f" ({record.verdict['controls'][control]['verdict']})" if control else ""
            lhs, rhs = np.asarray(sides.lhs), np.asarray(sides.rhs)
            right.plot(rhs, lhs / rhs, marker, color=colour, markersize=4, label=name + verdict)
    right.axhline(1, color=GREY, linewidth=0.9)
    right.set(xscale="log", xlabel="closed form $E_H$", ylabel="$E / E_H$, quadratic $h$", ylim=(0.6, 2.6))
    right.legend(loc="upper right")
    head(figure, record)
    return figure
