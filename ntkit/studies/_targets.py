"""Labels as targets of regression: numbers, or classes as vectors with a one."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np

from ntkit.claims import UsageError

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Labels = np.ndarray[Any, np.dtype[Any]]

MOST_CLASSES = 20  # more different whole numbers are no classes, unless that is said
MIDDLE = (1e-100, 1e100)  # between which squares of numbers, summed and multiplied, neither vanish nor overflow


@dataclass(frozen=True)
class Targets:
    """What is to be learnt.

    Attributes:
        values: shape (n,) for numbers, (n, classes) for classes: 1 in the column of the class, else 0; less their mean.
        mean: what was subtracted, a number or one for each class.
        names: of the classes, in the order of the columns; None for numbers.
    """

    values: Floats
    mean: Floats
    names: tuple[str, ...] | None

    @property
    def variance(self) -> float:
        """The mean square, summed over classes: the error of predicting the mean."""
        return float((self.values**2).reshape(len(self.values), -1).sum(1).mean())

    @property
    def words(self) -> str:
        """What they are, for people."""
        return "numbers, centred" if self.names is None else f"{len(self.names)} classes, one-hot, centred"

    def wrong(self, rows: Labels, predicted: Floats) -> float:
        """The share of these rows whose largest prediction is not that of their class; the mean is added first."""
        truth = (self.values[rows] + self.mean).argmax(1)
        return float(((predicted + self.mean).argmax(1) != truth).mean())


def add_target_option(parser: argparse.ArgumentParser) -> None:
    """Declare how labels are read."""
    parser.add_argument(
        "--labels-are", choices=("classes", "numbers"),
        help=f"default: words and up to {MOST_CLASSES} different whole numbers are classes, other numbers are numbers",
    )  # fmt: skip


def targets(labels: Labels, options: argparse.Namespace) -> Targets:
    """The targets that labels stand for, as `--labels-are` asks.

    Raises:
        UsageError: labels that are all equal up to rounding, not finite, words where numbers are asked for, too many classes,
            or numbers whose squares float64 cannot hold.
    """
    source = "--labels" if options.labels is None else f"--labels {options.labels}"
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise UsageError(f"{source}: must be finite, got {(~np.isfinite(labels)).sum()} that are nan or infinite")
    kinds, codes = np.unique(labels, return_inverse=True)
    if len(kinds) == 1:
        raise UsageError(f"{source}: all {len(labels)} are {kinds[0]}, which leaves nothing to learn")
    words = labels.dtype.kind not in "iuf"
    few = words or (len(kinds) <= MOST_CLASSES and not (kinds.astype(np.float64) % 1).any())
    asked = options.labels_are or ("classes" if few else "numbers")
    if asked == "numbers" and labels.dtype.kind in "US":
        raise UsageError(f"--labels-are numbers: {source} are words, such as {str(kinds[0])!r}; words are classes")
    if asked == "numbers":
        return _numbers(labels.astype(np.float64), source)
    if len(kinds) > len(labels) // 2:
        raise UsageError(
            f"{source}: {len(kinds)} classes for {len(labels)} inputs are too many; at most {len(labels) // 2}, or take "
            "--labels-are numbers"
        )
    rows = np.eye(len(kinds))[codes]
    return Targets(rows - rows.mean(0), rows.mean(0), tuple(map(str, kinds)))


def _numbers(values: Floats, source: str) -> Targets:
    low, high = float(values.min()), float(values.max())
    size = max(-low, high)
    if not MIDDLE[0] < size < MIDDLE[1]:
        raise UsageError(
            f"{source}: the largest is {size:g}, must be {MIDDLE[0]:g} to {MIDDLE[1]:g} to have a square; scale them"
        )
    if high - low <= 8 * np.finfo(np.float64).eps * size:
        raise UsageError(f"{source}: all are {low} up to rounding, which leaves nothing to learn")
    return Targets(values - values.mean(), np.asarray(values.mean()), None)
