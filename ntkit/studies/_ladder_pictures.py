"""The picture of a ladder of bounds: each method over the radius, and for how many inputs the class is certain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.studies._ladders import Floats, Ladder
from ntkit.studies._results import BLUE, GREY, ORANGE, heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = (2.95, 2.6)  # inches
STYLES: dict[str, dict[str, Any]] = {
    "product": {"color": GREY, "linestyle": ":"},
    "absolute": {"color": GREY, "linestyle": "--"},
    "ibp": {"color": ORANGE, "linestyle": "-"},
    "recurjac": {"color": "#CC79A7", "linestyle": "-."},
    "lirpa": {"color": "#56B4E9", "linestyle": "--", "zorder": 3},  # on "best", which it often is
    "best": {"color": BLUE, "linestyle": "-"},
    "bab": {"color": "#E69F00", "linestyle": "", "marker": "D", "zorder": 4},
    "exact": {"color": "#000000", "linestyle": "", "marker": "o", "zorder": 4},
    "attained": {"color": "#009E73", "linestyle": "-", "marker": "^"},
}


def drawn_ladder(title: str, found: Ladder) -> Figure:
    """The ladder of methods over the radius; and of how many inputs the class is certain."""
    from matplotlib.figure import Figure

    panels = 1 if found.certain is None else 2
    head = heading(title, 50 * panels)
    figure = Figure(figsize=(panels * PANEL[0] + 0.4, PANEL[1] + 0.16 * (head.count("\n") + 1)))
    axes = figure.subplots(1, panels, squeeze=False)[0]
    _ladder(axes[0], found)
    if found.certain is not None:
        _certain(axes[1], found, found.certain)
    figure.suptitle(head, x=0.01, ha="left", parse_math=False)
    return figure


def _ladder(axes: Axes, found: Ladder) -> None:
    """Bounds from above fall, the attained rises, and what is true lies between."""
    axes.set(xscale="log", yscale="log")
    axes.grid(True)
    drawn = {name: found.median(name) for name in (*found.bounds, "attained")}
    ends = _apart({name: math.log10(values[-1]) for name, values in drawn.items() if values[-1] > 0})
    for name, values in drawn.items():
        style = STYLES[name]
        if name in found.solved:
            _solved(axes, found.radii, values, found.solved[name], style)
        else:
            axes.plot(found.radii, np.where(values > 0, values, np.nan), label=name, **style)
        if name in ends:
            axes.annotate(
                name, (found.radii[-1], 10 ** ends[name]), (6, 0), textcoords="offset points", va="center",
                color=style["color"], annotation_clip=False,
            )  # fmt: skip
    least = np.min([drawn[name] for name in found.bounds], axis=0)
    axes.fill_between(found.radii, drawn["attained"], least, color=BLUE, alpha=0.12, linewidth=0)
    count = len(found.values)
    axes.set_title("bounds of the change" + (f", median of {count} inputs" if count > 1 else ""))
    axes.set_xlabel(f"radius of the ball, in the $\\ell_{{{_infinity(found.norm)}}}$ norm")
    axes.set_ylabel("change of output / change of input")
    _radius_ticks(axes, found.radii)
    _bound_ticks(axes)


def _solved(axes: Axes, radii: list[float], values: Floats, solved: list[bool], style: dict[str, Any]) -> None:
    """Filled where all was solved."""
    for radius, value, done in zip(radii, values, solved, strict=True):
        axes.plot([radius], [value], **style, markerfacecolor=style["color"] if done else "white")


def _certain(axes: Axes, found: Ladder, certain: np.ndarray[Any, Any]) -> None:
    """Shares of inputs whose class is certain, from radius 0 on, where it is that of the network."""
    axes.set_xscale("log")
    axes.grid(True)
    axes.plot(found.radii, 100 * certain.mean(1), "o-", color=BLUE, label="certain")
    if found.right is not None:
        axes.plot(found.radii, 100 * (certain & found.right).mean(1), "s--", color=ORANGE, label="certain and right")
        axes.axhline(100 * found.right.mean(), color=GREY, linestyle=":", linewidth=1, label="right at the input itself")
    axes.set_ylim(-3, 103)
    axes.set_title("inputs whose class is certain in the ball")
    axes.set_xlabel(f"radius of the ball, in the $\\ell_{{{_infinity(found.norm)}}}$ norm")
    axes.set_ylabel(f"percent of {len(found.values)} inputs")
    _radius_ticks(axes, found.radii)
    axes.legend(loc="best")


def _radius_ticks(axes: Axes, radii: list[float]) -> None:
    """The radii themselves, if they are few."""
    if len(radii) <= 6:
        axes.set_xticks(radii, [f"{radius:g}" for radius in radii])
    axes.minorticks_off()


def _bound_ticks(axes: Axes) -> None:
    """Numbers between powers of ten where there are few of these."""
    from matplotlib.ticker import LogLocator

    low, high = axes.get_ylim()
    decades = math.log10(high / low)
    between = (1, 1.5, 2, 3, 5, 7) if decades < 1 else (1, 2, 5) if decades < 2.5 else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=between))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _infinity(norm: str) -> str:
    return norm.replace("inf", "\\infty")


def _apart(places: dict[str, float]) -> dict[str, float]:
    """Places for names beside the ends of lines, moved up where they would lie on each other; of equals the last is lowest."""
    gap = 0.055 * max(max(places.values(), default=0) - min(places.values(), default=0), 0.5)
    last, moved, order = -math.inf, {}, list(places)
    for name in sorted(places, key=lambda name: (round(places[name], 6), -order.index(name))):
        last = moved[name] = max(places[name], last + gap)
    return moved
