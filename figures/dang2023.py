"""Figures for Dang, Tran, Osher, Tran-The, Ho, Nguyen (2023)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GUIDE, ORANGE, head

SIZES = np.array([40, 20, 10, 4, 1])
PANELS = (  # place among the sets, decays of layers and features
    (0, (1e-3, 1e-3)),
    (1, (3e-2, 1e-2)),
    (3, (8e-3, 8e-3, 8e-3)),
    (4, (3e-3, 3e-3, 3e-3, 3e-3)),
)


def imbalanced_collapse(record: Record) -> Figure:
    """Squared lengths of the last layer's rows over the size of the class: one layer falls to 0 steadily, more layers jump."""
    figure = Figure(figsize=(7.2, 2.6))
    measured, balanced = record.part("lengths"), record.part("lengths", "balanced")
    fine = np.geomspace(0.8, 50, 400)
    for place, (index, decays) in enumerate(PANELS, 1):
        layers = len(decays) - 1
        title = f"$M = {layers}$, decay {decays[0]:g}" + (f", {decays[1]:g}" if decays[0] != decays[1] else "")
        axes = figure.add_subplot(1, 4, place, xscale="log", xlabel="samples $n_k$", title=title)
        axes.plot(fine, _curve(fine, decays), color=GUIDE, linestyle=DASHES)
        if isinstance(measured, Sides) and index < len(np.asarray(measured.lhs)):
            axes.plot(SIZES, np.asarray(measured.lhs)[index, 0] ** 2, "o", color=BLUE, markersize=4)
        if isinstance(balanced, Sides) and index < len(np.asarray(balanced.rhs)):
            axes.plot(SIZES, np.asarray(balanced.rhs)[index, 0] ** 2, "-", color=ORANGE, zorder=0)
            height = float(np.asarray(balanced.rhs)[index, 0, 0] ** 2)
            axes.text(1.9, height * 1.03, "control: as if\nbalanced", color=ORANGE, va="bottom", fontsize="small")
        _threshold(axes, decays)
        axes.set_xticks(SIZES[::-1], [str(size) for size in SIZES[::-1]])
        axes.minorticks_off()
        axes.set_ylim(bottom=-0.05 * axes.get_ylim()[1])
        if place == 1:
            axes.set_ylabel(r"squared length $\|w_k\|^2$")
    head(figure, record)
    return figure


def _curve(sizes: np.ndarray, decays: tuple[float, ...]) -> np.ndarray:
    """The formula at any size of a class among 75 samples, its scalar problem solved on a grid."""
    power, total = len(decays), float(SIZES.sum())
    s = np.linspace(0, 1, 4001)
    penalty = (sizes * np.prod(decays)) ** (1 / power)
    values = sizes[:, None] / (2 * total) * (s - 1) ** 2 + power / 2 * penalty[:, None] * s ** (2 / power)
    best = s[values.argmin(axis=1)]
    return np.asarray((np.prod(decays) * sizes * best**2) ** (1 / power) / decays[-2])


def _threshold(axes: Axes, decays: tuple[float, ...]) -> None:
    """With one layer, classes of at most N^2 lw lh samples vanish."""
    edge = float(SIZES.sum()) ** 2 * decays[0] * decays[1]
    if len(decays) == 2 and edge > 1:
        axes.axvline(edge, color=GUIDE, linewidth=0.7, linestyle=":")
        axes.text(edge * 1.08, 0.97, r"$N^2 \lambda_1 \lambda_H$", transform=axes.get_xaxis_transform(), va="top", color=GUIDE)
