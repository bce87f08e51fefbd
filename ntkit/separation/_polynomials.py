"""Polynomial targets on spheres: one polynomial of another, and averages over patches."""

from dataclasses import dataclass
from math import factorial, prod, sqrt

import numpy as np
from jaxtyping import Float, PRNGKeyArray
from numpy.polynomial.hermite_e import hermeval

from ntkit.separation._checks import check_integer, generator
from ntkit.separation._symmetry import COMMON, ORTHOGONAL, PATCHWISE, Symmetry
from ntkit.separation._task import Data, Task

Floats = Float[np.ndarray, "..."]


def hermite_sum(coefficients: tuple[float, ...], z: Floats) -> Floats:
    """sum_j c_j He_j(z) / sqrt(j!), orthonormal for standard normal z.

    Example:
        >>> float(hermite_sum((0.0, 0.0, sqrt(2.0)), np.array(3.0)).round(12))  # z^2 - 1
        8.0
    """
    return np.asarray(hermeval(z, [c / sqrt(factorial(j)) for j, c in enumerate(coefficients)]))


@dataclass(frozen=True)
class HierarchicalPolynomial(Task):
    """y = g(p(x)), x uniform on the sphere of radius sqrt(dim), p a harmonic polynomial, g a polynomial of one variable.

    p is the sum over dim // degree blocks of coordinates of the block's product, divided by its standard deviation: a linear
    function, a quadratic form whose eigenvalues are +-a, and so on. For many blocks it is nearly normal.

    Its symmetry: rotations, which give another p.

    Attributes:
        dim: at least the degree.
        degree: of p, at least 1.
        outer: coefficients c_j of g = sum c_j He_j / sqrt(j!), from j = 0 on; (0, 1) is the identity.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> task = HierarchicalPolynomial(dim=2, degree=2)  # x = sqrt 2 (cos t, sin t), p = sqrt 2 sin 2 t
        >>> float(task.inner(np.ones((1, 1, 2)))[0].round(9))
        1.414213562

    Source: Wang, Nichani, Lee (2024), learning hierarchical polynomials; Gaussian inputs there, p and g more general.
    """

    dim: int
    degree: int
    outer: tuple[float, ...] = (0.0, 1.0)
    kind = "regression"
    patches = 1
    symmetry = ORTHOGONAL

    def __post_init__(self) -> None:
        check_integer("degree", self.degree)
        check_integer("dim", self.dim, self.degree)
        check_outer(self.outer, self.dim)

    def inner(self, x: Float[np.ndarray, "n 1 dim"]) -> Float[np.ndarray, " n"]:
        """p(x)."""
        blocks, k, d = self.dim // self.degree, self.degree, self.dim
        square = d**k / prod(d + 2 * i for i in range(k))  # the mean square of a product of k coordinates
        return np.asarray(x[:, 0, : blocks * k].reshape(-1, blocks, k).prod(axis=2).sum(axis=1) / sqrt(blocks * square))

    def sample(self, key: PRNGKeyArray, n: int) -> Data:
        """Labelled inputs of shape (1, dim)."""
        x = spheres(generator(key), check_integer("n", n), 1, self.dim)
        return Data(x, hermite_sum(self.outer, self.inner(x)))


@dataclass(frozen=True)
class AveragedPolynomial(Task):
    """y = mean over patches i of g(<b, x^(i)>), patches independent and uniform on the sphere of radius sqrt(dim), |b| = 1.

    b is the first coordinate. The label's variance is that of g over the number of patches.

    Its symmetry: a rotation of all patches, which gives another b, and a permutation of the patches, another one for each
    sample.

    Attributes:
        patches, dim: at least 1.
        outer: coefficients c_j of g = sum c_j He_j / sqrt(j!), from j = 0 on.
        used: the average is over that many patches only, the first ones; None for all. What does not depend on the order of
            the patches then has at least the error `invariant_error`.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> import jax
        >>> x, y = AveragedPolynomial(patches=4, dim=3, outer=(0.0, 1.0)).sample(jax.random.key(0), 2)
        >>> np.allclose(y, x[:, :, 0].mean(axis=1))
        True

    Source: Fu, Guo, Bai, Mei (2023), targets of keys without a query.
    """

    patches: int
    dim: int
    outer: tuple[float, ...]
    used: int | None = None
    kind = "regression"

    def __post_init__(self) -> None:
        check_integer("patches", self.patches)
        check_integer("dim", self.dim)
        check_outer(self.outer, self.dim)
        if self.used is not None and check_integer("used", self.used) > self.patches:
            raise ValueError(f"used must be at most the number of patches, {self.patches}, got {self.used!r}")

    @property
    def symmetry(self) -> Symmetry:
        """By whether the average is over all patches."""
        return COMMON if self.used in (None, self.patches) else PATCHWISE

    @property
    def invariant_error(self) -> float:
        """1 - used / patches: the least error of what permutations of the patches leave as it is.

        The best such score is the mean of g over all patches, times used / patches of the variance.
        """
        return 1 - (self.used or self.patches) / self.patches

    def sample(self, key: PRNGKeyArray, n: int) -> Data:
        """Labelled inputs of shape (patches, dim)."""
        x = spheres(generator(key), check_integer("n", n), self.patches, self.dim)
        return Data(x, hermite_sum(self.outer, x[:, : self.used, 0]).mean(axis=1))


def check_outer(outer: tuple[float, ...], dim: int) -> None:
    """Coefficients of a polynomial that is not constant on inputs of so many coordinates, or a ValueError."""
    if not np.isfinite(outer).all() or not any(outer[1:]):
        raise ValueError(f"outer must be finite coefficients, not all of them 0 beyond the first, got {outer!r}")
    low, high = hermite_sum(outer, np.array([-1.0, 1.0]))
    if dim == 1 and abs(high - low) <= 1e-12 * sum(map(abs, outer)):  # the only inputs; rounding is below 1e-14 a coefficient
        raise ValueError(f"outer must differ at -1 and 1, the only inputs of dim=1, got {outer!r}, which gives one label")


def spheres(rng: np.random.Generator, n: int, patches: int, dim: int) -> Float[np.ndarray, "n patches dim"]:
    """Independent vectors, uniform on the sphere of radius sqrt(dim)."""
    x = rng.normal(size=(n, patches, dim))
    return np.asarray(x * (sqrt(dim) / np.linalg.norm(x, axis=2, keepdims=True)))
