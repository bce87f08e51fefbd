"""The default figure: one panel per part, the controls beside the claim, and a legend that says who was refuted."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims._record import Record
from ntkit.claims.figures._look import COLUMNS, LINE, MARGIN, PANEL, WIDTH, looks
from ntkit.claims.figures._notice import notice
from ntkit.claims.figures._panels import Panel, judgement, panels
from ntkit.claims.figures._table import Rows
from ntkit.claims.figures._words import allowed_words, breakable, rule_name, state_words, statistic_words, variant_words

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

MEASURED = ("y", "error", "crossing", "tolerances", "value", "got")  # columns that show something if they are finite


def compose(record: Record) -> tuple[Figure, Rows]:
    """The default figure of a record, and all that it shows; call it inside the style."""
    from matplotlib.figure import Figure

    drawn, missing = panels(record)
    state = state_words(record.verdict)
    if not drawn:
        return notice(f"{record.claim.name}: {state}", record.verdict["sentence"]), []
    head = "\n".join(breakable(line, COLUMNS - 10) for line in (record.claim.name, state))
    titles = [_title(record, panel) for panel in drawn]
    figure = Figure(figsize=(WIDTH, 1.0))
    entries: dict[str, Artist] = {}
    for place, (panel, title) in enumerate(zip(drawn, titles, strict=True)):
        axes = figure.add_subplot(len(drawn), 1, place + 1)
        axes.grid(True)
        entries |= panel.view.draw(axes, panel.rule, panel.variants)
        axes.set_title(title, parse_math=False)
        if not _anything_finite(panel):
            axes.text(0.5, 0.5, "no finite value to draw", transform=axes.transAxes, ha="center", va="center")
    names = _variant_names(record, drawn)
    body = len(drawn) * PANEL + sum(title.count("\n") + 1 for title in titles if title) * LINE
    _arrange(figure, body, head, record, names, entries, missing)
    return figure, [row for panel in drawn for row in panel.rows()]


def _title(record: Record, panel: Panel) -> str:
    """What was judged against what is allowed; the reason in words where there is no number."""
    if not panel.first:
        return ""
    claim = next((variant for variant in panel.variants if variant.name is None), None)
    name = f"{panel.part}: " if panel.part else ""
    if claim is None:
        return f"{name}not measured"
    statistic = statistic_words(claim.judged, rule_name(record.claim.rule_data, panel.part))
    if not statistic:
        reason = claim.evidence.unmet or claim.judged["sentence"]
        return textwrap.fill(f"{name}{reason}", COLUMNS - 10, max_lines=5, placeholder=" ...")
    pieces = [f"{name}{statistic},", allowed_words(claim.judged)]
    fits = sum(map(len, pieces)) < COLUMNS - 8
    return " ".join(pieces) if fits else "\n".join(textwrap.fill(piece, COLUMNS - 4) for piece in pieces)


def _variant_names(record: Record, drawn: Sequence[Panel]) -> dict[str | None, str]:
    """The legend's words for each variant that is drawn, with its verdict."""
    shown = {variant.name for panel in drawn for variant in panel.variants}
    names = {}
    for name in record.claim.variants:
        if name in shown:
            words = f"{variant_words(name)} ({judgement(record, name)['verdict']})"
            names[name] = breakable(words, COLUMNS - 8)
    return names


def _arrange(
    figure: Figure,
    body: float,
    head: str,
    record: Record,
    names: Mapping[str | None, str],
    entries: Mapping[str, Artist],
    missing: Sequence[str],
) -> None:
    """Give the panels their height, put the title above them and, below, variants, lines and areas, and what is missing."""
    from matplotlib.lines import Line2D

    notes = [textwrap.fill(f"not drawn: {text}", COLUMNS, max_lines=3, placeholder=" ...") for text in missing]
    columns = 2 if max(map(len, entries), default=0) <= COLUMNS // 2 else 1
    above = (head.count("\n") + 1.6) * LINE * 1.1
    below = [sum(name.count("\n") + 1 for name in names.values()) * LINE + 0.08, -(-len(entries) // columns) * LINE + 0.04]
    below.append(sum(note.count("\n") + 1 for note in notes) * LINE)
    height = above + body + sum(below)
    figure.set_size_inches(WIDTH, height)
    layout: Any = figure.get_layout_engine()
    layout.set(rect=(0, sum(below) / height, 1, body / height))
    figure.text(MARGIN, 1 - 0.4 * LINE / height, head, size=9, weight="bold", va="top", parse_math=False)
    chosen = looks(record.claim)
    points = [Line2D([], [], **chosen[name].points) for name in names]
    at: dict[str, Any] = {"loc": "upper left", "bbox_transform": figure.transFigure}
    figure.legend(points, list(names.values()), bbox_to_anchor=(0, sum(below) / height), **at)
    figure.legend(list(entries.values()), list(entries), bbox_to_anchor=(0, sum(below[1:]) / height), ncols=columns, **at)
    figure.text(MARGIN, below[2] / height, "\n".join(notes), va="top", parse_math=False)


def _anything_finite(panel: Panel) -> bool:
    tables = [table for variant in panel.variants for table in variant.tables]
    numbers = [values for table in tables for name, values in table.items() if name in MEASURED]
    return any(np.isfinite(np.asarray(values, dtype=np.float64)).any() for values in numbers)
