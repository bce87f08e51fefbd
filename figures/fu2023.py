"""Figures for Fu, Guo, Bai, Mei (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Crossings, Record
from ntkit.claims.figures import BLUE, DASHES, ORANGE, head


def permutation_kernel(record: Record) -> Figure:
    """Samples for a relative error of 1/2 over the number of keys: flat for the averaged kernel, N^2 for the vectorised one."""
    figure = Figure(figsize=(4.8, 3.4))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="keys $N$", ylabel="samples for a relative error of 1/2")
    variants = (
        ("vectorised", ORANGE, "^", 2, "kernel of concatenated keys: $N^2$"),
        ("averaged", BLUE, "o", 0, "kernel averaged over pairs of keys: $N^0$"),
    )
    for part, colour, marker, power, name in variants:
        evidence = record.part(part)
        if not isinstance(evidence, Crossings):
            continue
        numbers = np.asarray(evidence.x)
        place = _crossings(evidence)
        axes.plot(numbers, place, marker, color=colour, markersize=6)
        axes.plot(numbers, place[0] * numbers**power, color=colour, linestyle=DASHES, linewidth=0.9)
        parts = record.verdict.get("parts", {})
        slope = f", slope {parts[part]['statistic']:.2f}" if part in parts else ""
        axes.text(1.0, place[0] * (20 if power else 0.72), name + slope, color=colour, va="center")
        axes.set_xticks(numbers, [f"{number:g}" for number in numbers])
    axes.minorticks_off()
    axes.set_ylim(15, 3000)
    head(figure, record)
    return figure


def _crossings(evidence: Crossings) -> np.ndarray:
    """Where mean errors fall to the target, between grid points by straight lines in log n."""
    mean, grid = np.asarray(evidence.errors).mean(axis=0), np.log(np.asarray(evidence.grid))
    falling = np.minimum.accumulate(mean, axis=1)
    rows = [np.interp(-evidence.target, -row, at) for row, at in zip(falling, grid, strict=True)]
    return np.asarray(np.exp(rows))
