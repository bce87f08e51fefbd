"""Figures for Simon, Karkada, Ghosh, Belkin (2023)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GUIDE, ORANGE, head

SHARES = (0.25, 0.5, 0.75, 1, 2, 4)  # features over samples
RIDGES = {"0.03": (ORANGE, "^"), "1": (BLUE, "o")}
LEVELS = (0, 0.5, 0.9, 1.1, 2, 4)  # of noise


def eigenframework_matches_simulation(record: Record) -> Figure:
    """Test and training errors over the number of features: lines are predicted, markers simulated with two standard errors.

    At the small ridge the test error peaks where there are about as many features as samples. Dashed: kernel regression.
    """
    figure, panels = _panels(record)
    kernel = record.part("test", control="kernel")
    for axes, name, title in zip(panels, ("test", "train"), ("test error", "training error"), strict=True):
        axes.set(xscale="log", yscale="log", xlabel="features over samples $k / n$")
        axes.set_xticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
        axes.set_title(title)
        estimates = record.part(name)
        if not isinstance(estimates, Estimates):
            continue
        mean, stderr, predicted = (np.asarray(a) for a in (estimates.mean, estimates.stderr, estimates.predicted))
        for ridge, (label, (colour, marker)) in enumerate(RIDGES.items()):
            axes.plot(SHARES, predicted[:, ridge], color=colour, linewidth=1)
            axes.errorbar(
                SHARES, mean[:, ridge], 2 * stderr[:, ridge], fmt=marker, color=colour, markersize=3.5, markerfacecolor="white"
            )
            axes.plot([], [], color=colour, marker=marker, markersize=3.5, markerfacecolor="white", label=f"ridge {label}")
            if isinstance(kernel, Estimates) and name == "test":
                axes.plot(SHARES, np.asarray(kernel.predicted)[:, ridge], color=colour, linestyle=DASHES, linewidth=0.9)
    panels[0].set_ylim(0.4, 1.0)
    panels[0].set_yticks([0.4, 0.5, 0.6, 0.8, 1.0], ["0.4", "0.5", "0.6", "0.8", "1"])
    panels[1].set_ylim(0.01, 0.6)
    panels[1].set_yticks([0.01, 0.03, 0.1, 0.3], ["0.01", "0.03", "0.1", "0.3"])
    for axes in panels:
        axes.minorticks_off()
    if kernel is not None:
        verdict = record.verdict["controls"]["kernel"]["verdict"]
        panels[0].plot([], [], color=GUIDE, linestyle=DASHES, linewidth=0.9, label=f"$k = \\infty$ (control, {verdict})")
    panels[0].legend(loc="upper right")
    panels[1].legend(loc="lower left")
    return figure


def monotone_at_optimal_ridge(record: Record) -> Figure:
    """Test error of one spectrum over samples and features: at the best ridge it falls to the right and upwards.

    Colours are the error over the least of the map, on a logarithmic scale. A dot marks an error above that of the
    neighbour with fewer samples or features.
    """
    figure, panels = _panels(record)
    for axes in panels:
        axes.grid(visible=False)
    best = _grids(record, None)
    fixed = _grids(record, "fixed-ridge")
    panels[0].set_ylabel("features $k$")
    if best is None:
        return figure
    _map(figure, panels[0], best, "best ridge", [1, 1.5, 2, 3, 5, 10])
    if fixed is not None:
        verdict = record.verdict["controls"]["fixed-ridge"]["verdict"]
        _map(figure, panels[1], fixed, f"a fixed small ridge (control, {verdict})", [1, 10, 100, 1000])
    return figure


def powerlaw_overfitting_obligatory(record: Record) -> Figure:
    """Left: how much the best ridge leaves unfitted over the noise; up to 1 nothing, if beta > alpha. Right: against theory."""
    figure, (left, right) = _panels(record)
    claim = record.part("ratio")
    left.set_title("$\\sqrt{R}$ at the best ridge")
    left.set_xlabel("noise $\\sigma_{\\mathrm{rel}}^2$ over $|\\beta - \\alpha| / (\\alpha (\\alpha - 1))$")
    right.set_title("$\\sqrt{R}$ of all")
    right.set(xlabel="predicted", ylabel="measured")
    wrong = record.part("ratio", control="truncated")
    if isinstance(wrong, Sides):
        right.plot(np.ravel(wrong.rhs), np.ravel(wrong.lhs), "^", color=ORANGE, markersize=3.5, markerfacecolor="none")
        verdict = record.verdict["controls"]["truncated"]["verdict"]
        right.text(0.04, 0.87, f"truncated\n(control, {verdict})", color=ORANGE, va="top", transform=right.transAxes)
    if isinstance(claim, Sides):
        measured, predicted = np.asarray(claim.lhs), np.asarray(claim.rhs)
        top = predicted.max()
        left.plot([1, 1], [0, top], color="black", linestyle=DASHES, linewidth=0.9)
        for start, colour, marker, name in ((0, BLUE, "o", "$\\beta > \\alpha$"), (1, ORANGE, "s", "$\\beta < \\alpha$")):
            left.plot(LEVELS, predicted[start::2].T, color=colour, linewidth=0.8, alpha=0.6)
            left.plot(LEVELS, measured[start::2].T, marker, color=colour, markersize=3.2, markerfacecolor="none")
            left.plot([], [], color=colour, marker=marker, linewidth=0.8, markersize=3.2, markerfacecolor="none", label=name)
        left.set_ylim(-0.05 * top, 1.3 * top)
        left.legend(loc="upper left", ncols=2)
        right.plot([0, top], [0, top], color="black", linestyle=DASHES, linewidth=0.9)
        right.plot(predicted.ravel(), measured.ravel(), "o", color=BLUE, markersize=3, markerfacecolor="none")
        right.text(0.04, 0.92, "with closed-form tail", color=BLUE, transform=right.transAxes)
    return figure


def _panels(record: Record) -> tuple[Figure, tuple[Axes, Axes]]:
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    head(figure, record)
    return figure, (left, right)


def _grids(record: Record, control: str | None) -> np.ndarray | None:
    """Errors of the first spectrum, shape (n, k), put together from all but the first n and the first one."""
    bounds = record.part("samples", control)
    if not isinstance(bounds, Bounds):
        return None
    return np.concatenate([np.asarray(bounds.upper)[0, :1], np.asarray(bounds.value)[0]])


def _map(figure: Figure, axes: Axes, grid: np.ndarray, title: str, ticks: list[float]) -> None:
    axes.set_title(title)
    axes.set_xlabel("samples $n$")
    shares = grid.T / grid.min()
    colours = axes.pcolormesh(range(grid.shape[0]), range(grid.shape[1]), shares, norm=LogNorm(1, shares.max()), cmap="viridis")
    shown = [tick for tick in ticks if tick <= shares.max()]
    bar = figure.colorbar(colours, ax=axes, pad=0.02, ticks=shown)
    bar.ax.set_yticklabels([f"{tick:g}" for tick in shown])
    bar.ax.minorticks_off()
    bar.set_label("error over the least of the map")
    rises = np.zeros(grid.shape, bool)
    rises[1:] |= grid[1:] > grid[:-1] * (1 + 1e-8)
    rises[:, 1:] |= grid[:, 1:] > grid[:, :-1] * (1 + 1e-8)
    axes.plot(*np.nonzero(rises), "o", color="white", markersize=4, markeredgecolor="black", markeredgewidth=0.6)
    counts = [str(4 * 2**j) for j in range(grid.shape[0])]
    axes.set_xticks(range(grid.shape[0]), counts)
    axes.set_yticks(range(grid.shape[1]), [*counts, "$\\infty$"])
