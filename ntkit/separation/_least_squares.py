"""Linear least squares."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ntkit.separation._checks import check_data, check_inputs
from ntkit.separation._learner import Learner, Predictor
from ntkit.separation._symmetry import ORTHOGONAL


@dataclass(frozen=True)
class LeastSquares(Learner):
    """The linear score <w, x>, without a constant, of least squares; of all that fit equally well, the one of least norm.

    Its symmetry: rotations of the whole input.

    Example:
        >>> score = LeastSquares().fit(np.array([[[1.0, 0.0]], [[0.0, 2.0]]]), np.array([3.0, 4.0]))
        >>> score(np.array([[[1.0, 1.0]]])).round(12).tolist()
        [5.0]
    """

    symmetry = ORTHOGONAL

    def weights(self, x: Float[np.ndarray, "n patches dim"], y: Float[np.ndarray, " n"]) -> Float[np.ndarray, "patches dim"]:
        """What multiplies each pixel."""
        x, y = check_data(x, y)
        return np.asarray(np.linalg.lstsq(x.reshape(len(x), -1), y)[0].reshape(x.shape[1:]))

    def fit(
        self, x: Float[np.ndarray, "n patches dim"], y: Float[np.ndarray, " n"], key: PRNGKeyArray | None = None
    ) -> Predictor:
        """The score; nothing of it is random."""
        weights = self.weights(x, y)
        return lambda test: np.einsum("nkd,kd->n", check_inputs("test", test, weights.shape), weights)
