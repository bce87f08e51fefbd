"""Nystrom approximation: a positive semidefinite matrix from some of its columns, and how much of it is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular
from scipy.sparse.linalg import LinearOperator

from ntkit.spectra._symmetric import UNIT, Products, Seed, check_integer, generator


@dataclass(frozen=True, eq=False)
class Nystrom:
    """K[:, I] K[I, I]^-1 K[I, :] = F F^T for some columns I of a positive semidefinite matrix K.

    Attributes:
        factor: F, shape (n, rank).
        columns: I, without those that depended on earlier ones, shape (rank,).
        residual: the diagonal of K - F F^T, shape (n,).
        trace_error: trace(K - F F^T), the sum of all errors of eigenvalues, an upper bound of each, and of the error in the
            spectral norm. Known exactly, but for `rounding`.
        rounding: what rounding may add to it: (rank + 2) epsilon trace(K), and the error of K's columns.
        products: how often a block of columns was computed; 0 for arrays.
    """

    factor: Float[np.ndarray, "n rank"]
    columns: Int[np.ndarray, " rank"]
    residual: Float[np.ndarray, " n"]
    trace_error: float
    rounding: float
    products: int

    @cached_property
    def eigenvalues(self) -> Float[np.ndarray, " rank"]:
        """Of F F^T, the largest first: never above those of K."""
        return np.asarray(np.linalg.svd(self.factor, compute_uv=False)) ** 2

    @property
    def lower(self) -> Float[np.ndarray, " rank"]:
        """The i-th largest eigenvalue of K is at least this: K - F F^T is positive semidefinite."""
        return self.eigenvalues - self.rounding

    @property
    def upper(self) -> Float[np.ndarray, " rank"]:
        """The i-th largest eigenvalue of K is at most this, and every further one at most `trace_error + rounding`."""
        return self.eigenvalues + self.trace_error + self.rounding


def nystrom(
    matrix: ArrayLike | LinearOperator | Callable[[np.ndarray], ArrayLike],
    rank: int,
    *,
    columns: str | Sequence[int] | np.ndarray = "greedy",
    seed: Seed = 0,
    block: int | None = None,
    diagonal: ArrayLike | None = None,
    rounding: float | None = None,
) -> Nystrom:
    """The Nystrom approximation of a positive semidefinite matrix, by a Cholesky factorisation of some columns.

    Args:
        matrix: an array; a function that maps m indices to these columns, shape (n, m), such as
            `lambda i: kernels.gram(kernel, x, x[i])`; or an operator, of which columns cost full products.
        rank: columns at most, from 1 to n; fewer are taken once nothing is left but rounding.
        columns: "greedy" takes where the residual's diagonal is largest (pivoted Cholesky), "random" draws in proportion to
            it, "uniform" draws all alike; or their indices.
        seed: as for `top_eigenpairs`, for random columns.
        block: columns that are chosen at once, before the residual is looked at again; 1 for arrays, else 32. In blocks
            "random" is safer: the largest residuals may be neighbours.
        diagonal: of the matrix, shape (n,), unless that is an array.
        rounding: as for `top_eigenpairs`.

    Returns:
        A `Nystrom`.

    Raises:
        ValueError: an argument out of range, an operator without diagonal, or a matrix that is seen not to be positive
            semidefinite: a diagonal of a residual is below zero by more than rounding.

    Example:
        >>> near = nystrom(np.diag([4.0, 2.0, 1.0]), 2)
        >>> near.columns.tolist(), near.eigenvalues.round(12).tolist(), near.trace_error
        ([0, 1], [4.0, 2.0], 1.0)

    Source: Williams and Seeger (2001); Harbrecht, Peters and Schneider (2012), pivoted Cholesky; Chen, Epperly, Tropp and
        Webber (2022), random pivots (from memory).
    """
    source = _Columns(matrix, diagonal, rounding)
    whole, n = source.diagonal, source.size
    check_integer("rank", rank, 1, n)
    size = (min(32, n) if source.counted else 1) if block is None else block
    check_integer("block", size, 1, n)
    trace = float(whole.sum())
    chance = generator(seed)
    order = _order(columns, n, rank, chance)
    left, factor, chosen = whole.copy(), np.zeros((n, rank), order="F"), np.zeros(rank, np.int64)
    noise, taken, done = 4 * UNIT * whole.max(), 0, 0
    while done < rank:
        count = min(size, rank - done)
        pivots = (
            order[done : done + count] if order is not None else _pivots(str(columns), left, count, noise * (done + 2), chance)
        )
        done += len(pivots)
        if len(pivots) == 0:
            break
        kept = factor[:, :taken]
        part = source(pivots) - kept @ kept[pivots].T
        more, independent = _cholesky(part, pivots, noise * (taken + 2))
        end = taken + len(independent)
        factor[:, taken:end], chosen[taken:end] = more, independent
        taken = end
        left = whole - np.einsum("ij,ij->i", factor[:, :taken], factor[:, :taken])
        left[chosen[:taken]] = 0.0  # exactly, but for rounding
        most = (taken + 2) * 8 * UNIT * whole.max() + source.error
        if left.min() < -most:
            raise ValueError(f"matrix must be positive semidefinite, got a residual with {left.min():.3g} on its diagonal")
    wrong = (taken + 2) * 2 * UNIT * trace + taken**0.5 * source.error
    error = float(np.maximum(left, 0.0).sum())
    return Nystrom(factor[:, :taken].copy(), chosen[:taken].copy(), left, error, wrong, source.calls)


class _Columns:
    """Columns of a matrix, wherever it comes from, and its diagonal."""

    def __init__(self, matrix: Any, diagonal: ArrayLike | None, rounding: float | None) -> None:
        self.calls = 0
        self._function = matrix if callable(matrix) and not isinstance(matrix, LinearOperator) else None
        self._products = None if self._function is not None else Products(matrix, rounding)
        dense = None if self._products is None else self._products.dense
        self.counted = dense is None
        if dense is None and diagonal is None:
            raise ValueError("diagonal must be given for an operator or a function: they do not show it")
        whole = np.asarray(diagonal if dense is None else dense.diagonal(), dtype=np.float64)
        self.size = len(whole.ravel()) if self._products is None else self._products.size
        if whole.shape != (self.size,) or self.size == 0:
            raise ValueError(f"diagonal must have shape ({self.size or 'n'},), got {whole.shape}")
        if not ((whole >= 0) & np.isfinite(whole)).all():
            wrong = whole[~((whole >= 0) & np.isfinite(whole))][0]
            raise ValueError(f"matrix must be positive semidefinite, got {wrong} on its diagonal")
        self.diagonal = whole

    def __call__(self, pivots: np.ndarray) -> Float[np.ndarray, "n b"]:
        self.calls += self.counted
        if self._function is not None:
            found = np.asarray(self._function(pivots), dtype=np.float64)
            if found.shape != (self.size, len(pivots)) or not np.isfinite(found).all():
                wanted = f"{(self.size, len(pivots))} for {len(pivots)} indices"
                raise ValueError(f"matrix must be a function to finite columns of shape {wanted}, got shape {found.shape}")
            return found
        assert self._products is not None
        if self._products.dense is not None:
            return self._products.dense[:, pivots]
        unit = np.zeros((self.size, len(pivots)))
        unit[pivots, np.arange(len(pivots))] = 1.0
        return self._products(unit)

    @property
    def error(self) -> float:
        """Of a product with a unit vector."""
        return 0.0 if self._products is None or not self.counted else self._products.error


def _order(columns: str | Sequence[int] | np.ndarray, n: int, rank: int, chance: np.random.Generator) -> np.ndarray | None:
    """All columns, if they do not depend on the residual."""
    if isinstance(columns, str):
        if columns not in ("greedy", "random", "uniform"):
            raise ValueError(f'columns must be "greedy", "random", "uniform" or indices, got {columns!r}')
        return chance.choice(n, rank, replace=False) if columns == "uniform" else None
    order = np.asarray(columns)
    if order.shape != (rank,) or order.dtype.kind not in "iu" or len(np.unique(order)) != rank:
        raise ValueError(f"columns must be {rank} different integers, got shape {order.shape} and dtype {order.dtype}")
    if order.min() < 0 or order.max() >= n:
        raise ValueError(f"columns must lie in 0..{n - 1}, got {order.min()} to {order.max()}")
    return order


def _pivots(
    rule: str, left: Float[np.ndarray, " n"], count: int, noise: float, chance: np.random.Generator
) -> Int[np.ndarray, " count"]:
    """The next columns: where most is left, or by chance in proportion to it; none where all is rounding."""
    possible = np.flatnonzero(left > noise)
    if rule == "greedy" or len(possible) <= count:
        return np.asarray(possible[np.argsort(-left[possible], kind="stable")[:count]])
    weights = left[possible] / left[possible].sum()
    return np.asarray(chance.choice(possible, count, replace=False, p=weights))


def _cholesky(part: Float[np.ndarray, "n b"], pivots: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """F with F F^T = C C[pivots]^-1 C^T for columns C of a residual, without columns that depend on others."""
    if len(pivots) == 1:
        return (part / np.sqrt(part[pivots[0], 0]), pivots) if part[pivots[0], 0] > noise else (part[:, :0], pivots[:0])
    corner, keep = part[pivots].copy(), []
    corner = (corner + corner.T) / 2
    rows = np.zeros((len(pivots), len(pivots)))
    for j in range(len(pivots)):
        pivot = corner[j, j] - rows[j] @ rows[j]
        if pivot > noise:
            column = (corner[:, j] - rows @ rows[j]) / np.sqrt(pivot)
            rows[:, j] = column
            keep.append(j)
    chosen = np.array(keep, int)
    lower = np.tril(rows[np.ix_(chosen, chosen)])
    return solve_triangular(lower, part[:, chosen].T, lower=True).T, pivots[chosen]
