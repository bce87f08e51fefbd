"""What every figure that somebody wrote for a claim has in common with the default ones: title and grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntkit.claims._record import Record
from ntkit.claims.figures._look import COLUMNS, MARGIN, WIDTH
from ntkit.claims.figures._words import breakable, state_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def head(figure: Figure, record: Record) -> None:
    """Put the claim's name and verdict above a figure that has its panels, and a grid into each of them.

    The title is one line where that fits, else name and verdict have lines of their own, and a name that is still too wide is
    broken behind its slash. A panel that wants no grid, such as a map, takes it away afterwards.

    Example:
        `head(figure, record)` at the end of the function gives "doe2024/fair: supported (quick tier)".
    """
    from matplotlib.textpath import TextPath

    name, state = record.claim.name, state_words(record.verdict)
    slug = breakable(record.claim.slug, int((COLUMNS - 10) * figure.get_figwidth() / WIDTH))
    title = figure.suptitle("", x=MARGIN, ha="left", parse_math=False)
    room = (1 - MARGIN) * figure.get_figwidth() * 72  # points
    for text in (f"{name}: {state}", f"{name}\n{state}", f"{record.claim.paper.key}/\n{slug}\n{state}"):
        title.set_text(text)
        # Outlines have one width; letters fitted to a grid of pixels have another for every resolution.
        lines = [TextPath((0, 0), line, prop=title.get_fontproperties()) for line in text.split("\n")]
        if max(line.get_extents().width for line in lines) <= room:
            break
    for axes in figure.axes:
        axes.grid(True)
