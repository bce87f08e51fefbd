"""A relaxation in ball arithmetic: that of `_relaxation` for flat numbers that carry their own error, with its lines.

Numbers are `flint.arb`, matrices `flint.arb_mat`. Ends of intervals are exact numbers, those of their balls outward.
Coefficients are balls: one whose sign is open is split into what may be positive and what may be negative.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ntkit._compat.flint import load_flint

Ball = Any  # flint.arb
Matrix = Any  # flint.arb_mat: rows of coefficients, or a column of numbers
Balls = Sequence[Ball]


class Line(NamedTuple):
    """slope x + offset."""

    slope: Ball
    offset: Ball


class Lines(NamedTuple):
    """What a function lies between."""

    below: Line
    above: Line


class Node(ABC):
    """Numbers of a relaxation."""

    @abstractmethod
    def interval(self, known: "Relaxation") -> tuple[Balls, Balls]:
        """The ends by interval arithmetic from those of earlier nodes, as balls."""

    @abstractmethod
    def pull(self, a: Matrix) -> tuple[Matrix, list[tuple[int, Matrix]]]:
        """What is constant in each row's combination, and the coefficients of earlier nodes in the rest, for the maximum."""


@dataclass(frozen=True)
class Box(Node):
    """A point of a box, or of no width: columns of its centre and of half its widths."""

    centre: Matrix
    half: Matrix

    def interval(self, known: "Relaxation") -> tuple[Balls, Balls]:
        return (self.centre - self.half).entries(), (self.centre + self.half).entries()

    def pull(self, a: Matrix) -> tuple[Matrix, list[tuple[int, Matrix]]]:
        return a * self.centre + each(abs, a) * self.half, []


@dataclass(frozen=True)
class Map(Node):
    """A linear map of an earlier node, plus a column of constants."""

    matrix: Matrix
    parent: int
    bias: Matrix

    def interval(self, known: "Relaxation") -> tuple[Balls, Balls]:
        low, high = column(known.low[self.parent]), column(known.high[self.parent])
        middle, half = self.matrix * (low + high) / 2 + self.bias, each(abs, self.matrix) * (high - low) / 2
        return (middle - half).entries(), (middle + half).entries()

    def pull(self, a: Matrix) -> tuple[Matrix, list[tuple[int, Matrix]]]:
        return a * self.bias, [(self.parent, a * self.matrix)]


@dataclass(frozen=True)
class Sum(Node):
    """The sum of earlier nodes."""

    parents: Sequence[int]

    def interval(self, known: "Relaxation") -> tuple[Balls, Balls]:
        low, high = zip(*[(known.low[p], known.high[p]) for p in self.parents], strict=True)
        return [sum(ends) for ends in zip(*low, strict=True)], [sum(ends) for ends in zip(*high, strict=True)]

    def pull(self, a: Matrix) -> tuple[Matrix, list[tuple[int, Matrix]]]:
        return column([0] * a.nrows()), [(p, a) for p in self.parents]


@dataclass(frozen=True)
class Between(Node):
    """Numbers that lie between lines of an earlier node's, each between two of its own, and in an interval."""

    parent: int
    lines: Sequence[Lines]
    low: Balls
    high: Balls

    def interval(self, known: "Relaxation") -> tuple[Balls, Balls]:
        return self.low, self.high

    def pull(self, a: Matrix) -> tuple[Matrix, list[tuple[int, Matrix]]]:
        rising = each(lambda x: x if x >= 0 else x.max(0), a)
        falling = each(lambda x: x if x <= 0 else x.min(0), a)
        above, below = [line.above for line in self.lines], [line.below for line in self.lines]
        constant = rising * column([line.offset for line in above]) + falling * column([line.offset for line in below])
        return constant, [(self.parent, _scaled(rising, above) + _scaled(falling, below))]


class Relaxation:
    """A list of nodes with the ends of each, exact numbers.

    Attributes:
        low, high: the ends, by node. They come from interval arithmetic, until `tighten` replaces them.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.low: list[Balls] = []
        self.high: list[Balls] = []

    def add(self, node: Node) -> int:
        """The number of the new node."""
        low, high = node.interval(self)
        self.nodes.append(node)
        self.low.append([x.lower() for x in low])
        self.high.append([x.upper() for x in high])
        return len(self.nodes) - 1

    def most(self, node: int, a: Matrix) -> Balls:
        """An upper bound of each row's combination of a node's numbers."""
        total, waiting = column([0] * a.nrows()), {node: a}
        for i in range(node, -1, -1):
            if i in waiting:
                constant, pulled = self.nodes[i].pull(waiting.pop(i))
                total += constant
                for parent, coefficients in pulled:
                    waiting[parent] = waiting[parent] + coefficients if parent in waiting else coefficients
        return [x.upper() for x in total.entries()]

    def tighten(self, node: int, intersect: bool = False) -> None:
        """Ends by pulling a node's numbers back, instead of those known, or their intersection."""
        one = _identity(len(self.low[node]))
        low, high = [-x for x in self.most(node, -one)], self.most(node, one)
        if intersect:
            low, high = list(map(max, low, self.low[node])), list(map(min, high, self.high[node]))
        self.low[node], self.high[node] = low, high


def chord(low: Ball, high: Ball, at_low: Ball, at_high: Ball) -> Line:
    """The line through two points."""
    slope = (at_high - at_low) / (high - low)
    return Line(slope, at_low - slope * low)


def product_lines(low: Ball, high: Ball, least: Ball, largest: Ball) -> Lines:
    """Lines of s v, v in [low, high], for every s in [least, largest]; above it those of |v|, for -1 and 1."""
    zero = 0 * low
    if low >= 0 or high <= 0:
        inner, outer = Line(least, zero), Line(largest, zero)
        return Lines(inner, outer) if low >= 0 else Lines(outer, inner)
    return Lines(chord(low, high, largest * low, least * high), chord(low, high, least * low, largest * high))


def column(numbers: Balls) -> Matrix:
    """A matrix of one column."""
    return load_flint().arb_mat(len(numbers), 1, list(numbers))


def _identity(size: int) -> Matrix:
    return load_flint().arb_mat(size, size, [int(i == j) for i in range(size) for j in range(size)])


def each(function: Callable[[Ball], Ball], a: Matrix) -> Matrix:
    """A function of every entry."""
    return load_flint().arb_mat(a.nrows(), a.ncols(), [function(x) for x in a.entries()])


def _scaled(a: Matrix, lines: Sequence[Line]) -> Matrix:
    """Each column times the slope of its line."""
    slopes = [line.slope for line in lines] * a.nrows()
    return load_flint().arb_mat(a.nrows(), a.ncols(), [x * s for x, s in zip(a.entries(), slopes, strict=True)])
