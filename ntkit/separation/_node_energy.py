"""What a hidden unit gains by its weights when it learns the arithmetic of a group."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from ntkit.separation._checks import check_integer, check_number
from ntkit.separation._groups import check_latin

Weights = Float[np.ndarray, "*batch 2 order"]
Columns = Float[np.ndarray, "rows units"]


@dataclass(frozen=True, eq=False)
class NodeEnergy:
    """E(w) = |Y' s|^2 / 2 for a unit with weights w = (u, v) and the activation x^2.

    s = (u_g + v_h)^2 over the pairs (g, h) of a data set, and Y their products as one-hot vectors, centred over the data.
    Over all pairs of a group, E is at most M / 2 on the unit sphere, M the order; its local maxima lie in one irreducible
    block each. Over Z_M, E = (2 / M) sum_{f > 0} |U_f V_f|^2 with the discrete Fourier transforms U and V of u and v.

    Attributes:
        table: Latin square, shape (order, order), as a group's multiplication table is: [g, h] is the product.
        pairs: those of the data set, shape (n, 2); None for all of them, once each.

    Raises:
        ValueError: the table is no Latin square, or pairs are not of its elements.

    Example:
        >>> from ntkit.separation import cyclic_group
        >>> wave = np.cos(2 * np.pi * np.arange(7) / 7) / 7**0.5
        >>> round(float(NodeEnergy(cyclic_group(7))(np.stack([wave, wave]))), 12)  # M / 4
        1.75

    Source: Tian (2025), arXiv 2509.21519, the energy function of feature emergence (from memory).
    """

    table: ArrayLike
    pairs: ArrayLike | None = None

    def __post_init__(self) -> None:
        table = check_latin("table", self.table)
        order = len(table)
        pairs = np.indices((order, order)).reshape(2, -1).T if self.pairs is None else np.asarray(self.pairs)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or not pairs.size or pairs.dtype.kind not in "iu":
            raise ValueError(f"pairs must be integers of shape (n, 2), got {self.pairs!r}")
        if pairs.min() < 0 or pairs.max() >= order:
            raise ValueError(f"pairs must be of the elements 0 to {order - 1}, got {pairs.min()} to {pairs.max()}")
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "pairs", pairs)

    def __call__(self, weights: Weights) -> Float[np.ndarray, "*batch"]:
        """The energy of each unit.

        Raises:
            ValueError: weights do not have shape (..., 2, order), or are not finite.
        """
        pull = self._pull(self._inputs @ self._checked(weights))
        return np.asarray((pull**2).sum(axis=0) / 2).reshape(np.shape(weights)[:-2])

    def gradient(self, weights: Weights) -> Weights:
        """The gradient of each unit's energy, of the shape of the weights; its inner product with them is 4 E.

        Raises:
            ValueError: weights do not have shape (..., 2, order), or are not finite.
        """
        return self._gradient(self._checked(weights)).T.reshape(np.shape(weights))

    def ascend(self, weights: Weights, *, steps: int = 10_000, tolerance: float = 1e-9) -> Weights:
        """Go up the energy on the unit sphere: w -> (w + G / |G|) / |w + G / |G||, G the gradient, for each unit by itself.

        Args:
            weights: starts, shape (..., 2, order), not zero; they are normalised first.
            steps: at most so many.
            tolerance: a unit stops where |G / |G| - w| is below.

        Raises:
            ValueError: an argument is out of range, or a start is 0.
            FloatingPointError: a gradient vanishes, and there is no direction to go.
        """
        w = self._checked(weights)
        if not w.any(axis=0).all():
            raise ValueError(f"weights must not be zero, {int((~w.any(axis=0)).sum())} of {w.shape[1]} units are")
        check_number("tolerance", tolerance)
        w = w / np.linalg.norm(w, axis=0)
        moving = np.arange(w.shape[1])
        for _ in range(check_integer("steps", steps)):
            ascent = self._gradient(w[:, moving])
            size = np.linalg.norm(ascent, axis=0)
            if not size.all():
                raise FloatingPointError("the gradient vanishes at a unit's weights")
            ascent /= size
            left = np.linalg.norm(ascent - w[:, moving], axis=0) >= tolerance
            moving = moving[left]
            if not moving.size:
                break
            moved = ascent[:, left] + w[:, moving]
            w[:, moving] = moved / np.linalg.norm(moved, axis=0)
        return np.asarray(w.T.reshape(np.shape(weights)))

    @cached_property
    def _inputs(self) -> csr_array:
        """X, a row for each pair: the one-hot vectors of g and of h."""
        order, pairs = len(np.asarray(self.table)), np.asarray(self.pairs)
        columns = (pairs + np.array([0, order])).ravel()
        return csr_array((np.ones(pairs.size), columns, 2 * np.arange(len(pairs) + 1)), shape=(len(pairs), 2 * order))

    @cached_property
    def _targets(self) -> csr_array:
        """Y, a row for each pair: the one-hot vector of g h; not yet centred."""
        table, (g, h) = np.asarray(self.table), np.asarray(self.pairs).T
        return csr_array((np.ones(len(g)), table[g, h], np.arange(len(g) + 1)), shape=(len(g), len(table)))

    def _checked(self, weights: Weights) -> Columns:
        """A column for each unit."""
        w, order = np.asarray(weights, dtype=np.float64), len(np.asarray(self.table))
        if w.ndim < 2 or w.shape[-2:] != (2, order) or not np.isfinite(w).all():
            raise ValueError(f"weights must be finite, of shape (..., 2, {order}), got shape {w.shape}")
        return w.reshape(-1, 2 * order).T

    def _pull(self, activity: Columns) -> Float[np.ndarray, "order units"]:
        """Y' s, Y centred."""
        squares = activity**2
        return np.asarray(self._targets.T @ (squares - squares.mean(axis=0)))

    def _gradient(self, w: Columns) -> Columns:
        activity = self._inputs @ w
        back = self._targets @ self._pull(activity)
        return np.asarray(self._inputs.T @ (2 * activity * (back - back.mean(axis=0))))
