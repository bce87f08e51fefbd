"""Branch and bound: bounds on the parts of a ball where units are on one side of their kinks.

A part is given by the sides of some units. Its bound is that of the derivative with these units' slopes, its parts are those
where one unit more is on either side. The unit is one of the first layer that has open ones: there z is an affine function of
the input, so that a linear program tells whether a part has interior points, and a point of it tells what is attained there.

What is never lost: a part counts until its bound is no more than what is attained, or it is proved empty. Proved means that
some sum of multipliers times side times z, whose terms are not negative on the part, has a negative upper bound, rounded
outward as all others (Farkas). Multipliers come from the linear program; that it finds no interior is no proof.

Source: Shi, Wang, Zhang, Kolter, Hsieh (2022), arXiv 2210.07394, for the split units and the score.
"""

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float, Int

from ntkit.lipschitz._cells import Cells, Inside, matrices_of
from ntkit.lipschitz._door import Ask
from ntkit.lipschitz._forward import Forward, Slopes
from ntkit.lipschitz._parts import Units, attaining, emptying, looking

Closing = Literal["rows", "value"]
BATCH = 32  # parts that are bounded at once
MET = 1e-7  # relative: a part is done when its bound exceeds what is attained by no more
THIN = 1e-7  # of the box: cells no wider than this count as empty where nothing has to be proved


@dataclass(frozen=True)
class Stop:
    """When a search ends.

    Attributes:
        closing: that all outputs' bounds are met, or that the largest of each input is.
        deadline: seconds, after which the bounds are what they have come to.
        nodes: parts to be bounded, likewise, up to a batch more.
    """

    closing: Closing = "rows"
    deadline: float | int | None = None
    nodes: int | None = None


class Branched(NamedTuple):
    """How branching ended.

    Attributes:
        upper: bounds, shape (batch, outputs).
        lower: what is attained.
        nodes: parts that were bounded.
        ended: whether it came to its end.
    """

    upper: Float[np.ndarray, "batch outputs"]
    lower: Float[np.ndarray, "batch outputs"]
    nodes: int
    ended: bool


@dataclass(frozen=True)
class _Part:
    """A part of the ball of one input, for one output.

    Attributes:
        job: which input and output.
        bound: of the derivative there.
        sides: imposed ones, of all units in a row.
        decided: sides that follow, too; 0 of open units.
        split: the unit that comes next; -1 where none is open.
        point: inside it, flat, or None.
    """

    job: int
    bound: float
    sides: Int[np.ndarray, " units"]
    decided: Int[np.ndarray, " units"]
    split: int
    point: Float[np.ndarray, " inputs"] | None


def branch(
    asked: Ask,
    outputs: Int[np.ndarray, " outputs"],
    lower: Float[np.ndarray, "batch outputs"],
    forward: Forward,
    slopes: Slopes,
    stop: Stop,
) -> Branched:
    """Bounds of a piecewise linear network's constants by branching, best first.

    Args:
        asked: in the l_inf norm. Its rounding says what empties a part: a proof, or a linear program.
        outputs: which.
        lower: attained already.
        forward: of the bounds.
        slopes: of the bounds.
        stop: when to stop.
    """
    end = np.inf if stop.deadline is None else time.perf_counter() + stop.deadline
    most = np.inf if stop.nodes is None else stop.nodes
    search = _Search(asked, outputs, lower, forward, slopes)
    search.start()
    while not search.ended(stop.closing) and time.perf_counter() < end and search.nodes < most:
        search.advance(stop.closing)
    return search.found(search.ended(stop.closing))


class _Search:
    """The parts that are left, and what is known so far."""

    def __init__(
        self, asked: Ask, outputs: Int[np.ndarray, " outputs"], lower: np.ndarray, forward: Forward, slopes: Slopes
    ) -> None:
        self.asked, self.units, self.nodes = asked, Units(asked.net), 0
        self.jobs = [(i, j) for i in range(len(asked.centres)) for j in range(len(outputs))]
        self.rows = np.eye(asked.net.outputs)[outputs]
        self.lower = np.array(lower, dtype=np.float64)
        self.done = np.zeros_like(self.lower)  # the largest bound of parts that need no more
        self.waiting: list[tuple[bool, float, int, _Part]] = []
        self._order = count()
        self._look = looking(forward, slopes, asked.rounding.outward)
        self._emptied = emptying(forward, slopes)
        self._attained = attaining()
        matrices = matrices_of(asked.net)
        self._cells = [Cells(asked.net, matrices, *(end[i] for end in asked.box)) for i in range(len(asked.centres))]

    def start(self) -> None:
        """The whole balls."""
        centres = np.asarray(self.asked.centres, np.float64)
        sides = np.zeros(self.units.size, np.int8)
        whole = [_Part(job, np.inf, sides, sides, -1, centres[i]) for job, (i, _) in enumerate(self.jobs)]
        for first in range(0, len(whole), BATCH):
            for part in self._bounded(whole[first : first + BATCH]):
                self._keep(part)

    def ended(self, closing: Closing) -> bool:
        """Whether no part is left that matters."""
        while self.waiting and self.waiting[0][:2] != self._rank(part := self.waiting[0][3]):
            heapq.heappop(self.waiting)  # what is attained has risen since
            self._keep(part)
        return not self.waiting or (closing == "value" and self.waiting[0][0])

    def advance(self, closing: Closing) -> None:
        """Split the parts whose bounds are furthest above what is attained."""
        chosen: list[_Part] = []
        while not self.ended(closing) and len(chosen) < BATCH // 2:
            part = heapq.heappop(self.waiting)[3]
            if self._settled(part) or part.split < 0:
                self.done[self.jobs[part.job]] = max(self.done[self.jobs[part.job]], part.bound)
            else:
                chosen.append(part)
        children = self._bounded([child for part in chosen for child in self._halves(part)])
        self._attain([part for part in children if part.point is not None])
        found, doubtful = [], []
        for part in children:
            inside = None if part.point is not None or self._settled(part) else self._inside(part)
            if inside is None:
                self._keep(part)
            elif inside.distance > THIN:
                found.append(replace(part, point=inside.point))
            elif self.asked.rounding.outward:
                doubtful.append((part, inside))
        self._attain(found)
        for part in found:
            self._keep(part)
        if doubtful:
            for (part, _), empty in zip(doubtful, self._proved(doubtful), strict=True):
                if not empty:
                    self._keep(part)

    def found(self, ended: bool) -> Branched:
        """Bounds of all that was done and of all that is left."""
        upper = np.maximum(self.done, self.lower)
        for _, _, _, part in self.waiting:
            job = self.jobs[part.job]
            upper[job] = max(upper[job], part.bound)
        return Branched(upper, self.lower, self.nodes, ended)

    def _settled(self, part: _Part) -> bool:
        return bool(met(self.lower[self.jobs[part.job]], part.bound))

    def _rank(self, part: _Part) -> tuple[bool, float]:
        """Parts that may hold the largest of all outputs come first; then the largest bound relative to what is known."""
        i, j = self.jobs[part.job]
        largest, own = float(self.lower[i].max()), float(self.lower[i, j])
        later = bool(met(largest, part.bound))
        return later, -part.bound / max(own if later else largest, float(np.finfo(float).tiny))

    def _keep(self, part: _Part) -> None:
        if not np.isfinite(part.bound):  # numbers overflow: there is nothing to search with
            self.done[self.jobs[part.job]] = np.inf
            return
        heapq.heappush(self.waiting, (*self._rank(part), next(self._order), part))

    def _halves(self, part: _Part) -> list[_Part]:
        """Both sides of the unit; the point of the part, if it is not next to the kink, lies on one of them."""
        step, unit = self.units.place(part.split)
        i = self.jobs[part.job][0]
        away = 0.0
        if part.point is not None:
            form = self._cells[i].forms(self.units.flat(part.decided), step - 1)[self.units.parents[step]][:, unit]
            away = self._cells[i].away(form, part.point)
        children = []
        for side in (1, -1):
            sides = part.sides.copy()
            sides[part.split] = side
            children.append(_Part(part.job, part.bound, sides, sides, -1, part.point if side * away > THIN else None))
        return children

    def _bounded(self, parts: list[_Part]) -> list[_Part]:
        """The parts with their bounds, and what follows; not those that are proved empty."""
        if not parts:
            return []
        self.nodes += len(parts)
        looks = self._batched(self._look, parts, np.stack([part.sides for part in parts]))
        found = []
        for part, norm, empty, decided, score in zip(parts, *map(np.asarray, looks), strict=True):
            if empty:
                continue
            open_ = np.flatnonzero(decided == 0)
            if open_.size:
                first = open_[self.units.step[open_] == self.units.step[open_[0]]]
                split = int(first[np.argmax(score[first])])
            else:
                split = -1
            found.append(_Part(part.job, float(np.fmin(part.bound, norm)), part.sides, decided, split, part.point))
        return found

    def _inside(self, part: _Part) -> Inside:
        """A point of the part, by a linear program."""
        imposed = self.units.flat(part.sides)
        last = max(int(self.units.step[unit]) for unit in np.flatnonzero(part.sides))
        cells = self._cells[self.jobs[part.job][0]]
        return cells.interior(cells.forms(self.units.flat(part.decided), last - 1), imposed)

    def _attain(self, parts: list[_Part]) -> None:
        """What the derivative is at points of the parts."""
        if not parts:
            return
        points = np.stack([part.point for part in parts if part.point is not None]).astype(self.asked.centres.dtype)
        sizes = np.asarray(self._attained(self.asked.net, jnp.asarray(_padded(points))))[: len(parts)]
        for part, size in zip(parts, sizes, strict=True):
            i, j = self.jobs[part.job]
            own = size[np.flatnonzero(self.rows[j])[0]]
            if np.isfinite(own):
                self.lower[i, j] = max(self.lower[i, j], own)

    def _proved(self, doubtful: list[tuple[_Part, Inside]]) -> list[bool]:
        """Which of the parts are proved empty."""
        parts = [part for part, _ in doubtful]
        weights = np.stack(
            [np.concatenate([inside.multipliers[n] for n in self.units.parents]) for _, inside in doubtful]
        ).astype(self.asked.centres.dtype)
        empty = self._batched(self._emptied, parts, np.stack([p.sides for p in parts]), weights)
        return [bool(e) for e in empty]

    def _batched(self, function: Callable[..., Any], parts: list[_Part], *arrays: np.ndarray) -> Any:
        """A compiled function of a batch of parts, of one size."""
        inputs, outputs = np.array([self.jobs[part.job] for part in parts]).T
        centres, radii = np.asarray(self.asked.centres)[inputs], np.asarray(self.asked.radii)[inputs]
        rows = self.rows[outputs].astype(centres.dtype)
        given = [jnp.asarray(_padded(array)) for array in (centres, radii, rows, *arrays)]
        found = function(self.asked.net, *given)
        return jax.tree_util.tree_map(lambda leaf: leaf[: len(parts)], found)


def met(lower: ArrayLike, upper: ArrayLike, tolerance: float = MET) -> np.ndarray:
    """Whether bounds are attained up to a relative tolerance; what rounding alone makes of 0 counts as 0."""
    limits = np.finfo(np.float64)
    return np.asarray(np.asarray(upper) <= np.asarray(lower) * (1 + tolerance) + limits.tiny / limits.eps)


def _padded(array: np.ndarray) -> np.ndarray:
    """A batch of a fixed size; the last one is repeated."""
    return np.concatenate([array, np.repeat(array[-1:], BATCH - len(array), axis=0)])
