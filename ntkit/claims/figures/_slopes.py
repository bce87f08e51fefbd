"""Curves whose slope is judged: points with fit, expected slope and the slopes that the claim allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims._evidence import Crossings, Floats, Series
from ntkit.claims.figures._axes import label, logarithmic, readable, ticks_at
from ntkit.claims.figures._look import ALLOWED, DASHES, GUIDE
from ntkit.claims.figures._table import Table
from ntkit.claims.figures._view import Legend, Variants, View
from ntkit.claims.figures._words import Judged, number
from ntkit.claims.rules import Slope
from ntkit.claims.rules._crossings import log_crossings
from ntkit.claims.rules._intervals import student
from ntkit.claims.rules._slope import slope_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVEL = 0.95  # of the band around a curve, which is drawn point by point and judges nothing


def _series_tables(evidence: Series, rule: Slope, judged: Judged) -> tuple[Table, ...]:
    curve, low, high = _reduced(evidence)
    x = np.asarray(evidence.x)
    return ({"x": x, "y": curve, "low": low, "high": high, **_lines(x, curve, rule.axes, evidence.expected, judged)},)


def _crossing_tables(evidence: Crossings, rule: Slope, judged: Judged) -> tuple[Table, ...]:
    x = np.asarray(evidence.x)
    means = np.asarray(evidence.errors).mean(0)
    crossing = np.exp(log_crossings(np.log(np.asarray(evidence.grid)), means, evidence.target))
    return ({"x": x, "crossing": crossing, **_lines(x, crossing, "loglog", evidence.expected, judged)},)


def _error_tables(evidence: Crossings, rule: Slope, judged: Judged) -> tuple[Table, ...]:
    """Mean errors over the grids, and where they cross the target."""
    x, grid, means = np.asarray(evidence.x), np.asarray(evidence.grid), np.asarray(evidence.errors).mean(0)
    curves = {"x": np.broadcast_to(x[:, None], grid.shape).ravel(), "grid": grid.ravel(), "error": means.ravel()}
    crossing = np.exp(log_crossings(np.log(grid), means, evidence.target))
    return curves, {"x": x, "crossing": crossing, "target": np.full(x.size, float(evidence.target))}


def _draw_series(axes: Axes, rule: Slope, variants: Variants) -> Legend:
    return _draw_curves(axes, rule.axes, variants, "y", ("x", "y"))


def _draw_crossings(axes: Axes, rule: Slope, variants: Variants) -> Legend:
    evidence = variants[-1].evidence
    return _draw_curves(axes, "loglog", variants, "crossing", ("x", f"{evidence.y_label or 'grid'} at the target"))


def _draw_curves(axes: Axes, scales: str, variants: Variants, value: str, names: tuple[str, str]) -> Legend:
    """Points, band, fit and expected slope of every variant over the slopes that the claim allows."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shown: list[Floats] = []
    legend: dict[str, Any] = {}
    for variant in variants:
        table, colour = variant.tables[0], variant.look.colour
        x = table["x"]
        if variant.name is None and np.isfinite(table["allowed_low"]).any():
            axes.fill_between(x, table["allowed_low"], table["allowed_high"], color=ALLOWED, linewidth=0, zorder=0)
            legend["allowed slopes"] = Patch(color=ALLOWED)
        if variant.name is None and "low" in table and np.isfinite(table["low"]).any():
            tiny = table[value] * 1e-6 if scales != "linear" else table["low"]
            axes.fill_between(x, np.fmax(table["low"], tiny), table["high"], color=colour, alpha=0.2, linewidth=0, zorder=2)
            legend[f"{LEVEL:.0%} per point"] = Patch(color=GUIDE, alpha=0.2)
            shown.append(table["high"])
        axes.plot(x, table[value], **variant.look.points)
        axes.plot(x, table["fit"], color=colour, zorder=2.5)
        dashes: dict[str, Any] = {"linestyle": DASHES, "linewidth": 0.9}
        axes.plot(x, table["expected"], color="black" if variant.name is None else colour, zorder=2.6, **dashes)
        shown += [table[value], table["expected"]]
    evidence = variants[-1].evidence
    label(axes, evidence.x_label or names[0], (evidence.y_label if names[1] == "y" else "") or names[1])
    if scales == "loglog":
        logarithmic(axes.xaxis, variants[-1].tables[0]["x"])
    ticks_at(axes.xaxis, variants[-1].tables[0]["x"])
    if scales != "linear":
        values = np.concatenate(shown)
        logarithmic(axes.yaxis, values)
        kept = values[np.isfinite(values) & (values > 0)]
        if kept.size:
            margin = max((kept.max() / kept.min()) ** 0.06, 1.05)
            axes.set_ylim(kept.min() / margin, kept.max() * margin)
    legend["fit"] = Line2D([], [], color=GUIDE)
    legend["expected slope"] = Line2D([], [], color=GUIDE, linestyle=DASHES, linewidth=0.9)
    return legend


def _draw_errors(axes: Axes, rule: Slope, variants: Variants) -> Legend:
    """The claim's mean error curves, from light for the smallest x to dark for the largest, and where they cross."""
    from matplotlib import colormaps
    from matplotlib.lines import Line2D

    variant = variants[-1]
    evidence, (curves, crossings) = variant.evidence, variant.tables
    x, grids = np.asarray(evidence.x), np.asarray(evidence.grid)
    errors = np.reshape(curves["error"], grids.shape)
    for i, (grid, error) in enumerate(zip(grids, errors, strict=True)):
        axes.plot(grid, error, color=colormaps["Blues"](0.35 + 0.6 * i / (x.size - 1)), marker=".", markersize=3)
    axes.axhline(evidence.target, color=GUIDE, linestyle="-.", linewidth=0.9)
    axes.plot(crossings["crossing"], crossings["target"], **variant.look.points)
    label(axes, evidence.y_label or "grid", "mean error")
    logarithmic(axes.xaxis, grids)
    logarithmic(axes.yaxis, np.append(errors, evidence.target))
    of = f"{readable(evidence.x_label or 'x')}: {number(x[0])} (light) to {number(x[-1])}"
    return {
        of: Line2D([], [], color=colormaps["Blues"](0.6), marker=".", markersize=3),
        "target error": Line2D([], [], color=GUIDE, linestyle="-.", linewidth=0.9),
    }


def _reduced(evidence: Series) -> tuple[Floats, Floats, Floats]:
    """The curve that the rule fits, with a Student interval at each point; no interval for a computed curve."""
    y = np.asarray(evidence.y)
    if evidence.computed or len(y) < 2:
        missing = np.full(y.shape[1], np.nan)
        return (np.abs(y[0]) if evidence.reduce == "rms" else y[0]), missing, missing
    values = {"mean": y, "rms": y**2, "geometric": np.log(y)}[evidence.reduce]
    centre = values.mean(0)
    half = student(0.0, 1.0, len(y), LEVEL)[1] * values.std(0, ddof=1) / np.sqrt(len(y))

    def back(curve: Floats) -> Floats:
        if evidence.reduce == "rms":
            return np.sqrt(np.maximum(curve, 0.0))
        return np.exp(curve) if evidence.reduce == "geometric" else curve

    return back(centre), back(centre - half), back(centre + half)


def _lines(x: Floats, y: Floats, axes: str, expected: float, judged: Judged) -> Table:
    """Fit, expected slope and the edges of the allowed slopes, all through the middle of the points."""
    across = np.log(x) if axes == "loglog" else x
    up = y if axes == "linear" else np.log(y)
    centred = across - across.mean()
    low, high = (np.nan if edge is None else edge for edge in judged["regions"]["supported"])
    slopes = {"fit": slope_weights(across) @ up, "expected": expected, "allowed_low": low, "allowed_high": high}
    lines = {name: up.mean() + slope * centred for name, slope in slopes.items()}
    return lines if axes == "linear" else {name: np.exp(line) for name, line in lines.items()}


SERIES = (View(_series_tables, _draw_series),)
CROSSINGS = (View(_error_tables, _draw_errors), View(_crossing_tables, _draw_crossings))
