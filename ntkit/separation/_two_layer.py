"""Two-layer ReLU networks whose first layer is trained."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, PRNGKeyArray
from scipy.special import expit

from ntkit.separation._checks import Real, check_data, check_inputs, check_integer, check_number, generator
from ntkit.separation._learner import Learner, Predictor
from ntkit.separation._symmetry import NONE

Loss = Literal["logistic", "squared"]
LOSSES: tuple[Loss, ...] = ("logistic", "squared")
Weights = Float[np.ndarray, "width inputs"]


@dataclass(frozen=True)
class TwoLayerRelu(Learner):
    """f(x) = sum_j a_j relu(<w_j, x>), a_j = 1 / sqrt(width) in the first half and minus that in the second, x flattened.

    All w_j are trained by full-batch gradient descent, from independent normal weights, on the mean of log(1 + exp(-y f)) or of
    (f - y)^2 / 2.

    Given a key the start does not move with the data, so that it has no `symmetry`. Over random keys its law has that of all
    rotations of the input, because the start's has: `train` from a rotated start, on rotated data, gives rotated weights.

    Attributes:
        width: units, even.
        steps: of gradient descent, at least 0.
        rate: its learning rate.
        loss: "logistic" or "squared".
        init: standard deviation of the first weights, positive.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> import jax
        >>> x = np.array([[[1.0, 0.0]], [[-1.0, 0.0]], [[0.0, 1.0]], [[0.0, -1.0]]])
        >>> np.sign(TwoLayerRelu(50).fit(x, np.array([1.0, 1.0, -1.0, -1.0]), jax.random.key(0))(x)).tolist()
        [1.0, 1.0, -1.0, -1.0]

    Source: Frei, Chatterji, Bartlett (2023), random feature amplification (from memory).
    """

    width: int
    steps: int = 300
    rate: Real = 0.5
    loss: Loss = "logistic"
    init: Real = 1e-3

    symmetry = NONE

    def __post_init__(self) -> None:
        check_integer("width", self.width, 2)
        if self.width % 2:
            raise ValueError(f"width must be even, so that as many units add as subtract, got {self.width!r}")
        check_integer("steps", self.steps, 0)
        check_number("rate", self.rate)
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be {' or '.join(map(repr, LOSSES))}, got {self.loss!r}")
        if check_number("init", self.init) == 0:
            raise ValueError("init must be positive: from zero weights nothing is learnt, got 0")

    @property
    def second(self) -> Float[np.ndarray, " width"]:
        """The second layer."""
        return np.asarray(np.repeat([1.0, -1.0], self.width // 2) / np.sqrt(self.width))

    def start(self, key: PRNGKeyArray, dim: int) -> Weights:
        """Random first weights, for inputs that have so many numbers."""
        return np.asarray(self.init * generator(key).normal(size=(self.width, dim)))

    def train(self, x: Float[np.ndarray, "n patches dim"], y: Float[np.ndarray, " n"], start: Weights) -> Weights:
        """First weights after training from these.

        Raises:
            FloatingPointError: training diverged.
        """
        flat, second, weights = x.reshape(len(x), -1), self.second, start.copy()
        for _ in range(self.steps):
            hidden = flat @ weights.T
            passed = (hidden > 0).astype(np.float64)
            slope = self._slope((hidden * passed) @ second, y) / len(y)
            passed *= slope[:, None]
            weights -= self.rate * second[:, None] * (passed.T @ flat)
        if not np.isfinite(weights).all():
            raise FloatingPointError(f"training with rate {self.rate:g} diverged within {self.steps} steps")
        return weights

    def score(self, x: Float[np.ndarray, "n patches dim"], weights: Weights) -> Float[np.ndarray, " n"]:
        """f(x) with these first weights."""
        return np.asarray(np.maximum(x.reshape(len(x), -1) @ weights.T, 0.0) @ self.second)

    def fit(
        self, x: Float[np.ndarray, "n patches dim"], y: Float[np.ndarray, " n"], key: PRNGKeyArray | None = None
    ) -> Predictor:
        """The score after training.

        Raises:
            ValueError: there is no key for the start; or as for every learner.
            FloatingPointError: training diverged.
        """
        if key is None:
            raise ValueError("key must be a JAX PRNG key, since the start is random, got None")
        x, y = check_data(x, y)
        weights = self.train(x, y, self.start(key, int(np.prod(x.shape[1:]))))
        return lambda test: self.score(check_inputs("test", test, x.shape[1:]), weights)

    def _slope(self, scores: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The derivative of each sample's loss in its score."""
        return np.asarray(-y * expit(-y * scores)) if self.loss == "logistic" else scores - y
