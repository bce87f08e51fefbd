"""Gradient flow as a superposition of ridge regressions with complex ridges: its expected errors over time."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from ntkit.spectra.learning._modes import Modes
from ntkit.spectra.learning._sample import Sample

_COUNT = 32  # nodes on the contour, of which the half with Im z > 0 is computed; errors fall as 2.85^-count
_ANGLES = (np.arange(_COUNT // 2) + 0.5) * 2 * np.pi / _COUNT
_NODES = _COUNT * (0.1309 - 0.1194 * _ANGLES**2 + 0.25j * _ANGLES)
_HALF = np.exp(_NODES) * (0.25 + 0.2388j * _ANGLES) / _NODES
_WEIGHTS = np.concatenate([_HALF, _HALF.conj()])

_FACTOR = 4.0  # between the times of the continuation
_ROUNDS = 20  # Newton takes about three
_LEAST = 1e-6  # of a step, relative to the time reached

Nodes = Complex[np.ndarray, " nodes"]
Pairs = Complex[np.ndarray, "nodes nodes"]
Shares = Complex[np.ndarray, "nodes modes"]
Numbers = Float[np.ndarray, " modes"]


class Equations(NamedTuple):
    """How errors follow from ridges.

    Attributes:
        root: kappa and z -> F and its derivative in kappa; F = 0 at the effective regularisation of the ridge n z; its
            derivative in z is -1, and it has one root with Im kappa > 0 where Im z > 0.
        risk: kappa and z -> test and training errors mixed between every two of the ridges: means of products of residuals.
        start: the errors at an infinite ridge.
        scale: of the eigenvalues of the Gram matrix / n, their sum.
    """

    root: Callable[[Nodes, Nodes], tuple[Nodes, Nodes]]
    risk: Callable[[Nodes, Nodes], tuple[Pairs, Pairs]]
    start: float
    scale: float


def flow_risk(
    task: Modes | Sample, n: float, times: Float[np.ndarray, " times"], noise: float
) -> tuple[Float[np.ndarray, " times"], Float[np.ndarray, " times"]]:
    """Expected test and training error of gradient flow from 0 on the mean of (f - y)^2 / 2 over n samples.

    (1 - exp(-s t)) / s is the integral of exp(z t) / z / (2 pi i) times 1 / (s + z) along a contour around the negative axis.
    So the flow at time t is that superposition of ridge regressions with ridges n z, and its error the double integral of
    their mixed errors, which the effective regularisations of both give. Contour: the parabola of Weideman and Trefethen
    (2007, from memory). Errors are within 1e-12 of that at time 0.
    """
    equations = _population(task, n, noise) if isinstance(task, Modes) else _finite(task, n)
    test, train = np.full_like(times, equations.start), np.full_like(times, equations.start)
    positive = times[times > 0]
    if not equations.scale:  # nothing can be learnt
        return test, train
    reached = min(positive.min(initial=np.inf) / _FACTOR, 1e-3 / equations.scale)
    kappa = _NODES / reached  # close to the root so early
    for place in np.flatnonzero(times > 0)[np.argsort(positive, kind="stable")]:
        time = float(times[place])
        kappa, reached = _follow(equations, reached, kappa, time), time
        z = _NODES / time
        mixed = equations.risk(np.concatenate([kappa, kappa.conj()]), np.concatenate([z, z.conj()]))
        test[place], train[place] = (float((_WEIGHTS @ pairs @ _WEIGHTS).real) for pairs in mixed)
    return np.maximum(test, 0.0), np.maximum(train, 0.0)


def _follow(equations: Equations, reached: float, kappa: Nodes, time: float) -> Nodes:
    """The roots at a time from those at an earlier one, by Newton's method from where their logarithms point.

    The root in the upper half-plane is the only one there; steps that do not settle in it are shortened.
    """
    factor = _FACTOR
    while reached < time:
        following = min(time, reached * factor)
        z, change = _NODES / following, np.log(reached / following)
        slope = z * np.exp(-change) / (kappa * equations.root(kappa, z * np.exp(-change))[1])
        found = _newton(equations, z, kappa * np.exp(slope * change))
        if found is not None:
            reached, kappa, factor = following, found, min(factor**2, _FACTOR)
        elif factor - 1 > _LEAST:
            factor = factor**0.5
        else:
            raise ArithmeticError(f"no effective regularisation was found at time {following:g}")
    return kappa


def _newton(equations: Equations, z: Nodes, kappa: Nodes) -> Nodes | None:
    for _ in range(_ROUNDS):
        value, slope = equations.root(kappa, z)
        step = value / slope
        kappa = kappa - step
        if not (kappa.imag > 0).all():
            return None
        if (np.abs(step) <= 1e-8 * np.abs(kappa)).all():  # convergence is quadratic: this step was the last
            return kappa
    return None


def _population(modes: Modes, n: float, noise: float) -> Equations:
    """The eigenframework, whose squares become products, at kappa = z + (tail + sum lambda kappa / (lambda + kappa)) / n.

    With L = lambda / (lambda + kappa) the mixed errors are

        test = (sum (1 - L1) (1 - L2) v^2 + outside + noise) / (1 - sum L1 L2 / n),   train = z1 z2 / (kappa1 kappa2) test.
    """
    values, count, unseen = modes.eigenvalues, modes.multiplicities, modes.outside + noise

    def split(kappa: Nodes) -> tuple[Shares, Shares, Numbers, Numbers]:
        """L and 1 - L, and the multiplicities of the modes of which little or most is learnt; sums to n lose no digits."""
        whole = values + kappa[:, None]
        most = values > np.median(np.abs(kappa))
        return values / whole, kappa[:, None] / whole, np.where(most, 0.0, count), np.where(most, count, 0.0)

    def root(kappa: Nodes, z: Nodes) -> tuple[Nodes, Nodes]:
        learnt, missed, few, most = split(kappa)
        rest = n - most.sum()
        left = rest + missed @ most - learnt @ few  # n - sum L
        return kappa * left / n - z - modes.tail / n, (rest + (missed * (1 + learnt)) @ most - learnt**2 @ few) / n

    def risk(kappa: Nodes, z: Nodes) -> tuple[Pairs, Pairs]:
        learnt, missed, few, most = split(kappa)
        both = (missed @ most)[:, None] + missed @ most
        left = n - most.sum() + both - (missed * most) @ missed.T - (learnt * few) @ learnt.T  # n - sum L1 L2
        test = n * ((missed * modes.power) @ missed.T + unseen) / left
        return test, np.outer(z / kappa, z / kappa) * test

    return Equations(root, risk, modes.variance + noise, modes.trace / n)


def _finite(sample: Sample, n: float) -> Equations:
    """Parts of n of N points, tested on the others: see `subset_risk`, whose squares become products here.

    With rho = n z / N, g = 1 / (lambda + kappa) and D = sum (lambda + rho1) g1 g2, errors on all N and on the n points are

        (kappa1 kappa2 + (kappa1 - rho1) sum L1 L2 / D) sum g1 g2 v^2   and   N / n rho1 rho2 sum g2 / D sum g1 g2 v^2.

    Derived as there, from free compression of the matrix ((K1, e A), (0, K2)), K = gram + n z, to first order in e.
    """
    N, values = len(sample), sample.eigenvalues

    def root(kappa: Nodes, z: Nodes) -> tuple[Nodes, Nodes]:
        inverse = 1 / (values + kappa[:, None])
        trace, squares = inverse.sum(axis=1), (inverse**2).sum(axis=1)
        return (kappa - (N - n) / trace) * (N / n) - z, (1 - (N - n) * squares / trace**2) * (N / n)

    def risk(kappa: Nodes, z: Nodes) -> tuple[Pairs, Pairs]:
        inverse, rho = 1 / (values + kappa[:, None]), z * (n / N)
        learnt = values * inverse
        power = (inverse * sample.power) @ inverse.T
        base = ((values + rho[:, None]) * inverse) @ inverse.T
        everywhere = (np.outer(kappa, kappa) + (kappa - rho)[:, None] * (learnt @ learnt.T) / base) * power
        train = (N / n) * np.outer(rho, rho) * inverse.sum(axis=1) / base * power
        return (N * everywhere - n * train) / (N - n), train

    return Equations(root, risk, float(sample.power.sum()), float(values.sum()) * N / n)
