"""Random networks, padded to one architecture so that bounds compile once, against the formulas in plain NumPy and samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import jax
import numpy as np

from ntkit.lipschitz import Network, bounds, local_lipschitz
from tests.oracles import lipschitz_exact as exact
from tests.oracles import lipschitz_reference as reference

METHODS = ("lirpa", "recurjac", "ibp")
BATCH = 8  # networks that are bounded at once
UNSOUND = 1e-9  # relative: by how much a sampled derivative may exceed a bound that is not rounded outward
SOLVED = 1e-6  # relative: of linear and integer programs


class Case(NamedTuple):
    """A network with ReLU between its layers, and a ball."""

    layers: Sequence[tuple[np.ndarray, np.ndarray]]
    centre: np.ndarray
    radius: float

    @property
    def asked(self):
        """As the reference takes it: weights, biases, centre, radius."""
        return (*map(list, zip(*self.layers, strict=True)), self.centre, self.radius)

    def sampled(self, count, rng):
        """The largest ||J_c(x)||_1 among points of the ball where no unit is at its kink, one for each output c."""
        weights, biases, centre, radius = self.asked
        z = reference.points_of_box(centre, radius, count, rng)
        jacobians, apart = np.broadcast_to(np.eye(centre.size), (len(z), centre.size, centre.size)), np.ones(len(z), bool)
        for number, (W, b) in enumerate(zip(weights, biases, strict=True)):
            z, jacobians = z @ W.T + b, W @ jacobians
            if number < len(weights) - 1:
                apart &= (z != 0).all(axis=1)
                z, jacobians = np.maximum(z, 0), (z > 0)[:, :, None] * jacobians
        return (np.abs(jacobians).sum(axis=2) * apart[:, None]).max(axis=0)

    def padded(self, widths, bias=0.0):
        """The same bounds in a larger architecture.

        Units of weight 0 are added to each layer, and layers after the last one. These shift all outputs far above their
        kinks, where the activation is the identity, and at the end back again.

        Args:
            widths: of the architecture.
            bias: of the added units: at their kink, or below it.
        """
        layers, missing = list(self.layers), len(widths) - 1 - len(self.layers)
        size = len(layers[-1][1])
        if missing:
            low, high = reference.forward_bounds(*self.asked, "ibp")[-1]
            shift = 10 * (1 + np.maximum(np.abs(low), np.abs(high)).max())
            weights, constants = layers.pop()
            layers += [(weights, constants + shift), *[(np.eye(size), np.zeros(size))] * (missing - 1)]
            layers.append((np.eye(size), np.full(size, -shift)))
        larger = []
        for (weights, constants), (n, m) in zip(layers, pairwise(widths), strict=True):
            rows, columns = weights.shape
            wider = np.pad(constants, (0, m - rows), constant_values=bias)
            larger.append((np.pad(weights, ((0, m - rows), (0, n - columns))), wider))
        return Case(larger, np.pad(self.centre, (0, widths[0] - self.centre.size)), self.radius)


@cache
def compiled(method, forward, structure):
    """Bounds of a batch of networks of one architecture, given their arrays, each stacked."""

    def one(arrays, centre, radius):
        return bounds(structure.unflatten(arrays), centre, radius, method=method, forward=forward, outward=False)

    return jax.jit(jax.vmap(one))


def bounds_of(cases, widths, method, forward):
    """`bounds` of each network, padded to the widths: (norm, low, high) without what was added."""
    found = []
    for first in range(0, len(cases), BATCH):
        part = [case.padded(widths) for case in cases[first : first + BATCH]]
        arrays, (structure, *_) = zip(*[jax.tree.flatten(Network.sequential(case.layers)) for case in part], strict=True)
        given = [np.stack(leaves) for leaves in zip(*arrays, strict=True)]
        given += [np.stack([case.centre for case in part]), np.array([case.radius for case in part])]
        *stacked, centres, radii = [np.concatenate([array, *[array[-1:]] * (BATCH - len(part))]) for array in given]
        found += zip(*map(np.asarray, compiled(method, forward, structure)(stacked, centres, radii)), strict=True)
    kept = []
    for (norm, low, high), case in zip(found, cases, strict=False):
        m, d = len(case.layers[-1][1]), case.centre.size
        kept.append((norm[:m], low[:m, :d], high[:m, :d]))
    return kept


def random_case(rng, largest):
    """A network of 2 to as many layers as the largest has, of widths from 1 to those of the largest."""
    hidden = largest[1 : 1 + rng.integers(1, len(largest) - 1)]
    widths = [int(rng.integers(1, most + 1)) for most in (largest[0], *hidden, largest[-1])]
    scale = rng.choice([0.0, 0.3, 1.0])
    layers = [(rng.normal(size=(m, n)) / np.sqrt(n), scale * rng.normal(size=m)) for n, m in pairwise(widths)]
    return Case(layers, rng.normal(size=widths[0]), float(10 ** rng.uniform(-2, 0)))


@dataclass
class Fuzzed:
    """What was found on random networks.

    Attributes:
        networks: how many.
        unstable: those that have a unit whose sign is open; counted by `fuzz`.
        unsound: bounds, of one method and output, below a sampled derivative.
        disagreement: the largest difference from the reference, relative to it, by method.
        against_exact: likewise from the constant over all patterns, by method, where bounds are said to be met.
        open_ends: how often they are not said to be met, by method.
        messages: of every bound that is unsound or wrong.
    """

    networks: int = 0
    unstable: int = 0
    unsound: int = 0
    disagreement: dict[str, float] = field(default_factory=dict)
    against_exact: dict[str, float] = field(default_factory=dict)
    open_ends: dict[str, int] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


def fuzz(count, largest, forward, points=200, seed=0):
    """Bounds of random networks against the formulas and against samples.

    Args:
        count: of networks.
        largest: widths of the largest network.
        forward: as of `bounds`.
        points: sampled in each ball.
        seed: of all.
    """
    rng = np.random.default_rng(seed)
    cases = [random_case(rng, largest) for _ in range(count)]
    sampled = [case.sampled(points, rng) for case in cases]
    known = [reference.forward_bounds(*case.asked, forward) for case in cases]
    open_ = [any(((low < 0) & (high > 0)).any() for low, high in intervals[:-1]) for intervals in known]
    result = Fuzzed(count, sum(open_))
    for method in METHODS:
        found = bounds_of(cases, largest, method, forward)
        for case, (norm, _, _), intervals, attained in zip(cases, found, known, sampled, strict=True):
            expected = reference.jacobian_bound(*case.asked, method, intervals)
            off = float(np.max(np.abs(norm - expected) / np.maximum(expected, np.finfo(float).tiny)))
            result.disagreement[method] = max(off, result.disagreement.get(method, 0.0))
            below = int((norm < attained * (1 - UNSOUND)).sum())
            result.unsound += below
            if below or not off <= 1e-10:
                result.messages.append(f"{method}: {norm}, reference {expected}, sampled {attained}: {case}")
    return result


def fuzz_exact(count, largest, seed=0):
    """Branch and bound in both arithmetics, and integer programs, of tiny networks against the constant over all patterns."""
    rng = np.random.default_rng(seed)
    result = Fuzzed(count)
    ways = {"bab": {}, "bab float64": {"arithmetic": "float64"}, "exact": {"arithmetic": "float64"}}
    for _ in range(count):
        case = random_case(rng, largest)
        truth, _ = exact.exact_by_enumeration(*case.asked)
        wider = case.padded(largest, bias=-1.0)
        net = Network.sequential(wider.layers)
        for way, options in ways.items():
            options |= {"method": way.split()[0], "outputs": range(len(truth))}
            found = local_lipschitz(net, wider.centre, case.radius, **options)
            rows, lower = found.rows, found.lower
            off = 0.0
            if found.closed:
                limits = np.finfo(float)  # of a dead network outward rounding leaves some of the smallest numbers
                off = float(np.max(np.abs(rows - truth) / np.maximum(truth, SOLVED * truth.max() + limits.tiny / limits.eps)))
            result.against_exact[way] = max(off, result.against_exact.get(way, 0.0))
            result.open_ends[way] = result.open_ends.get(way, 0) + (not found.closed)
            below = int((rows < truth * (1 - SOLVED)).sum() + (lower > truth * (1 + SOLVED)).sum())
            result.unsound += below
            if below or not off <= SOLVED:
                result.messages.append(f"{way}: {lower} to {rows}, {found.status}, over all patterns {truth}: {case}")
    return result
