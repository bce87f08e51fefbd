"""A loss around a network: what was measured, what that says of the picture, and the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.studies._results import BLUE, GREY, ORANGE, heading, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

WIDE = 30.0  # times the smallest loss that the largest one is, from where on levels are powers
LEAST = 0.9  # of the sharpest curvature that a plane is to show, so as to be said to show it


@dataclass(frozen=True)
class Scenery:
    """Slices through a loss and the spectrum beside them.

    Attributes:
        grid: multiples of either direction.
        lines: the loss along each.
        plane: the loss, [i, j] at grid[i] of the first and grid[j] of the second.
        centre: the loss at the parameters.
        accuracy, accuracies: the share of inputs that are right, at the parameters and on the plane; None without classes.
        gradient: its length at the parameters.
        curvatures: the two principal ones within the plane, for a step of length 1, falling.
        top, residuals: the largest eigenvalues of the Hessian, falling, and how far each may be off.
        smallest, smallest_residual: the smallest one.
        params: how many there are.
        trace, trace_interval: an estimate, and 95 %.
        density_grid, density, density_interval: of eigenvalues.
        conventions: how the slices were made.
        homogeneous: whether units can be rescaled without changing the function; None if that is not known.
    """

    grid: Floats
    lines: list[Floats]
    plane: Floats
    centre: float
    accuracy: float | None
    accuracies: Floats | None
    gradient: float
    curvatures: Floats
    top: Floats
    residuals: Floats
    smallest: float
    smallest_residual: float
    params: int
    trace: float
    trace_interval: tuple[float, float]
    density_grid: Floats
    density: Floats
    density_interval: Floats
    conventions: tuple[str, ...]
    homogeneous: bool | None

    @property
    def nonfinite(self) -> int:
        """Points of the plane at which the loss is NaN or infinite."""
        return int((~np.isfinite(self.plane)).sum())

    def verdict(self) -> list[str]:
        """What this picture can and cannot show, a sentence each."""
        high, low = (float(curvature) for curvature in self.curvatures)
        sharpest = float(self.top[0])
        ends = f"all curvatures, from {self.smallest:.3g} to {sharpest:.3g}"
        found = [f"At its centre the plane curves by {high:.3g} and {low:.3g}, of {ends}."]
        if sharpest > 0 and high < LEAST * sharpest:
            share, mean = percent(max(high, 0.0) / sharpest), self.trace / self.params
            found.append(f"It shows {share} of the sharpest curvature; a mean one is {mean:.3g}.")
        if not np.any(self.top) and self.smallest == 0:
            found.append(
                "It does not curve at its centre, nor does the loss in any direction: units there are dead or saturated."
            )
        elif low < -1e-3 * max(abs(high), abs(sharpest)):
            found.append("It curves downward in the plane: the loss is not convex here, which one such direction proves.")
        elif self.smallest + self.smallest_residual < 0:
            found.append("It looks convex at the centre and the loss is not: the Hessian has a negative eigenvalue.")
        else:
            found.append("It looks convex at the centre, which proves nothing of other directions.")
        if self.homogeneous:
            found.append(
                "Units can be rescaled without changing the function, and filter normalisation does not take that back: "
                "do not compare its widths with another network's."
            )
        if self.homogeneous is None:
            found.append(
                "Whether units can be rescaled without changing the function is not known; its widths compare only if not."
            )
        if self.nonfinite:
            found.append(f"The loss is NaN or infinite at {self.nonfinite} of {self.plane.size} points, which are left white.")
        return found


def drawn_scenery(title: str, found: Scenery) -> Figure:
    """Lines, contours, a surface, and the spectrum with the plane's two curvatures in it."""
    from matplotlib.figure import Figure

    head = heading(title, 100)
    figure = Figure(figsize=(8.2, 6.6 + 0.16 * (head.count("\n") + 1)))
    grid = figure.add_gridspec(2, 2)
    _lines(figure.add_subplot(grid[0, 0]), found)
    _contours(figure.add_subplot(grid[0, 1]), found)
    _surface(figure.add_subplot(grid[1, 0], projection="3d"), found)
    _spectrum(figure.add_subplot(grid[1, 1]), found)
    figure.suptitle(head, x=0.01, ha="left", parse_math=False)
    return figure


def _powers(found: Scenery) -> bool:
    """Whether the loss is drawn by powers of ten."""
    values = found.plane[np.isfinite(found.plane)]
    return bool(values.size and values.min() > 0 and values.max() > WIDE * values.min())


def _lines(axes: Axes, found: Scenery) -> None:
    for values, colour, style, name in zip(found.lines, (BLUE, ORANGE), ("-", "--"), ("first", "second"), strict=True):
        axes.plot(found.grid, values, style, color=colour, label=f"{name} direction")
    axes.plot([0], [found.centre], "o", color="black", markersize=4, label="the network")
    axes.set(xlabel="multiple of the direction", ylabel="loss", title="along two directions")
    if _powers(found):
        axes.set_yscale("log")
    axes.grid(True)
    axes.legend(loc="upper center")


def _contours(axes: Axes, found: Scenery) -> None:
    powers = _powers(found)
    shown = np.ma.masked_invalid(np.log10(found.plane) if powers else found.plane)
    drawn = axes.contourf(found.grid, found.grid, shown.T, 20, cmap="viridis")
    axes.contour(found.grid, found.grid, shown.T, 10, colors="white", linewidths=0.4, linestyles="solid")
    axes.plot([0], [0], "o", color="white", markersize=4, markeredgecolor="black")
    axes.figure.colorbar(drawn, ax=axes, label=f"{'log10 of the ' if powers else ''}loss")
    axes.set(xlabel="multiple of the first direction", ylabel="multiple of the second", title="on the plane")
    axes.set_aspect("equal")


def _surface(axes: Any, found: Scenery) -> None:
    powers = _powers(found)
    first, second = np.meshgrid(found.grid, found.grid, indexing="ij")
    heights = np.log10(found.plane) if powers else found.plane
    axes.plot_surface(
        first, second, np.where(np.isfinite(heights), heights, np.nan), cmap="viridis", linewidth=0, antialiased=True
    )
    axes.set(xlabel="first", ylabel="second", title=f"as a surface: {'log10 of the ' if powers else ''}loss")
    axes.view_init(elev=35, azim=-60)


def _spectrum(axes: Axes, found: Scenery) -> None:
    """The density by powers, as few eigenvalues are large; ticks below for eigenvalues that are known one by one."""
    floor = 0.1 / found.params / max(float(np.ptp(found.density_grid)), 1e-300)
    low, high, middle = (np.where(row > floor, row, floor) for row in (*found.density_interval, found.density))
    axes.set_yscale("log")
    axes.fill_between(found.density_grid, low, high, where=high > floor, color=BLUE, alpha=0.25, linewidth=0)
    shown = np.where(middle > floor, middle, np.nan)
    axes.plot(found.density_grid, shown, color=BLUE, linewidth=1, label="all eigenvalues")
    known = np.append(found.top, found.smallest)
    axes.plot(known, np.full(len(known), floor * 2), "|", color=GREY, markersize=9, label="known one by one")
    for place, curvature in enumerate(found.curvatures):
        axes.axvline(float(curvature), color=ORANGE, linestyle="--", label="within the plane" if place == 0 else None)
    axes.set(xlabel="curvature", ylabel="density of eigenvalues", title="the Hessian's spectrum")
    axes.legend(loc="upper right")
