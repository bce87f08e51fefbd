"""What learns: from labelled inputs to a score for every input, and from a task to its test errors over n."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray
from numpy.typing import ArrayLike

from ntkit.separation._checks import check_data, check_inputs, check_integer, sample_sizes
from ntkit.separation._symmetry import Symmetry
from ntkit.separation._task import Task

Predictor = Callable[[Float[np.ndarray, "n patches dim"]], Float[np.ndarray, " n"]]
Errors = Float[np.ndarray, "replicates points"]


class Learner(ABC):
    """An algorithm. To write one's own: its symmetry, and `fit`.

    Attributes:
        symmetry: a group g under which it is equivariant: trained on (g x, y) it scores g x' as, trained on (x, y), it scores
            x'. `equivariance_gap` measures it.
    """

    @property
    @abstractmethod
    def symmetry(self) -> Symmetry:
        """The group of the algorithm."""

    @abstractmethod
    def fit(
        self, x: Float[np.ndarray, "n patches dim"], y: Float[np.ndarray, " n"], key: PRNGKeyArray | None = None
    ) -> Predictor:
        """The learnt score, a function of inputs of shape (n, patches, dim); its sign classifies.

        Raises:
            ValueError: x, y or the inputs to score have a wrong shape or dtype, or are not finite.
        """

    def errors(
        self,
        task: Task,
        n: ArrayLike,
        *,
        key: PRNGKeyArray,
        replicates: int,
        measure: str = "error",
        test_size: int = 2000,
    ) -> Errors:
        """Test errors over numbers of samples, for random data sets.

        In one replicate the samples of a smaller n are the first ones of a larger n, and all are tested on the same inputs
        (common random numbers), so that curves are smooth.

        Args:
            task: what is learnt.
            n: numbers of samples, rising.
            key: JAX PRNG key; replicate i depends on it and on i alone.
            replicates: data sets.
            measure: "error", the test error of the task; a learner may know others.
            test_size: inputs to test on; at least 2 for real labels, whose variance errors are relative to.

        Raises:
            ValueError: an argument is out of range, or the learner does not know the measure.
            FloatingPointError: a score is nan or infinite.
        """
        sizes = self._asked(task, n, replicates, measure, ("error",))
        check_test_size(task, test_size)
        found = np.empty((replicates, len(sizes)))
        for replicate in range(replicates):
            train, test, start = jax.random.split(jax.random.fold_in(key, replicate), 3)
            x, y = task.sample(train, int(sizes[-1]))
            held_out = task.test_set(test, test_size)
            for point, size in enumerate(sizes.tolist()):
                found[replicate, point] = task.error(self.fit(x[:size], y[:size], start)(held_out.x), held_out.y)
        return found

    def guess(self, task: Task) -> float:
        """About how many samples the task takes, where a search may begin."""
        return float(task.patches * task.dim)

    def least_error(self, task: Task) -> float:
        """Below which its test error cannot fall, however many samples there are, as far as that is known."""
        return task.least_error

    def most(self, task: Task) -> int:
        """How many samples it can take: what fits into 2 GiB, unless data are not needed in full."""
        return max(2**28 // (task.patches * task.dim), 1)

    @staticmethod
    def _asked(task: Task, n: ArrayLike, replicates: int, measure: str, known: tuple[str, ...]) -> np.ndarray:
        if not isinstance(task, Task):
            raise ValueError(f"task must be a Task, got {task!r}")
        check_integer("replicates", replicates)
        if measure not in known:
            raise ValueError(f"measure must be {' or '.join(map(repr, known))} for this learner, got {measure!r}")
        return sample_sizes(n)


def check_test_size(task: Task, test_size: int) -> None:
    """Enough inputs to test on, or a ValueError."""
    check_integer("test_size", test_size, 1 if task.kind == "classification" else 2)


def equivariance_gap(
    learner: Learner,
    symmetry: Symmetry,
    x: Float[np.ndarray, "n patches dim"],
    y: Float[np.ndarray, " n"],
    test: Float[np.ndarray, "m patches dim"],
    key: PRNGKeyArray,
) -> float:
    """How far a learner is from being equivariant under a random element g of a group, at these inputs.

    Returns:
        The largest difference of the scores of g test after learning from (g x, y) and of test after learning from (x, y),
        relative to the largest score; rounding for a learner with this symmetry.

    Raises:
        ValueError: x, y or test have a wrong shape or dtype, or are not finite.

    Example:
        >>> from ntkit.separation import LeastSquares, ORTHOGONAL
        >>> rng = np.random.default_rng(0)
        >>> x, test = rng.normal(size=(20, 2, 3)), rng.normal(size=(5, 2, 3))
        >>> equivariance_gap(LeastSquares(), ORTHOGONAL, x, np.sign(x[:, 0, 0]), test, jax.random.key(0)) < 1e-12
        True
    """
    x, y = check_data(x, y)
    test = check_inputs("test", test, x.shape[1:])
    start, element = jax.random.split(key)
    act = symmetry.draw(np.random.default_rng(np.asarray(jax.random.key_data(element)).ravel().tolist()), *x.shape[1:])
    plain = learner.fit(x, y, start)(test)
    moved = learner.fit(act(x), y, start)(act(test))
    return float(np.abs(moved - plain).max() / max(float(np.abs(plain).max()), np.finfo(np.float64).tiny))
