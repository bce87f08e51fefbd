"""Figures for Tirer, Huang, Niles-Weed (2023)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record
from ntkit.claims.figures import BLUE, GREEN, ORANGE, PINK, head

SHOWN = 15  # starts
CASES = (("$W$ optimal", 0, BLUE), ("$W$ fixed", 2, GREEN), ("$W$ turning", 4, GREEN))


def within_class_decrease(record: Record) -> Figure:
    """The trace of the covariance within classes over the flow's steps, for the claim and for its two wrong flows."""
    figure = Figure(figsize=(7.2, 2.5))
    panels: list[tuple[str | None, str, int, str]] = [(None, title, index, colour) for title, index, colour in CASES]
    panels.append(("noisy-labels", "noisy labels", 0, ORANGE))
    panels.append(("own-weights", "weights of one's own", 2, PINK))
    for place, (control, title, index, colour) in enumerate(panels, 1):
        word = "" if control is None else f"\n(control, {record.verdict['controls'][control]['verdict']})"
        axes = figure.add_subplot(1, 5, place, xlabel="step", title=title + word)
        _paths(axes, record, "decrease", control, index, colour)
        axes.set_ylim(0, 2)
        if place == 1:
            axes.set_ylabel(r"$\mathrm{tr}\,\Sigma_W$ / at the start")
        else:
            axes.tick_params(labelleft=False)
    head(figure, record)
    return figure


def nc1_ratio(record: Record) -> Figure:
    """The ratio of traces over the flow's steps, that with a random W, and the measure with a pseudo-inverse."""
    figure = Figure(figsize=(7.2, 2.7))
    panels = (
        (None, "$W$ optimal", r"$\mathrm{tr}\,\Sigma_W / \mathrm{tr}\,\Sigma_B$ / at the start", BLUE),
        ("random-weights", "random $W$", r"$\mathrm{tr}\,\Sigma_W / \mathrm{tr}\,\Sigma_B$ / at the start", ORANGE),
        ("pseudo-inverse", "pseudo-inverse, the 15 highest", r"$\mathrm{tr}\,\Sigma_W \Sigma_B^+$ / at the start", PINK),
    )
    for place, (control, title, label, colour) in enumerate(panels, 1):
        word = "" if control is None else f"\n(control, {record.verdict['controls'][control]['verdict']})"
        axes = figure.add_subplot(1, 3, place, xlabel="step", ylabel=label, title=title + word)
        axes.set_ylim(0, 2)
        _paths(axes, record, "ratio", control, 0, colour, highest=control == "pseudo-inverse")
    head(figure, record)
    return figure


def _paths(axes: Axes, record: Record, part: str, control: str | None, index: int, colour: str, highest: bool = False) -> None:
    """A quantity along the flow from some starts, over its value there: the first ones, or those that get highest."""
    found = record.part(part, control)
    if not isinstance(found, Bounds) or found.upper is None:
        return
    path = np.concatenate([np.asarray(found.upper)[index, :1], np.asarray(found.value)[index]])
    path = path / path[0]
    chosen = np.argsort(-path.max(axis=0))[:SHOWN] if highest else np.arange(SHOWN)
    axes.plot(path[:, chosen], color=colour, linewidth=0.8, alpha=0.8)
    axes.axhline(1, color="black", linewidth=0.6)
