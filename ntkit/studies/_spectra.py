"""The spectrum of a kernel matrix on data: eigenvalues with their errors, and where in them a target lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ntkit.spectra import PowerLaw

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

CONSTANT = 0.9  # cosine^2 with the constant vector from which on a mode counts as constant
ENOUGH = 0.1  # relative bias up to which an eigenvalue counts as that of the population


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of a Gram matrix over n, the largest first.

    Attributes:
        count: n.
        values: those that were found, all or the largest.
        lower, upper: the i-th eigenvalue lies between them; infinite where that is not certain.
        vectors: columns of shape (n, found).
        trace: of the matrix over n.
        rounding: below this, an eigenvalue may be all rounding.
        rank: how many eigenvalues certainly exceed that, and how many may; None if not all were found.
        halves: eigenvalues of random halves of the inputs, shape (repeats, n // 8); no rows if not all were found.
        gram: the matrix, if all were found.
    """

    count: int
    values: Floats
    lower: Floats
    upper: Floats
    vectors: Floats
    trace: float
    rounding: float
    rank: tuple[int, int] | None
    halves: Floats
    gram: Floats | None

    @property
    def resolved(self) -> int:
        """How many of the largest are certainly more than rounding."""
        return int(np.logical_and.accumulate(self.lower > self.rounding).sum())

    @property
    def first(self) -> int:
        """Number of the first eigenvalue that is fitted: 2 if the first vector is all but constant (degree 0, so to say)."""
        return 2 if self.vectors[:, 0].sum() ** 2 > CONSTANT * self.count else 1

    @property
    def shares(self) -> Floats:
        """Of the trace, negative ones taken as 0."""
        return np.maximum(self.values, 0.0) / (self.trace or 1.0)

    @property
    def bias(self) -> Floats:
        """What a half shows more than the whole, relative to the whole; as far as halves go, and above rounding."""
        return np.asarray(self._halves.mean(0) - 1) if len(self.halves) else np.empty(0)

    @property
    def scatter(self) -> Floats:
        """Relative standard errors of the same eigenvalues: the scatter of halves, as in the half-sample jackknife."""
        return self._halves.std(0, ddof=1) if len(self.halves) else np.empty(0)

    @property
    def _halves(self) -> Floats:
        """Relative to the whole, as far as that is above rounding."""
        meant = self.halves[:, : self.resolved]
        return meant / self.values[: meant.shape[1]]

    @property
    def trusted(self) -> int:
        """How many of the first are off by no more than `ENOUGH`, as far as halves tell."""
        return int(np.logical_and.accumulate(np.abs(self.bias) <= ENOUGH).sum())

    @property
    def effective_rank(self) -> float:
        """exp(entropy) of the shares (Roy and Vetterli, 2007)."""
        p = self.shares[self.shares > 0]
        return float(np.exp(-(p * np.log(p)).sum())) if len(p) else 0.0

    @property
    def participation(self) -> float:
        """(sum of eigenvalues)^2 / sum of their squares."""
        return float(self.shares.sum() ** 2 / ((self.shares**2).sum() or 1.0))

    def dimension(self, share: float) -> float:
        """Effective dimension: the sum of eigenvalue / (eigenvalue + share of the trace)."""
        return float((self.shares / (self.shares + share)).sum())


@dataclass(frozen=True, eq=False)
class TargetPower:
    """Where the target lies.

    Attributes:
        variance: the target's power, which all shares are of.
        shares: in each mode that was found.
        beyond: beyond the first k modes, from k = 0.
        interval: of `beyond` over data sets, for k to n // 4; None if not all modes were found.
        k, mean: numbers of groups of neighbouring modes, and the mean of their shares.
        law: of these means.
    """

    variance: float
    shares: Floats
    beyond: Floats
    interval: Floats | None
    k: Floats
    mean: Floats
    law: PowerLaw

    def modes(self, share: float) -> int | None:
        """How many hold this share; None if those that were found do not."""
        enough = self.beyond <= 1 - share + 1e-12
        return int(np.argmax(enough)) if enough.any() else None
