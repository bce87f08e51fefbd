"""Figures for Simon et al. (2023), stepwise learning."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import BLUE, DASHES, ORANGE, head

SHADES = ("#083c7d", "#2070b4", "#5ba3d0", "#a6cee4")


def ssl_stepwise(record: Record) -> Figure:
    """Left: sizes of the modes of one aligned network rise one after the other. Right: when, predicted and measured."""
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    head(figure, record)
    _steps(left, record.part("closed"))
    for control, colour, marker in (("no-competition", ORANGE, "^"), (None, BLUE, "o")):
        times = record.part("times", control)
        if isinstance(times, Sides):
            right.plot(
                np.asarray(times.lhs), np.asarray(times.rhs), marker, color=colour, markersize=3.5, markerfacecolor="none"
            )
    low, high = right.get_xlim()
    right.plot([low, high], [low, high], color="black", linestyle=DASHES, linewidth=0.9)
    right.text(0.04, 0.92, "by the triangular factor", color=BLUE, transform=right.transAxes)
    verdict = record.verdict["controls"]["no-competition"]["verdict"]
    right.text(0.04, 0.83, f"by norms (control, {verdict})", color=ORANGE, transform=right.transAxes)
    right.set_title("time at which a mode is learnt")
    right.set_xlabel("predicted")
    right.set_ylabel("measured")
    return figure


def _steps(axes: Axes, closed: object) -> None:
    axes.set_title("modes of a network with aligned start")
    axes.set_xlabel("share of the time")
    axes.set_ylabel("size over its last value")
    if not isinstance(closed, Sides):
        return
    networks = len(np.asarray(closed.lhs)) // 400  # 100 times, 4 modes
    shown = [np.asarray(side).reshape(networks, 100, 4)[0] for side in (closed.lhs, closed.rhs)]
    share = np.linspace(0, 1, 100)
    for j, colour in enumerate(SHADES):
        axes.plot(share, shown[0][:, j] / shown[0][-1, j], color=colour, linewidth=1.8, label=f"mode {j + 1}")
        axes.plot(share, shown[1][:, j] / shown[1][-1, j], color="black", linestyle=(0, (2, 2)), linewidth=0.7)
    axes.plot([], [], color="black", linestyle=(0, (2, 2)), linewidth=0.7, label="closed form")
    axes.legend(loc="lower right")
