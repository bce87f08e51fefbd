"""Figures for Wang, Mao (2023), supersamples."""

from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Sides
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head


def supersample_interpolation(record: Record) -> Figure:
    """Information over the gap for interpolating learners; and the gap over its bound for all."""
    figure = Figure(figsize=(7.2, 3.1))
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], linestyle=DASHES, color=GUIDE, zorder=0)
    shown = (
        (None, BLUE, "o", "in bits"),
        ("nats", ORANGE, "x", "in nats (control)"),
        ("noisy", PINK, "v", "noisy predictions (control)"),
        ("biased-selectors", AMBER, "+", "biased selectors (control)"),
    )
    for control, colour, marker, label in shown:
        found = record.part("interpolating", control)
        if isinstance(found, Sides):
            left.plot(found.lhs, found.rhs, marker, color=colour, markersize=4, markerfacecolor="none", label=label)
    left.set(xlabel="generalisation gap", ylabel="mean information on the selector", xlim=(0, 1), ylim=(0, 1.35))
    left.legend(fontsize="small", loc="upper left")
    right.plot([0, 1.2], [0, 1.2], linestyle=DASHES, color=GUIDE, zorder=0)
    for control, colour, marker, label in (
        (None, BLUE, "o", r"$\sqrt{2I}$"),
        ("without-two", ORANGE, "x", r"$\sqrt{I}$ (control)"),
    ):
        found = record.part("bound", control)
        if isinstance(found, Bounds):
            right.plot(found.upper, found.value, marker, color=colour, markersize=4, markerfacecolor="none", label=label)
    right.set(xlabel="bound", ylabel="|generalisation gap|", xlim=(0, 1.2), ylim=(-0.02, 1.2))
    right.legend(fontsize="small", loc="upper left")
    head(figure, record)
    return figure
