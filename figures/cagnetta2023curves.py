"""Figures for Cagnetta, Favero, Wyart (2023), second part: learning curves."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from ntkit.claims import Estimates, Record
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, head

PURPLE = "#8A4F9E"
PANELS = (  # title, part, its cases, their targets
    ("2 patches, depth 2", "two", (0, 1), ("on 1 patch", "on both")),
    ("4 patches, depth 3", "four", (0, 1, 2), ("on 1 patch", "on a pair", "on all 4")),
    ("4 patches, depth 1", "shallow", (0, 1), ("on 1 patch", "on all 4")),
)


def learning_curve_spatial_scale(record: Record) -> Figure:
    """Test errors over n, one curve for each target. Markers: measured; lines: eigenframework; dashes: the limiting exponent.

    A deep student learns a local target faster than one on all patches, whatever the size of its inputs; a shallow one
    learns the local target fastest, and the other never.
    """
    figure = Figure(figsize=(7.6, 3.2))
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (title, name, cases, targets) in zip(panels, PANELS, strict=True):
        axes.set(xscale="log", yscale="log", xlabel="samples $n$", title=f"student: {title}")
        curves, slopes = record.part(name), record.part(f"{name}_slopes")
        if not isinstance(curves, Estimates) or not isinstance(slopes, Estimates):
            continue
        mean, stderr, predicted = (np.asarray(a) for a in (curves.mean, curves.stderr, curves.predicted))
        n = 64 * 2.0 ** np.arange(mean.shape[1])
        for case, target, colour in zip(
            cases, targets, (BLUE, PURPLE, GREEN) if len(cases) == 3 else (BLUE, GREEN), strict=True
        ):
            limit, fitted = np.asarray(slopes.predicted)[case], np.asarray(slopes.mean)[case]
            axes.plot(n, predicted[case], color=colour, linewidth=0.9)
            axes.errorbar(n, mean[case], 2 * stderr[case], fmt="o", color=colour, markersize=3.5, markerfacecolor="white")
            guide = n[[-4, -1]]
            axes.plot(guide, 0.8 * mean[case, -4] * (guide / guide[0]) ** -limit, color=colour, linestyle=DASHES, linewidth=0.9)
            _name(axes, n, mean[case], f"target {target}\n$\\beta = {abs(fitted):.2f}$ ({limit:.3g})", colour)
        if name == "two":
            _control(axes, record, n)
        _ticks(axes, n)
    panels[0].set_ylabel("test error / target variance")
    panels[0].set_ylim(5e-4, 1.2)
    panels[1].plot([], [], "o", color=GREY, markersize=3.5, markerfacecolor="white", label="measured")
    panels[1].plot([], [], color=GREY, linewidth=0.9, label="eigenframework")
    panels[1].plot([], [], color=GREY, linestyle=DASHES, linewidth=0.9, label="limit (in brackets)")
    panels[1].legend(loc="lower left")
    head(figure, record)
    return figure


def deep_teacher_cursed(record: Record) -> Figure:
    """Exponents over the dimension of the inputs: where the teacher is as deep as the student they fall as 1 / d_eff.

    Markers: measured; the line: the limit 1 / d_eff; crosses: the eigenframework at these n. Controls: local teachers.
    """
    figure = Figure(figsize=(5.9, 3.0))
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", xlabel="dimension of the inputs $d$", ylabel="exponent $\\beta$ of the test error")
    d, limits = np.array([2.0, 4.0, 8.0]), np.array([1.0, 0.5, 0.25])
    axes.plot(d, limits, color="black", linestyle=DASHES, linewidth=0.9)
    axes.text(d[-1] * 1.05, limits[-1], "$1 / d_{\\mathrm{eff}} = 2 / d$,\nthe limit", va="center")
    for control, colour, marker, label in (
        ("one-patch", ORANGE, "^", "teacher on 1 patch"),
        ("half", GREY, "s", "teacher on half"),
        (None, BLUE, "o", "teacher on all patches"),
    ):
        slopes = record.part("slopes", control)
        if not isinstance(slopes, Estimates):
            continue
        mean, stderr = np.asarray(slopes.mean), np.asarray(slopes.stderr)
        axes.errorbar(d, mean, 2 * stderr, fmt=f"{marker}-", color=colour, markersize=4, markerfacecolor="white", linewidth=0.9)
        said = f"\n(control, {record.verdict['controls'][control]['verdict']})" if control else ""
        axes.text(d[-1] * 1.05, mean[-1], f"{label}, {mean[-1]:.2f}{said}", color=colour, va="center")
    finite = record.part("finite")
    if isinstance(finite, Estimates):
        axes.plot(
            d,
            np.asarray(finite.predicted),
            "x",
            color="black",
            markersize=5,
            label="eigenframework at the same $n$",
            linestyle="none",
        )
        axes.legend(loc="lower left")
    axes.set_xlim(1.8, 24)
    axes.set_ylim(0.2, 1.3)
    axes.set_xticks(d, ["2", "4", "8"])
    axes.set_yticks([0.25, 0.5, 1.0], ["1/4", "1/2", "1"])
    axes.minorticks_off()
    head(figure, record)
    return figure


def _name(axes: Axes, n: np.ndarray, curve: np.ndarray, text: str, colour: str) -> None:
    """Beside the end of a curve."""
    axes.text(n[-1] * 1.15, curve[-1], text, color=colour, va="center", fontsize="small")


def _control(axes: Axes, record: Record, n: np.ndarray) -> None:
    """The fully connected student, for the local target."""
    curves = record.part("two", control="fully-connected")
    if isinstance(curves, Estimates):
        mean = np.asarray(curves.mean)[0]
        verdict = record.verdict["controls"]["fully-connected"]["verdict"]
        axes.plot(n[: len(mean)], mean, "^-", color=ORANGE, markersize=4, linewidth=0.8)
        label = f"target on 1 patch, fully\nconnected student\n(control, {verdict})"
        axes.text(n[0], 0.0022, label, color=ORANGE, va="top", fontsize="small")


def _ticks(axes: Axes, n: np.ndarray) -> None:
    shown = n[::2]
    axes.set_xlim(n[0] / 1.3, n[-1] * 12)
    axes.set_xticks(shown, [f"{value:g}" for value in shown])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
