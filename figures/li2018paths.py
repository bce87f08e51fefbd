"""Figures for Li et al. (2018): paths of training, and skip connections."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Pairs, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GREY, GUIDE, ORANGE, PINK, head

POINTS = 13  # of the planes, on a side


def pca_trajectory(record: Record) -> Figure:
    """The share of two components: training, random walks, independent points."""
    figure = Figure(figsize=(4.8, 3.0))
    axes = figure.add_subplot(ylabel="share of the variance in two components")
    rows = [
        ("training", None, BLUE),
        ("independent points\n(control)", "points", PINK),
    ]
    for place, (_, control, colour) in enumerate(rows):
        found = record.part("walks", control)
        if isinstance(found, Pairs):
            first, second = (np.asarray(side, float) for side in (found.first, found.second))
            axes.plot(np.full(len(first), place), first, "o", color=colour, markersize=5, markerfacecolor="none")
            if control is None:
                axes.axhspan(0, second.max(), color=GREY, alpha=0.15, linewidth=0, label="up to the largest of 20 walks")
    axes.axhline(7.5 / np.pi**2, linestyle=DASHES, color=GUIDE, label=r"$\frac{6}{\pi^2}(1 + \frac{1}{4})$, long walks")
    axes.axhline(0.4, linestyle=":", color=GUIDE, label="0.4")
    axes.set_xticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set(xlim=(-0.5, 1.5), ylim=(0, 1.05))
    axes.legend(loc="lower left", fontsize="small")
    head(figure, record)
    return figure


def skip_depth_sharpness(record: Record) -> Figure:
    """Planes of a deep network without and with skips on one scale; losses near the minimum over depth; largest eigenvalues."""
    figure = Figure(figsize=(9.6, 5.6))
    grid = figure.add_gridspec(2, 3, width_ratios=(1, 1, 0.95))
    planes, values = record.part("surface"), record.part("eigenvalues")
    line = np.linspace(-1, 1, POINTS)
    families = (("without skips", ORANGE), ("with skips", BLUE))
    if isinstance(planes, Sides):
        surfaces = np.log10(np.asarray(planes.lhs, float)[:2].reshape(2, POINTS, POINTS))
        low, high = float(surfaces.min()), float(surfaces.max())
        levels = np.linspace(low, high, 25)
        for column, (name, _) in enumerate(families):
            axes = figure.add_subplot(grid[0, column], title=f"12 layers {name}", xlabel="first direction")
            drawn = axes.contourf(line, line, surfaces[column].T, levels, cmap="viridis")
            axes.contour(line, line, surfaces[column].T, levels[::2], colors="white", linewidths=0.4, linestyles="solid")
            axes.plot([0], [0], "o", color="white", markeredgecolor="black", markersize=4)
            axes.set_box_aspect(1)
            if column:
                figure.colorbar(drawn, ax=axes, ticks=np.arange(np.ceil(low), np.floor(high) + 1), label="log10 of the loss")
            else:
                axes.set_ylabel("second direction")
            solid = figure.add_subplot(grid[1, column], projection="3d")
            first, second = np.meshgrid(line, line, indexing="ij")
            solid.plot_surface(first, second, surfaces[column], cmap="viridis", vmin=low, vmax=high, linewidth=0)
            solid.set(xlabel="first", ylabel="second", zlim=(low, high), title="log10 of the loss")
            solid.view_init(elev=35, azim=-60)
    sharp = figure.add_subplot(grid[0, 2], xlabel="square layers", ylabel="$M$, loss at a quarter", yscale="log")
    deeper, flat = record.part("deeper"), record.part("flat")
    if isinstance(deeper, Pairs) and isinstance(flat, Pairs):
        for (name, colour), ends in zip(families, ((deeper.second, deeper.first), (flat.first, flat.second)), strict=True):
            both = np.exp(np.stack([np.asarray(end, float) for end in ends]))
            sharp.plot([2, 12], both, "o-", color=colour, markersize=4, linewidth=0.8)
            sharp.plot([], [], "o-", color=colour, label=name)
    sharp.set_xticks([2, 12])
    sharp.set_xlim(0, 14)
    sharp.legend(loc="center left", fontsize="small")
    spectrum = figure.add_subplot(grid[1, 2], xlabel="number", ylabel="eigenvalue of the Hessian", yscale="log")
    if isinstance(values, Sides):
        for (name, colour), row in zip(families, np.asarray(values.lhs, float)[:2], strict=False):
            spectrum.plot(np.arange(1, len(row) + 1), row, "o", color=colour, label=name, markersize=4)
    spectrum.legend(loc="upper right", fontsize="small")
    head(figure, record)
    return figure
