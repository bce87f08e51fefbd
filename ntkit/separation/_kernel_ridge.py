"""Kernel ridge regression, on whole inputs or on averages over their patches."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
import scipy.linalg
from jaxtyping import Float, PRNGKeyArray
from numpy.typing import ArrayLike

from ntkit.separation._checks import Real, check_data, check_inputs, check_number
from ntkit.separation._learner import Errors, Learner, Predictor, check_test_size
from ntkit.separation._symmetry import COMMON, NONE, ORTHOGONAL, TOKENS, Symmetry
from ntkit.separation._task import Task

Inputs = Float[np.ndarray, "n patches dim"]
Matrix = Float[np.ndarray, "n m"]


@runtime_checkable
class HasGram(Protocol):
    """A kernel as an object, such as those of `ntkit.kernels`."""

    def gram(self, x1: Any, x2: Any) -> Any:
        """The kernel of all pairs of points, shape (n, m), of points of shape (n, dim) and (m, dim)."""


@dataclass(frozen=True)
class KernelRidge(Learner):
    """k(x, X) (k(X, X) + ridge)^-1 y, without a constant.

    Attributes:
        kernel: of all pairs of vectors, shapes (n, dim), (m, dim) -> (n, m): a function, or an object with such a `gram`.
        ridge: positive; 0 interpolates, where the matrix allows it. Several: `errors` takes the one with the least *test*
            error, in each replicate and for each n. No algorithm can do that: use it where the claim is that kernels fail.
        average: False: the vectors are inputs, flattened. True: they are patches, and two inputs have the mean of the kernel
            over all pairs of a patch of the one and a patch of the other.
        isotropic: whether the kernel stays as it is when both its vectors are rotated; nothing checks it but
            `equivariance_gap`.

    Its symmetry: if isotropic, rotations of the whole input, or with averages those common to all patches; with averages,
    permutations of the patches, another one for each sample.

    Raises:
        ValueError: a ridge is negative or not finite, or there is none.

    Example:
        >>> score = KernelRidge(lambda x, z: x @ z.T, ridge=1.0).fit(np.ones((1, 1, 1)), np.array([4.0]))
        >>> score(np.array([[[3.0]]])).round(12).tolist()
        [6.0]
    """

    kernel: Callable[[Any, Any], Any] | HasGram
    ridge: Real | tuple[Real, ...]
    average: bool = False
    isotropic: bool = False

    def __post_init__(self) -> None:
        if not self.ridges:
            raise ValueError("ridge must be a number or several, got none")
        for ridge in self.ridges:
            check_number("ridge", ridge)

    @property
    def ridges(self) -> tuple[Real, ...]:
        """All of them."""
        return tuple(self.ridge) if isinstance(self.ridge, tuple | list) else (self.ridge,)

    @property
    def symmetry(self) -> Symmetry:
        """Of the four, by `isotropic` and `average`."""
        if self.average:
            return COMMON if self.isotropic else TOKENS
        return ORTHOGONAL if self.isotropic else NONE

    def gram(self, x1: Inputs, x2: Float[np.ndarray, "m patches dim"]) -> Matrix:
        """The kernel of all pairs of inputs."""
        of = self.kernel.gram if hasattr(self.kernel, "gram") else self.kernel
        if not self.average:
            return np.asarray(of(x1.reshape(len(x1), -1), x2.reshape(len(x2), -1)))
        (n, patches, dim), m = x1.shape, len(x2)
        pairs = np.asarray(of(x1.reshape(-1, dim), x2.reshape(-1, dim)))
        return np.asarray(pairs.reshape(n, patches, m, patches).mean(axis=(1, 3)))

    def fit(self, x: Inputs, y: Float[np.ndarray, " n"], key: PRNGKeyArray | None = None) -> Predictor:
        """The score; nothing of it is random.

        Raises:
            ValueError: there are several ridges; or as for every learner.
            LinAlgError: the matrix is singular.
        """
        if len(self.ridges) > 1:
            raise ValueError(f"ridge must be one number to learn from data, got {self.ridge!r}")
        x, y = check_data(x, y)
        weights = _solve(self.gram(x, x), self.ridges[0], y)
        return lambda test: self.gram(check_inputs("test", test, x.shape[1:]), x) @ weights

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
        """As for every learner; of several ridges the best on the test inputs. One matrix serves all n of a replicate."""
        sizes = self._asked(task, n, replicates, measure, ("error",))
        check_test_size(task, test_size)
        found = np.empty((replicates, len(sizes)))
        for replicate in range(replicates):
            train, test, _ = jax.random.split(jax.random.fold_in(key, replicate), 3)
            x, y = task.sample(train, int(sizes[-1]))
            held_out = task.test_set(test, test_size)
            gram, cross = self.gram(x, x), self.gram(held_out.x, x)
            for point, size in enumerate(sizes.tolist()):
                weights = [_solve(gram[:size, :size], ridge, y[:size]) for ridge in self.ridges]
                found[replicate, point] = min(task.error(cross[:, :size] @ w, held_out.y) for w in weights)
        return found


def _solve(gram: Float[np.ndarray, "n n"], ridge: Real, y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    shifted = gram + ridge * np.eye(len(gram))
    try:
        factor = scipy.linalg.cho_factor(shifted, lower=True, overwrite_a=True)
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(
            f"the kernel matrix of {len(gram)} inputs is singular: ridge must exceed {ridge:g}"
        ) from None
    return np.asarray(scipy.linalg.cho_solve(factor, y))
