"""Positive definiteness in ball arithmetic and in integers, by python-flint (the extra `exact`)."""

from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float

from ntkit._compat.flint import load_flint

_PRECISIONS = (128, 512, 2048)  # bits; then doubled as long as exact integers say that it helps


def is_ball_matrix(matrix: object) -> bool:
    """Whether it is a matrix of `flint.arb`, without importing flint."""
    return type(matrix).__module__.partition(".")[0] == "flint" and type(matrix).__name__ == "arb_mat"


def definite_exactly(a: Float[np.ndarray, "n n"], above: float) -> tuple[bool, str]:
    """Whether a symmetric matrix of floats has no eigenvalue at `above` or below; always decided.

    Pivots of the Cholesky factorisation in balls of rising precision. A pivot is zero exactly if a leading minor is, and
    that is found in integers, so that the loop ends.
    """
    flint = load_flint()
    n, bits, singular = len(a), 128, -1
    while True:
        with flint.ctx.workprec(bits):
            rows = [[flint.arb(x) for x in row[: i + 1]] for i, row in enumerate(a.tolist())]
            for i in range(n):
                rows[i][i] -= flint.arb(float(above))
            place, sign = _first_bad_pivot(rows)
        if place is None:
            return True, f"all {n} pivots are positive in balls of {bits} bits"
        if sign < 0:
            return False, f"pivot {place} is negative in balls of {bits} bits"
        if place != singular:
            singular = place
            if _integers(a[: place + 1, : place + 1], above, flint).rank() <= place:
                return False, f"the leading {place + 1} x {place + 1} minor is zero, by the rank in integers"
        bits *= 2


def definite_in_balls(matrix: Any, above: float) -> tuple[bool | None, str]:
    """The same for all symmetric matrices in a matrix of balls; None if balls are too wide to decide."""
    flint = load_flint()
    n = matrix.nrows()
    if n != matrix.ncols() or n == 0:
        raise ValueError(f"matrix must have shape (n, n) with n >= 1, got {(n, matrix.ncols())}")
    if not all(matrix[i, j].is_finite() for i in range(n) for j in range(n)):
        raise ValueError("matrix must be finite, got a ball that is not")
    if not all(matrix[i, j].overlaps(matrix[j, i]) for i in range(n) for j in range(i)):
        raise ValueError("matrix must be symmetric, got balls at mirrored places that do not overlap")
    reason = ""
    for bits in _PRECISIONS:
        with flint.ctx.workprec(bits):
            rows = [[matrix[i, j] for j in range(i + 1)] for i in range(n)]
            for i in range(n):
                rows[i][i] = rows[i][i] - flint.arb(float(above))
            place, sign = _first_bad_pivot(rows)
        if place is None:
            return True, f"all {n} pivots are positive in balls of {bits} bits"
        if sign < 0:
            return False, f"pivot {place} is negative in balls of {bits} bits"
        reason = f"pivot {place} may be zero for balls as wide as these, in {bits} bits"
    return None, reason


def _first_bad_pivot(rows: list[list[Any]]) -> tuple[int | None, int]:
    """Eliminate in a lower triangle: the place of the first pivot that is not positive, and its sign; 0 if not known."""
    for k in range(len(rows)):
        pivot = rows[k][k]
        if not pivot > 0:
            return k, -1 if pivot < 0 else 0
        column = [rows[i][k] for i in range(k + 1, len(rows))]
        for i in range(k + 1, len(rows)):
            factor, row = column[i - k - 1] / pivot, rows[i]
            for j in range(k + 1, i + 1):
                row[j] -= factor * column[j - k - 1]
    return None, 1


def _integers(a: Float[np.ndarray, "n n"], above: float, flint: ModuleType) -> Any:
    """The matrix minus `above` times the identity, times a power of two that makes all entries integers."""
    ratios = [[x.as_integer_ratio() for x in row] for row in a.tolist()]
    numerator, denominator = float(above).as_integer_ratio()
    common = max(denominator, *(d for row in ratios for _, d in row))  # all are powers of two
    whole = [[m * (common // d) for m, d in row] for row in ratios]
    for i in range(len(a)):
        whole[i][i] -= numerator * (common // denominator)
    return flint.fmpz_mat(whole)
