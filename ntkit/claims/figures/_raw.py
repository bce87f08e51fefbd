"""The evidence itself as rows: the data beside a figure that somebody wrote for a claim."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ntkit.claims._errors import EvidenceError, StoreError
from ntkit.claims._evidence import Crossings, Evidence, Pairs, Series
from ntkit.claims._record import Record
from ntkit.claims.figures._table import Rows, rows_of, tidy

AXES = {Series: ("repeat", "point"), Crossings: ("repeat", "point", "j"), Pairs: ("repeat", "cell")}


def raw_rows(record: Record) -> Rows:
    """Every element of the evidence on the claim and its controls, a row each, with its place along every axis."""
    rows: Rows = []
    for name in record.claim.variants:
        try:
            measured = record.measurement(name)
        except (EvidenceError, StoreError):
            continue  # a trial that failed left nothing to write down
        parts = measured if isinstance(measured, Mapping) else {"": measured} if measured else {}
        for part, evidence in parts.items():
            rows += _rows(evidence, part, name or "")
    return rows


def _rows(evidence: Evidence, part: str, control: str) -> Rows:
    arrays = {name: np.asarray(getattr(evidence, name)) for name in evidence.arrays if getattr(evidence, name) is not None}
    if isinstance(evidence, Crossings):
        arrays["x"] = arrays["x"][:, None]
    axes = AXES.get(type(evidence), ())
    return rows_of(tidy(arrays, axes[: max(a.ndim for a in arrays.values())]), part, control)
