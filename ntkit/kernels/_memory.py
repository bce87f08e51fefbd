"""How to keep a memory budget: what a computation needs, and the cheapest way to contract a Jacobian that needs no more."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
from jax.extend.core import Jaxpr, Var, jaxprs_in_params
from jaxtyping import Array

from ntkit.kernels._function import Apply
from ntkit.kernels._jacobian import Group, few_rows

CACHE = 2**23  # bytes in which a CPU works fastest; larger batches of samples are slower there
BLOCK = 512  # rows of a matrix product below which it loses speed


class Plan(NamedTuple):
    """How a Jacobian is contracted.

    Attributes:
        groups: parameter arrays that are differentiated by in one pass.
        tile: samples of a block of the kernel, one number for each side.
        keep: whether all rows stay in memory, or a tile's rows are made again for every block.
        samples, outputs: what is differentiated at once.
    """

    groups: tuple[Group, ...]
    tile: tuple[int, int]
    keep: bool
    samples: int
    outputs: int


class Sizes(NamedTuple):
    """What a plan depends on: samples on both sides (m is None for a symmetric kernel), outputs, entries of each array."""

    n: int
    m: int | None
    k: int
    leaves: tuple[int, ...]
    bytes_each: int
    traced: bool


def live_bytes(function: Callable[..., Any], *arguments: Any) -> int:
    """A bound on the bytes that are alive at once when the operations of a function run in order, without its arguments.

    Twice that: XLA fuses operations, so that many of these arrays never exist, but copies others into another layout.
    """
    return 2 * _live(jax.make_jaxpr(function)(*arguments).jaxpr)


def _live(jaxpr: Jaxpr) -> int:
    last = {v: i for i, equation in enumerate(jaxpr.eqns) for v in equation.invars if isinstance(v, Var)}
    last.update((v, len(jaxpr.eqns)) for v in jaxpr.outvars if isinstance(v, Var))
    born: dict[Var, int] = {}
    alive = most = 0
    for i, equation in enumerate(jaxpr.eqns):
        inner = max((_live(sub) for sub in jaxprs_in_params(equation.params)), default=0)
        for v in equation.outvars:
            born[v] = _bytes(v)
            alive += born[v]
        most = max(most, alive + inner)
        for v in {*equation.outvars, *(v for v in equation.invars if isinstance(v, Var))}:
            if v in born and last.get(v, i) <= i:
                alive -= born.pop(v)
    return most


def _bytes(v: Var) -> int:
    aval: Any = v.aval
    return math.prod(getattr(aval, "shape", ())) * getattr(getattr(aval, "dtype", None), "itemsize", 0)


def plan_contraction(variants: Sequence[Apply], params: Any, x: Array, sizes: Sizes, memory: int) -> tuple[Apply, Plan]:
    """The cheapest plan within a budget.

    Args:
        variants: the function in several forms, the fastest first.
        params: its parameters.
        x: its inputs; only their shape matters, as that of the parameters.
        sizes: of the problem.
        memory: bytes besides arguments and result.

    Returns:
        The form of the function, and the plan.

    Raises:
        ValueError: the budget is too small; the message has the smallest that is not.
    """
    least = None
    for apply in variants:
        best: tuple[float, Plan] | None = None
        for groups in _groupings(sizes.leaves):
            need = _Needs.of(apply, params, x, groups, sizes)
            least = min(need.least(), least or need.least())
            for passes, tile, keep in _tilings(sizes):
                cost = passes * len(groups)
                batch = need.batch(memory - need.rows(tile, keep))
                if batch is not None and (best is None or cost < best[0]):
                    best = cost, Plan(groups, tile, keep, min(batch[0], *tile), batch[1])
            if best is not None and best[0] <= len(groups):
                break  # more groups are more passes
        if best is not None:
            return apply, best[1]
    raise ValueError(
        f"memory must be at least {least} bytes for this function and {sizes.k} outputs, got {memory};"
        " implementation='ntvp' may need less"
    )


class _Needs(NamedTuple):
    """Bytes that a grouping needs."""

    sizes: Sizes
    entries: int  # of the largest group
    one: int  # one output of one sample differentiated
    sample: int  # all outputs of one sample, and at most as much for each further one

    @classmethod
    def of(cls, apply: Apply, params: Any, x: Array, groups: tuple[Group, ...], sizes: Sizes) -> "_Needs":
        totals = [sum(sizes.leaves[i] for i in group) for group in groups]
        largest = groups[totals.index(max(totals))]

        def live(outputs: int) -> int:
            return live_bytes(lambda p, x: few_rows(apply, p, largest, x[:1], outputs), params, x)

        sample = live(sizes.k)
        return cls(sizes, max(totals), min(live(1), sample), sample)

    def rows(self, tile: tuple[int, int], keep: bool) -> int:
        """Jacobian rows, the tiles of a product with the copy that it makes of one, and the block in its stages."""
        n, m, k, _, each, traced = self.sizes
        held = (n + (m or 0) if keep else 0) + sum(tile) + max(tile)
        return each * (held * k * self.entries + 3 * math.prod(tile) * (1 if traced else k * k))

    def batch(self, free: int) -> tuple[int, int] | None:
        """How many samples and outputs to differentiate at once."""
        limit = min(free, CACHE) if jax.default_backend() == "cpu" else free
        if self.sample <= free:
            return max(1, limit // self.sample), self.sizes.k
        each = (self.sample - self.one) / max(self.sizes.k - 1, 1)
        fitting = [c for c in _divisors(self.sizes.k) if self.one + (c - 1) * each <= free]
        return (1, max(fitting)) if fitting else None

    def least(self) -> int:
        return self.one + self.rows((1, 1), keep=False)


def _divisors(k: int) -> list[int]:
    return [c for c in range(1, k) if k % c == 0]


def _groupings(leaves: tuple[int, ...]) -> Iterator[tuple[Group, ...]]:
    """All arrays in one group, then in ever smaller ones."""
    capacity, before = sum(leaves), None
    while True:
        groups: list[list[int]] = [[]]
        for index, size in enumerate(leaves):
            if groups[-1] and sum(leaves[i] for i in groups[-1]) + size > capacity:
                groups.append([])
            groups[-1].append(index)
        found = tuple(map(tuple, groups))
        if found != before:
            yield found
        if capacity <= max(leaves):
            return
        before, capacity = found, max(capacity // 2, max(leaves))


def _tilings(sizes: Sizes) -> Iterator[tuple[float, tuple[int, int], bool]]:
    """How often each row is made, the tile, and whether the rows are kept; cheapest first."""
    n, m = sizes.n, sizes.m
    rows = max(1, BLOCK // (1 if sizes.traced else sizes.k))
    yield 1.0, (_even(n, rows), _even(m or n, rows)), True
    parts = 1
    while True:
        tile = -(-n // parts), -(-(m or n) // parts)
        counts = -(-n // tile[0]), -(-(m or n) // tile[1])
        yield (counts[0] + 1) / 2 if m is None else (n + counts[0] * m) / (n + m), tile, False
        if tile == (1, 1):
            return
        parts *= 2


def _even(n: int, most: int) -> int:
    """The size of equal tiles of at most so many samples."""
    return -(-n // -(-n // most))
