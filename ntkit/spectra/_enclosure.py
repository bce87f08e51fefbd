"""All eigenvalues of a symmetric matrix, each in an interval that certainly holds it, and the rank that follows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ntkit.spectra._symmetric import SLACK, UNIT, as_symmetric, inner, resolution


@dataclass(frozen=True)
class Rank:
    """How many eigenvalues differ from zero by more than a level.

    Attributes:
        at_least: so many certainly do.
        at_most: the others certainly do not.
        level: what counts as zero.
        above: the smallest size that one of the former may have.
        below: the largest size that one of the others may have; above / below is the gap.
    """

    at_least: int
    at_most: int
    level: float
    above: float
    below: float

    @property
    def certain(self) -> int | None:
        """The rank, or None: an enclosure straddles the level."""
        return self.at_least if self.at_least == self.at_most else None


@dataclass(frozen=True, eq=False)
class Eigenvalues:
    """All eigenvalues of a symmetric matrix, the largest first.

    Attributes:
        values: approximations, shape (n,).
        lower, upper: the i-th largest eigenvalue, with multiplicity, lies in [lower[i], upper[i]].
        clusters: a number for each; those with the same number are joined by overlapping intervals.
        vectors: approximate eigenvectors, the columns of shape (n, n).
        rounding: n epsilon |A| (n >= 16), with epsilon of the matrix' own dtype: the customary level of what may be zero.
            Entries of a kernel that are wrong by epsilon sqrt(A_ii A_jj) change eigenvalues by epsilon trace(A) at most.
    """

    values: Float[np.ndarray, " n"]
    lower: Float[np.ndarray, " n"]
    upper: Float[np.ndarray, " n"]
    clusters: Int[np.ndarray, " n"]
    vectors: Float[np.ndarray, "n n"]
    rounding: float

    def rank(self, level: float | None = None) -> Rank:
        """How many eigenvalues exceed a level in absolute value; `rounding` if None.

        Raises:
            ValueError: level is negative or not finite.

        Example:
            >>> enclosed_eigenvalues(np.ones((3, 3))).rank().certain
            1
        """
        cut = self.rounding if level is None else level
        if not 0 <= cut < np.inf:
            raise ValueError(f"level must be a number >= 0, got {level}")
        least = np.maximum(np.maximum(self.lower, -self.upper), 0)  # of the absolute value
        most = np.maximum(self.upper, -self.lower)
        sure = least > cut
        above, below = float(least[sure].min(initial=np.inf)), float(most[~sure].max(initial=0.0))
        return Rank(int(sure.sum()), int((most > cut).sum()), float(cut), above, below)

    @property
    def negative(self) -> int:
        """How many eigenvalues are certainly negative."""
        return int((self.upper < 0).sum())


def enclosed_eigenvalues(matrix: ArrayLike) -> Eigenvalues:
    """All eigenvalues of a symmetric matrix, each with an interval that certainly holds it.

    Enclosed are the eigenvalues of the matrix as it is given, in floating point: what its entries were rounded from is not
    known here (see `Eigenvalues.rounding`).

    Args:
        matrix: shape (n, n), real, exactly symmetric, definite or not.

    Returns:
        `Eigenvalues`. With approximate eigenvectors V, values W and the residual R = A V - V W, the i-th eigenvalues of A
        and W differ by at most |R| / s, s the smallest singular value of V. An eigenvalue whose interval of radius
        |R_i| / |V_i| meets no other of the wide intervals gets that. R is computed by a product without rounding in its
        leading part, all else is bounded by standard rounding analysis, so that radii are a few epsilon of the norm. It takes
        some three times as long as the eigenvectors alone, and memory for a dozen matrices.

    Raises:
        ValueError: not square, empty, not real, not symmetric, or not finite.

    Example:
        >>> spectrum = enclosed_eigenvalues([[2.0, 1.0], [1.0, 2.0]])
        >>> spectrum.values.round(12).tolist(), bool((spectrum.upper - spectrum.lower).max() < 1e-14)
        ([3.0, 1.0], True)
        >>> enclosed_eigenvalues(np.eye(3)).clusters.tolist()
        [0, 0, 0]

    Source: Cao, Xie and Li (1996), a sharp version of Kahan's theorem (from memory; for square V = P S Q^T it follows from
        x^T (C S + S C) x / 2 >= |C| s for C = P^T A P - Q^T W Q and its leading eigenvector x). Exact leading products:
        Ozaki, Ogita, Oishi and Rump (2012) (from memory).
    """
    given = as_symmetric(matrix)
    exponent = int(np.frexp(np.abs(given).max())[1])  # entries of size 1: squares neither overflow nor vanish
    a = np.ldexp(given, -exponent)
    if not a.any():
        zero = np.zeros(len(a))
        return Eigenvalues(zero, zero, zero, np.zeros(len(a), np.int64), np.eye(len(a)), 0.0)
    values, vectors = np.linalg.eigh(a)
    values, vectors = values[::-1], vectors[:, ::-1]
    wide, narrow = _radii(a, vectors, values)
    radius = np.where(_alone(values, wide, narrow), np.minimum(narrow, wide), wide)
    lower, upper = (np.nextafter(np.ldexp(values + s * radius, exponent), s * np.inf) for s in (-1, 1))
    joined = lower[:-1] <= upper[1:]
    clusters = np.concatenate([[0], np.cumsum(~joined)])
    found = np.ldexp(values, exponent)
    return Eigenvalues(
        found, lower, upper, clusters, vectors, float(max(len(a), 16) * resolution(matrix) * np.abs(found).max())
    )


def _radii(
    a: Float[np.ndarray, "n n"], vectors: Float[np.ndarray, "n n"], values: Float[np.ndarray, " n"]
) -> tuple[float, Float[np.ndarray, " n"]]:
    """A radius for all eigenvalues in order, and one for each about which only *some* eigenvalue lies."""
    n = len(a)
    residual, errors = _residual(a, vectors, values)
    norms = np.linalg.norm(residual, axis=0)
    gram, error = inner(residual, residual)
    spectral = np.sqrt((np.abs(gram).sum(0) + error * norms * norms.sum()).max()) + np.linalg.norm(errors)
    gram, error = inner(vectors, vectors)
    off = np.abs(gram - np.eye(n)).sum(0).max() + 2 * error * n  # columns' norms are below sqrt(2)
    if not off < 0.5:  # pragma: no cover - no eigensolver returns that
        raise ValueError(f"matrix: its computed eigenvectors are not orthogonal, off by {off:.2g}")
    least, vanished = np.sqrt(1 - off), n * np.finfo(np.float64).tiny  # entries lost by scaling
    return float(SLACK * spectral / least + vanished), SLACK * (norms + errors) / least + vanished


def _residual(
    a: Float[np.ndarray, "n n"], v: Float[np.ndarray, "n n"], w: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, " n"]]:
    """A V - V W, and bounds of the errors of its columns in the Euclidean norm; entries of A are at most 1."""
    n = len(a)
    bits = (53 - int(np.ceil(np.log2(n + 1)))) // 2 - 1  # sums of n products of so many bits are exact
    head, top = (np.ldexp(np.rint(np.ldexp(x, bits)), -bits) for x in (a, v))
    tail, rest = a - head, v - top
    difference = head @ top - v * w
    small = head @ rest + tail @ v
    residual = difference + small
    size = np.linalg.norm(head) * np.linalg.norm(rest, axis=0) + np.linalg.norm(tail) * np.linalg.norm(v, axis=0)
    parts = (v * w, difference, residual)
    return residual, SLACK * UNIT * ((n + 1) * size + sum(np.linalg.norm(x, axis=0) for x in parts))


def _alone(values: Float[np.ndarray, " n"], wide: float, narrow: Float[np.ndarray, " n"]) -> np.ndarray:
    """Whose narrow interval holds no eigenvalue but its own: every other one stays in its wide interval."""
    apart = np.concatenate([[np.inf], values[:-1] - values[1:], [np.inf]])
    return np.asarray(np.minimum(apart[:-1], apart[1:]) > (narrow + wide) * SLACK)
