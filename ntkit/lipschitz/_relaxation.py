"""Numbers that are known up to linear relations: how large can a linear combination of them be?

A relaxation is a list of nodes, each an array of numbers: a point of a ball, a constant, a linear map of an earlier node, a sum
of earlier nodes, or numbers that lie between lines of earlier ones. The network's layers are such nodes, and so are the layers
of its derivative. A combination of a node's numbers is pulled back to the ball and to constants, at each pair of lines by the
one or the other according to the sign of the coefficient, which maximises it over all that the relations allow.

Every bound holds for real numbers, if the rounding is outward: see `ntkit.lipschitz._rounding`.

Source: Zhang, Weng, Chen, Hsieh, Daniel (2018), CROWN; Xu et al. (2020) for general graphs.
"""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from math import prod
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ntkit._threads import each
from ntkit.lipschitz._linear import Linear, Rows, Shape
from ntkit.lipschitz._lines import Lines
from ntkit.lipschitz._rounding import Rounding

Real = Float[Array, "..."]
Places = Int[np.ndarray, " rows"]
Pulled = tuple[Float[Array, " rows"], list[Rows]]
PART = 2**22  # bytes of rows that are pulled at once, so that they stay in cache


class Node(ABC):
    """Numbers of a relaxation.

    Attributes:
        parents: the earlier nodes.
        shape: of the numbers.
        terms: of the longest sum that makes a number of it, or a coefficient of a parent, but for the constant.
    """

    parents: Sequence[int]
    shape: Shape
    terms: int = 1

    @abstractmethod
    def interval(self, known: "Relaxation") -> tuple[Real, Real]:
        """The ends by interval arithmetic from those of earlier nodes."""

    @abstractmethod
    def weights(self, known: "Relaxation") -> tuple[Real, Real]:
        """Bounds of each number that know no cancellation: of what comes from parents, and of the constant."""

    @abstractmethod
    def pull(self, a: Rows) -> Pulled:
        """What is constant in each row's combination, and the coefficients of the parents in the rest, for the maximum."""


@dataclass(frozen=True)
class Ball(Node):
    """A point no further from the centre than a radius, in a norm, or in a box of these half widths.

    Attributes:
        norm: inf, 2 or 1.
    """

    parents: ClassVar[Sequence[int]] = ()  # type: ignore[misc]
    centre: Real
    radius: Real
    norm: float | int = np.inf

    @property
    def shape(self) -> Shape:  # type: ignore[override]
        return self.centre.shape

    def interval(self, known: "Relaxation") -> tuple[Real, Real]:
        reach = known.rounding
        size = jnp.abs(self.centre) + self.radius
        return reach.down(self.centre - self.radius, size, 1), reach.up(self.centre + self.radius, size, 1)

    def weights(self, known: "Relaxation") -> tuple[Real, Real]:
        return jnp.zeros_like(self.centre), jnp.abs(self.centre) + self.radius

    def pull(self, a: Rows) -> Pulled:
        flat = a.reshape(len(a), -1)
        if self.norm == np.inf:
            reach = jnp.abs(flat) @ jnp.broadcast_to(self.radius, self.shape).reshape(-1)
        else:
            reach = self.radius * dual_norm(flat, self.norm)
        return flat @ self.centre.reshape(-1) + reach, []


@dataclass(frozen=True)
class Constant(Node):
    """Known numbers."""

    parents: ClassVar[Sequence[int]] = ()  # type: ignore[misc]
    value: Real

    @property
    def shape(self) -> Shape:  # type: ignore[override]
        return self.value.shape

    def interval(self, known: "Relaxation") -> tuple[Real, Real]:
        return self.value, self.value

    def weights(self, known: "Relaxation") -> tuple[Real, Real]:
        return jnp.zeros_like(self.value), jnp.abs(self.value)

    def pull(self, a: Rows) -> Pulled:
        return a.reshape(len(a), -1) @ self.value.reshape(-1), []


@dataclass(frozen=True)
class Map(Node):
    """A linear map of an earlier node, plus constants."""

    linear: Linear
    parents: Sequence[int]
    bias: Real | None = None

    @property
    def shape(self) -> Shape:  # type: ignore[override]
        return self.linear.outputs

    @property
    def terms(self) -> int:  # type: ignore[override]
        return self.linear.terms

    def interval(self, known: "Relaxation") -> tuple[Real, Real]:
        low, high = known.low[self.parents[0]], known.high[self.parents[0]]
        middle = self.linear((low + high)[None] / 2)[0]
        half = self.linear.absolute()((high - low)[None] / 2)[0]
        middle = middle if self.bias is None else middle + self.bias
        weight, terms = _added(list(self.weights(known))), self.terms + 1
        return known.rounding.down(middle - half, weight, terms), known.rounding.up(middle + half, weight, terms)

    def weights(self, known: "Relaxation") -> tuple[Real, Real]:
        own = self.linear.absolute()(known.size(self.parents[0])[None])[0]
        return own, jnp.zeros_like(own) if self.bias is None else jnp.broadcast_to(jnp.abs(self.bias), self.shape)

    def pull(self, a: Rows) -> Pulled:
        if self.bias is None:
            constant = jnp.zeros(len(a), a.dtype)
        else:
            constant = a.reshape(len(a), -1) @ jnp.broadcast_to(self.bias, self.shape).reshape(-1)
        return constant, [self.linear.pull(a)]


@dataclass(frozen=True)
class Sum(Node):
    """The sum of earlier nodes."""

    parents: Sequence[int]
    shape: Shape

    @property
    def terms(self) -> int:  # type: ignore[override]
        return len(self.parents)

    def interval(self, known: "Relaxation") -> tuple[Real, Real]:
        weight = self.weights(known)[0]
        low, high = _added([known.low[p] for p in self.parents]), _added([known.high[p] for p in self.parents])
        return known.rounding.down(low, weight, self.terms), known.rounding.up(high, weight, self.terms)

    def weights(self, known: "Relaxation") -> tuple[Real, Real]:
        own = _added([known.size(p) for p in self.parents])
        return own, jnp.zeros_like(own)

    def pull(self, a: Rows) -> Pulled:
        return jnp.zeros(len(a), a.dtype), [a for _ in self.parents]


@dataclass(frozen=True)
class Between(Node):
    """Numbers that lie between two combinations of the numbers at the same places of earlier nodes, and in an interval.

    Attributes:
        slopes_below, slopes_above: the coefficients, one array for each parent, in the shape of the node or, for `pull` only,
            with one for each row in front.
        below, above: the constants.
        low, high: the interval.
    """

    parents: Sequence[int]
    slopes_below: Sequence[Real]
    slopes_above: Sequence[Real]
    below: Real
    above: Real
    low: Real
    high: Real

    @property
    def shape(self) -> Shape:  # type: ignore[override]
        return self.low.shape

    @property
    def terms(self) -> int:  # type: ignore[override]
        return len(self.parents)

    def interval(self, known: "Relaxation") -> tuple[Real, Real]:
        return self.low, self.high

    def weights(self, known: "Relaxation") -> tuple[Real, Real]:
        pairs = zip(self.parents, self.slopes_below, self.slopes_above, strict=True)
        sizes = _added([known.size(p) * jnp.maximum(jnp.abs(b), jnp.abs(a)) for p, b, a in pairs])
        return sizes, jnp.maximum(jnp.abs(self.below), jnp.abs(self.above))

    def pull(self, a: Rows) -> Pulled:
        rising, falling = jnp.maximum(a, 0), jnp.minimum(a, 0)
        constant = rising.reshape(len(a), -1) @ self.above.reshape(-1) + falling.reshape(len(a), -1) @ self.below.reshape(-1)
        pairs = zip(self.slopes_below, self.slopes_above, strict=True)
        return constant, [rising * _in_rows(up, a) + falling * _in_rows(down, a) for down, up in pairs]


def _in_rows(numbers: Real, a: Rows) -> Real:
    return numbers if numbers.ndim == a.ndim else numbers[None]


def between(parent: int, lines: Lines, low: Real, high: Real) -> Between:
    """Numbers that lie between lines of one earlier node, and in an interval."""
    below, above = lines
    return Between((parent,), (below.slope,), (above.slope,), below.offset, above.offset, low, high)


class Relaxation:
    """A list of nodes with the interval of each.

    Attributes:
        low, high: the ends, by node. They come from interval arithmetic, until `tighten` replaces them.

    Args:
        rounding: of all bounds.
        after: another one, whose nodes come first.
    """

    def __init__(self, rounding: Rounding, after: "Relaxation | None" = None) -> None:
        self.rounding = rounding
        self.nodes: list[Node] = list(after.nodes) if after else []
        self.low: list[Real] = list(after.low) if after else []
        self.high: list[Real] = list(after.high) if after else []
        self._weights: list[tuple[Real, Real]] = list(after._weights) if after else []

    def add(self, node: Node) -> int:
        """The number of the new node."""
        low, high = node.interval(self)
        self.nodes.append(node)
        self.low.append(low)
        self.high.append(high)
        if self.rounding.outward:
            self._weights.append(node.weights(self))
        return len(self.nodes) - 1

    def size(self, node: int) -> Real:
        """The largest absolute value of each number."""
        return jnp.maximum(jnp.abs(self.low[node]), jnp.abs(self.high[node]))

    def most(self, rows: Mapping[int, Rows], under: Mapping[int, Rows] | None = None) -> Float[Array, " rows"]:
        """An upper bound of each row's combination of numbers.

        Args:
            rows: coefficients by node, shape (rows, *shape of the node).
            under: for each row other slopes of the lines below numbers that lie between lines, by node, in the same shape; the
                lines' constants must be right for them, too.
        """
        return _totalled((constant, slack) for _, _, constant, slack in self._pulled(rows, under or {}))

    def pulled(self, rows: Mapping[int, Rows]) -> tuple[Float[Array, " rows"], dict[int, Rows]]:
        """What `most` gives, and the coefficients that it comes to, by node, as far back as the combination reaches."""
        coefficients, constants = {}, []
        for i, a, constant, slack in self._pulled(rows, {}):
            coefficients[i] = a
            constants.append((constant, slack))
        return _totalled(constants), coefficients

    def _pulled(
        self, rows: Mapping[int, Rows], under: Mapping[int, Rows]
    ) -> Iterator[tuple[int, Rows, Float[Array, " rows"], Float[Array, " rows"]]]:
        """From the last node back: the coefficients, what is constant, and by how much it may be off."""
        waiting = {i: [a] for i, a in rows.items()}
        for i in range(max(rows), -1, -1):
            parts = waiting.pop(i, None)
            if parts is None:
                continue
            a = _added(parts)
            node = _under(self.nodes[i], under[i]) if i in under else self.nodes[i]
            constant, pulled = _pull(_alone(node), a)
            slack = jnp.zeros_like(constant)
            if self.rounding.outward:
                own = _under(self.nodes[i], under[i].max(axis=0)).weights(self) if i in under else self._weights[i]
                terms = node.terms + len(parts), prod(node.shape) + len(parts) + max(rows) + 1
                slack = _added([self.rounding.slack(*pair) for pair in zip(_weigh(parts, own), terms, strict=True)])
            yield i, a, constant, slack
            for parent, coefficients in zip(self.nodes[i].parents, pulled, strict=True):
                waiting.setdefault(parent, []).append(coefficients)

    def range(
        self, node: int, most: Callable[[Mapping[int, Rows]], Real] | None = None, wanted: Bool[Array, "..."] | None = None
    ) -> tuple[Real, Real]:
        """Both ends of each number of a node, by pulling it back.

        Args:
            node: its number.
            most: what to take for `self.most`.
            wanted: which numbers to pull; the others keep the ends that are known. Not for what is traced.
        """
        shape, low, high = self.nodes[node].shape, self.low[node].reshape(-1), self.high[node].reshape(-1)
        size = low.size
        every = min(size, at_once((n.shape for n in self.nodes[: node + 1]), low.dtype))
        places = np.arange(size) if wanted is None else np.flatnonzero(wanted)

        def part(places: Places) -> tuple[Real, Real]:
            return self._ends(node, jax.nn.one_hot(places, size, dtype=low.dtype), most or self.most)

        if every == size and wanted is None:
            low, high = part(places)
            return low.reshape(shape), high.reshape(shape)
        # All parts are of the same size, in which they are compiled: the last one repeats numbers.
        parts = [np.resize(places[first:], every) for first in range(0, len(places), every)]
        found = [part(one) for one in parts] if isinstance(low, jax.core.Tracer) else list(each(part, parts))
        for one, (lowest, highest) in zip(parts, found, strict=True):
            low, high = low.at[one].set(lowest), high.at[one].set(highest)
        return low.reshape(shape), high.reshape(shape)

    def _ends(
        self, node: int, units: Float[Array, "rows numbers"], most: Callable[[Mapping[int, Rows]], Real]
    ) -> tuple[Float[Array, " rows"], Float[Array, " rows"]]:
        # Both ends together, which makes programs smaller.
        signed = jnp.concatenate([-units, units]).reshape(-1, *self.nodes[node].shape)
        negative, positive = most({node: signed}).reshape(2, -1)
        return -negative, positive

    def tighten(self, node: int, low: Real, high: Real) -> None:
        """Other ends of a node's numbers."""
        self.low[node], self.high[node] = low, high


def _under(node: Node, slopes: Real) -> Between:
    """A node with other slopes of the lines below."""
    assert isinstance(node, Between)
    return replace(node, slopes_below=(slopes,))


def at_once(shapes: Iterable[Shape], dtype: np.dtype) -> int:
    """Of how many numbers of the last of these nodes both ends are pulled back together."""
    return max(PART // (2 * max(map(prod, shapes)) * dtype.itemsize), 1)


@jax.jit
def _pull(node: Node, a: Rows) -> Pulled:
    """Compiled once for nodes alike: where nothing is compiled as a whole, this is."""
    return node.pull(a)


def _alone(node: Node) -> Node:
    """A node without the numbers of its parents, with which each would be compiled anew."""
    return replace(node, parents=(0,) * len(node.parents)) if node.parents else node  # type: ignore[type-var]


@jax.jit
def _weigh(parts: list[Rows], weights: tuple[Real, Real]) -> Float[Array, "2 rows"]:
    """Combinations of both weights with absolute values."""
    size = _added([jnp.abs(part) for part in parts])  # of coefficients, as if nothing cancelled in their sum
    limits = np.finfo(size.dtype)
    floor = float(limits.tiny / limits.eps)  # what may have been lost by underflow counts as a rounding of this
    size = jnp.maximum(size, floor).reshape(len(size), -1)
    return jnp.stack([size @ weight.reshape(-1) for weight in weights])


def _totalled(parts: Iterable[tuple[Real, Real]]) -> Real:
    total, slack = reduce(lambda one, other: (one[0] + other[0], one[1] + other[1]), parts)
    return total + slack


def _added(parts: list[Real]) -> Real:
    return reduce(operator.add, parts)


def dual_norm(rows: Float[Array, "rows inputs"], norm: float | int) -> Float[Array, " rows"]:
    """The norm of functionals on a ball: sums of absolute values for the norm inf, Euclidean for 2, the largest for 1."""
    size = jnp.abs(rows)
    if norm != 2:
        return size.sum(axis=1) if norm == np.inf else size.max(axis=1)
    largest = size.max(axis=1)  # without whose scale squares may underflow
    norms: Float[Array, " rows"] = jnp.linalg.norm(rows / jnp.where(largest > 0, largest, 1)[:, None], axis=1)
    return largest * norms


for _kind, _arrays in (
    (Ball, ["centre", "radius"]),
    (Constant, ["value"]),
    (Map, ["linear", "bias"]),
    (Sum, []),
    (Between, ["slopes_below", "slopes_above", "below", "above", "low", "high"]),
):
    _names = [field.name for field in fields(_kind)]
    jax.tree_util.register_dataclass(_kind, _arrays, [name for name in _names if name not in _arrays])
