"""Sums over what a gate lets through, of data of which only one projection is drawn."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ntkit.separation._checks import Real

_CHUNK = 2**17  # numbers looked at at a time
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
    noise: Real,
    threshold: Real,
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
    noise: Real,
    threshold: Real,
    rng: np.random.Generator,
    slack: Real,
) -> Gated | None:
    points, filters = len(draws.n), draws.filters
    sizes = draws.n[:, None] * np.bincount(draws.filter_of, minlength=filters)  # draws of each filter
    spread = np.zeros(sizes.shape) if mean is None else slack / np.sqrt(sizes)  # how far the mean of the draws may be from 0
    center = np.zeros(sizes.shape) if mean is None else mean
    bar = threshold / noise if noise else np.inf
    # Above `high` or below `low`, a draw without a signal may pass at this n or at a later one.
    high = np.minimum.accumulate((bar - center - spread).min(axis=1)[::-1])[::-1]
    low = np.maximum.accumulate((spread - bar - center).max(axis=1)[::-1])[::-1]
    number, noise_sum, signals = (np.zeros((points, size)) for size in (filters, filters, filters * draws.signals))
    z, where, signal = np.empty(0), np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    sums = np.zeros(filters)
    for point, (begin, end) in enumerate(pairwise([0, *draws.n.tolist()])):
        stays = (z > high[point]) | (z < low[point]) | (signal >= 0)
        kept = [(z[stays], where[stays], signal[stays])]
        for rows in _portions(begin, end, len(draws.filter_of)):
            drawn = rng.standard_normal(size=(rows.stop - rows.start, len(draws.filter_of)))
            sums += np.bincount(draws.filter_of, drawn.sum(axis=0), minlength=filters)
            place, which = (part[rows] for part in draws.signal_of)
            candidates = (drawn > high[point]) | (drawn < low[point])
            candidates[np.arange(len(drawn)), place] = True
            row, column = np.divmod(np.flatnonzero(candidates), drawn.shape[1])
            carried = np.where(column == place[row], which[row], -1)
            kept.append((drawn[row, column], draws.filter_of[column].astype(np.int32), carried.astype(np.int32)))
        z, where, signal = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        if mean is not None and (np.abs(sums) > spread[point] * sizes[point]).any():
            return None
        shift = np.zeros(filters) if mean is None else center[point] - sums / sizes[point]
        for part in _portions(0, len(z), 1):
            at, what = where[part], signal[part]
            along = z[part] + shift[at]
            height = noise * along + np.where(what >= 0, overlap[point, at, what], 0.0)
            passed = np.abs(height) > threshold
            number[point] += np.bincount(at[passed], minlength=filters)
            noise_sum[point] += np.bincount(at[passed], along[passed], minlength=filters)
            carrying = passed & (what >= 0)
            signals[point] += np.bincount(at[carrying] * draws.signals + what[carrying], minlength=signals.shape[1])
    return Gated(number, signals.reshape(overlap.shape), noise_sum)


def _portions(begin: int, end: int, width: int) -> Iterator[slice]:
    """Rows of so many numbers, in portions that stay small."""
    rows = max(_CHUNK // width, 1)
    return (slice(start, min(start + rows, end)) for start in range(begin, end, rows))
