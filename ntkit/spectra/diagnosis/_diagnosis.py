"""Why a Cholesky factorisation of a Gram matrix fails, what would mend it, and how certain that is."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike

from ntkit.spectra._definite import cholesky_proves
from ntkit.spectra.diagnosis._blame import inconsistent
from ntkit.spectra.diagnosis._blocks import error_shown, inconsistent_blocks
from ntkit.spectra.diagnosis._digits import spectral
from ntkit.spectra.diagnosis._ends import Ends, ends
from ntkit.spectra.diagnosis._entries import cauchy_schwarz, diagonal, equal_inputs, near_groups, symmetrised
from ntkit.spectra.diagnosis._finding import Finding
from ntkit.spectra.diagnosis._finite import not_finite
from ntkit.spectra.diagnosis._gram import Gram, as_numbers
from ntkit.spectra.diagnosis._jitter import jitter, resolving
from ntkit.spectra.diagnosis._result import Diagnosis

DENSE = 2000  # inputs up to which all eigenvalues are computed: half a minute and 400 MB


def diagnose(matrix: ArrayLike, *, dense: int = DENSE) -> Diagnosis:
    """Why a matrix is no positive (semi)definite Gram matrix, which inputs are to blame, and what would mend it.

    Looked at are, in this order: shape and dtype; NaN, infinite entries and the inputs or pairs they come from; symmetry;
    the diagonal; pairs beyond Cauchy-Schwarz; small groups of inputs whose entries cannot belong together, down to the one
    entry that is wrong and the values that the others allow; inputs that cannot be told apart; the rank; eigenvalues that
    rounding has taken; and the digits of the dtype. What is said to be certain is proved, of the numbers as they are.

    Args:
        matrix: anything; meant are arrays of shape (n, n) of any real dtype, bfloat16 too (which .npy files store as two
            bytes without a name).
        dense: up to this size all eigenvalues are enclosed. Above, the smallest ones are sought by block Lanczos, which
            proves bounds from above, and definiteness is proved by a Cholesky factorisation; ranks are not looked for.

    Returns:
        A `Diagnosis`. Where some entries are not finite, it goes on with the inputs that have none among themselves.

    Raises:
        ValueError: dense is below 2.

    Example:
        >>> good = np.eye(4) + 1.0
        >>> diagnose(good).verdict, diagnose(good).healthy
        ('positive definite', True)
        >>> good[1, 3] = good[3, 1] = 2.5
        >>> found = diagnose(good)
        >>> found.verdict, found.findings[0].cause, found.findings[0].pairs
        ('not positive semidefinite', 'Cauchy-Schwarz', ((1, 3),))

    Source: of single entries and the values that all others allow, Grone, Johnson, Sa and Wolkowicz (1984), positive
        definite completions (from memory); of enclosures and proofs, see `enclosed_eigenvalues` and `positive_definite`.
    """
    if dense < 2:
        raise ValueError(f"dense must be at least 2, got {dense}")
    read = as_numbers(matrix)
    if isinstance(read, Finding):
        given = np.asarray(matrix)
        return Diagnosis(given.shape[0] if given.ndim else 0, str(given.dtype), "none", (read,))
    a, precision = read
    dtype = precision.name if np.asarray(matrix).dtype.kind in "fV" else str(np.asarray(matrix).dtype)
    findings, kept = not_finite(a, precision)
    if not kept.size:
        return Diagnosis(len(a), dtype, "none", tuple(findings))
    gram, more, asymmetry = symmetrised(a if kept.size == len(a) else a[np.ix_(kept, kept)], kept, precision)
    found = _judged(gram, dense)
    findings += [*more, *found.findings]
    return replace(found, size=len(a), dtype=dtype, asymmetry=asymmetry, findings=tuple(findings))


def _judged(gram: Gram, dense: int) -> Diagnosis:
    """What is wrong with a finite symmetric matrix."""
    found = ends(gram, dense)
    signs, empty = diagonal(gram)
    beyond, crossed = cauchy_schwarz(gram)
    blocks, error = ([], 0.0) if found.definite else inconsistent_blocks(gram, dense)
    if len(crossed):
        error = max(error, error_shown(gram, crossed[0]).error)
    if np.isin(crossed, [place for block in blocks for place in block.places]).any(1).all():
        beyond = []  # said of the blocks
    wrong = [*signs, *beyond, *inconsistent(gram, blocks)]
    groups = near_groups(gram)
    mended = _without_copies(gram, groups)
    alike = equal_inputs(gram, groups, mended)
    moved = jitter(gram, found)
    lost = [] if signs or blocks else spectral(gram, found, moved, mended)
    low, high = found.smallest
    condition = found.largest[1] / low if low > 0 else np.inf
    return Diagnosis(
        0, "", _verdict(found, wrong, [*empty, *alike]), (*wrong, *empty, *alike, *lost), inputs=len(gram.names),
        smallest=(low if np.isfinite(low) else None, high), largest=found.largest, negative=found.negative, error=error,
        unit=gram.unit, explained=_explained(gram, found, error), jitter=moved,
        condition=float(condition) if np.isfinite(condition) else None, resolved_in=resolving(len(gram.names), condition),
    )  # fmt: skip


def _without_copies(gram: Gram, groups: list[Int[np.ndarray, " k"]]) -> bool:
    """Whether the matrix is certainly definite with one of each group of equal inputs and without zero inputs."""
    kept = gram.scale > 0
    for group in groups:
        kept[group[1:]] = False
    return bool(kept.any()) and not kept.all() and cholesky_proves(gram.only(np.flatnonzero(kept)).entries, 0.0)


def _verdict(found: Ends, wrong: Sequence[Finding], alike: Sequence[Finding]) -> str:
    """What is certain of the signs of all eigenvalues."""
    if found.definite:
        return "positive definite"
    if found.smallest[1] < 0 or wrong:
        return "not positive semidefinite"
    return "singular" if any(finding.certain for finding in alike) or found.smallest[1] == 0 else "undecided"


def _explained(gram: Gram, found: Ends, error: float) -> bool | None:
    """Whether correct rounding can have made the matrix of a Gram matrix: proved by one, or refuted; else None."""
    if error > 0.51 * gram.unit:  # half a unit of G_ij, which is at most sqrt(K_ii K_jj) and half a unit
        return False
    quarter = gram.precision.eps / 4 * float(gram.entries.diagonal().min())  # no more than half a unit of any K_ii
    return True if found.definite or found.smallest[0] >= -quarter else None
