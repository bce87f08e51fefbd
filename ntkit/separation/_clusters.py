"""Four clusters labelled like XOR."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, PRNGKeyArray
from scipy.special import ndtr

from ntkit.separation._checks import Real, check_integer, check_number, generator
from ntkit.separation._symmetry import NONE, SIGN, Symmetry
from ntkit.separation._task import Data, Task


@dataclass(frozen=True)
class XorClusters(Task):
    """x = +-mu_1 + noise with label 1, +-mu_2 + noise with label -1, standard normal noise; then labels are flipped.

    mu_1 and mu_2 have the length `distance` along the first and the second coordinate. The law of clean data is that of -x
    with the same label, so that sign <w, x> has the clean error 1/2 for every w.

    Attributes:
        dim: at least 2.
        distance: |mu_1| = |mu_2|.
        flip: the probability with which a label is flipped, below 1/2 or, for random labels, equal to it.
        antipodal: False leaves out -mu_1, in a favour of linear classifiers that the symmetry excludes.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> import jax
        >>> x, y = XorClusters(dim=2, distance=1000.0).sample(jax.random.key(0), 100)
        >>> bool(((np.abs(x[:, 0, 0]) > np.abs(x[:, 0, 1])) == (y > 0)).all())
        True

    Source: Frei, Chatterji, Bartlett (2023), from memory.
    """

    dim: int
    distance: Real
    flip: Real = 0.0
    antipodal: bool = True
    patches = 1

    def __post_init__(self) -> None:
        check_integer("dim", self.dim, 2)
        check_number("distance", self.distance)
        if check_number("flip", self.flip) > 0.5:
            raise ValueError(f"flip must be a probability of at most 1/2, got {self.flip!r}")

    @property
    def symmetry(self) -> Symmetry:
        """X and -x."""
        return SIGN if self.antipodal else NONE

    @property
    def clean_error(self) -> float:
        """The least error on labels that are not flipped: 2 Phi(-m) Phi(m), m = distance / sqrt 2; 0 known without -mu_1.

        The best classifier compares |x_1| with |x_2|, and errs at mu_1 where (x_1 - x_2) (x_1 + x_2) < 0: a product of
        independent normal numbers, each of mean distance and variance 2.

        Example:
            >>> XorClusters(dim=2, distance=0.0).clean_error
            0.5
        """
        m = self.distance / np.sqrt(2)
        return float(2 * ndtr(-m) * ndtr(m)) if self.antipodal else 0.0

    @property
    def least_error(self) -> float:
        """Flip + (1 - 2 flip) times the clean one."""
        return self.flip + (1 - 2 * self.flip) * self.clean_error

    def sample(self, key: PRNGKeyArray, n: int) -> Data:
        """Labelled inputs of shape (1, dim), some of the labels flipped."""
        n, rng = check_integer("n", n), generator(key)
        clean, side = rng.choice([-1.0, 1.0], size=(2, n))
        if not self.antipodal:
            side[clean > 0] = 1.0
        x = rng.normal(size=(n, 1, self.dim))
        x[np.arange(n), 0, (clean < 0).astype(int)] += self.distance * side
        return Data(x, np.where(rng.random(n) < self.flip, -clean, clean))

    def linear_error(self, weights: Float[np.ndarray, "... dim"]) -> Float[np.ndarray, "..."]:
        """The clean error of sign <w, x>, exactly: the mean over clusters of Phi(-y <w, mu> / |w|); 1/2 for zero weights.

        Example:
            >>> task = XorClusters(dim=2, distance=3.0, antipodal=False)
            >>> float(task.linear_error(np.array([1.0, 0.0])).round(4)), float(task.linear_error(np.array([0.0, 1.0])))
            (0.2507, 0.5)
        """
        size = np.linalg.norm(weights, axis=-1, keepdims=True)
        first, second = np.moveaxis(self.distance * weights[..., :2] / np.where(size > 0, size, 1.0), -1, 0)
        positive = (ndtr(-first) + ndtr(first)) / 2 if self.antipodal else ndtr(-first)
        return np.asarray((positive + (ndtr(second) + ndtr(-second)) / 2) / 2)
