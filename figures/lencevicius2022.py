"""Figures for Lencevicius (2022)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Pairs, Record
from ntkit.claims.figures import BLUE, DASHES, GREY, ORANGE, PINK, head

BOX = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}


def k_minus_d_decay(record: Record) -> Figure:
    """Ratios of eigenvalues, NTK over Laplace, over the degree: each network goes back and forth between two limits.

    d = 3, c = 1; dashed lines are the limits for even and odd degrees. With a bias they coincide. The control, one hidden
    layer without biases, has no odd degrees: there the ratio is 0, and the two spaces differ.
    """
    figure = Figure(figsize=(2.95, 2.9))
    axes = figure.add_subplot()
    control = record.part("bounded", control="no-bias")
    if isinstance(control, Bounds):
        values = np.asarray(control.value)[0, 2, -1]
        axes.plot(10 + np.arange(values.size), values, ".-", color=PINK, linewidth=0.5, markersize=2, alpha=0.7)
        verdict = record.verdict["controls"]["no-bias"]["verdict"]
        axes.text(10, 0.15, f"no bias (control, {verdict})", color=PINK, va="center", bbox=BOX)
    evidence = record.part("bounded")
    if isinstance(evidence, Bounds):
        ratios, limits = np.asarray(evidence.value)[0, :, -1], np.asarray(evidence.lower)[0, :, -1] * 1.5
        k = 10 + np.arange(ratios.shape[-1])
        for values, ends, colour, name in zip(
            ratios, limits, (BLUE, ORANGE, GREY), ("2 hidden layers", "3 hidden layers", "1 layer, bias"), strict=True
        ):
            for end in ends[-2:]:
                axes.axhline(end, color="black", linestyle=DASHES, linewidth=0.7)
            axes.plot(k, values, ".-", color=colour, linewidth=0.6, markersize=3)
            place = (ends[-1] - 0.05, "top") if ends[-1] < 0.5 else (ends[-2:].max() + 0.06, "bottom")
            axes.text(k[-1], place[0], name, color=colour, ha="right", va=place[1], bbox=BOX)
    axes.set_ylim(0, 2.6)
    axes.set_xlabel("degree $k$")
    axes.set_ylabel(r"$\lambda_k^{\mathrm{NTK}}\;/\;\lambda_k^{\mathrm{Laplace}}$")
    axes.set_title("$d = 3$; dashed: limits, even and odd $k$")
    head(figure, record)
    axes.grid(visible=False)
    return figure


def posterior_closeness(record: Record) -> Figure:
    """How far posterior means lie from that of the NTK, over the number of points; Laplace is below at every one.

    Faint points are draws of the data, markers their geometric means.
    """
    figure = Figure(figsize=(2.95, 2.9))
    axes = figure.add_subplot(xscale="log", yscale="log")
    matern = record.measurement("matern")
    if isinstance(matern, Pairs):
        verdict = record.verdict["controls"]["matern"]["verdict"]
        _curve(axes, matern.first, PINK, "s", f"Matérn 3/2\n(control, {verdict})", at=0)
    pairs = record.measurement()
    if isinstance(pairs, Pairs):
        _curve(axes, pairs.first, ORANGE, "^", "Gaussian", at=1)
        sizes = _curve(axes, pairs.second, BLUE, "o", "Laplace", at=None)
        axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
    ticks = [0.02, 0.05, 0.1, 0.2]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("training points $n$")
    axes.set_ylabel("rmse to the posterior mean of the NTK")
    head(figure, record)
    return figure


def _curve(axes: Axes, logarithms: object, colour: str, marker: str, name: str, *, at: int | None) -> list[int]:
    """Draw one kernel's differences, and return the numbers of points; its name stands above a marker, or below the first."""
    single = np.exp(np.asarray(logarithms, dtype=np.float64))
    sizes = [75 * 2**i for i in range(single.shape[1])]
    mean = np.exp(np.log(single).mean(0))
    axes.plot(sizes, mean, color=colour, marker=marker, linewidth=1, zorder=3)
    axes.plot(np.multiply(sizes, 1.05), single.T, ".", color=colour, alpha=0.4, markersize=3, markeredgewidth=0)
    if at is None:
        axes.text(sizes[0], mean[0] * 0.72, name, color=colour, va="top")
    else:
        axes.text(sizes[at] * 1.12, mean[at] * 1.06, name, color=colour, va="bottom")
    return sizes
