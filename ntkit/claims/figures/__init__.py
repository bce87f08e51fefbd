"""Figures of stored results: claim and controls in one picture, vector output, the data beside it.

A figure is drawn from the evidence alone. Where `figures/PAPER.py` has a function named like the claim (hyphens as
underscores) it is used instead: it takes a `Record` and returns a matplotlib `Figure`. For a claim with
`rule=All(rate=Slope(tol=0.1), rank=Exact())` and a control "wrong", `figures/doe2024.py` may be

```python
import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Series
from ntkit.claims.figures import BLUE, ORANGE, head


def rate_and_rank(record: Record) -> Figure:
    figure = Figure(figsize=(2.95, 2.4))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="width $n$", ylabel="error")
    for control, colour in ((None, BLUE), ("wrong", ORANGE)):
        rate = record.part("rate", control)
        if isinstance(rate, Series):  # None if the trial failed
            axes.plot(rate.x, np.mean(rate.y, axis=0), "o-", color=colour)
    head(figure, record)
    return figure
```

The style of the default figures applies already. Their colours are BLUE for the claim, ORANGE, PINK, AMBER and SKY for its
controls, GREEN for its repaired version, GUIDE for what is expected, ALLOWED for the region that supports the claim, EDGE for
where it is refuted; GREY is for what is none of these, DASHES is the line style of a prediction.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkit.claims._errors import UsageError
from ntkit.claims._places import write_atomically
from ntkit.claims._record import Record
from ntkit.claims.figures._head import head
from ntkit.claims.figures._look import ALLOWED, AMBER, BLUE, DASHES, EDGE, GREEN, GREY, GUIDE, ORANGE, PINK, SKY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ntkit.claims.figures._table import Rows

__all__ = [
    "ALLOWED",
    "AMBER",
    "BLUE",
    "DASHES",
    "EDGE",
    "GREEN",
    "GREY",
    "GUIDE",
    "ORANGE",
    "PINK",
    "SKY",
    "draw",
    "head",
    "save",
]

# Dates and program versions stay out, so that the same record gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".png": {"Software": None},
}


def draw(record: Record) -> Figure:
    """The figure of a stored result: the claim's own one where somebody wrote it, else the default for its evidence.

    Labels come from the evidence. `x_label` and `y_label` name x and y of a `Series`, variable and grid of `Crossings`, the
    two sides of `Sides`, bound and value of `Bounds` (cases and value, where there are two bounds), prediction and result of
    `Integers`; for `Estimates`, `Counts` and `Pairs` what the elements run over and what the quantity is. A failed claim
    gives a notice.

    Raises:
        UsageError: the claim's own figure cannot be drawn; the message has its file and line.
    """
    return _drawn(record, custom=True)[0]


def save(record: Record, path: Path) -> list[Path]:
    """Write the figure, and what it shows as CSV under the same name; the same record gives the same bytes.

    A default figure's CSV holds what is drawn, a row per point; that of a claim's own figure holds the whole evidence.

    Args:
        record: the stored result.
        path: a file name that ends in .svg, .pdf or .png.

    Returns:
        The files written: figure, data.

    Raises:
        UsageError: another ending, or the claim's own figure cannot be drawn.
    """
    return write_figure(record, path, custom=True)


def write_figure(record: Record, path: Path, *, custom: bool) -> list[Path]:
    """As `save`; `custom=False` takes the default figure, whatever the claim has of its own."""
    from ntkit.claims.figures._look import style
    from ntkit.claims.figures._table import csv_text

    suffix = path.suffix.lower()
    if suffix not in _METADATA:
        raise UsageError(f"-o {path}: a figure's name must end in {', '.join(sorted(_METADATA))}")
    buffer = io.BytesIO()
    with style(), _fixed_date(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # whoever shows the SVG may well have the letter
        figure, rows = _drawn(record, custom=custom)
        _settle(figure)
        figure.savefig(buffer, format=suffix[1:], metadata=_METADATA[suffix])
    write_atomically(path, buffer.getvalue())
    data = path.with_suffix(".csv")
    write_atomically(data, csv_text(rows).encode("utf-8", "replace"))
    return [path, data]


def _settle(figure: Figure) -> None:
    """Lay out once, and round: the solver's last digits depend on where its objects lie in memory, and SVG's names on them."""
    engine = figure.get_layout_engine()
    if figure.axes and engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = (round(number, 6) for number in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))


@contextmanager
def _fixed_date() -> Iterator[None]:
    """A date that stands still: fonts in a PDF would otherwise carry the second in which they were embedded."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


def _drawn(record: Record, *, custom: bool) -> tuple[Figure, Rows]:
    from ntkit.claims.figures._compose import compose
    from ntkit.claims.figures._custom import custom_figure
    from ntkit.claims.figures._look import style
    from ntkit.claims.figures._raw import raw_rows

    with style():
        own = custom_figure(record) if custom else None
        return (own, raw_rows(record)) if own is not None else compose(record)
