"""Sums over what a gate lets through, of data of which only one projection is drawn."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

_CHUNK = 2**20  # numbers drawn at a time
_SLACK = 9.0  # standard errors by which a mean of draws may be off before they are drawn again: 1 in 10^18


class Draws(NamedTuple):
    """What is projected: n samples with some draws each, every draw belonging to one filter.

    Attributes:
        n: numbers of samples at which sums are asked for, rising.
        filter_of: the filter that each of a sample's draws belongs to.
        signal_of: for each of the last n's samples: which of its draws carries a signal, and which signal that is.
        filters, signals: how many there are.
    """

    n: Int[np.ndarray, " points"]
    filter_of: Int[np.ndarray, " draws"]
    signal_of: tuple[Int[np.ndarray, " samples"], Int[np.ndarray, " samples"]]
    filters: int
    signals: int


class Gated(NamedTuple):
    """Sums over the gated draws of the first n samples.

    Attributes:
        number: how many there are.
        signal: how many of them carry each signal.
        noise: the sum of their noise along the filter.
    """

    number: Float[np.ndarray, "points filters"]
    signal: Float[np.ndarray, "points filters signals"]
    noise: Float[np.ndarray, "points filters"]


def gated_sums(
    draws: Draws,
    overlap: Float[np.ndarray, "points filters signals"],
    mean: Float[np.ndarray, "points filters"] | None,
    noise: float,
    threshold: float,
    seed: np.random.SeedSequence,
) -> Gated:
    """Draw standard normal noise z for every draw, and sum over those with |noise z + overlap of the signal| > threshold.

    Args:
        draws: what belongs to what.
        overlap: of each filter with each signal.
        mean: what the noise of a filter's draws has as its mean, which is known already; None if it is not.
        noise: sigma, at least 0.
        threshold: positive.
        seed: of the noise; that of a smaller n is the beginning of that of a larger one.

    Only few draws pass, and whether one can pass is seen before the means are known, up to their sampling error; so one
    pass through the noise serves all n. A mean farther off than _SLACK standard errors is noticed, and the pass is repeated.
    """
    slack = _SLACK
    while True:
        found = _pass(draws, overlap, mean, noise, threshold, np.random.default_rng(seed), slack)
        if found is not None:
            return found
        slack *= 2


def _pass(
    draws: Draws,
    overlap: Float[np.ndarray, "points filters signals"],
    mean: Float[np.ndarray, "points filters"] | None,
    noise: float,
    threshold: float,
    rng: np.random.Generator,
    slack: float,
) -> Gated | None:
    points, filters = len(draws.n), draws.filters
    per_filter = np.bincount(draws.filter_of, minlength=filters)
    sizes = draws.n[:, None] * per_filter  # draws of each filter
    # |z| above which a draw without a signal may pass at this n or at a later one.
    least = np.full(points, threshold / noise if noise else np.inf)
    if mean is not None:
        least -= (np.abs(mean) + slack / np.sqrt(sizes)).max(axis=1)
    least = np.minimum.accumulate(least[::-1])[::-1]
    sums, totals, kept = np.zeros(filters), np.zeros((points, filters)), []
    for point, rows in _blocks(draws):
        z = rng.normal(size=(rows.stop - rows.start, len(draws.filter_of)))
        sums += np.bincount(draws.filter_of, z.sum(axis=0), minlength=filters)
        totals[point:] = sums
        place, which = (part[rows] for part in draws.signal_of)
        candidates = np.abs(z) > least[point]
        candidates[np.arange(len(z)), place] = True
        row, column = np.divmod(np.flatnonzero(candidates), z.shape[1])
        signal = np.where(column == place[row], which[row], -1)
        kept.append((row + rows.start, draws.filter_of[column], signal, z[row, column]))
    row, where, signal, z = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    shift = np.zeros((points, filters)) if mean is None else mean - totals / sizes
    if mean is not None and (np.abs(totals) > slack * np.sqrt(sizes)).any():
        return None
    count, noise_sum = np.zeros((points, filters)), np.zeros((points, filters))
    signals = np.zeros((points, filters * draws.signals))
    for point, size in enumerate(draws.n):
        end = int(np.searchsorted(row, size))
        at, what, along = where[:end], signal[:end], z[:end] + shift[point, where[:end]]
        height = noise * along + np.where(what >= 0, overlap[point, at, what], 0.0)
        passed = np.abs(height) > threshold
        count[point] = np.bincount(at[passed], minlength=filters)
        noise_sum[point] = np.bincount(at[passed], along[passed], minlength=filters)
        carrying = passed & (what >= 0)
        signals[point] = np.bincount(at[carrying] * draws.signals + what[carrying], minlength=signals.shape[1])
    return Gated(count, signals.reshape(points, filters, draws.signals), noise_sum)


def _blocks(draws: Draws) -> Iterator[tuple[int, slice]]:
    """Rows in portions that stay small, each within the samples that one n adds."""
    rows = max(_CHUNK // len(draws.filter_of), 1)
    begin = 0
    for point, end in enumerate(draws.n.tolist()):
        while begin < end:
            stop = min(begin + rows, end)
            yield point, slice(begin, stop)
            begin = stop
