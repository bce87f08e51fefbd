"""Values against bounds, and integers against predictions: everything that is read off a diagonal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ntkit.claims._evidence import Bounds, Integers
from ntkit.claims.figures._axes import label, logarithmic, wide_range
from ntkit.claims.figures._exactly import MOST, tolerances_of
from ntkit.claims.figures._look import ALLOWED, GUIDE
from ntkit.claims.figures._table import Table, thinned
from ntkit.claims.figures._view import Legend, Variants, View
from ntkit.claims.figures._words import Judged
from ntkit.claims.rules import Exact, Inequality

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis


def _bound_tables(evidence: Bounds, rule: Inequality, judged: Judged) -> tuple[Table, ...]:
    value = np.ravel(np.asarray(evidence.value))
    bounds = {side: np.ravel(getattr(evidence, side)) for side in ("lower", "upper") if getattr(evidence, side) is not None}
    violation = np.zeros(value.size)
    closeness = np.zeros(value.size)
    for side, bound in bounds.items():
        excess = value - bound if side == "upper" else bound - value
        violation = np.maximum(violation, tolerances_of(np.maximum(excess, 0.0), value, bound, rule))
        closeness = np.fmax(closeness, np.exp(-np.abs(excess) / (np.abs(bound) + np.finfo(float).tiny)))
    kept = thinned(violation + closeness, MOST)  # violations first, then where value and bound come near each other
    columns = {"value": value, **bounds, "violation": violation}
    return ({"case": kept, **{name: values[kept] for name, values in columns.items()}},)


def _integer_tables(evidence: Integers, rule: Exact, judged: Judged) -> tuple[Table, ...]:
    got, expected = np.ravel(np.asarray(evidence.got)), np.ravel(np.asarray(evidence.expected))
    kept = thinned((got != expected).astype(np.float64), MOST)
    return ({"case": kept, "got": got[kept], "expected": expected[kept]},)


def _draw_bounds(axes: Axes, rule: Inequality, variants: Variants) -> Legend:
    """Value over bound, with the side of the diagonal where the bound holds; values between two bounds case by case."""
    sides = [side for side in ("lower", "upper") if side in variants[-1].tables[0]]
    values = [variant.tables[0][name] for variant in variants for name in ("value", *sides)]
    wide = wide_range(*values)
    if wide:
        logarithmic(axes.yaxis, np.concatenate(values))
    evidence = variants[-1].evidence
    if len(sides) == 2:
        return _draw_between(axes, variants)
    side = sides[0]
    for variant in variants:
        axes.plot(variant.tables[0][side], variant.tables[0]["value"], **variant.look.points)
    if wide:
        logarithmic(axes.xaxis, np.concatenate(values))
    label(axes, evidence.x_label or f"{side} bound", evidence.y_label or "value")
    return _diagonal(axes, "value = bound", holds=side)


def _draw_between(axes: Axes, variants: Variants) -> Legend:
    from matplotlib.lines import Line2D

    for variant in variants:
        table = variant.tables[0]
        axes.vlines(table["case"], table["lower"], table["upper"], color=variant.look.colour, alpha=0.35, linewidth=1.5)
        axes.plot(table["case"], table["value"], **variant.look.points)
    evidence = variants[-1].evidence
    label(axes, evidence.x_label or "case", evidence.y_label or "value")
    _whole_ticks(axes.xaxis)
    return {"from lower to upper bound": Line2D([], [], color=GUIDE, alpha=0.35, linewidth=1.5)}


def _draw_integers(axes: Axes, rule: Exact, variants: Variants) -> Legend:
    values = [variant.tables[0][name].astype(np.float64) for variant in variants for name in ("expected", "got")]
    for variant in variants:
        axes.plot(variant.tables[0]["expected"], variant.tables[0]["got"], **variant.look.points)
    evidence = variants[-1].evidence
    label(axes, evidence.x_label or "predicted", evidence.y_label or "computed")
    for axis in (axes.xaxis, axes.yaxis):
        if wide_range(*values):
            logarithmic(axis, np.concatenate(values))
        else:
            _whole_ticks(axis)
    return _diagonal(axes, "as predicted")


def _diagonal(axes: Axes, name: str, *, holds: str = "") -> Legend:
    """The diagonal as far as it passes what is shown; the side of it that a bound allows is shaded."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    ends, (bottom, top) = axes.get_xlim(), axes.get_ylim()
    axes.plot(ends, ends, color=GUIDE, linewidth=0.9, zorder=1)
    legend: dict[str, Artist] = {name: Line2D([], [], color=GUIDE, linewidth=0.9)}
    if holds:
        axes.fill_between(ends, ends, bottom if holds == "upper" else top, color=ALLOWED, linewidth=0, zorder=0)
        legend["bound holds"] = Patch(color=ALLOWED)
    axes.set_xlim(ends)
    axes.set_ylim(bottom, top)
    return legend


def _whole_ticks(axis: Axis) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(5, integer=True))


BOUNDS = (View(_bound_tables, _draw_bounds),)
INTEGERS = (View(_integer_tables, _draw_integers),)
