"""Two steps of gradient descent on a signal task, from the handful of numbers that they see.

Without a bias in the first step, from zero, and for the loss -mean y f, filter by filter: M noisy vectors, with y taken out
mu_s + sigma xi in dimension D, some of which carry one of the signals mu_s (orthonormal), others none.

Step 1 is their mean, sum_s (N_s / M) mu_s + (sigma / sqrt M) g. Of g only a_s = <g, mu_s> and the length r of the rest matter,
a chi variable with D - S degrees of freedom: with the direction e of the rest, everything so far lies in the span V of all mu_s
and e. Let u be the normalised mean.

Step 2 sums the vectors with |<., u>| > threshold. The noise along u is z_j - mean z + <g, u> / sqrt M with z_j independent, as
the residuals of a sample mean are independent of it. In all directions orthogonal to u the residuals are independent of those
along u, so that their sum over c vectors is normal with variance c (1 - c / M) whatever projections on u chose these, on top
of c / sqrt M times g's part there. So its component in V is drawn there, and the length of the rest is a chi variable with
D - S - 1 degrees of freedom. Nothing is left out and nothing approximated; it costs M numbers z, whatever D is.

With fresh data in step 2 the z_j are independent, and sums have variance c. Filters of different patches see independent noise,
and share the places of the signal.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ntkit.separation._checks import Real
from ntkit.separation._gate import Gated, gated_sums
from ntkit.separation._layout import Architecture, Layout, layout_of
from ntkit.separation._signal import SignalTask

Overlaps = Float[np.ndarray, "points filters signals"]


class Filters(NamedTuple):
    """Vectors in V and beyond: coordinates along the signals and along e, and the length of the rest."""

    along: Overlaps
    beside: Float[np.ndarray, "points filters"]
    beyond: Float[np.ndarray, "points filters"]

    def normalised(self) -> "Filters":
        """Unit vectors; zero stays zero."""
        size = np.maximum(np.abs(self.along).max(axis=-1), np.maximum(np.abs(self.beside), np.abs(self.beyond)))
        size = np.where(size > 0, size, 1.0)  # first, so that no square over- or underflows
        along, beside, beyond = self.along / size[..., None], self.beside / size, self.beyond / size
        size = np.sqrt((along**2).sum(axis=-1) + beside**2 + beyond**2)
        size = np.where(size > 0, size, 1.0)
        return Filters(along / size[..., None], beside / size, beyond / size)


class Fitted(NamedTuple):
    """What step 1 says of the noise in step 2: c / sqrt M, g along the signals and along e, and <g, u>."""

    share: Float[np.ndarray, "points filters"]
    along: Float[np.ndarray, "filters signals"]
    beside: Float[np.ndarray, " filters"]
    inner: Float[np.ndarray, "points filters"]


def two_step_overlaps(
    architecture: Architecture,
    task: SignalTask,
    n: Int[np.ndarray, " points"],
    *,
    threshold: Real,
    rng: np.random.Generator,
    fresh: bool = False,
    rate: Real = np.inf,
) -> tuple[Overlaps, Overlaps]:
    """<w, signal> of the unit filters after one and after two steps, exact in law for each n.

    Several n share their random numbers: g, what is drawn beside u in step 2 and, with a gate, the first n signal places and z.
    So curves over n are smooth; their joint law over n is not that of growing data, for which g would have to change with n.

    Args:
        architecture: of the network.
        task: how the data are drawn.
        n: numbers of samples, rising; with `fresh`, of each step.
        threshold: of the activation in the second step, at least 0.
        rng: where the numbers come from.
        fresh: whether the second step has a sample of its own.
        rate: of the second step; inf is the gradient's direction, or no change where the gradient is 0.
    """
    layout = layout_of(architecture, task.patches, task.dim)
    small, placing, large = rng.spawn(3)
    gated = threshold > 0
    places = task.places_of(placing, int(n[-1])) if gated and not fresh else None
    counts = layout.signals_in(_counts(task, n, placing, places))
    M = layout.draws(n)[:, None]
    a = small.normal(size=(layout.filters, layout.signals))
    r = _chi(small, layout.dim - layout.signals, layout.filters)
    root = task.noise / np.sqrt(M)
    mean = Filters(counts / M[..., None] + root[..., None] * a, root * r, np.zeros((len(n), layout.filters)))
    first = mean.normalised()
    if fresh:
        second = _fresh_step(layout, task, n, first, threshold, small, placing, large)
    elif gated:
        assert places is not None
        inner = (first.along * a).sum(axis=-1) + first.beside * r  # <g, u>
        draws = layout.of_samples(n, places)
        sums = gated_sums(draws, first.along, inner / np.sqrt(M), task.noise, threshold, _seed(large))
        left = np.sqrt(sums.number * np.maximum(1 - sums.number / M, 0.0))
        fitted = Fitted(sums.number / np.sqrt(M), a, r, inner)
        second = _gated_step(layout, task.noise, first, sums, left, small, fitted)
    else:
        second = mean
    if np.isfinite(rate):
        scale = max(rate, 1.0)  # only the direction counts, and a large rate must not overflow
        step = np.full_like(M, rate / scale) if second is mean else rate / scale / M
        steps = (step[..., None], step, step)
        second = Filters(*(u / scale + move * g for u, move, g in zip(first, steps, second, strict=True)))
    found = second.normalised()
    stays = (found.along == 0).all(axis=-1) & (found.beside == 0) & (found.beyond == 0)  # no gradient
    return first.along, np.where(stays[..., None], first.along, found.along)


def _gated_step(
    layout: Layout,
    noise: Real,
    first: Filters,
    sums: Gated,
    left: Float[np.ndarray, "points filters"],
    rng: np.random.Generator,
    fitted: Fitted | None,
) -> Filters:
    """The gated sum: signals, the noise along u, and what is drawn orthogonally to it, of size `left` a direction."""
    h = rng.normal(size=(layout.filters, layout.signals))
    beside = rng.normal(size=layout.filters) if layout.dim > layout.signals else np.zeros(layout.filters)
    beyond = _chi(rng, layout.dim - layout.signals - 1, layout.filters)
    inner = (first.along * h).sum(axis=-1) + first.beside * beside
    along = sums.noise[..., None] * first.along + left[..., None] * (h - inner[..., None] * first.along)
    side = sums.noise * first.beside + left * (beside - inner * first.beside)
    if fitted is not None:
        along = along + fitted.share[..., None] * (fitted.along - fitted.inner[..., None] * first.along)
        side = side + fitted.share * (fitted.beside - fitted.inner * first.beside)
    return Filters(sums.signal + noise * along, noise * side, noise * left * beyond)


def _fresh_step(
    layout: Layout,
    task: SignalTask,
    n: Int[np.ndarray, " points"],
    first: Filters,
    threshold: Real,
    small: np.random.Generator,
    placing: np.random.Generator,
    large: np.random.Generator,
) -> Filters:
    if threshold > 0:
        places = task.places_of(placing, int(n[-1]))
        sums = gated_sums(layout.of_samples(n, places), first.along, None, task.noise, threshold, _seed(large))
    else:
        M = layout.draws(n)[:, None]
        signal = layout.signals_in(task.counts(placing, n)).astype(np.float64)
        count = np.broadcast_to(M, (len(n), layout.filters))
        sums = Gated(count, signal, np.sqrt(count) * small.normal(size=layout.filters))
    return _gated_step(layout, task.noise, first, sums, np.sqrt(sums.number), small, None)


def _counts(
    task: SignalTask, n: Int[np.ndarray, " points"], rng: np.random.Generator, places: Int[np.ndarray, " samples"] | None
) -> Int[np.ndarray, "points patches"]:
    """How often each patch carries the signal, of places that are drawn or to be drawn."""
    if places is None:
        return task.counts(rng, n)
    parts = np.split(places, n[:-1])
    return np.cumsum([np.bincount(part, minlength=task.patches) for part in parts], axis=0)


def _chi(rng: np.random.Generator, degrees: int, count: int) -> Float[np.ndarray, " count"]:
    """The length of a standard normal vector in so many dimensions."""
    return np.sqrt(rng.chisquare(degrees, size=count)) if degrees > 0 else np.zeros(count)


def _seed(rng: np.random.Generator) -> np.random.SeedSequence:
    return np.random.SeedSequence(rng.integers(2**63, size=4).tolist())
