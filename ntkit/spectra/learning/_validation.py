"""Estimates of the test error and the effective regularisation from the training data alone."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student

from ntkit.spectra.learning._modes import Numbers, nonnegative
from ntkit.spectra.learning._sample import Sample


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Estimated errors of kernel ridge regression, arrays over the ridges that were asked for.

    Attributes:
        ridge: added to the Gram matrix.
        train: mean squared error on the training set.
        generalised: generalised cross-validation, train / (1 - learnt / N)^2.
        left_out: mean squared error on each point by the other N - 1, exact; stderr: its standard error over the points.
        kappa: estimated effective regularisation, 1 / trace((gram + ridge)^-1).
        learnt: N - ridge / kappa, the trace of the map from labels to fit: the sum of the learnabilities.
        count: N.
    """

    ridge: Float[np.ndarray, " ridges"]
    train: Float[np.ndarray, " ridges"]
    generalised: Float[np.ndarray, " ridges"]
    left_out: Float[np.ndarray, " ridges"]
    stderr: Float[np.ndarray, " ridges"]
    kappa: Float[np.ndarray, " ridges"]
    learnt: Float[np.ndarray, " ridges"]
    count: int

    @property
    def best(self) -> int:
        """Index of the ridge with the least generalised cross-validation."""
        return int(np.argmin(self.generalised))

    def interval(self, level: float = 0.95) -> Float[np.ndarray, "2 ridges"]:
        """Student's interval for the test error around the left-out error, as if the squared errors were independent."""
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level!r}")
        half = student.ppf((1 + level) / 2, self.count - 1) * self.stderr
        return np.stack([self.left_out - half, self.left_out + half])


def cross_validation(sample: Sample, ridge: Numbers) -> CrossValidation:
    """What the training data say about the test error, for all ridges from one eigendecomposition.

    With G = (gram + ridge)^-1: generalised cross-validation is N |G y|^2 / trace(G)^2, which stays finite at ridge 0; the
    error on a point left out is (G y)_i / G_ii. The eigenframework says why the first works: its train over test error is
    (ridge / (N kappa))^2, and 1 / trace(G) tends to kappa.

    Args:
        sample: Gram matrix and labels.
        ridge: shape (ridges,) or one number, at least 0; positive if the Gram matrix is singular.

    Raises:
        ValueError: ridge is negative, not finite, empty, or 0 with a singular Gram matrix.

    Example:
        >>> found = cross_validation(Sample(np.eye(3), np.array([1.0, 2.0, 2.0])), [0.0, 1.0])  # learns nothing of others
        >>> found.generalised.tolist(), found.left_out.tolist(), found.learnt.tolist()
        ([3.0, 3.0], [3.0, 3.0], [3.0, 1.5])

    Source: Golub, Heath, Wahba (1979); Jacot et al. (2020), Kernel alignment risk estimator (both from memory).
    """
    ridges = np.atleast_1d(nonnegative("ridge", ridge))
    if ridges.ndim != 1 or not ridges.size:
        raise ValueError(f"ridge must be one number or have shape (ridges,), not empty, got shape {ridges.shape}")
    N, values = len(sample), sample.eigenvalues * len(sample)
    if (ridges == 0).any() and (values == 0).any():
        raise ValueError(f"ridge must be positive for a gram of rank {(values > 0).sum()} < {N}, got 0")
    vectors, right = sample.eigenvectors, sample.coefficients.reshape(N, -1) * np.sqrt(N)
    inverse = 1 / (values + ridges[:, None])
    trace = inverse.sum(axis=1)
    squares, left_out = np.empty((len(ridges), N)), np.empty((len(ridges), N))
    for r, row in enumerate(inverse):
        squares[r] = ((vectors @ (row[:, None] * right)) ** 2).sum(axis=1)
        left_out[r] = squares[r] / (vectors**2 @ row) ** 2
    total = squares.sum(axis=1)
    return CrossValidation(
        ridge=ridges,
        train=ridges**2 * total / N,
        generalised=N * total / trace**2,
        left_out=left_out.mean(axis=1),
        stderr=left_out.std(axis=1, ddof=1) / np.sqrt(N),
        kappa=1 / trace,
        learnt=(values * inverse).sum(axis=1),
        count=N,
    )
