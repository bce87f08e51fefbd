"""What a hidden unit gains by its weights when it learns the arithmetic of a group."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ntkit.separation._checks import check_integer, check_number
from ntkit.separation._groups import check_latin

Weights = Float[np.ndarray, "*batch 2 order"]


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
        w = self._checked(weights)
        return np.asarray((self._pull(self._activity(w)) ** 2).sum(axis=1) / 2).reshape(np.shape(weights)[:-2])

    def gradient(self, weights: Weights) -> Weights:
        """The gradient of each unit's energy, of the shape of the weights; its inner product with them is 4 E.

        Raises:
            ValueError: weights do not have shape (..., 2, order), or are not finite.
        """
        return np.asarray(self._gradient(self._checked(weights)).reshape(np.shape(weights)))

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
        size = np.sqrt((w**2).sum(axis=(1, 2), keepdims=True))
        if not size.all():
            raise ValueError(f"weights must not be zero, {int((size == 0).sum())} of {size.size} units are")
        check_number("tolerance", tolerance)
        w = w / size
        moving = np.arange(len(w))
        for _ in range(check_integer("steps", steps)):
            ascent = self._gradient(w[moving])
            size = np.sqrt((ascent**2).sum(axis=(1, 2), keepdims=True))
            if not size.all():
                raise FloatingPointError("the gradient vanishes at a unit's weights")
            ascent /= size
            left = np.sqrt(((ascent - w[moving]) ** 2).sum(axis=(1, 2))) >= tolerance
            moving, ascent = moving[left], ascent[left] + w[moving[left]]
            if not moving.size:
                break
            w[moving] = ascent / np.sqrt((ascent**2).sum(axis=(1, 2), keepdims=True))
        return np.asarray(w.reshape(np.shape(weights)))

    @property
    def _parts(self) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        g, h = np.asarray(self.pairs).T
        return g, h, np.asarray(self.table)[g, h]

    def _checked(self, weights: Weights) -> Float[np.ndarray, "units 2 order"]:
        w, order = np.asarray(weights, dtype=np.float64), len(np.asarray(self.table))
        if w.ndim < 2 or w.shape[-2:] != (2, order) or not np.isfinite(w).all():
            raise ValueError(f"weights must be finite, of shape (..., 2, {order}), got shape {w.shape}")
        return w.reshape(-1, 2, order)

    def _activity(self, w: Float[np.ndarray, "units 2 order"]) -> Float[np.ndarray, "units n"]:
        """u_g + v_h."""
        g, h, _ = self._parts
        return np.asarray(w[:, 0, g] + w[:, 1, h])

    def _pull(self, activity: Float[np.ndarray, "units n"]) -> Float[np.ndarray, "units order"]:
        """Y' s: sums of s over the pairs of each product, minus how many pairs there are of it times the mean of s."""
        *_, product = self._parts
        squares = activity**2
        counts = np.bincount(product, minlength=len(np.asarray(self.table)))
        return np.asarray(self._sums(squares, product) - squares.mean(axis=1, keepdims=True) * counts)

    def _gradient(self, w: Float[np.ndarray, "units 2 order"]) -> Float[np.ndarray, "units 2 order"]:
        g, h, product = self._parts
        activity = self._activity(w)
        pull = self._pull(activity)[:, product]
        slopes = 2 * activity * (pull - pull.mean(axis=1, keepdims=True))  # Y Y' s, centred once more
        return np.stack([self._sums(slopes, g), self._sums(slopes, h)], axis=1)

    def _sums(self, values: Float[np.ndarray, "units n"], element: Int[np.ndarray, " n"]) -> Float[np.ndarray, "units order"]:
        """Sums of the values of the pairs that go with each element."""
        units, order = len(values), len(np.asarray(self.table))
        place = order * np.arange(units)[:, None] + element
        return np.asarray(np.bincount(place.ravel(), values.ravel(), minlength=units * order).reshape(units, order))
