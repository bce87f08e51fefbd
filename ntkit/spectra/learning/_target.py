"""Where a target lies in the spectrum of a kernel, from data: its power on the empirical modes, and what is left beyond."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, PRNGKeyArray
from scipy.stats import t as student

from ntkit.spectra.learning._modes import Real
from ntkit.spectra.learning._sample import Sample
from ntkit.spectra.learning._simulate import generator


@dataclass(frozen=True, eq=False)
class TargetPower:
    """Power spectrum of a target in the empirical eigenbasis, eigenvalues falling.

    Attributes:
        eigenvalues: of gram / N.
        power: v_i^2; they sum to the mean of targets^2.
        tails: tails[k], the power beyond the first k modes, shape (N + 1,); tails[0] is all of it.
        halves: tails of random halves of the data set, shape (repeats, N // 4 + 1); no rows if none were asked for.
    """

    eigenvalues: Float[np.ndarray, " N"]
    power: Float[np.ndarray, " N"]
    tails: Float[np.ndarray, " tails"]
    halves: Float[np.ndarray, "repeats quarter"]

    def interval(self, level: float = 0.95) -> Float[np.ndarray, "2 quarter"]:
        """Interval over data sets of N points for the first N // 4 + 1 tails, by the half-sample jackknife.

        The tails of a half have, at equal k, about twice the variance of the whole, and a finite population removes half
        of it: their scatter around their own mean is that of `tails`. It covers the expected tail of *N* points, in which
        modes are estimated too, not the tail of the population. Measured for Gaussian features of variance k^-1.5 with
        noise, N = 40 and 100, 20 halves, 200 data sets: the 95 % interval covered in 90 % to 96 % of them, at every tail.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level!r}")
        repeats, count = self.halves.shape
        if repeats < 2:
            raise ValueError(f"repeats must be at least 2 for an interval, got {repeats}")
        half = student.ppf((1 + level) / 2, repeats - 1) * self.halves.std(axis=0, ddof=1)
        return np.stack([np.maximum(self.tails[:count] - half, 0.0), self.tails[:count] + half])

    def dimension(self, share: Real = 0.9) -> int:
        """How many leading modes hold this share of the power."""
        if not 0 < share <= 1:
            raise ValueError(f"share must lie in (0, 1], got {share!r}")
        return int(np.argmax(self.tails <= (1 - share) * self.tails[0] + 1e-12 * self.tails[0]))


def target_power(sample: Sample, *, key: PRNGKeyArray | None = None, repeats: int = 0) -> TargetPower:
    """The coefficients of a target in the eigenbasis of a Gram matrix, and the tail sums that decide its learning curve.

    Args:
        sample: Gram matrix and labels; powers are summed over outputs.
        key: JAX PRNG key of the halves.
        repeats: number of random halves, for intervals of the tails; each costs the eigenvalues of N / 2 points.

    Raises:
        ValueError: repeats is not at least 1 with a key, or 0 without.

    Example:
        >>> found = target_power(Sample(np.diag([4.0, 2.0]), np.array([1.0, 3.0])))
        >>> found.tails.round(12).tolist(), found.dimension(0.9)
        ([5.0, 4.5, 0.0], 2)
    """
    if (repeats > 0) != (key is not None) or repeats < 0:
        raise ValueError(f"repeats must be at least 1 with a key, 0 without, got {repeats}")
    N = len(sample)
    halves = np.empty((repeats, N // 4 + 1))
    if key is not None:
        rng = generator(key)
        for row in halves:
            chosen = np.sort(rng.permutation(N)[: N // 2])
            vectors = np.linalg.eigh(sample.gram[np.ix_(chosen, chosen)])[1][:, ::-1]
            squares = (vectors.T @ sample.targets[chosen].reshape(N // 2, -1)) ** 2
            row[:] = _tails(squares.sum(axis=1) / (N // 2))[: N // 4 + 1]
    return TargetPower(sample.eigenvalues, sample.power, _tails(sample.power), halves)


def _tails(power: Float[np.ndarray, " modes"]) -> Float[np.ndarray, " tails"]:
    return np.concatenate([np.cumsum(power[::-1])[::-1], [0.0]])
