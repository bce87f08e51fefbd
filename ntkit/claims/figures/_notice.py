"""A small figure that says why there is nothing to draw."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ntkit.claims.figures._look import COLUMNS, LINE, WIDTH
from ntkit.claims.figures._words import breakable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def notice(title: str, reason: str) -> Figure:
    """A figure with a title and a sentence instead of axes; call it inside the style."""
    from matplotlib.figure import Figure

    head = breakable(title, COLUMNS - 8)
    body = textwrap.fill(reason, COLUMNS, break_long_words=True, max_lines=14, placeholder=" ...")
    lines = head.count("\n") + body.count("\n") + 3
    figure = Figure(figsize=(WIDTH, LINE * 1.15 * (lines + 1)))
    figure.set_layout_engine("none")
    top = 1 - 0.5 / (lines + 1)
    share = 1 / (lines + 1)
    figure.text(0.03, top, head, size=9, weight="bold", va="top", parse_math=False)
    figure.text(0.03, top - share * (head.count("\n") + 2), body, va="top", parse_math=False)
    return figure
