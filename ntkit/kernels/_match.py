"""Which bandwidth makes one kernel predict like another, say like the tangent kernel of a network?"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from ntkit.kernels._stationary import as_points

RIDGE = 1e-10

Gram = Callable[[ArrayLike, ArrayLike | None], Float[Array, "n m"]]


class Kernel(Protocol):
    """What has a Gram matrix."""

    def gram(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
        """The kernel of all pairs of points."""


class Match(NamedTuple):
    """The best member of a family of kernels.

    Attributes:
        bandwidth: of that member.
        rmses: for every bandwidth that was tried, the root mean square difference of predictions from the target's; a best
            one at an end of the grid shows here.
    """

    bandwidth: float
    rmses: Float[np.ndarray, " bandwidths"]

    @property
    def rmse(self) -> float:
        """The smallest of them, that of `bandwidth`."""
        return float(self.rmses.min())


def match(
    family: Callable[[float], Kernel],
    target: Gram,
    bandwidths: Sequence[float],
    *,
    x_train: ArrayLike,
    y_train: ArrayLike,
    x_test: ArrayLike,
    ridge: float = RIDGE,
) -> Match:
    """The bandwidth with which kernel regression predicts most like regression with another kernel.

    The criterion is the root mean square difference of the two `posterior_mean`s at the test points. It is not the distance
    of the kernels as functions of the angle: that is decided by their smooth parts, predictions by their singularities.

    Args:
        family: bandwidth -> kernel, such as `Laplace` or `functools.partial(Matern, 1.5)`.
        target: (x1, x2) -> Gram matrix, such as the method `ntk` of a network.
        bandwidths: to be tried.
        x_train: shape (n, dim).
        y_train: shape (n,).
        x_test: shape (m, dim).
        ridge: as for `posterior_mean`.

    Raises:
        ValueError: no bandwidths, or as for `posterior_mean`.

    Example:
        >>> from ntkit.kernels import Laplace
        >>> x, z = np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [2.0]])
        >>> match(Laplace, Laplace(2.0).gram, [1.0, 2.0, 4.0], x_train=x, y_train=x[:, 0] ** 2, x_test=z).bandwidth
        2.0
    """
    if not len(bandwidths):
        raise ValueError("bandwidths must hold at least one bandwidth, got none")
    wanted = posterior_mean(target, x_train, y_train, x_test, ridge=ridge)
    means = [posterior_mean(family(b).gram, x_train, y_train, x_test, ridge=ridge) for b in bandwidths]
    rmses = np.array([np.sqrt(np.mean((mean - wanted) ** 2)) for mean in means])
    return Match(bandwidths[int(rmses.argmin())], rmses)


def posterior_mean(
    gram: Gram, x_train: ArrayLike, y_train: ArrayLike, x_test: ArrayLike, *, ridge: float = RIDGE
) -> Float[np.ndarray, " m"]:
    """K(test, train) (K + ridge mean(diag K) I)^-1 y: Gaussian-process regression, or kernel ridge regression.

    Args:
        gram: (x1, x2) -> Gram matrix; x2 = None stands for x1.
        x_train: shape (n, dim), floating point.
        y_train: shape (n,), of the dtype of x_train.
        x_test: shape (m, dim), of the dtype of x_train.
        ridge: relative to the mean of the kernel's diagonal, so that multiples of a kernel predict alike.

    Returns:
        Shape (m,), in the dtype of x_train.

    Raises:
        ValueError: wrong shapes or dtypes, a negative ridge, or a Gram matrix that is not positive definite in this dtype.

    Example:
        >>> from ntkit.kernels import Laplace
        >>> x = np.array([[0.0], [1.0]])
        >>> posterior_mean(Laplace(1.0).gram, x, np.array([2.0, 5.0]), x).round(6).tolist()  # interpolates
        [2.0, 5.0]

    Source: Rasmussen and Williams (2006), equation 2.25 (from memory).
    """
    first, second = as_points(x_train, x_test)
    y = np.asarray(y_train)
    if y.shape != (len(first),) or y.dtype != first.dtype:
        raise ValueError(f"y_train must have shape ({len(first)},) and dtype {first.dtype}, got {y.shape} and {y.dtype}")
    if not 0 <= ridge < np.inf:
        raise ValueError(f"ridge must be a number >= 0, got {ridge!r}")
    matrix = np.array(gram(first, None))
    matrix[np.diag_indices_from(matrix)] += ridge * np.trace(matrix) / len(matrix)
    try:
        weights = cho_solve(cho_factor(matrix, lower=True, overwrite_a=True), y)
    except LinAlgError as error:
        raise ValueError(
            f"the Gram matrix of {len(first)} points at ridge={ridge:g} must be positive definite in {first.dtype}: {error}; "
            "take a larger ridge, or distinct points"
        ) from None
    mean: np.ndarray = np.asarray(gram(second, first)) @ weights
    return mean
