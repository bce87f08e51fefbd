"""Scales, ticks, labels and regions for small panels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ntkit.claims.figures._look import ALLOWED, EDGE

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MOST_DECADES = 2.0  # a logarithmic axis shorter than this is labelled at 1, 2, 5, a longer one at powers of ten
TICK_LETTERS = 26  # what fits below a panel


def label(axes: Axes, x: str, y: str) -> None:
    """Label both axes; `$...$` is mathematics where it parses, and else stands as it is."""
    axes.set_xlabel(readable(x), wrap=False)
    axes.set_ylabel(readable(y), wrap=False)


def readable(text: str) -> str:
    """Text that a figure can hold: dollar signs that delimit no mathematics are escaped."""
    from matplotlib.mathtext import MathTextParser

    try:
        for formula in text.split("$")[1::2]:
            MathTextParser("path").parse(f"${formula}$")
    except ValueError:
        return text.replace("$", r"\$")
    return text


def logarithmic(axis: Axis, values: ArrayLike) -> None:
    """Make an axis logarithmic, with few ticks that can be read; where there is no positive value it stays linear."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    shown = np.ravel(np.asarray(values, dtype=np.float64))
    shown = shown[np.isfinite(shown) & (shown > 0)]
    if not shown.size:
        return
    _set_scale(axis, "log")
    decades = float(np.log10(shown.max() / shown.min()))
    if decades > MOST_DECADES:
        axis.set_major_locator(LogLocator(numticks=6))
        axis.set_minor_locator(NullLocator())
        return
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9) if decades > 0.7 else MaxNLocator(4))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick_name(value)))
    axis.set_minor_locator(NullLocator())


def ticks_at(axis: Axis, values: ArrayLike) -> None:
    """Put ticks at the points of a grid, leaving out as many as have no room."""
    from matplotlib.ticker import NullLocator

    points = np.asarray(values, dtype=np.float64)
    for step in range(1, points.size + 1):
        kept = points[::-1][::step][::-1]
        names = [tick_name(value) for value in kept]
        if sum(len(name) + 2 for name in names) <= TICK_LETTERS or kept.size == 1:
            axis.set_ticks(kept.tolist(), names)
            axis.set_minor_locator(NullLocator())
            return


def tick_name(value: float) -> str:
    """A number for a tick, without an exponent where it reads well without.

    Example:
        >>> tick_name(65536.0), tick_name(0.05), tick_name(1e7)
        ('65536', '0.05', '1e7')
    """
    text = f"{value:.6g}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}".replace("e+0", "e").replace("e+", "e")
    return text.replace("-", "\N{MINUS SIGN}")


def wide_range(*values: ArrayLike) -> bool:
    """Whether values are all positive and range over so much that they need a logarithmic axis."""
    joined = np.concatenate([np.ravel(np.asarray(v, dtype=np.float64)) for v in values])
    joined = joined[np.isfinite(joined)]
    return bool(joined.size and joined.min() > 0 and joined.max() / joined.min() > 30)


def shade(axes: Axes, regions: Mapping[str, Any]) -> dict[str, Artist]:
    """Shade the region of the vertical axis that supports the claim, and draw the edges beyond which it is refuted.

    Returns:
        Label -> artist, for the legend.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    low, high = regions["supported"]
    edges = [edge for edge in regions["not_refuted"] if edge is not None]
    for edge in [end for end in (low, high) if end is not None] + edges:
        axes.axhline(edge, alpha=0)  # so that the limits of the axis reach it
    bottom, top = axes.get_ylim()
    if low is not None or high is not None:
        axes.axhspan(bottom if low is None else low, top if high is None else high, color=ALLOWED, linewidth=0, zorder=0)
    for edge in edges:
        axes.axhline(edge, color=EDGE, linestyle=":", linewidth=1, zorder=1)
    axes.set_ylim(bottom, top)
    named: dict[str, Artist] = {"allowed": Patch(color=ALLOWED)} if (low, high) != (None, None) else {}
    return named | ({"refuted beyond": Line2D([], [], color=EDGE, linestyle=":", linewidth=1)} if edges else {})


def _set_scale(axis: Axis, scale: str) -> None:
    from matplotlib.axis import XAxis

    set_scale = axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale
    set_scale(scale)
