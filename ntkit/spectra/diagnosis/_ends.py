"""Both ends of the spectrum, with what is certain of them, at any size."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh

from ntkit.spectra._definite import cholesky_proves
from ntkit.spectra._enclosure import Eigenvalues, enclosed_eigenvalues
from ntkit.spectra._symmetric import SLACK
from ntkit.spectra._top import top_eigenpairs
from ntkit.spectra.diagnosis._gram import Gram

_DOUBLE = float(np.finfo(np.float64).eps)
_FEW = 8  # smallest eigenvalues that are looked for where not all are computed
_PRODUCTS = 80


@dataclass(frozen=True, eq=False)
class Ends:
    """The smallest and the largest eigenvalue.

    Attributes:
        smallest: an interval that certainly holds it; from minus infinity where no bound from below is known.
        definite: whether all are certainly positive.
        largest: an interval that certainly holds it.
        negative: so many eigenvalues are certainly negative, at least.
        every: all eigenvalues, or None.
    """

    smallest: tuple[float, float]
    definite: bool
    largest: tuple[float, float]
    negative: int
    every: Eigenvalues | None


def ends(gram: Gram, dense: int) -> Ends:
    """From all eigenvalues up to a size, else from Krylov spaces and a proof by Cholesky factorisation."""
    a = gram.entries
    if len(a) <= dense:
        found = enclosed_eigenvalues(a)
        low, high = found.lower.tolist(), found.upper.tolist()
        definite = low[-1] > 0 or cholesky_proves(a, 0.0)
        return Ends((low[-1], high[-1]), definite, (low[0], high[0]), found.negative, found)
    top = float(top_eigenpairs(a, 1, max_products=_PRODUCTS, rtol=1e-4).lower[0])
    norm = SLACK * float(np.abs(a).sum(0).max())
    values, _ = _smallest(a, norm, min(_FEW, len(a)))
    definite = cholesky_proves(a, 0.0)
    lowest = 0.0 if definite else -np.inf
    return Ends((lowest, float(values[0])), definite, (top, norm), int((values < 0).sum()), None)


def smallest_vector(gram: Gram, dense: int) -> Float[np.ndarray, " n"]:
    """An eigenvector of the smallest eigenvalue of the matrix of cosines, approximately."""
    cosines = gram.entries / np.multiply.outer(gram.scale, gram.scale)  # symmetric to the bit
    if len(cosines) <= dense:
        return np.asarray(eigh(cosines, subset_by_index=[0, 0])[1][:, 0])
    return _smallest(cosines, float(np.abs(cosines).sum(0).max()), 1)[1]


def _smallest(a: Float[np.ndarray, "n n"], norm: float, count: int) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " n"]]:
    """Upper bounds of the smallest eigenvalues, and a vector of the first: those of norm - A are largest, and positive."""
    shifted = -a
    np.fill_diagonal(shifted, norm - a.diagonal())
    found = top_eigenpairs(shifted, count, max_products=_PRODUCTS, rtol=1e-6)
    return norm - found.lower + 4 * _DOUBLE * norm, found.vectors[:, 0]
