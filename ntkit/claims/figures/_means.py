"""Means and proportions: a value with its interval per cell, over the region that the claim allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims._evidence import Counts, Estimates, Floats, Pairs
from ntkit.claims.figures._axes import label, shade, tick_name
from ntkit.claims.figures._table import Table, thinned
from ntkit.claims.figures._view import Legend, Variants, View, column, regions_of
from ntkit.claims.figures._words import Judged
from ntkit.claims.rules import Agreement, Ordering, Proportion, Rule
from ntkit.claims.rules._intervals import clopper_pearson, mean_intervals, simultaneous
from ntkit.claims.rules._means import deviations

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CELLS = 40  # of one variant; the worst are always among them
MOST_DOTS = 60  # paired repeats of one cell
SPREAD = 0.5  # the part of a cell's width over which its variants are spread


def _count_tables(evidence: Counts, rule: Proportion, judged: Judged) -> tuple[Table, ...]:
    successes, trials = np.ravel(np.asarray(evidence.successes)), np.ravel(np.asarray(evidence.trials))
    level = simultaneous(rule.level, trials.size)
    ends = np.array([clopper_pearson(int(s), int(n), level) for s, n in zip(successes, trials, strict=True)])
    return (_worst_cells({"successes": successes, "trials": trials}, successes / trials, ends, judged),)


def _estimate_tables(evidence: Estimates, rule: Agreement, judged: Judged) -> tuple[Table, ...]:
    mean, stderr = np.ravel(np.asarray(evidence.mean)), np.ravel(np.asarray(evidence.stderr))
    predicted = np.ravel(np.asarray(evidence.predicted))
    tolerance, cells = deviations(rule, evidence)
    value, ends = np.array([value for value, _ in cells]), np.array([interval for _, interval in cells])
    known = {"mean": mean, "stderr": stderr, "predicted": predicted, "tolerance": tolerance}
    return (_worst_cells(known, value, ends, judged),)


def _pair_tables(evidence: Pairs, rule: Ordering, judged: Judged) -> tuple[Table, ...]:
    """The mean difference per cell, and the differences of single repeats behind it."""
    difference = np.asarray(evidence.first) - np.asarray(evidence.second)
    cells = difference.reshape(len(difference), -1)
    level = simultaneous(rule.level, cells.shape[1])
    if np.isfinite(cells).all():
        ends = np.array([interval for _, interval in mean_intervals(cells, level)])
    else:
        ends = np.full((cells.shape[1], 2), np.nan)
    means = _worst_cells({}, cells.mean(0), ends, judged)
    repeats = np.unique(np.linspace(0, len(difference) - 1, MOST_DOTS).astype(int))
    cell, repeat = (places.ravel() for places in np.meshgrid(means["cell"], repeats, indexing="ij"))
    return means, {"cell": cell, "repeat": repeat, "difference": cells[repeat, cell]}


def _worst_cells(known: Table, value: Floats, ends: Floats, judged: Judged) -> Table:
    low, high = judged["regions"]["supported"]
    below = ends[:, 0] if low is None else low - ends[:, 0]
    above = ends[:, 1] if high is None else ends[:, 1] - high
    badness = np.maximum(below if low is not None else -np.inf, above if high is not None else -np.inf)
    kept = thinned(badness, MOST_CELLS)
    columns = {**known, "value": value, "low": ends[:, 0], "high": ends[:, 1]}
    return {"cell": kept, **{name: values[kept] for name, values in columns.items()}}


def _draw_counts(axes: Axes, rule: Proportion, variants: Variants) -> Legend:
    evidence = variants[-1].evidence
    label(axes, evidence.x_label or "cell", evidence.y_label or "share of successes")
    return _draw_cells(axes, rule, variants)


def _draw_estimates(axes: Axes, rule: Agreement, variants: Variants) -> Legend:
    """Deviations in tolerances; logarithmic beyond the refuting edge where a control is far off."""
    evidence = variants[-1].evidence
    label(axes, evidence.x_label or "estimate", f"{evidence.y_label}\ndeviation / tolerance".lstrip())
    values = column(variants, "value")
    values = values[np.isfinite(values)]
    lowest, highest = values.min(initial=0.0), values.max(initial=0.0)
    if max(-lowest, highest) > 10 * rule.refute:
        near = 3 * rule.refute
        axes.set_yscale("symlog", linthresh=rule.refute, linscale=2)
        axes.set_ylim(min(3 * lowest, -near), max(3 * highest, near))
        powers = 10.0 ** np.arange(1, 300)
        up, down = (powers[(powers > near) & (powers < 3 * most)] for most in (highest, -lowest))
        ticks = [-1.0, 0.0, 1.0, *up[:: 1 + up.size // 4], *-down[:: 1 + down.size // 4]]
        axes.set_yticks(ticks, [tick_name(tick) for tick in ticks])
        axes.set_yticks([], minor=True)
    return _draw_cells(axes, rule, variants)


def _draw_pairs(axes: Axes, rule: Ordering, variants: Variants) -> Legend:
    evidence = variants[-1].evidence
    label(axes, evidence.x_label or "cell", evidence.y_label or "first \N{MINUS SIGN} second")
    for variant, offset in zip(variants, _offsets(variants), strict=True):
        dots = variant.tables[1]
        jitter = 0.06 * np.sin(2.4 * dots["repeat"])  # spreads neighbours, the same way every time
        axes.plot(
            dots["cell"] + offset + jitter,
            dots["difference"],
            ".",
            color=variant.look.colour,
            alpha=0.35,
            markersize=2.5,
        )
    return _draw_cells(axes, rule, variants)


def _draw_cells(axes: Axes, rule: Rule, variants: Variants) -> Legend:
    """Values with intervals, the variants of a cell side by side."""
    from matplotlib.ticker import MaxNLocator

    for variant, offset in zip(variants, _offsets(variants), strict=True):
        table = variant.tables[0]
        at = table["cell"] + offset
        axes.vlines(at, table["low"], table["high"], color=variant.look.colour, linewidth=1.2, zorder=3)
        face = variant.look.colour if variant.look.filled else "white"  # nothing of the interval shows through
        axes.plot(at, table["value"], **(variant.look.points | {"markerfacecolor": face}))
    cells = column(variants, "cell")
    axes.set_xlim(cells.min() - 0.6, cells.max() + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if cells.max() == 0:
        axes.set_xticks([])
        if not variants[-1].evidence.x_label:
            axes.set_xlabel("")
    return shade(axes, regions_of(variants))


def _offsets(variants: Variants) -> list[float]:
    """Where each variant lies within a cell: the claim, which comes last, to the left of its controls."""
    count = len(variants)
    places: list[Any] = [(i - (count - 1) / 2) * SPREAD / max(count - 1, 1) for i in range(count)]
    return [places[(i + 1) % count] for i in range(count)]


COUNTS = (View(_count_tables, _draw_counts),)
ESTIMATES = (View(_estimate_tables, _draw_estimates),)
PAIRS = (View(_pair_tables, _draw_pairs),)
