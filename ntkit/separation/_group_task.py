"""Arithmetic in a finite group: two elements, each as a one-hot vector, and a function of their product."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray
from numpy.typing import ArrayLike

from ntkit.separation._checks import check_integer, generator
from ntkit.separation._groups import Table, check_group, left_quotients
from ntkit.separation._symmetry import Action, Inputs, Symmetry
from ntkit.separation._task import Data, Task


@dataclass(frozen=True, eq=False)
class GroupArithmetic(Task):
    """x = (one-hot g, one-hot h), g and h uniform on a group; y = values[g h].

    Labels are real numbers, as for every task: a function on the group. Its parts in the blocks of `irreducible_blocks` are
    what Fourier coefficients are on cyclic groups; a row 0 of a projector is a character. Who predicts the product itself, as
    one-hot vectors, takes `pairs` and `products`.

    Attributes:
        table: multiplication table, shape (order, order); [g, h] is the element g h.
        values: of the label, one for each element, not all equal.
        replacement: whether a pair can be drawn again; without, a sample has at most order^2 pairs.

    Raises:
        ValueError: the table is not that of a group, or values do not fit it.

    Example:
        >>> import jax
        >>> from ntkit.separation import cyclic_group
        >>> x, y = GroupArithmetic(cyclic_group(5), np.arange(5.0)).sample(jax.random.key(0), 100)
        >>> bool((y == (x.argmax(axis=2).sum(axis=1) % 5)).all())
        True

    Source: Power et al. (2022) for cyclic groups; Tian (2025), arXiv 2509.21519, the setting (from memory).
    """

    table: ArrayLike
    values: ArrayLike
    replacement: bool = True

    kind = "regression"
    patches = 2

    def __post_init__(self) -> None:
        table, values = check_group("table", self.table), np.asarray(self.values, dtype=np.float64)
        if values.shape != (len(table),) or not np.isfinite(values).all() or np.ptp(values) == 0:
            raise ValueError(f"values must be {len(table)} finite numbers that are not all equal, got {self.values!r}")
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "values", values)

    @property
    def dim(self) -> int:  # type: ignore[override]
        """The order of the group."""
        return len(self._table)

    @property
    def symmetry(self) -> Symmetry:
        """(g, h) -> (g a, a^-1 h) for an element a: relabellings that leave the product as it is; cyclic: opposite shifts."""
        return Symmetry("(g, h) -> (g a, a^-1 h)", self._relabelling)

    def pairs(self, key: PRNGKeyArray, n: int) -> Int[np.ndarray, "n 2"]:
        """So many pairs (g, h).

        Raises:
            ValueError: n is below 1, or there are not so many pairs.
        """
        count = check_integer("n", n)
        every = self.dim**2
        if not self.replacement and count > every:
            raise ValueError(f"n must be at most {every}, the number of pairs, without replacement, got {n!r}")
        drawn = generator(key).choice(every, size=count, replace=self.replacement)
        return np.stack(np.divmod(drawn, self.dim), axis=1)

    def products(self, pairs: Int[np.ndarray, "n 2"]) -> Int[np.ndarray, " n"]:
        """The elements g h."""
        return np.asarray(self._table[pairs[:, 0], pairs[:, 1]])

    def sample(self, key: PRNGKeyArray, n: int) -> Data:
        """Labelled pairs, independent, or all different without replacement."""
        return self._labelled(self.pairs(key, n))

    def test_set(self, key: PRNGKeyArray, n: int) -> Data:
        """Another sample; without replacement, and if n pairs are not fewer, every pair once: the test error is exact."""
        if self.replacement or check_integer("n", n) < self.dim**2:
            return self.sample(key, n)
        pairs = np.stack(np.divmod(np.arange(self.dim**2), self.dim), axis=1)
        return self._labelled(pairs)

    def _labelled(self, pairs: Int[np.ndarray, "n 2"]) -> Data:
        values: Float[np.ndarray, " order"] = np.asarray(self.values)
        return Data(np.eye(self.dim)[pairs], values[self.products(pairs)])

    @property
    def _table(self) -> Table:
        return np.asarray(self.table)

    def _relabelling(self, rng: np.random.Generator, patches: int, dim: int) -> Action:
        if (patches, dim) != (2, self.dim):
            raise ValueError(f"inputs must have 2 patches of dimension {self.dim}, got {patches} of {dim}")
        a = int(rng.integers(dim))
        after, before = self._table[:, a], left_quotients(self._table)[a]

        def act(x: Inputs) -> Inputs:
            moved = np.empty_like(x)
            moved[:, 0, after], moved[:, 1, before] = x[:, 0], x[:, 1]
            return moved

        return act
