"""Figures for Kini, Vakilian, Behnia, Gill, Thrampoulidis (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import head

SIZES = ((6, 6, 6, 6), (24, 12, 6, 2))


def scl_relu_orthogonal_frame(record: Record) -> Figure:
    """Cosines among class means for equal and unequal sizes, with and without the constraint."""
    figure = Figure(figsize=(7.2, 2.3))
    picture = None
    for place in range(4):
        control, index = (None, "free")[place // 2], place % 2
        found = record.part("frame", control)
        if not isinstance(found, Sides):
            continue
        cosines = np.asarray(found.lhs)[index]
        words = (
            "features $\\geq 0$" if control is None else f"any sign (control, {record.verdict['controls'][control]['verdict']})"
        )
        axes = figure.add_subplot(1, 4, place + 1, title=words if index == 0 else "")
        picture = axes.imshow(cosines, cmap="RdBu_r", vmin=-1, vmax=1)
        for (i, j), cosine in np.ndenumerate(cosines):
            if i != j:  # rounding: no minus in front of 0.00
                axes.text(j, i, f"{round(float(cosine), 2) + 0.0:.2f}", ha="center", va="center", fontsize="x-small")
        axes.set_xticks(range(4), [str(size) for size in SIZES[index]])
        axes.set_yticks(range(4), [str(size) for size in SIZES[index]])
        axes.set(xlabel="class, by its size")
        axes.tick_params(length=0)
    if picture is not None:
        figure.colorbar(picture, ax=figure.axes, label="cosine of class means", shrink=0.75, ticks=[-1, 0, 1])
    head(figure, record)
    for axes in figure.axes:
        axes.grid(visible=False)
    return figure
