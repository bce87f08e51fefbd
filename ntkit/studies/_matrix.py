"""The kernel matrix that a study looks at."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntkit.claims import NtkitError, UsageError
from ntkit.studies._estimates import announce_gram
from ntkit.studies._inputs import Inputs
from ntkit.studies._kernels import Kernel, function_of, in_words
from ntkit.studies._results import progress_line
from ntkit.studies._spread import add_dask_option, spread

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

    from ntkit.kernels import Network

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

KINDS = ("nngp", "ntk")
SQUARES = (1e-145, 1e145)  # numbers whose squares, summed, neither vanish nor overflow


def add_matrix_options(parser: argparse.ArgumentParser) -> None:
    """Declare which of the two kernels of a network is studied, and what computes its matrix."""
    parser.add_argument("--kind", choices=KINDS, help="which kernel of the network (default: ntk)")
    add_dask_option(parser)


def title_of(studied: Network | Kernel, options: argparse.Namespace) -> str:
    """What is studied, in words."""
    return f"{options.kind} of {in_words(studied)}" if options.net else in_words(studied)


def called(options: argparse.Namespace) -> tuple[str, str]:
    """The option that says what is studied, and what to call that."""
    return ("--net", str(options.kind)) if options.net else ("--kernel", "kernel")


def matrix(studied: Network | Kernel, inputs: Inputs, options: argparse.Namespace, unfinished: Path | None = None) -> Floats:
    """The Gram matrix of the inputs, in memory, finite and exactly symmetric; said is what it takes, if that is long.

    Args:
        studied: a network or a kernel.
        inputs: on which.
        options: with the kind of a network's kernel.
        unfinished: a file in which the matrix is kept as far as it is computed, so that another run goes on with it.

    Raises:
        UsageError: a network or kernel that cannot have it on these inputs, or a matrix that is not finite.
    """
    from ntkit.kernels import gram

    kind = _kind(options)
    try:
        announce_gram(studied, inputs.x, [kind])
        with spread(studied, inputs.x, kind, options, None if unfinished is None else unfinished.parent) as elsewhere:
            found = gram(
                function_of(studied), inputs.x, out=unfinished, progress=progress_line(), kind=kind, elsewhere=elsewhere
            )
    except NtkitError:
        raise
    except ValueError as error:
        own = str(error).startswith("out: ")
        raise UsageError(f"-o {options.out}: {str(error)[5:]}" if own else f"{called(options)[0]}: {error}") from None
    try:
        check_finite(found, called(options)[1])
    except UsageError:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
        raise
    whole = np.asarray(np.tril(found) + np.tril(found, -1).T)
    if unfinished is not None:
        unfinished.unlink(missing_ok=True)
    return whole


def operator(studied: Network | Kernel, inputs: Inputs, options: argparse.Namespace) -> tuple[LinearOperator, Floats]:
    """The Gram matrix as products with vectors, computed anew for each, and its diagonal, finite.

    Raises:
        UsageError: an entry of the diagonal is nan or infinite.
    """
    from ntkit.kernels import gram, gram_operator

    function, kind = function_of(studied), _kind(options)
    blocks = (inputs.x[start : start + 256] for start in range(0, len(inputs.x), 256))
    diagonal = np.concatenate([np.diag(gram(function, block, kind=kind)) for block in blocks]).astype(np.float64)
    check_finite(diagonal, called(options)[1])
    return gram_operator(function, inputs.x, kind=kind), diagonal


def _kind(options: argparse.Namespace) -> str:
    """For `gram`, which looks at it for networks only."""
    return options.kind or "ntk"


def check_finite(part: Floats, kind: str) -> None:
    """Refuse a kernel that overflowed.

    Raises:
        UsageError: an entry is nan or infinite.
    """
    if not np.isfinite(part).all():
        raise UsageError(
            f"the {kind} of these inputs is not finite in {part.dtype}; smaller inputs may help, as by --normalise"
        )


def check_squares(diagonal: Floats, kind: str) -> None:
    """Refuse a kernel that block Lanczos, which squares, would lose; but one that is 0.

    Raises:
        UsageError: the diagonal is too large or too small.
    """
    size = float(diagonal.max())
    if size and not SQUARES[0] < size < SQUARES[1]:
        raise UsageError(f"the {kind} of these inputs reaches {size:.0e}, whose square float64 lacks; scale them")
