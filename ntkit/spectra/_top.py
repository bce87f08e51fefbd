"""The largest eigenvalues of a symmetric matrix or operator, with what is certain about each."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator

from ntkit.spectra._krylov import leading_space
from ntkit.spectra._symmetric import SLACK, UNIT, Products, Seed, check_integer, generator, inner

_SMALL = 256  # rows up to which a matrix is written down


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """Approximations of the k largest eigenvalues and their eigenvectors, the largest first.

    Attributes:
        values: Ritz values, shape (k,).
        vectors: orthonormal to rounding, shape (n, k).
        residuals: bounds of |A v - value v| / |v|: *some* eigenvalue lies within residuals[i] of values[i].
        lower: the i-th largest eigenvalue is at least lower[i] (Cauchy), whatever was missed.
        upper: the i-th largest eigenvalue is at most upper[i]; infinite where that is not certain, since an eigenvalue may
            have been missed. It is certain where values[i] exceeds `rest`, and then its distance is quadratic in residuals.
        rest: the matrix, restricted to what is orthogonal to all vectors, has no eigenvalue above this; or infinite.
        converged: whether residuals reached the tolerance.
        products: how often the matrix was multiplied with a block of vectors.
        columns: the vectors in all these blocks.
    """

    values: Float[np.ndarray, " k"]
    vectors: Float[np.ndarray, "n k"]
    residuals: Float[np.ndarray, " k"]
    lower: Float[np.ndarray, " k"]
    upper: Float[np.ndarray, " k"]
    rest: float
    converged: Bool[np.ndarray, " k"]
    products: int
    columns: int

    def with_rest(self, rest: float) -> "Eigenpairs":
        """The same, knowing that the matrix has no eigenvalue above `rest` orthogonally to the vectors.

        The i-th eigenvalue of [[T, S'], [S, B]] exceeds that of diag(T, B) by at most 2 s^2 / (g + sqrt(g^2 + 4 s^2)),
        s = |S|, where the latter is in T with the gap g = values[i] - rest to all of B.

        Source: Li and Li (2005), perturbed Hermitian matrices (from memory).
        """
        least = min(rest, self.rest)
        if least == np.inf:
            return self
        coupling = SLACK * float(np.linalg.norm(self.residuals))
        gap = self.lower - least
        sum_of_both = np.maximum(gap, 0.0) + np.hypot(gap, 2 * coupling)
        shift = 2 * coupling * (coupling / np.maximum(sum_of_both, np.finfo(float).tiny))
        upper = np.where(gap > 0, 2 * self.values - self.lower + SLACK * shift, np.inf)
        return replace(self, rest=float(least), upper=np.nextafter(upper, np.inf))


def top_eigenpairs(
    matrix: ArrayLike | LinearOperator,
    k: int,
    *,
    seed: Seed = 0,
    rtol: float = 1e-8,
    block: int | None = None,
    room: int | None = None,
    max_products: int = 500,
    trace: float | None = None,
    frobenius: float | None = None,
    rounding: float | None = None,
) -> Eigenpairs:
    """The k largest eigenvalues of a symmetric matrix, with their eigenvectors and what is certain about them.

    Args:
        matrix: an array of shape (n, n), or an operator such as `ntkit.kernels.gram_operator`: it is multiplied with blocks
            of float64, so that a float32 kernel counts as the exact matrix of its float32 entries. (An array whose eigenvectors
            can all be computed gets certain indices for all from `enclosed_eigenvalues`.)
        k: from 1 to n.
        seed: of the random start: an integer, `jax.random.key_data(key)`, or a NumPy generator.
        rtol: residuals are small enough at rtol times the largest eigenvalue.
        block: vectors that are multiplied at once. A larger block takes fewer products with more vectors each: worth it
            where a product computes the matrix anew. By default k/3, from 8 to 64.
        room: vectors that are kept, in memory of 8 n room bytes (and once more at restarts); by default 2 k + 6 block.
        max_products: after so many the best is returned, `converged` or not.
        trace: of a matrix that is known to be positive semidefinite, to certify indices; an upper bound will do. It has
            to come from outside: definiteness of what is orthogonal to the vectors is not checked.
        frobenius: the Frobenius norm, or an upper bound, for the same purpose; arrays have it by themselves.
        rounding: for an operator, a bound of the errors of its products with unit vectors, relative to its norm; by
            default n epsilon, with epsilon of the dtype that products of float64 vectors have. Intervals of operators
            rest on this bound, those of arrays on rounding analysis.

    Returns:
        `Eigenpairs`. Residuals are computed from an explicit last product, not taken from the recurrence.

    Raises:
        ValueError: k or an option out of range, or a matrix that is not square, real, symmetric, or finite.

    Example:
        >>> top = top_eigenpairs(np.diag([5.0, 4.0, 1e-3, 0.0]), 2)
        >>> top.values.round(12).tolist(), bool((top.upper - top.lower).max() < 1e-12)
        ([5.0, 4.0], True)

    Source: Golub and Underwood (1977), block Lanczos; Wu and Simon (2000), thick restart (from memory).
    """
    products = Products(matrix, rounding)
    n = products.size
    check_integer("k", k, 1, n)
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol must lie in [0, 1), got {rtol}")
    width = min(64, max(8, k // 3), n) if block is None else block
    check_integer("block", width, 1, n)
    check_integer("max_products", max_products, -(-k // width) + 1, 10**9)
    space = 2 * k + 6 * width if room is None else room
    check_integer("room", space, min(n, k + 2 * width), max(n, space))
    squares = [] if frobenius is None else [frobenius**2]
    if n <= _SMALL or space >= n:
        whole = products(np.eye(n)) if products.dense is None else products.dense
        products.check_symmetric(np.eye(n), whole)
        squares.append((float(np.linalg.norm(whole)) + n**0.5 * products.error) ** 2 * (1 + n * n * UNIT))
        all_values, all_vectors = np.linalg.eigh((whole + whole.T) / 2)
        vectors, scale = all_vectors[:, ::-1][:, :k], float(np.abs(all_values).max())
    else:
        vectors, scale = leading_space(products, k, width, space, rtol, max_products - 1, generator(seed))
    pairs = _pairs(products, vectors, rtol * scale)
    if products.dense is not None:
        squares.append(float(np.einsum("ij,ij->j", products.dense, products.dense).sum()))
    return pairs.with_rest(_rest(pairs, trace, min(squares, default=None)))


def _pairs(products: Products, vectors: Float[np.ndarray, "n k"], tolerance: float) -> Eigenpairs:
    """Ritz values and residuals of a space, by one product."""
    k = vectors.shape[1]
    image = products(vectors)
    part, _ = inner(vectors, image)
    values, rotation = np.linalg.eigh((part + part.T) / 2)
    values, rotation = values[::-1], rotation[:, ::-1]
    vectors, image = vectors @ rotation, image @ rotation  # the image's rounding is covered below
    largest = float(np.abs(values).max())
    gram, unit = inner(vectors, vectors)
    off = float(np.linalg.norm(gram - np.eye(k))) + 2 * k * unit
    residual = image - vectors * values
    norms = np.linalg.norm(residual, axis=0)
    wrong = (products.error + 4 * (k + 1) * UNIT * products.norm) * np.abs(rotation).sum(0)
    residuals = SLACK * (norms + wrong) / np.sqrt(max(1 - off, 0.5))
    # V^T A V - W = V^T R + (V^T V - 1) W, and orthonormal V changes eigenvalues by a factor within 1 / (1 -+ off).
    across, error = inner(vectors, residual)
    tau = float(np.linalg.norm(across)) + (1 + error * np.sqrt(k)) * float(np.linalg.norm(wrong))
    tau = SLACK * (tau + error * np.sqrt(k) * float(np.linalg.norm(norms)) + 4 * off * largest)
    lower = np.nextafter(values - tau, -np.inf)
    done = norms <= tolerance + 2 * wrong
    none = np.full(k, np.inf)
    return Eigenpairs(values, vectors, residuals, lower, none, np.inf, done, products.calls, products.columns)


def _rest(pairs: Eigenpairs, trace: float | None, squares: float | None) -> float:
    """The largest eigenvalue that what is orthogonal to the vectors can have, by the trace or the squares that are left."""
    found = [np.inf]
    n, k = pairs.vectors.shape
    grown = 1 + 4 * n * UNIT  # sums of n numbers
    if k == n:
        found.append(-np.inf)
    if trace is not None:
        left = trace * grown - float(pairs.lower.sum()) / grown
        if not left >= 0:
            raise ValueError(f"trace must be at least {pairs.lower.sum():.6g}, the sum of the eigenvalues found, got {trace}")
        found.append(left)
    if squares is not None:
        least = np.maximum(pairs.lower, 0.0)
        left = squares * grown - float(least @ least) / grown
        if not left >= 0:
            raise ValueError(f"frobenius must be at least {np.linalg.norm(least):.6g}, got {squares**0.5:.6g}")
        found.append(left**0.5)
    return min(found)
