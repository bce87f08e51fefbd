"""Positive definiteness: proved, refuted, or undecided, never guessed."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ntkit._compat.flint import load_flint
from ntkit.spectra._enclosure import enclosed_eigenvalues
from ntkit.spectra._exact_definite import definite_exactly, definite_in_balls, is_ball_matrix
from ntkit.spectra._symmetric import SLACK, UNIT, as_symmetric


@dataclass(frozen=True)
class Proof:
    """What is certain about "all eigenvalues of this matrix are above this number".

    Attributes:
        verdict: "proved" or "refuted", which are certain, or "undecided", which says nothing.
        above: the number.
        by: "diagonal", "cholesky" or "eigenvalues" (float64 with bounds of all rounding), "balls" or "integers" (exact).
        reason: one sentence.
    """

    verdict: Literal["proved", "refuted", "undecided"]
    above: float
    by: str
    reason: str


def positive_definite(matrix: ArrayLike | Any, *, above: float = 0.0, exact: bool = False) -> Proof:
    """Whether a symmetric matrix is certainly positive definite: whether all its eigenvalues are above a number.

    Said of the numbers in the matrix as they are. Of a matrix whose spectral norm is within e of it, ask with `above=e`.

    Args:
        matrix: shape (n, n), real, exactly symmetric; or a `flint.arb_mat`, and then what is proved or refuted holds for all
            symmetric matrices in its balls, such as a kernel that was computed in balls on exact points.
        above: eigenvalues have to be above this.
        exact: go on in ball arithmetic and integers where float64 cannot decide. That always decides a matrix of floats, in
            time that grows like n^3 (0.1 s for n = 100, 5 s for n = 300), and with the digits that it takes.

    Returns:
        A `Proof`. First the diagonal (an eigenvalue is at most its least entry), then a Cholesky factorisation of the matrix
        minus a bound of everything that rounding can do to it, then enclosures of the eigenvalues.

    Raises:
        ValueError: not square, empty, not real, not symmetric or not finite; or above is not finite.
        ImportError: exact or a matrix of balls without python-flint, the extra `exact`.

    Example:
        >>> positive_definite([[2.0, 1.0], [1.0, 2.0]]).verdict, positive_definite([[1.0, 2.0], [2.0, 1.0]]).verdict
        ('proved', 'refuted')
        >>> positive_definite([[1.0, 1.0], [1.0, 1.0]]).verdict  # the smallest eigenvalue is 0
        'undecided'

    Source: Rump (2006), verification of positive definiteness (from memory), with twice his constant, so that factorisations
        by blocks that multiply with reciprocals are covered as well; IEEE 754 arithmetic.
    """
    level = float(above)
    if not np.isfinite(level):
        raise ValueError(f"above must be finite, got {above}")
    if exact:
        load_flint()
    if is_ball_matrix(matrix):
        decided, reason = definite_in_balls(matrix, level)
        return Proof("undecided" if decided is None else "proved" if decided else "refuted", level, "balls", reason)
    a = as_symmetric(matrix)
    least = float(a.diagonal().min())
    if least <= level:
        return Proof(
            "refuted", level, "diagonal", f"the diagonal has the entry {least:.6g}, and no smallest eigenvalue is larger"
        )
    if cholesky_proves(a, level):
        return Proof("proved", level, "cholesky", "a Cholesky factorisation succeeds below all rounding errors")
    spectrum = enclosed_eigenvalues(a)
    low, high = float(spectrum.lower[-1]), float(spectrum.upper[-1])
    reason = f"the smallest eigenvalue lies in [{low:.6g}, {high:.6g}]"
    if low > level or high <= level:
        return Proof("proved" if low > level else "refuted", level, "eigenvalues", reason)
    if not exact:
        return Proof("undecided", level, "eigenvalues", reason)
    decided, reason = definite_exactly(a, level)
    return Proof("proved" if decided else "refuted", level, "integers" if "integers" in reason else "balls", reason)


def cholesky_proves(a: Float[np.ndarray, "n n"], above: float) -> bool:
    """Whether all eigenvalues are above, by a factorisation of a - (above + c) that succeeds in floating point.

    If it does, its product is that matrix plus some E with |E_ij| <= g sqrt(d_i d_j), d its diagonal, so that |E| <= g sum(d).
    """
    n = len(a)
    exponent = int(np.frexp(np.abs(a).max())[1])
    scaled, shift = np.ldexp(a, -exponent), float(np.ldexp(above, -exponent))
    diagonal = scaled.diagonal() - shift
    grown = 2 * (n + 2) * UNIT
    vanished = 8 * n * n * np.finfo(np.float64).tiny  # underflow, here and in scaling
    margin = SLACK * grown / (1 - 2 * grown) * float(diagonal.sum()) + vanished
    lowered = np.nextafter(np.nextafter(diagonal, -np.inf) - margin, -np.inf)
    if not (lowered > 0).all():
        return False
    np.fill_diagonal(scaled, lowered)
    try:
        return bool(np.isfinite(np.linalg.cholesky(scaled)).all())
    except np.linalg.LinAlgError:
        return False
