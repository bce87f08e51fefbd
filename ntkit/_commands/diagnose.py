"""`ntkit diagnose`: why a kernel matrix in a file is no Gram matrix, or none that Cholesky takes, and what would mend it."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from ntkit.claims._errors import UsageError
from ntkit.studies import announce_eigenvalues, results_file, write_record
from ntkit.studies._user_data import byte_count

if TYPE_CHECKING:
    import numpy as np

WIDTH = 80
EXIT_TROUBLE = 1
COPIES = 10  # of the matrix, in float64, that memory has to hold


def run(options: argparse.Namespace) -> int:
    """Print what was found; the exit status is 0 if nothing is wrong, 1 if something is."""
    from ntkit.spectra import diagnose

    numbers = results_file(options.json) if options.json else None
    matrix = _matrix(options)
    if matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]:
        announce_eigenvalues(len(matrix), vectors=True, times=2)
    try:
        found = diagnose(matrix)
    except MemoryError:
        raise UsageError(f"{options.kernel}: is too large for this memory") from None
    for label, sentence in found.lines():
        text = textwrap.fill(sentence, WIDTH, initial_indent=f"{label:<9}", subsequent_indent=" " * 9, break_long_words=False)
        print(text)
    if numbers:
        write_record(numbers, {"kernel": options.kernel, "healthy": found.healthy, **asdict(found)})
        print(f"wrote {numbers}")
    return 0 if found.healthy else EXIT_TROUBLE


def _matrix(options: argparse.Namespace) -> np.ndarray:
    """The matrix of the file, if there is room for it."""
    from ntkit.data import DataError, byte_limit, load

    try:
        limit = byte_limit(byte_count(options.max_bytes) if options.max_bytes else None)
        matrix = load(options.kernel, options.key, max_bytes=limit)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"--max-bytes: {error}") from None
    except DataError as error:
        said = str(error).replace("choose one by its key", "choose one by --key").replace("max_bytes", "--max-bytes")
        raise UsageError(said) from None
    if 8 * matrix.size * COPIES > limit:
        takes = f"takes {8 * matrix.size * COPIES:,} bytes, {COPIES} times the matrix in float64"
        raise UsageError(f"{options.kernel}: {takes}, more than --max-bytes = {limit:,}")
    return matrix
