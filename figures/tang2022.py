"""Figures for Tang et al. (2022)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GREEN, ORANGE, head

SIDE, FACTOR = 16, 2  # of the first image
FAINT = -4.0  # log10 of the weakest power shown


def frequencywise_and_repetition(record: Record) -> Figure:
    """An image's spectrum, then after zero insertion (four copies) and nearest neighbours; right: what leaks elsewhere."""
    figure = Figure(figsize=(6.6, 2.7))
    panels = figure.subplots(1, 4, width_ratios=(0.6, 1, 1, 1.1))
    before = _spectrum(record.part("insertion"), "rhs")
    if before is not None:
        before = before[:SIDE, :SIDE]
    inserted, nearest = (_spectrum(record.part(part), "lhs") for part in ("insertion", "nearest"))
    images = (
        (before, f"image, {SIDE} x {SIDE}"),
        (inserted, "zeros inserted"),
        (nearest, "nearest neighbours"),
    )
    shown = None
    for axes, (power, title) in zip(panels[:3], images, strict=True):
        if power is not None:
            n = len(power)
            image = np.fft.fftshift(np.log10(np.maximum(power / power.max(), 10**FAINT)))
            edges = (-n / 2 - 0.5, n / 2 - 0.5)
            shown = axes.imshow(image, cmap="viridis", vmin=FAINT, vmax=0, origin="lower", extent=(*edges, *edges))
            axes.set_xticks([-n // 2, 0])
            axes.set_yticks([-n // 2, 0])
            axes.minorticks_off()
        axes.set(title=title, xlabel="frequency $v$")
    panels[0].set_ylabel("frequency $u$")
    if shown is not None:
        figure.colorbar(
            shown, ax=panels[:3].tolist(), location="bottom", shrink=0.6, aspect=35, label="log$_{10}$ of the power"
        )
    _leaks(panels[3], record)
    head(figure, record)
    for axes in panels[:3]:
        axes.grid(False)
    panels[3].grid(False, axis="x")
    return figure


def mean_kernel_lowpass(record: Record) -> Figure:
    """Left: mean power over |frequency|, with and without a mean; right: several layers, against the law of one channel."""
    figure = Figure(figsize=(5.9, 3.0))
    left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
    for part, colour, marker, name in (("mean", BLUE, "o", r"$\mu = 0.3$"), ("centred", GREEN, "s", r"$\mu = 0$")):
        found = record.part(part)
        if not isinstance(found, Estimates):
            continue
        power, predicted = np.asarray(found.mean), np.asarray(found.predicted)
        n = len(power)
        radius = np.hypot(*np.meshgrid(np.fft.fftfreq(n), np.fft.rfftfreq(n), indexing="ij")).ravel()
        order = np.argsort(radius)
        left.plot(radius, power.ravel(), marker, color=colour, markersize=3, alpha=0.6, label=f"{name}: measured")
        left.plot(radius[order], predicted.ravel()[order], "_", color="black", markersize=6)
    left.plot([], [], "_", color="black", markersize=6, label="predicted")
    left.set(xlabel="|frequency| in cycles per sample", ylabel=r"mean of $|\hat W|^2$, $k = 3$, $s = 1$", ylim=(0, 18))
    left.legend(loc="lower left")
    _depths(right, record)
    head(figure, record)
    return figure


def _leaks(axes: Axes, record: Record) -> None:
    """Mean share of the output's change at other frequencies, for the claim and its two controls."""
    names = ((None, "circular,\nlinear"), ("zero-padding", "zero\npadding"), ("relu", "ReLU"))
    labels = []
    for i, (control, name) in enumerate(names):
        found = record.part("leak", control)
        labels.append(name)
        if isinstance(found, Sides):
            mean = float(np.asarray(found.lhs).mean())
            axes.bar(i, mean, 0.6, color=BLUE if control is None else ORANGE)
            text = "0" if mean < 1e-20 else f"{mean:.2f}"
            word = "" if control is None else f"\n(control,\n{record.verdict['controls'][control]['verdict']})"
            axes.text(i, mean + 0.01, text + word, ha="center", va="bottom")
    axes.set_xticks(range(len(labels)), labels)
    axes.tick_params(axis="x", which="both", length=0)
    axes.set(title="share of power that leaks\nto other frequencies", ylim=(0, 0.65))


def _depths(axes: Axes, record: Record) -> None:
    """Power over the law of independent layers, at three frequencies: 1 for one channel, more for several."""
    names = ("$(0, 0)$", "$(n/2, 0)$", "$(n/2, n/2)$")
    for control, colour, marker, name in (
        (None, BLUE, "o", "one channel"),
        ("means-in-channels", ORANGE, "^", "four channels"),
    ):
        found = record.part("layers", control)
        if not isinstance(found, Estimates):
            continue
        ratio, error = np.asarray(found.mean) / found.predicted, 2 * np.asarray(found.stderr) / found.predicted
        word = "" if control is None else f"\n(control, {record.verdict['controls'][control]['verdict']})"
        for depth, (row, bar) in enumerate(zip(ratio, error, strict=True)):
            x = np.arange(len(names)) + 0.2 * (depth - 0.5)
            face = colour if depth else "white"
            axes.errorbar(
                x, row, bar, fmt=marker, color=colour, markerfacecolor=face, capsize=2, label=None if depth else name + word
            )
    axes.axhline(1, color="black", linestyle=DASHES, linewidth=0.9)
    axes.set(xlabel="frequency (open: two layers, filled: three)", ylabel="power / law of one channel", ylim=(0, None))
    axes.set_xticks(range(len(names)), names)
    axes.minorticks_off()
    axes.legend(loc="upper right")


def _spectrum(sides: object, side: str) -> np.ndarray | None:
    """The power spectrum of the first image, from the numbers that come first."""
    if not isinstance(sides, Sides):
        return None
    n = SIDE * FACTOR
    values = np.asarray(getattr(sides, side))[: 2 * n * n].reshape(n, n, 2)
    return np.asarray((values**2).sum(axis=-1))
