"""The density of a spectrum by stochastic Lanczos quadrature: how many eigenvalues lie where, with an interval."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike
from scipy.linalg import eigh_tridiagonal
from scipy.sparse.linalg import LinearOperator
from scipy.special import stdtrit

from ntkit.spectra._symmetric import UNIT, Products, Seed, check_integer, generator


class Interval(NamedTuple):
    """An estimate, and the interval that holds what is estimated at the level asked for."""

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class SpectralDensity:
    """Random samples of the spectral measure of a symmetric matrix, each as a Gauss quadrature.

    For a probe v, uniform on the unit sphere, v^T f(A) v is the mean of f over all eigenvalues, on average over v; the nodes
    and weights of a row give v^T f(A) v exactly for polynomials of a degree below 2 steps.

    Attributes:
        size: n, the number of eigenvalues.
        nodes: shape (probes, steps), ascending; probes that ended earlier repeat the last one.
        weights: shape (probes, steps), rows sum to 1; 0 for what is repeated.
        exact: shape (probes,), whether the Krylov space of a probe was exhausted: its nodes are eigenvalues then, up to
            `rounding`, and its weights the measure itself.
        rounding: of nodes, an estimate.
        products: how often the matrix was multiplied, with a block of all probes.
    """

    size: int
    nodes: Float[np.ndarray, "probes steps"]
    weights: Float[np.ndarray, "probes steps"]
    exact: Bool[np.ndarray, " probes"]
    rounding: float
    products: int

    def count(self, lower: float, upper: float, *, level: float = 0.95) -> Interval:
        """How many eigenvalues lie in [lower, upper], with multiplicity.

        The interval has two parts: what quadrature can be wrong by (the inequalities of Chebyshev, Markov and Stieltjes: up to
        a node, the measure is between the weights before and those up to the node), a bound; and Student's t over probes.

        Args:
            lower: the left end; infinite ones are allowed.
            upper: the right end, at least lower.
            level: of confidence.

        Raises:
            ValueError: lower is above upper, or level outside of (0, 1).

        Example:
            >>> density = spectral_density(np.diag(np.repeat([1.0, 5.0], [30, 10])), probes=8, steps=4)
            >>> count = density.count(4.0, np.inf, level=0.999)
            >>> count.lower < 10 < count.upper
            True
        """
        if not lower <= upper:
            raise ValueError(f"lower must be at most upper, got {lower} and {upper}")
        at_least = self._below(upper, low=True) - self._below(lower, low=False)
        at_most = self._below(upper, low=False) - self._below(lower, low=True)
        middle = (self.weights * ((self.nodes >= lower) & (self.nodes <= upper))).sum(1)
        below, above = self._interval(np.maximum(at_least, 0), level), self._interval(at_most, level)
        estimate = self.size * float(middle.mean())
        return Interval(estimate, max(0.0, below.lower), min(float(self.size), above.upper))

    def trace(self, function: Callable[[Float[np.ndarray, "..."]], ArrayLike], *, level: float = 0.95) -> Interval:
        """The sum of f over all eigenvalues, with Student's interval over probes; quadrature counts as exact.

        Example:
            >>> spectral_density(2 * np.eye(10), probes=3, steps=2).trace(lambda x: x**2).estimate
            40.0
        """
        values = np.asarray(function(self.nodes), dtype=np.float64)
        return self._interval(np.where(self.weights > 0, self.weights * values, 0.0).sum(1), level)

    def _interval(self, samples: Float[np.ndarray, " probes"], level: float) -> Interval:
        if not 0 < level < 1:
            raise ValueError(f"level must lie in (0, 1), got {level}")
        mean, count = self.size * float(samples.mean()), len(samples)
        half = self.size * float(stdtrit(count - 1, (1 + level) / 2) * samples.std(ddof=1)) / count**0.5
        return Interval(mean, mean - half, mean + half)

    def _below(self, x: float, low: bool) -> Float[np.ndarray, " probes"]:
        """A bound of the measure up to x, for each probe."""
        if np.isinf(x):
            return np.full(len(self.nodes), float(x > 0))
        sums = np.concatenate([np.zeros((len(self.nodes), 1)), np.cumsum(self.weights, axis=1)], axis=1)
        before = (self.nodes <= x).sum(1)  # nodes up to x: the last of them counts for nothing, the next one in full
        index = np.maximum(before - 1, 0) if low else np.minimum(before + 1, self.nodes.shape[1])
        sure = (self.nodes <= x + (-self.rounding if low else self.rounding)).sum(1)
        index = np.where(self.exact, sure, index)
        return np.asarray(np.take_along_axis(sums, index[:, None], axis=1)[:, 0])


def spectral_density(
    matrix: ArrayLike | LinearOperator, *, probes: int = 16, steps: int = 30, seed: Seed = 0
) -> SpectralDensity:
    """The density of the spectrum of a symmetric matrix by stochastic Lanczos quadrature.

    Args:
        matrix: as for `top_eigenpairs`, definite or not.
        probes: independent random vectors, at least 2.
        steps: of Lanczos, products with the block of all probes; at most n are taken. Memory: 8 n probes steps bytes, since
            all vectors are kept orthogonal.
        seed: as for `top_eigenpairs`.

    Raises:
        ValueError: an argument out of range, or the matrix is not square, real, symmetric, or finite.

    Example:
        >>> density = spectral_density(np.diag([0.0, 1.0, 1.0, 1.0]), probes=4, steps=10)
        >>> density.products, abs(density.nodes[0]).round(9).tolist()
        (2, [0.0, 1.0])

    Source: Golub and Meurant (1994); Ubaru, Chen and Saad (2017) (from memory).
    """
    products = Products(matrix)
    n = products.size
    check_integer("probes", probes, 2, 10**6)
    check_integer("steps", steps, 1, 10**6)
    new = generator(seed).standard_normal((n, probes))
    new /= np.linalg.norm(new, axis=0)
    most = min(steps, n)
    basis = np.zeros((probes, most, n))
    main, off, length = np.zeros((probes, most)), np.zeros((probes, most)), np.full(probes, most)
    exact = np.full(probes, most == n)
    for step in range(most):
        basis[:, step] = new.T
        image = np.ascontiguousarray(products(new).T)
        main[:, step] = np.einsum("pn,np->p", image, new)
        if step == 0:
            _check_symmetric(products, basis[:, 0], image)
        for _ in range(2):
            for p in range(probes):
                image[p] -= (basis[p, : step + 1] @ image[p]) @ basis[p, : step + 1]
        off[:, step] = np.linalg.norm(image, axis=1)
        ended = off[:, step] <= 8 * n * UNIT * products.norm
        exact |= ended
        length = np.where(ended, np.minimum(length, step + 1), length)
        if (length <= step + 1).all():
            break
        new = np.where(ended[:, None], 0.0, image / np.where(ended, 1.0, off[:, step])[:, None]).T
    longest = int(length.max())
    nodes, weights = np.zeros((probes, longest)), np.zeros((probes, longest))
    for p, size in enumerate(length.tolist()):
        values, vectors = eigh_tridiagonal(main[p, :size], off[p, : size - 1])
        nodes[p], weights[p, :size] = values[-1], vectors[0] ** 2
        nodes[p, :size] = values
    return SpectralDensity(n, nodes, weights, exact, float(16 * n * UNIT * products.norm), products.calls)


def _check_symmetric(products: Products, probes: Float[np.ndarray, "p n"], images: Float[np.ndarray, "p n"]) -> None:
    """Any block of vectors shows it, after their products have been combined to those of orthonormal ones."""
    count = min(probes.shape)
    orthonormal, triangle = np.linalg.qr(probes[:count].T)
    if np.abs(np.diag(triangle)).min() > 0.1:
        products.check_symmetric(orthonormal, np.linalg.solve(triangle.T, images[:count]).T)
