"""Figures for Lu et al. (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record
from ntkit.claims.figures import BLUE, GREEN, GREY, ORANGE, head

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
            found = record.part(name)
            if isinstance(found, Bounds):
                shares = np.asarray(found.value)[i]
                label = f"$U = {weak}$, median of starts" if name == "large" else None
                axes.plot(np.broadcast_to(x[:, None], shares.shape), shares, "_", color=colour, alpha=0.5, markersize=6)
                axes.plot(x, np.median(shares, axis=1), "o", color=colour, markersize=4, label=label)
    linear = record.part("large", control="linear")
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
    head(figure, record)
    return figure


def network_oscillation(record: Record) -> Figure:
    """Left: accuracy on the weak feature alone, at chance below the edge and right above it; right: how far it is learnt."""
    figure = Figure(figsize=(5.9, 3.0))
    left, right = figure.subplots(1, 2)
    for control, rates, colour, marker, name in (
        ("small-rates", (0.3, 0.45, 0.45), ORANGE, "^", "small rates"),
        ("little-noise", (0.3, 0.6, 0.7), GREY, "s", "little noise"),
        (None, (0.3, 0.6, 0.7), BLUE, "o", "network"),
    ):
        below, beyond = record.part("chance", control), record.part("learnt", control)
        if isinstance(below, Estimates) and below.samples is not None and isinstance(beyond, Bounds):
            values = np.concatenate([below.samples, beyond.value], axis=1)
            label = name if control is None else f"{name} (control, {record.verdict['controls'][control]['verdict']})"
            left.plot(np.broadcast_to(rates, values.shape).T, values.T, marker, color=colour, markersize=4)
            left.plot([], [], marker, color=colour, markersize=4, label=label)
    left.axhline(0.5, color=GREY, linestyle="--", linewidth=0.9)
    left.set(ylim=(0.2, 1.06), ylabel="accuracy, weak feature alone")
    left.legend(loc="lower left")
    share = record.part("share")
    rate = np.linspace(0.5, 0.8, 100)
    right.plot(rate, (1 - 1 / (2 * rate)) / 0.9, "-", color=GREY, linewidth=0.9, label="$s_\\eta$, two features")
    if isinstance(share, Bounds):
        values = np.asarray(share.value)
        right.plot(np.broadcast_to([[0.6], [0.7]], values.shape).ravel(), values.ravel(), "o", color=BLUE, label="networks")
    wrong = record.part("share", control="small-rates")
    if isinstance(wrong, Bounds):
        verdict = record.verdict["controls"]["small-rates"]["verdict"]
        values = np.asarray(wrong.value).ravel()
        label = f"small rates\n(control, {verdict})"
        right.plot(np.full(values.size, 0.45), values, "^", color=ORANGE, markersize=4, label=label)
    right.set(ylim=(-0.02, 0.5), ylabel="share $s$ of the weak feature")
    right.legend(loc="upper left")
    for axes in (left, right):
        axes.axvline(0.5, color=GREY, linestyle=":", linewidth=0.9)
        axes.set(xlabel="rate $\\eta$, edge at 0.5", xlim=(0.22, 0.78))
    head(figure, record)
    return figure
