"""Figures for Georgiou, Schmitt, Bäck, Chen, Lew (2021)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import BLUE, ORANGE, PINK, SKY, head

COLOURS = {0.01: SKY, 0.1: BLUE, 0.3: PINK, 0.6: ORANGE}


def norm_loss_radial(record: Record) -> Figure:
    """Distance of a norm from 1 over the steps: straight lines of slope log |1 - 2 eta|, not so for (1 - |w|^2)^2 / 4."""
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2, sharey=True)
    _distances(left, record, None, "norm loss")
    if "squared-norm" in record.verdict["controls"]:
        verdict = record.verdict["controls"]["squared-norm"]["verdict"]
        _distances(right, record, "squared-norm", f"$(1 - |w|^2)^2 / 4$ (control, {verdict})")
    left.set_ylabel("$|1 - \\|w\\||$ of the row that is furthest from 1")
    left.plot([], [], "o", color="black", markersize=3, markerfacecolor="white", label="descent")
    left.plot([], [], color="black", linewidth=0.8, label="closed form")
    left.legend(loc="lower left")
    head(figure, record)
    return figure


def _distances(axes: Axes, record: Record, control: str | None, title: str) -> None:
    axes.set_title(title)
    axes.set(xlabel="step", yscale="log", ylim=(1e-9, 2))
    axes.grid(True)
    measured = record.measurement(control)
    norms = measured.get("norms") if isinstance(measured, dict) else None
    if not isinstance(norms, Sides):
        return
    for i, (rate, colour) in enumerate(COLOURS.items()):
        found, expected = (
            np.abs(1 - np.asarray(side)[:, i].reshape(len(np.asarray(side)), -1)) for side in (norms.lhs, norms.rhs)
        )
        row = found[0].argmax()
        axes.plot(expected[:, row], color=colour, linewidth=0.8)
        axes.plot(found[:, row], "o", color=colour, markersize=3, markerfacecolor="white")
        if control is None:
            at = {0.01: (14, 3.0), 0.1: (14, 3.5), 0.3: (13, 4.0), 0.6: (9, 3.0)}[rate]
            axes.text(at[0], expected[at[0], row] * at[1], rf"$\eta = {rate:g}$", color=colour)
