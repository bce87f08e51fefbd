"""Figures for Ainsworth, Hayase, Srinivasa (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Pairs, Record, Sides
from ntkit.claims.figures import ALLOWED, AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, SKY, head


def permutation_exact(record: Record) -> Figure:
    """Changes of the outputs, what matching reaches of the best, and what single assignments gain."""
    figure = Figure(figsize=(7.2, 2.9))
    outputs = figure.add_subplot(1, 3, 1, yscale="log", xlabel="network, sorted", ylabel="relative change of the outputs")
    best = figure.add_subplot(1, 3, 2, xlabel="best of all permutations", ylabel="inner product after matching")
    gains = figure.add_subplot(1, 3, 3, xlabel="share of assignments", ylabel="relative gain of an assignment")
    rows = ((None, BLUE, ".", "all weights"), ("outgoing-only", ORANGE, "^", "outgoing only"))
    for control, colour, marker, label in rows:
        found = record.part("function", control)
        if isinstance(found, Sides):
            values = np.maximum(np.sort(np.asarray(found.lhs)), 1e-17)
            outputs.plot(np.arange(1, len(values) + 1), values, marker, color=colour)
            word = "" if control is None else f"\n({_verdict(record, control)})"
            outputs.text(1, values[0] / 4, label + word, color=colour, va="top")
    outputs.axhline(1e-10, linestyle=DASHES, color=GUIDE, linewidth=0.9, zorder=0)
    outputs.text(1, 1.5e-10, "allowed", color=GUIDE, va="bottom")
    outputs.set_ylim(1e-19, 1e2)
    variants = (("greedy", AMBER, "v", "greedy"), (None, BLUE, "o", "linear assignment"))
    for control, colour, marker, label in variants:
        found = record.part("best", control)
        if isinstance(found, Sides):
            label += "" if control is None else f"\n({_verdict(record, control)})"
            best.plot(found.rhs, found.lhs, marker, color=colour, markersize=4, label=label)
    low, high = (edge(best.get_xlim()[i], best.get_ylim()[i]) for i, edge in enumerate((min, max)))
    best.plot([low, high], [low, high], linestyle=DASHES, color=GUIDE, linewidth=0.9, zorder=0)
    best.set(xlim=(low, high), ylim=(low, high + 0.35 * (high - low)))
    best.legend(loc="upper left")
    steps = record.part("steps")
    if isinstance(steps, Bounds):
        values = np.sort(np.asarray(steps.value))
        gains.plot(np.arange(1, len(values) + 1) / len(values), values, "-", color=BLUE)
        gains.text(0.03, 0.06, f"least gain {values[0]:.2g}", color=BLUE)
    gains.axhline(0, linestyle=DASHES, color=GUIDE, zorder=0)
    gains.set_ylim(bottom=-0.1)
    head(figure, record)
    return figure


def barrier_vs_width(record: Record) -> Figure:
    """Barriers over the width before and after matching, and the ratios that the claim is about."""
    figure = Figure(figsize=(7.2, 3.2))
    barriers = figure.add_subplot(1, 2, 1, xscale="log", yscale="log", xlabel="width", ylabel="barrier of the loss")
    ratios = figure.add_subplot(1, 2, 2, yscale="log", ylabel="ratio of barriers")
    ratios.axhline(1, linestyle=DASHES, color=GUIDE, zorder=0)
    names: list[str] = []
    rows = (
        ("second", "random", ORANGE, "^", f"random permutation ({_verdict(record, 'random')})"),
        ("first", None, SKY, "s", "before matching"),
        ("second", None, BLUE, "o", "after matching"),
    )
    for side, control, colour, marker, label in rows:
        found = record.part("half", control)
        if not isinstance(found, Pairs):
            continue
        widths = [float(width) for width in found.x_label.removeprefix("width ").split(", ")]
        values = np.exp(np.asarray(getattr(found, side)))
        barriers.plot(np.broadcast_to(widths, values.shape).ravel(), values.ravel(), marker, color=colour, markersize=2.5)
        barriers.plot(widths, np.exp(np.log(values).mean(axis=0)), marker + "-", color=colour, markersize=6, label=label)
        barriers.set_xticks(widths, [f"{width:g}" for width in widths])
        barriers.minorticks_off()
        if side == "second":
            apart = np.exp(np.asarray(found.first) - np.asarray(found.second))
            for place, column in enumerate(apart.T):
                ratios.plot(np.full(len(column), place + (0.15 if control else -0.15)), column, marker, color=colour)
            names = [f"{width:g}" for width in widths]
    last, far = len(names) - 0.5, len(names) - 1 + max(1.0, len(names) / 3)  # edge and middle of the second region
    for control, colour, marker, shift in ((None, BLUE, "o", -0.15), ("narrower", PINK, "v", 0.15)):
        found = record.part("falls", control)
        if isinstance(found, Pairs):
            column = np.exp(np.asarray(found.first) - np.asarray(found.second))[:, 0]
            ratios.plot(np.full(len(column), far + shift), column, marker, color=colour)
            if control is not None:
                words = f"exchanged\n({_verdict(record, control)})"
                ratios.text(far + shift, float(column.min()) / 1.2, words, color=colour, ha="center", va="top")
    right = far + 1.4 * (far - last)
    ratios.fill_between([-0.5, last], 2, 60, color=ALLOWED, linewidth=0, zorder=0)
    ratios.fill_between([last, right], 1, 60, color=ALLOWED, linewidth=0, zorder=0)
    ratios.axvline(last, color=GUIDE, linewidth=0.7)
    ratios.text(-0.4, 55, "before / after matching", color=GUIDE, va="top")
    ratios.text(last + 0.05, 55, "after matching", color=GUIDE, va="top")
    ratios.set_xticks([*range(len(names)), far], [*names, "narrowest\n/ widest"])
    ratios.set(xlim=(-0.5, right), ylim=(0.02, 60), xlabel="width")
    ratios.set_yticks([0.1, 1, 2, 10], ["0.1", "1", "2", "10"])
    ratios.minorticks_off()
    low, high = barriers.get_ylim()
    barriers.set_ylim(low, high * 3)
    barriers.legend(loc="upper right")
    head(figure, record)
    return figure


def _verdict(record: Record, control: str) -> str:
    return f"control, {record.verdict['controls'][control]['verdict']}"
