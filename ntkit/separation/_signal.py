"""One patch carries the signal, all carry noise: the tasks that tell convolution, locality and neither apart."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray
from scipy.special import ndtr

from ntkit.separation._checks import Real, check_integer, check_number, generator
from ntkit.separation._symmetry import COMMON, PATCHWISE
from ntkit.separation._task import Data, Task


@dataclass(frozen=True)
class SignalTask(Task):
    """x^(i) = y w 1{i = J} + noise xi^(i), xi standard normal, y uniform on -1 and 1, w a unit vector: the first coordinate.

    All learners of this package that take it are equivariant under rotations common to all patches, so that w is no choice.

    Attributes:
        patches: k, at least 1.
        dim: d, pixels of a patch, at least 1.
        noise: sigma, at least 0; it is in the signal's patch too.

    Raises:
        ValueError: an argument is out of range.
    """

    patches: int
    dim: int
    noise: Real

    def __post_init__(self) -> None:
        check_integer("patches", self.patches)
        check_integer("dim", self.dim)
        check_number("noise", self.noise)

    @property
    @abstractmethod
    def places(self) -> int:
        """How many patches can carry the signal: the first ones."""

    @property
    def least_error(self) -> float:
        """Phi(-1 / noise): told the patch, none does better; untold, the Bayes error lies above it (for one place it is it)."""
        return float(ndtr(-1 / self.noise)) if self.noise else 0.0

    def places_of(self, rng: np.random.Generator, n: int) -> Int[np.ndarray, " n"]:
        """The signal's patch J in n samples."""
        return rng.integers(self.places, size=n)

    def counts(self, rng: np.random.Generator, n: Int[np.ndarray, " points"]) -> Int[np.ndarray, "points patches"]:
        """In how many of the first n samples each patch carries the signal, for rising n."""
        steps = np.diff(n, prepend=0)
        found = np.zeros((len(n), self.patches), dtype=np.int64)
        found[:, : self.places] = rng.multinomial(steps, np.full(self.places, 1 / self.places)).cumsum(axis=0)
        return found

    def sample(self, key: PRNGKeyArray, n: int) -> Data:
        """Labelled inputs in full."""
        n, rng = check_integer("n", n), generator(key)
        y = rng.choice([-1.0, 1.0], size=n)
        x = self.noise * rng.normal(size=(n, self.patches, self.dim))
        x[np.arange(n), self.places_of(rng, n), 0] += y
        return Data(x, y)

    def linear_error(self, weights: Float[np.ndarray, "patches dim"]) -> float:
        """The test error of sign <weights, x>, exactly: the mean over J of Phi(-<w_J, w> / (noise |weights|)).

        Zero weights have error 1/2. Without noise a positive overlap has error 0.

        Example:
            >>> float(DynamicSignal(1, 2, 0.5).linear_error(np.array([[1.0, 0.0]])).__round__(4))  # Phi(-2)
            0.0228
        """
        size = np.linalg.norm(weights)
        return float(error_of(weights[: self.places, 0] / (size or 1.0), self.noise).mean())


class DynamicSignal(SignalTask):
    """The patch J that carries the signal is uniform on all k.

    Example:
        >>> import jax
        >>> x, y = DynamicSignal(patches=4, dim=3, noise=0.0).sample(jax.random.key(0), 2)
        >>> np.abs(x).sum(axis=(1, 2)).tolist()
        [1.0, 1.0]

    Source: Lahoti, Karp, Winston, Singh, Li (2024), the dynamic signal distribution.
    """

    symmetry = COMMON

    @property
    def places(self) -> int:
        """All of them."""
        return self.patches


class StaticSignal(SignalTask):
    """The signal is always in the first patch.

    Example:
        >>> import jax
        >>> StaticSignal(patches=4, dim=3, noise=0.1).sample(jax.random.key(0), 5).x.shape
        (5, 4, 3)

    Source: Lahoti et al. (2024), the static signal distribution.
    """

    symmetry = PATCHWISE

    @property
    def places(self) -> int:
        """The first."""
        return 1


def error_of(overlaps: Float[np.ndarray, "..."], noise: Real) -> Float[np.ndarray, "..."]:
    """Phi(-overlap / noise): how often a score with this mean and this noise has the wrong sign; 1/2 for 0 / 0."""
    if noise:
        return np.asarray(ndtr(-overlaps / noise))
    return np.asarray((1 - np.sign(overlaps)) / 2)
