"""Figures for Lu et al. (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record

BLUE, GREEN, ORANGE, GREY = "#0072B2", "#009E73", "#D55E00", "#666666"
SMALL = np.array([0.05, 0.2, 0.45])
LARGE = np.array([0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9])


def two_feature_oscillation(record: Record) -> Figure:
    """The weak feature's share over the learning rate: none below the edge of stability, the closed form above it."""
    figure = Figure(figsize=(3.8, 3.1))
    axes = figure.add_subplot(xlabel="learning rate $\\eta$, for $V = 1$", ylabel="share $s$ of the weak feature")
    rate = np.linspace(0.5, 0.9, 100)
    for i, (colour, weak) in enumerate(((GREEN, 0.05), (BLUE, 0.1))):
        axes.plot(rate, (1 - 1 / (2 * rate)) / (1 - weak), "-", color=colour, linewidth=0.9)
        for name, x in (("small", SMALL), ("large", LARGE)):
            found = _part(record, None, name)
            if isinstance(found, Bounds):
                shares = np.asarray(found.value)[i]
                label = f"$U = {weak}$, median of starts" if name == "large" else None
                axes.plot(np.broadcast_to(x[:, None], shares.shape), shares, "_", color=colour, alpha=0.5, markersize=6)
                axes.plot(x, np.median(shares, axis=1), "o", color=colour, markersize=4, label=label)
    linear = _part(record, "linear", "large")
    if isinstance(linear, Bounds):
        verdict = record.verdict["controls"]["linear"]["verdict"]
        axes.plot(LARGE, np.asarray(linear.value)[1].mean(axis=1), "^", color=ORANGE, markersize=4)
        axes.text(0.92, 0.05, f"linear model\n(control, {verdict})", color=ORANGE, ha="right")
    axes.axvline(0.5, color=GREY, linestyle=":", linewidth=0.9)
    axes.text(0.49, 0.56, "edge of stability\n$1 / 2V$", color=GREY, ha="right")
    axes.plot([], [], "-", color=GREY, linewidth=0.9, label="$s_\\eta$")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(dict(zip(labels, handles, strict=True)).values(), dict.fromkeys(labels), loc="upper left")
    axes.set_ylim(-0.02, 1.0)
    axes.grid(True)
    title = f"{record.claim.name}:\n{record.verdict['verdict']} ({record.tier} tier)"
    figure.suptitle(title, x=0.02, ha="left", parse_math=False)
    return figure


def _part(record: Record, control: str | None, name: str) -> object:
    if control is not None and control not in record.verdict["controls"]:
        return None
    measured = record.measurement(control)
    return measured.get(name) if isinstance(measured, dict) else None
