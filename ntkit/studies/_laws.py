"""A power law, or that there is none, in words, in a record, and in a picture."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ntkit.spectra import PowerLaw


Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

GROUP = 1.15
TOO_NOISY = "too noisy"  # a verdict of `if_certain`
WIDEST = 0.3  # half width of an interval over the exponent, from which on pilots took other laws for power laws


def if_certain(law: PowerLaw) -> PowerLaw:
    """The law, with the verdict `TOO_NOISY` and no exponent if its interval is so wide that it may as well be another."""
    low, high = law.interval
    if law.verdict == "power law" and (high - low) / 2 > WIDEST * abs(law.exponent):
        return replace(law, verdict=TOO_NOISY, exponent=math.nan)
    return law


def grouped(values: Floats, first: int = 1) -> tuple[Floats, Floats]:
    """Means over neighbours of the values of k = 1, 2, ... from the first on, for what scatters about a law; without zeros.

    Returns:
        The k of the groups (geometric means), whose ends are a factor `GROUP` apart or one, and the means.

    Example:
        >>> k, mean = grouped(1 / np.arange(1.0, 9))
        >>> k.round(2).tolist(), mean.round(2).tolist()
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.48], [1.0, 0.5, 0.33, 0.25, 0.2, 0.17, 0.13])
    """
    edges = [first]
    while edges[-1] <= len(values):
        edges.append(max(edges[-1] + 1, math.ceil(GROUP * edges[-1])))
    parts = [np.arange(a, b) for a, b in pairwise(edges) if b <= len(values) + 1]
    means = np.array([values[part - 1].mean() for part in parts])
    numbers = np.array([np.exp(np.log(part).mean()) for part in parts])
    return numbers[means > 1e-15], means[means > 1e-15]


def law_words(law: PowerLaw, what: str) -> str:
    """What a fit found, in a sentence; `what` falls, as in "eigenvalue k"."""
    if law.verdict == "too short":
        return "no exponent: too few numbers, it takes 12 or more, from k to 8 k or beyond"
    window = f"k = {law.window[0]:.0f} to {law.window[1]:.0f}"
    if law.verdict == "power law":
        low, high = law.interval
        return f"{what} ~ (k {law.shift:+.2g})^-{law.exponent:.3g}, 95 % interval {low:.3g} to {high:.3g}, from {window}"
    if law.verdict == TOO_NOISY:
        low, high = law.interval
        return f"no exponent: too noisy on {window}, where it would be {law.slope:.3g}, 95 % interval {low:.3g} to {high:.3g}"
    off = {name: f"{math.exp(error):.3g}" for name, error in law.errors.items()}  # rms in the logarithm
    if law.verdict == "none":
        return (
            f"no power law here: on {window} the exponent changes by {law.drift:.2g} with the window, "
            f"and the beginning predicts the end up to a factor of {off['power law']}"
        )
    rival = f"{'an' if law.verdict == 'exponential' else 'a'} {law.verdict} law"
    return (
        f"no power law here: on {window} {rival} predicts the end from the beginning better, "
        f"up to a factor of {off[law.verdict]} (a power law: {off['power law']})"
    )


def law_facts(law: PowerLaw) -> dict[str, Any]:
    """The same for a record: nan becomes None."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return None if any(math.isnan(x) for x in value) else list(value)
        return None if isinstance(value, float) and math.isnan(value) else value

    return {name: plain(value) for name, value in asdict(law).items()}


def law_title(law: PowerLaw, what: str) -> str:
    """A few words for the title of a panel."""
    if law.verdict == "power law":
        return f"{what}: exponent {law.exponent:.3g} [{law.interval[0]:.3g}, {law.interval[1]:.3g}]"
    return f"{what}: {dict.fromkeys(('too short', TOO_NOISY), 'no exponent').get(law.verdict, 'no power law')}"


def law_line(axes: Axes, law: PowerLaw, k: np.ndarray[Any, np.dtype[Any]], values: Floats) -> None:
    """The fitted law on its window, a little above the values, so that their slopes can be compared."""
    if law.verdict != "power law":
        return
    inside = (k >= law.window[0]) & (k <= law.window[1])
    x = k[inside] + law.shift
    line = x**-law.exponent
    line *= 1.6 * math.exp(float(np.mean(np.log(values[inside] / line))))
    axes.plot(k[inside], line, color="black", linestyle=(0, (4, 2)), label=f"exponent {law.exponent:.3g}")
