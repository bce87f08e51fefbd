"""Pictures of the spectrum of a kernel matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ntkit.studies._laws import law_line, law_title
from ntkit.studies._results import BLUE, ORANGE, dots, heading
from ntkit.studies._spectra import Spectrum, TargetPower

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ntkit.spectra import PowerLaw

PANEL = (2.95, 2.5)  # inches


def drawn_spectrum(title: str, found: Spectrum, law: PowerLaw, power: TargetPower | None) -> Figure:
    """Eigenvalues with what sampling does to them; the target's power on them; both added up."""
    from matplotlib.figure import Figure

    head = heading(title, 110 if power else 72)
    count = 3 if power else 2
    figure = Figure(figsize=(count * PANEL[0], PANEL[1] + 0.16 * (head.count("\n") + 1)))
    panels = figure.subplots(1, count)
    _eigenvalues(panels[0], found, law)
    if power is not None:
        _power(panels[1], power)
    _sums(panels[-1], found, power)
    figure.suptitle(head, x=0.01, ha="left", parse_math=False)
    return figure


def _eigenvalues(axes: Axes, found: Spectrum, law: PowerLaw) -> None:
    """Each eigenvalue; the mean of halves beside it shows which of them more inputs would move."""
    k, meant = np.arange(1, len(found.values) + 1), found.values > found.rounding
    more = "" if meant.all() else f" ({meant.sum()} above rounding)"
    dots(axes, k[meant], found.values[meant], f"of {found.count} inputs{more}")
    if len(found.bias):
        some, of_whole = k[: len(found.bias)], found.values[: len(found.bias)]
        mean, error = (1 + found.bias) * of_whole, 2 * found.scatter * of_whole
        axes.fill_between(some, np.maximum(mean - error, mean / 10), mean + error, color=ORANGE, alpha=0.25, linewidth=0)
        axes.plot(some, mean, color=ORANGE, linewidth=0.8, label="of halves of them")
    law_line(axes, law, k, found.values)
    axes.set_title(law_title(law, "eigenvalues"))
    axes.set(xlabel="number $k$ of the eigenvalue", ylabel="eigenvalue of the matrix / $n$")
    axes.legend(loc="lower left")


def _power(axes: Axes, power: TargetPower) -> None:
    """The target's power in each mode, and what is left beyond."""
    k, left = np.arange(1, len(power.shares) + 1), power.beyond[1:]
    seen = power.shares > 1e-3 * np.median(power.shares)
    dots(axes, k[seen], power.shares[seen], "in mode $k$ (circles: means)")
    axes.plot(power.k, power.mean, "o-", color=BLUE, markersize=3, markerfacecolor="white", linewidth=0.8)
    if power.interval is not None:
        half = power.interval[1, 1:] / np.maximum(left[: power.interval.shape[1] - 1], 1e-9) - 1  # as wide in the logarithm
        bottom, top = (left[: len(half)] * np.exp(sign * half) for sign in (-1, 1))
        axes.fill_between(k[: len(half)], bottom, top, color=ORANGE, alpha=0.25, linewidth=0)
    axes.plot(k[left > 1e-9], left[left > 1e-9], color=ORANGE, label="beyond mode $k$")
    law_line(axes, power.law, power.k, power.mean)
    low = max(float(power.shares[seen].min(initial=1)), 1e-8)
    axes.set_ylim(low * (low / 2) ** 0.25, 1.5)  # room for the legend
    axes.set_title(law_title(power.law, "target"))
    axes.set(xlabel="number $k$ of the mode", ylabel="share of the target's power")
    axes.legend(loc="lower left")


def _sums(axes: Axes, found: Spectrum, power: TargetPower | None) -> None:
    """Shares of trace and target in the first modes."""
    k = np.arange(1, len(found.values) + 1)
    axes.set_xscale("log")
    axes.grid(True)
    axes.plot(k, np.minimum(np.cumsum(found.shares), 1), color=BLUE, label="of the trace")
    if power is not None:
        axes.plot(k, 1 - power.beyond[1:], color=ORANGE, label="of the target")
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 0.9, 1], ["0", "25 %", "50 %", "75 %", "90 %", "100 %"])
    axes.minorticks_off()
    axes.set_title("what the first $k$ modes hold")
    axes.set_xlabel("number $k$ of modes")
    axes.legend(loc="lower right")
