"""What a view is: one panel of a figure, a table made from the evidence and a drawing made from the table alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims._evidence import Evidence
from ntkit.claims.figures._look import Look
from ntkit.claims.figures._table import Table
from ntkit.claims.figures._words import Judged
from ntkit.claims.rules import Rule

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Variant:
    """What a view draws of the claim, or of one of its controls.

    Attributes:
        name: None for the claim itself.
        look: its colour and marker.
        evidence: where labels and settings come from.
        judged: the rule's judgement on it.
        tables: what is drawn.
    """

    name: str | None
    look: Look
    evidence: Any
    judged: Judged
    tables: tuple[Table, ...]


Variants = Sequence[Variant]
Legend = Mapping[str, "Artist"]


@dataclass(frozen=True)
class View:
    """One panel for one kind of evidence.

    Attributes:
        tables: from evidence, rule and judgement to what is drawn.
        draw: draws the tables of all variants, the claim's last so that it lies on top; returns entries for the legend.
    """

    tables: Callable[[Any, Any, Judged], tuple[Table, ...]]
    draw: Callable[[Axes, Any, Variants], Legend]


def tables_of(view: View, evidence: Evidence, rule: Rule, judged: Judged) -> tuple[Table, ...]:
    """The view's tables; values that are missing or infinite (unmet assumptions) stay so, without a warning."""
    with np.errstate(all="ignore"):
        return view.tables(evidence, rule, judged)


def regions_of(variants: Variants) -> Mapping[str, Any]:
    """The regions of the claim, or of a control where unmet assumptions left the claim without any."""
    known = (v.judged["regions"] for v in reversed(variants) if v.judged["regions"]["supported"] != [None, None])
    return next(known, variants[-1].judged["regions"])


def column(variants: Variants, name: str, table: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One column of all variants, to choose scales by."""
    return np.concatenate([np.asarray(v.tables[table][name], dtype=np.float64) for v in variants])
