"""Figures for Lukoianov, Yuan, Solomon, Sitzmann (2025)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit import data
from ntkit.claims import Counts, Estimates, Record, Series
from ntkit.claims.figures import BLUE, DASHES, ORANGE, PINK, head

NOISE = 0.4
LEVELS = (0.1, 0.4, 1.6)
PIXEL = 8 * 4 + 3  # the output whose row is shown


def linear_denoiser_is_wiener(record: Record) -> Figure:
    """Left: distance of least squares from the closed form over n. Right: shrinkage factors over the variances."""
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    left.set(xscale="log", yscale="log", xlabel="noisy images $n$", ylabel="relative distance")
    left.set_title("least squares against the closed form")
    left.grid(True)
    for control, colour, marker, name in ((None, BLUE, "o", "Wiener"), ("hard-threshold", ORANGE, "^", "hard threshold")):
        distance = record.part("distance", control)
        if isinstance(distance, Series):
            x, curve = np.asarray(distance.x), np.exp(np.log(np.asarray(distance.y)).mean(axis=0))
            left.plot(x, curve, marker, color=colour, markerfacecolor="white")
            if control is None:
                left.plot(x, curve[0] * (x / x[0]) ** -0.5, color="black", linestyle=DASHES, linewidth=0.9)
                left.text(x[-1], curve[0] * (x[-1] / x[0]) ** -0.5 * 1.2, "$n^{-1/2}$", ha="right", va="bottom")
            text = name if control is None else f"{name}\n(control, {_verdict(record, control)})"
            left.text(x[0] * 1.08, curve[0] * (0.72 if control is None else 0.9), text, color=colour, va="top")
    right.set(xscale="log", xlabel=r"variance $\lambda$ of the component", ylabel="shrinkage factor")
    right.set_title(r"factors at $\sigma = 0.4$, largest $n$")
    right.grid(True)
    factors = record.part("factors")
    if isinstance(factors, Estimates):
        shares = np.asarray(factors.predicted)
        variances = NOISE**2 * shares / (1 - shares)
        shown = variances > 1e-6  # three pixels are always 0
        grid = np.geomspace(variances[shown].min(), variances.max(), 200)
        right.plot(grid, grid / (grid + NOISE**2), color=BLUE, linewidth=0.9)
        right.plot(grid, grid > NOISE**2, color=ORANGE, linestyle=DASHES, linewidth=0.9)
        right.plot(variances[shown], np.asarray(factors.mean)[shown], "o", color=BLUE, markersize=3, markerfacecolor="white")
        right.text(0.05, 0.5, r"$\lambda / (\lambda + \sigma^2)$", color=BLUE, transform=right.transAxes)
        right.text(0.05, 0.4, "hard threshold", color=ORANGE, transform=right.transAxes)
    head(figure, record)
    return figure


def locality_from_covariance(record: Record) -> Figure:
    """What one pixel's output sees of the noisy image, of digits and with pixels permuted; radii for spectra 1/f^a.

    The pictures are rows of the best linear denoiser without their centre, put back in place after the permutation.
    """
    figure = Figure(figsize=(5.9, 2.9))
    places, radii = np.asarray(figure.subfigures(1, 2, width_ratios=(1.25, 1)))
    images = data.digits().images.reshape(-1, 64)
    orders = {"digits": np.arange(64), "permuted": np.random.default_rng(0).permutation(64)}
    panels = places.subplots(2, 3, gridspec_kw={"wspace": 0.05, "hspace": 0.05})
    for row, (name, order) in enumerate(orders.items()):
        covariance = np.cov(images[:, order].T)
        for axes, level in zip(panels[row], LEVELS, strict=True):
            seen = np.linalg.solve(covariance + level**2 * np.eye(64), covariance)[PIXEL].reshape(8, 8)
            seen[PIXEL // 8, PIXEL % 8] = 0
            top = np.abs(seen).max()
            axes.imshow(seen, cmap="RdBu_r", vmin=-top, vmax=top)
            axes.plot(PIXEL % 8, PIXEL // 8, "o", color="black", markersize=2.5)
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0:
                axes.set_title(rf"$\sigma = {level:g}$")
        panels[row, 0].set_ylabel(name)
    lines = []
    for part, name in (("pixels", "permuted pixels"), ("correlations", "permuted correlations")):
        counts = record.part(part)
        if isinstance(counts, Counts):
            lines.append(f"as local: {np.sum(counts.successes)} of {np.sum(counts.trials)} {name}")
    places.supxlabel("\n".join(lines), fontsize=7.5)
    _radii(radii.subplots(), record)
    head(figure, record)
    return figure


def _radii(axes: Axes, record: Record) -> None:
    axes.set(xscale="log", yscale="log", xlabel=r"noise $\sigma$", ylabel="radius in places")
    axes.set_title("periodic spectra $1/f^a$ in 1D")
    axes.grid(True)
    for part, colour, marker, a in (("pink", PINK, "s", 1), ("brown", BLUE, "o", 2)):
        series = record.part(part)
        if isinstance(series, Series):
            x, y = np.asarray(series.x), np.asarray(series.y)[0]
            axes.plot(x, y[-1] * (x / x[-1]) ** series.expected, color="black", linestyle=DASHES, linewidth=0.9)
            axes.plot(x, y, marker, color=colour, markerfacecolor="white")
            axes.text(x[2] * 1.25, y[2], rf"$a = {a}$: $\sigma^{{{2 // a}}}$", color=colour, va="center")


def _verdict(record: Record, control: str) -> str:
    return str(record.verdict["controls"][control]["verdict"])
