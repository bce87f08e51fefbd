"""Figures for Kumano et al. (2024)."""

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import beta

from ntkit.claims import Counts, Estimates, Record
from ntkit.claims.figures import BLUE, GREY, ORANGE, head

BARS = (
    (None, "moved along\nits gradient"),
    ("random-directions", "random\ndirections"),
    ("other-labels", "other\nlabels"),
)


def perturbations_carry_labels(record: Record) -> Figure:
    """Left: samples that a network trained on perturbed noise gets right; right: where the two boundaries lie."""
    figure = Figure(figsize=(5.6, 3.1))
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    names: list[str] = []
    for control, name in BARS:
        found = record.part("relabelled", control)
        if isinstance(found, Counts):
            successes, trials = int(np.sum(found.successes)), int(np.sum(found.trials))
            share = successes / trials
            low = float(beta.ppf(0.025, successes, trials - successes + 1)) if successes else 0.0
            high = float(beta.ppf(0.975, successes + 1, trials - successes)) if successes < trials else 1.0
            colour = BLUE if control is None else ORANGE
            left.bar(len(names), share, 0.6, color=colour, yerr=[[share - low], [high - share]], ecolor=GREY)
            verdict = "" if control is None else f"\n({record.verdict['controls'][control]['verdict']})"
            names.append(name + verdict)
    left.axhline(0.5, color=GREY, linestyle=":", linewidth=0.9)
    left.set_xticks(range(len(names)), names)
    left.set(ylim=(0, 1.08), ylabel="original samples, right", title="trained on perturbed noise")
    angle = record.part("angle")
    if isinstance(angle, Estimates) and angle.samples is not None:
        values = np.ravel(np.asarray(angle.samples))
        right.plot(np.linspace(-0.15, 0.15, values.size), values, "o", color=BLUE, markersize=3, alpha=0.6)
        right.plot([-0.3, 0.3], [float(np.ravel(angle.predicted)[0])] * 2, "-", color=GREY, linewidth=1)
        right.text(0.3, float(np.ravel(angle.predicted)[0]) + 0.015, "predicted angle", color=GREY, ha="right")
    wrong = record.part("angle", control="not-added")
    if isinstance(wrong, Estimates):
        verdict = record.verdict["controls"]["not-added"]["verdict"]
        right.plot([-0.3, 0.3], [float(np.ravel(wrong.predicted)[0])] * 2, "-", color=ORANGE, linewidth=1)
        text = f"as if not added up\n(control, {verdict})"
        right.text(0.3, float(np.ravel(wrong.predicted)[0]) - 0.015, text, color=ORANGE, ha="right", va="top")
    right.set(xlim=(-0.4, 0.4), ylim=(0.45, 1), xticks=[], ylabel="probes on the same side", title="both networks")
    head(figure, record)
    for axes in figure.axes:
        axes.grid(visible=False, axis="x")
    return figure
