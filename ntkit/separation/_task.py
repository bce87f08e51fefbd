"""What is to be learnt: a distribution of labelled inputs."""

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ntkit.separation._symmetry import Symmetry

Kind = Literal["classification", "regression"]


class Data(NamedTuple):
    """Labelled inputs.

    Attributes:
        x: float64, shape (n, patches, dim); tasks without patches have one.
        y: float64, shape (n,): -1 and 1, or real labels.
    """

    x: Float[np.ndarray, "n patches dim"]
    y: Float[np.ndarray, " n"]


class Task(ABC):
    """A distribution of labelled inputs of shape (patches, dim).

    To write one's own: the four names below, and `sample`. A learner needs nothing else; what has closed forms may offer them.

    Attributes:
        kind: classification by the sign of a score, or regression.
        patches, dim: shape of an input.
        symmetry: a group that leaves the joint law of inputs and labels as it is, up to its own parameters.
        least_error: no predictor has a smaller test error: the Bayes error, or what is known to lie below it.

    Test errors are shares of wrong signs (a score 0 counts half), or mean square errors over the labels' variance.
    """

    kind: Kind = "classification"
    patches: int
    dim: int

    @property
    @abstractmethod
    def symmetry(self) -> Symmetry:
        """The group of the law."""

    @property
    def least_error(self) -> float:
        """A lower bound of every predictor's test error; the default knows none."""
        return 0.0

    @property
    def chance(self) -> float:
        """The error of knowing nothing: 1/2, or 1 for the mean of real labels."""
        return 0.5 if self.kind == "classification" else 1.0

    @abstractmethod
    def sample(self, key: PRNGKeyArray, n: int) -> Data:
        """So many independent labelled inputs; a ValueError for an n that is no whole number of at least 1."""

    def test_set(self, key: PRNGKeyArray, n: int) -> Data:
        """So many labelled inputs to test on: another sample. A task of few inputs may give all of them in its place."""
        return self.sample(key, n)

    def error(self, scores: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
        """The error of some scores against labels.

        Raises:
            ValueError: there is not one score for each label, or real labels are all equal: errors are relative to their
                variance.
            FloatingPointError: a score is nan or infinite, which is no error of 0.
        """
        if np.shape(scores) != np.shape(y):  # else they would be broadcast, each score against each label
            raise ValueError(f"scores must have shape {np.shape(y)}, one for each label, got {np.shape(scores)}")
        if not np.isfinite(scores).all():
            raise FloatingPointError(f"{int((~np.isfinite(scores)).sum())} of {scores.size} scores are not finite")
        if self.kind == "classification":
            return float(((1 - np.sign(scores) * y) / 2).mean())
        if np.ptp(y) == 0:
            raise ValueError(f"y must hold labels that differ, since errors are relative to their variance, got {y.size} equal")
        return float(((scores - y) ** 2).mean() / y.var())
