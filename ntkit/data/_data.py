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
    """

    x: np.ndarray
    y: np.ndarray | None
    name: str
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
