"""The kernel matrix that a study looks at."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies._inputs import Inputs
from ntkit.studies._results import progress_line

if TYPE_CHECKING:
    from ntkit.kernels import Network

KINDS = ("nngp", "ntk")
SQUARES = (1e-145, 1e145)  # numbers whose squares, summed, neither vanish nor overflow


def add_kind_option(parser: argparse.ArgumentParser) -> None:
    """Declare which of the two kernels is studied."""
    parser.add_argument("--kind", choices=KINDS, default="ntk", help="which kernel (default: ntk)")


def matrix(net: Network, inputs: Inputs, options: argparse.Namespace) -> np.ndarray[Any, np.dtype[np.floating[Any]]]:
    """The Gram matrix of the inputs, in memory, finite and exactly symmetric.

    Raises:
        UsageError: a network that cannot have it on these inputs, or a matrix that is not finite.
    """
    from ntkit.kernels import gram

    try:
        found = gram(net, inputs.x, kind=options.kind, progress=progress_line())
    except ValueError as error:
        raise UsageError(f"--net: {error}") from None
    check_finite(found, options.kind)
    return np.asarray(np.tril(found) + np.tril(found, -1).T)


def check_finite(part: np.ndarray[Any, np.dtype[np.floating[Any]]], kind: str) -> None:
    """Refuse a kernel that overflowed.

    Raises:
        UsageError: an entry is nan or infinite.
    """
    if not np.isfinite(part).all():
        raise UsageError(
            f"the {kind} of these inputs is not finite in {part.dtype}; smaller inputs may help, as by --normalise"
        )


def check_squares(diagonal: np.ndarray[Any, np.dtype[np.floating[Any]]], kind: str) -> None:
    """Refuse a kernel that block Lanczos, which squares, would lose; but one that is 0.

    Raises:
        UsageError: the diagonal is too large or too small.
    """
    size = float(diagonal.max())
    if size and not SQUARES[0] < size < SQUARES[1]:
        raise UsageError(f"the {kind} of these inputs reaches {size:.0e}, whose square float64 lacks; scale them")
