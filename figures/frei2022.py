"""Figures for Frei, Chatterji, Bartlett (2022)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Counts, Estimates, Pairs, Record
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, PINK, head

FLIPS = np.array([0.0, 0.1, 0.2])
DIMS = np.array([20, 40, 80, 160])


def linear_chance(record: Record) -> Figure:
    """Error over the rate of flipped labels: the network's is that rate, that of least squares on clean labels 1/2."""
    figure = Figure(figsize=(4.6, 3.3))
    axes = figure.add_subplot(xlabel=r"rate $\eta$ of flipped labels", ylabel="test error")
    axes.plot([-0.02, 0.22], [0.5, 0.5], color=GREY, linestyle=DASHES, linewidth=0.9)
    axes.plot([0, 0.22], [0, 0.22], color=GREY, linestyle=DASHES, linewidth=0.9)
    axes.text(0.222, 0.215, r"$\eta$", color=GREY, va="center")
    axes.text(0.222, 0.5, "1/2", color=GREY, va="center")
    variants = (
        (None, "linear", GREEN, "s", "least squares, clean labels"),
        ("one-cluster", "linear", PINK, "v", "the same without the cluster $-\\mu_1$"),
        ("few-samples", "network", ORANGE, "^", "network, 400 samples in $d = 100$"),
        (None, "network", BLUE, "o", "network, 2000 samples in $d = 40$"),
    )
    for control, name, colour, marker, label in variants:
        part = record.part(name, control)
        if isinstance(part, Counts):
            mean = np.asarray(part.successes) / np.asarray(part.trials)
            error = np.sqrt(mean * (1 - mean) / np.asarray(part.trials))
        elif isinstance(part, Estimates):
            mean, error = np.asarray(part.mean), np.asarray(part.stderr)
        else:
            continue
        word = "" if control is None else f" (control, {record.verdict['controls'][control]['verdict']})"
        axes.errorbar(FLIPS, mean, 2 * error, fmt=marker, color=colour, markersize=5, capsize=2, label=label + word)
    axes.set_xticks(FLIPS, [f"{flip:g}" for flip in FLIPS])
    axes.set(xlim=(-0.03, 0.24), ylim=(-0.03, 0.88))
    axes.legend(loc="upper left")
    head(figure, record)
    return figure


def amplification(record: Record) -> Figure:
    """Median cosine of units with their nearer cluster: random ones as 1.05 / sqrt d, trained ones above 1/2."""
    figure = Figure(figsize=(4.6, 3.3))
    axes = figure.add_subplot(xscale="log", xlabel="dimension $d$", ylabel=r"median $\max_i |\cos(w, \mu_i)|$")
    random = record.part("random")
    if isinstance(random, Estimates):
        fine = np.geomspace(15, 200, 50)
        axes.plot(fine, 1.0505 / np.sqrt(fine), color=GREY, linestyle=DASHES, linewidth=0.9)
        axes.errorbar(DIMS, random.mean, 2 * np.asarray(random.stderr), fmt="s", color=GREY, markersize=4, capsize=2)
        axes.text(165, 0.11, r"random, $1.05 / \sqrt{d}$", color=GREY, ha="right", va="bottom")
    variants = (
        (None, BLUE, "o", "trained"),
        ("more-flips", PINK, "v", "4 of 10 labels flipped"),
        ("random-labels", ORANGE, "^", "random labels"),
    )
    for control, colour, marker, name in variants:
        part = record.part("half", control)
        if not isinstance(part, Pairs):
            continue
        cosines = np.asarray(part.first)
        dims = DIMS[1 : 1 + cosines.shape[1]]
        mean, error = cosines.mean(axis=0), cosines.std(axis=0, ddof=1) / np.sqrt(len(cosines))
        word = "" if control is None else f" (control, {record.verdict['controls'][control]['verdict']})"
        axes.errorbar(dims, mean, 2 * error, fmt=marker, color=colour, markersize=6, capsize=2)
        axes.text(dims[-1] * 1.12, mean[-1] + 0.02, name + word, color=colour, va="bottom")
    axes.axhline(0.5, color="black", linestyle=DASHES, linewidth=0.9)
    axes.text(195, 0.51, "claimed: above 1/2", ha="right", va="bottom")
    axes.set_xticks(DIMS, [str(dim) for dim in DIMS])
    axes.minorticks_off()
    axes.set(xlim=(15, 200), ylim=(0, 1))
    head(figure, record)
    return figure
