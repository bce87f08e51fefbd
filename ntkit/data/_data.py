"""What comes out of a reader."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs with their labels, as `read` finds them.

    Attributes:
        x: real numbers in the dtype of the file, shape (n, ...): images are (n, height, width, channels), rows of a table
            (n, columns), arrays what they are.
        y: numbers or words, shape (n,); None if there are none.
        name: what the inputs are, to follow their number, as in "150 iris flowers".
        files: that were read, in this order.
        notes: what a reader decided, a line each.
        rows: the numbers of these inputs among all that there are, shape (n,); None if these are all.
        among: how many those are; None likewise.
    """

    x: np.ndarray
    y: np.ndarray | None
    name: str
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    rows: np.ndarray | None = None
    among: int | None = None

    @property
    def total(self) -> int:
        """How many inputs there are where these come from."""
        return len(self.x) if self.among is None else self.among


def spread_rows(count: int | None, total: int) -> np.ndarray:
    """So many of the numbers below total, evenly spread; all of them if there are no more, or count is None."""
    count = total if count is None else min(count, total)
    return np.arange(count) * total // max(count, 1)
