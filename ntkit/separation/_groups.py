"""Finite groups by their multiplication tables, and the irreducible blocks of functions on them."""

from itertools import permutations
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ntkit.separation._checks import check_integer

Table = Int[np.ndarray, "order order"]
FieldType = Literal["real", "complex", "quaternionic"]

_LARGEST = 1024  # order of a group of permutations, whose table has the square of that
_TOGETHER = 1e-8  # eigenvalues closer than this belong to one block


def cyclic_group(order: int) -> Table:
    """The table of addition modulo `order`.

    Example:
        >>> cyclic_group(3).tolist()
        [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    """
    elements = np.arange(check_integer("order", order))
    return np.asarray((elements[:, None] + elements) % order)


def dihedral_group(corners: int) -> Table:
    """The table of the 2 n symmetries of a regular polygon: rotation a, flipped if b, is element a + n b.

    Example:
        >>> bool((dihedral_group(3) == dihedral_group(3).T).all())
        False
    """
    n = check_integer("corners", corners)
    b, a = np.divmod(np.arange(2 * n), n)
    turn = (a[:, None] + np.where(b[:, None], -a, a)) % n
    return np.asarray(turn + n * ((b[:, None] + b) % 2))


def quaternion_group() -> Table:
    """The table of the eight quaternions 1, i, -1, -i, j, k, -j, -k, in this order.

    Example:
        >>> quaternion_group()[1, 4], quaternion_group()[4, 1]  # i j = k, j i = -k
        (np.int64(5), np.int64(7))
    """
    b, a = np.divmod(np.arange(8), 4)  # i^a j^b, with j i = i^-1 j and j j = i i
    power = (a[:, None] + np.where(b[:, None], -a, a) + 2 * b[:, None] * b) % 4
    return np.asarray(power + 4 * ((b[:, None] + b) % 2))


def symmetric_group(letters: int) -> Table:
    """The table of all permutations of some letters, in lexicographic order; (p q)(i) = p(q(i)).

    Raises:
        ValueError: the group has more than 1024 elements.

    Example:
        >>> len(symmetric_group(4))
        24
    """
    return _table_of(np.array(_permutations(letters)))


def alternating_group(letters: int) -> Table:
    """The table of the even permutations of some letters, in lexicographic order.

    Raises:
        ValueError: there are more than 1024 permutations.

    Example:
        >>> len(alternating_group(4))
        12
    """
    every = np.array(_permutations(letters))
    inversions = np.triu(every[:, :, None] > every[:, None, :], 1).sum(axis=(1, 2))
    return _table_of(every[inversions % 2 == 0])


def direct_product(first: ArrayLike, second: ArrayLike) -> Table:
    """The table of pairs that are multiplied part by part: (i, j) is element i n + j, n the order of the second group.

    Example:
        >>> bool((direct_product(cyclic_group(2), cyclic_group(2)) == cyclic_group(4)).all())
        False
    """
    a, b = check_group("first", first), check_group("second", second)
    return np.asarray((len(b) * a[:, None, :, None] + b[None, :, None, :]).reshape(len(a) * len(b), -1))


class Block(NamedTuple):
    """Functions on a group that one irreducible representation spans, together with its complex conjugate.

    Attributes:
        degree: dimension d of the representation, over the complex numbers.
        kind: "real", "complex" (not its own conjugate), or "quaternionic", by the Frobenius-Schur indicator 1, 0, -1.
        projector: onto the block, symmetric, of rank d^2, or 2 d^2 if complex; its row 0 is (a multiple of) the character.
    """

    degree: int
    kind: FieldType
    projector: Float[np.ndarray, "order order"]


def irreducible_blocks(table: ArrayLike) -> list[Block]:
    """The blocks of the real functions on a group, by degree; the constants come first.

    They are the eigenspaces of the convolution with a random class function that does not change under g -> g^-1. On
    cyclic groups they are the frequencies.

    Args:
        table: multiplication table of a group, shape (order, order); [g, h] is the element g h.

    Raises:
        ValueError: the table is not that of a group.

    Example:
        >>> [(block.degree, block.kind) for block in irreducible_blocks(quaternion_group())]
        [(1, 'real'), (1, 'real'), (1, 'real'), (1, 'real'), (2, 'quaternionic')]

    Source: Serre (1977), Linear Representations of Finite Groups, chapters 2 and 13 (from memory).
    """
    product = check_group("table", table)
    order, one = len(product), identity_of(product)
    quotient = left_quotients(product)
    inverse = quotient[:, one]
    conjugates = product[product, inverse[:, None]]  # [h, g] is h g h^-1
    random = np.random.default_rng(0).normal(size=order)[conjugates].mean(axis=0)
    values, vectors = np.linalg.eigh(((random + random[inverse]) / 2)[quotient])
    starts = np.flatnonzero(np.diff(values, prepend=-np.inf) > _TOGETHER)
    blocks = []
    for part in np.split(vectors, starts[1:], axis=1):
        projector = part @ part.T
        # The row of the identity is d/M times the character chi, or 2 Re chi; the mean of chi(g^2) is the indicator.
        indicator = int(np.rint(projector[one, np.diag(product)].sum()))
        degree = round(float(np.sqrt(part.shape[1] if indicator else part.shape[1] / 2)))
        kind: FieldType = "real" if indicator > 0 else "quaternionic" if indicator else "complex"
        if abs(indicator) not in (0, degree) or part.shape[1] != degree**2 * (1 if indicator else 2):
            raise ArithmeticError(f"blocks of a group of order {order} could not be told apart")
        blocks.append(Block(degree, kind, projector))
    return sorted(blocks, key=lambda block: (block.degree, -float(block.projector.sum())))


def check_latin(name: str, table: ArrayLike) -> Table:
    """A Latin square of 0 to order - 1 as an int64 array, or a ValueError naming it."""
    array = np.asarray(table)
    square = array.ndim == 2 and array.shape[0] == array.shape[1] and array.size and array.dtype.kind in "iu"
    if not square or any((np.sort(array, axis=axis) != _along(len(array), axis)).any() for axis in (0, 1)):
        raise ValueError(f"{name} must be a Latin square of the integers 0 to order - 1, got {table!r}")
    return array.astype(np.int64)


def check_group(name: str, table: ArrayLike) -> Table:
    """The multiplication table of a group as an int64 array, or a ValueError naming it; takes order^3 steps."""
    array = check_latin(name, table)
    if any((array[row] != row[array]).any() for row in array):  # (g h) k against g (h k)
        raise ValueError(f"{name} must be associative, as the multiplication of a group is, got {table!r}")
    return array


def identity_of(product: Table) -> int:
    """The element e with e e = e."""
    return int(np.flatnonzero(np.diag(product) == np.arange(len(product)))[0])


def left_quotients(product: Table) -> Table:
    """[g, k] is the h with g h = k: the inverse of each row."""
    return np.argsort(product, axis=1)


def _along(order: int, axis: int) -> Int[np.ndarray, "..."]:
    return np.arange(order)[:, None] if axis == 0 else np.arange(order)


def _permutations(letters: int) -> list[tuple[int, ...]]:
    count = int(np.prod(np.arange(1, check_integer("letters", letters) + 1, dtype=float)))
    if count > _LARGEST:
        raise ValueError(f"letters must have at most {_LARGEST} permutations, got {letters}, which have {count}")
    return list(permutations(range(letters)))


def _table_of(elements: Int[np.ndarray, "order letters"]) -> Table:
    """The table of permutations in lexicographic order."""
    places = elements.shape[1] ** np.arange(elements.shape[1] - 1, -1, -1)
    return np.asarray(np.searchsorted(elements @ places, elements[:, elements] @ places))
