"""Identities: how far the two sides lie apart, in units of the tolerance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ntkit.claims._evidence import Floats, Sides
from ntkit.claims.figures._axes import label, logarithmic, shade, wide_range
from ntkit.claims.figures._table import Table, thinned
from ntkit.claims.figures._view import Legend, Variants, View, column, regions_of
from ntkit.claims.figures._words import Judged
from ntkit.claims.rules import Identity, Inequality
from ntkit.claims.rules._exactly import _in_tolerances as in_tolerances

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 200  # points of one variant; the worst are always among them


def _side_tables(evidence: Sides, rule: Identity, judged: Judged) -> tuple[Table, ...]:
    lhs, rhs = np.ravel(np.asarray(evidence.lhs)), np.ravel(np.asarray(evidence.rhs))
    error = np.abs(lhs - rhs)
    tolerances = tolerances_of(error, lhs, rhs, rule)
    kept = thinned(tolerances, MOST)
    size = np.maximum(np.abs(lhs), np.abs(rhs))
    columns = {"lhs": lhs, "rhs": rhs, "size": size, "error": error, "tolerances": tolerances}
    return ({"case": kept, **{name: values[kept] for name, values in columns.items()}},)


def _draw_sides(axes: Axes, rule: Identity, variants: Variants) -> Legend:
    from matplotlib.lines import Line2D

    every = column(variants, "tolerances")
    seen = every[np.isfinite(every) & (every > 0)]
    floor = 10.0 ** np.floor(np.log10(min(seen.min(), 0.1)) - 0.5) if seen.size else 1e-3
    ceiling = 10.0 * max(seen.max(initial=1.0), rule.refute)
    for variant in variants:
        table = variant.tables[0]
        axes.plot(table["size"], np.clip(table["tolerances"], floor, ceiling), **variant.look.points, clip_on=False)
    if wide_range(column(variants, "size")):
        logarithmic(axes.xaxis, column(variants, "size"))
    logarithmic(axes.yaxis, [floor, ceiling])
    axes.set_ylim(floor, ceiling)
    evidence = variants[-1].evidence
    sides = list(dict.fromkeys(filter(None, (evidence.x_label, evidence.y_label))))
    across = f"larger of {sides[0]} and {sides[1]}" if len(sides) == 2 else next(iter(sides), "larger side")
    label(axes, across, "difference / tolerance")
    legend = dict(shade(axes, regions_of(variants)))
    if (every == 0).any():
        legend["lowest: exactly equal"] = Line2D([], [], linestyle="none")
    return legend


def tolerances_of(error: Floats, a: Floats, b: Floats, rule: Identity | Inequality) -> Floats:
    """Errors in units of the tolerance that a rule grants these two sides; missing where an error is."""
    return np.where(np.isfinite(error), in_tolerances(error, a, b, rule.rtol, rule.atol), np.nan)


SIDES = (View(_side_tables, _draw_sides),)
