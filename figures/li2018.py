"""Figures for Li et al. (2018)."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from ntkit.claims import Bounds, Estimates, Record, Sides
from ntkit.claims.figures import AMBER, BLUE, DASHES, GREEN, GUIDE, ORANGE, PINK, head

GRID = np.linspace(-1, 1, 21)
PANELS = (
    ("units of a ReLU network", None, 0, BLUE),
    ("layers of a ReLU network", "repaired", 0, GREEN),
    ("filters before batch norm", "repaired", 1, GREEN),
)


def filter_norm_invariance(record: Record) -> Figure:
    """The loss along one direction before and after three rescalings, with and without normalised filters."""
    figure = Figure(figsize=(7.2, 2.9))
    for place, (title, control, case, colour) in enumerate(PANELS, 1):
        axes = figure.add_subplot(1, 3, place, yscale="log", xlabel="multiple of the direction", title=title)
        curves = [(control, colour, "normalised filters")]
        if control is not None:
            curves.append(("unnormalised", ORANGE, "Gaussian (control)"))
        for name, shade, label in curves:
            found = record.measurement(name)
            if isinstance(found, Sides):
                axes.plot(GRID, np.asarray(found.lhs)[case], "-", color=shade, label=label)
                axes.plot(GRID, np.asarray(found.rhs)[case], "o", color=shade, markersize=3, markerfacecolor="none")
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** 0.25)  # room for the legend
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.legend(loc="upper center", fontsize="small")
        if place == 1:
            axes.set_ylabel("loss: lines before, circles after")
    head(figure, record)
    return figure


def slice_curvature_mean(record: Record) -> Figure:
    """Mean curvatures over what is predicted; and the curvatures of slices between the ends of the spectrum."""
    figure = Figure(figsize=(7.2, 2.9))
    means = figure.add_subplot(1, 2, 1, ylabel="mean curvature / predicted")
    rows = (
        ("gaussian", None, "Gaussian", BLUE),
        ("filtered", None, "filters\nnormalised", BLUE),
        ("filtered", "norms-forgotten", "norms\nforgotten", ORANGE),
        ("filtered", "blocks-ignored", "blocks\nignored", PINK),
    )
    for place, (part, control, _, colour) in enumerate(rows):
        found = record.part(part, control)
        if isinstance(found, Estimates):
            mean, stderr, predicted = (np.atleast_1d(numbers) for numbers in (found.mean, found.stderr, found.predicted))
            means.errorbar(np.full(len(mean), place), mean / predicted, 1.96 * stderr / predicted, fmt="o", color=colour)
    means.axhline(1, linestyle=DASHES, color=GUIDE, zorder=0)
    means.set_xticks(range(len(rows)), [label for _, _, label, _ in rows], fontsize="small")
    means.set_xlim(-0.5, len(rows) - 0.5)
    means.set_ylim(0, 1.15)
    slices = figure.add_subplot(1, 2, 2, xlabel="curvatures of slices", xscale="symlog", yscale="log")
    for control, label, colour in ((None, "orthonormal axes", BLUE), ("not-normalised", "Gaussian axes (control)", AMBER)):
        found = record.part("interlacing", control)
        if isinstance(found, Bounds):
            values = np.sort(np.asarray(found.value)[0].ravel())
            slices.plot(values, 1 - np.arange(len(values)) / len(values), color=colour, label=label)
            for end in (found.lower, found.upper) if control is None else ():
                slices.axvline(float(np.asarray(end, float).flat[0]), linestyle=DASHES, linewidth=1, color=GUIDE, zorder=0)
    slices.set_ylabel("share of curvatures above")
    slices.legend(loc="center", title="dashed: ends of the spectrum", fontsize="small", title_fontsize="small")
    head(figure, record)
    return figure
