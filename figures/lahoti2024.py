"""Figures for Lahoti et al. (2024)."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ntkit.claims import Bounds, Crossings, Record, Series
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, ORANGE, head
from ntkit.separation import crossing

LOOKS = {"cnn": (BLUE, "o"), "lcn": (ORANGE, "s"), "fcn": ("black", "^")}
SEPARATE, IMPOSSIBLE = 3 + float(np.log10(6)), 6.0  # -log10 p


def two_step_separation(record: Record) -> Figure:
    """n*/sigma^2 over patches: moving signal, the static control beside it; and over pixels. Dashed: slopes of theory."""
    figure = Figure(figsize=(7.6, 2.9))
    panels = figure.subplots(1, 3, width_ratios=(1, 1, 1))
    for axes, control, title in zip(panels[:2], (None, "static"), ("moving signal", "static signal (control)"), strict=True):
        _curves(axes, record, control, [(name, f"{name}_k", name) for name in LOOKS], guides=control is None)
        axes.set(title=title, xlabel="patches $k$")
    panels[0].set_ylabel(r"samples needed, $n^*/\sigma^2$")
    ends = [axes.get_ylim() for axes in panels[:2]]
    for axes in panels[:2]:
        axes.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
    _curves(panels[2], record, None, [(name, f"{name}_d", name) for name in LOOKS], guides=True)
    panels[2].set(title="moving signal, $k = 16$", xlabel="pixels of a patch $d$")
    panels[0].legend(loc="upper left")
    head(figure, record)
    return figure


def two_step_split(record: Record) -> Figure:
    """n*/sigma^2 over patches, with and without the activation's threshold: k^0 and k^1 against k^1 and k^2."""
    figure = Figure(figsize=(3.6, 2.9))
    axes = figure.subplots()
    _curves(axes, record, None, [("cnn", "cnn", "cnn"), ("lcn", "lcn", "lcn")], guides=True)
    _curves(
        axes, record, None, [("cnn", "open_cnn", "cnn, no threshold"), ("lcn", "open_lcn", "lcn, no threshold")],
        guides=True, hollow=True,
    )  # fmt: skip
    axes.set(xlabel="patches $k$", ylabel=r"samples a step, $n^*/\sigma^2$")
    axes.legend(loc="upper left")
    head(figure, record)
    return figure


def oracle_exponents(record: Record) -> Figure:
    """n*/sigma^2 of filters that are means of samples, over patches and over pixels; the control falls on the LCN's line."""
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    _curves(left, record, None, [(name, f"{name}_k", name) for name in LOOKS], guides=True)
    known = record.part("fcn_k", control="layout-known")
    if isinstance(known, Crossings):
        verdict = record.verdict["controls"]["layout-known"]["verdict"]
        x, y = _places(known)
        left.plot(x, y, "x", color=GREEN, markersize=6, label=f"fcn, layout known (control, {verdict})")
    left.set(xlabel="patches $k$", ylabel=r"samples needed, $n^*/\sigma^2$")
    left.set_ylim(top=left.get_ylim()[1] * 300)
    left.legend(loc="upper left")
    _curves(right, record, None, [(name, f"{name}_d", name) for name in LOOKS], guides=True)
    right.set(xlabel="pixels of a patch $d$", title="$k = 16$")
    head(figure, record)
    return figure


def static_control(record: Record) -> Figure:
    """n*/sigma^2 of one step over patches: LCN (and FCN) against CNN, moving and static signal on the same axes."""
    figure = Figure(figsize=(5.9, 2.9))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, kind in zip(panels, ("moving", "static"), strict=True):
        shown = [("cnn", f"{kind}_cnn", "cnn"), ("lcn", f"{kind}_lcn", "lcn, fcn")]
        _curves(axes, record, None, shown, guides=True)
        axes.set(title=f"{kind} signal", xlabel="patches $k$")
    panels[0].set_ylabel(r"samples needed, $n^*/\sigma^2$")
    panels[0].legend(loc="upper left")
    head(figure, record)
    return figure


def k_plus_d(record: Record) -> Figure:
    """Numbers of samples over patches for several d, and the fitted sums as lines: level at first, then all on one line."""
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    law, ratio = record.part("law"), record.part("ratio")
    if isinstance(law, Bounds) and law.lower is not None and isinstance(ratio, Bounds):
        value, fit = np.asarray(law.value), 2 * np.asarray(law.lower)
        ratios = np.asarray(ratio.value)
        for axes, part, patches, title, per, times in (
            (left, slice(0, 16), (4, 16, 64, 256), "cnn", r"$n^*/\sigma^2$", ratios[0]),
            (right, slice(16, 28), (4, 16, 64), "lcn", r"$n^*/(\sigma^2 k)$", ratios[1]),
        ):
            axes.set(xscale="log", yscale="log", xlabel="patches $k$", ylabel=per)
            axes.set_title(f"{title}: a product fits {times:.1f} times worse")
            for d, colour, found, line in zip(
                (64, 256, 1024, 4096),
                (BLUE, GREEN, ORANGE, "black"),
                value[part].reshape(4, -1),
                fit[part].reshape(4, -1),
                strict=True,
            ):
                axes.plot(patches, found, "o", color=colour, markersize=4, label=f"$d = {d}$")
                axes.plot(patches, line, color=colour, linewidth=0.9)
            _ticks(axes, patches)
        left.legend(loc="upper left")
        left.set_ylim(top=left.get_ylim()[1] * 12)
    head(figure, record)
    return figure


def equivariance(record: Record) -> Figure:
    """Gaps of every trial on a logarithmic axis: rounding for the group of the algorithm, order one for the others."""
    figure = Figure(figsize=(5.4, 2.6))
    axes = figure.subplots()
    names = {None: "all, own group", "lcn-globally": "LCN, global\n(control)", "cnn-patchwise": "CNN, patchwise\n(control)",
             "signs": "FCN by signs\n(control)"}  # fmt: skip
    for place, control in enumerate(names):
        bounds = record.measurement(control)
        if isinstance(bounds, Bounds):
            gaps = np.maximum(np.asarray(bounds.value), 1e-17)
            spread = np.linspace(-0.25, 0.25, len(gaps))
            axes.plot(gaps, place + spread, ".", color=BLUE if control is None else ORANGE, markersize=3)
    axes.axvline(1e-10, color=GREY, linestyle=DASHES, linewidth=0.9)
    axes.text(1e-10, -0.62, "allowed", color=GREY, ha="right")
    axes.axvline(1e-6, color=GREY, linestyle=":", linewidth=0.9)
    axes.text(1e-6, -0.62, "refuted", color=GREY, ha="left")
    axes.set(xscale="log", xlim=(1e-18, 1e2), ylim=(len(names) - 0.5, -0.9), xlabel="gap, relative to the largest score")
    axes.set_yticks(range(len(names)), list(names.values()))
    head(figure, record)
    return figure


def reduced_sampler_exact(record: Record) -> Figure:
    """-log10 p of each two-sample test: the exact sampler below what chance gives, the wrong one far beyond it."""
    figure = Figure(figsize=(5.4, 2.8))
    axes = figure.subplots()
    tests = [f"{name}\nstep {step}" for name in LOOKS for step in (1, 2)]
    for control, colour, marker, words in (
        (None, BLUE, "o", "reduced against full"), ("fresh-noise", ORANGE, "x", "noise as if fresh (control)"),
    ):  # fmt: skip
        bounds = record.measurement(control)
        if isinstance(bounds, Bounds):
            values = np.asarray(bounds.value)
            axes.plot(np.arange(len(values)) % len(tests), values, marker, color=colour, markersize=5, label=words)
    axes.axhline(SEPARATE, color=GREY, linestyle=DASHES, linewidth=0.9)
    axes.axhline(IMPOSSIBLE, color=GREY, linestyle=":", linewidth=0.9)
    axes.text(len(tests) - 0.6, SEPARATE, "allowed below", color=GREY, ha="right", va="top")
    axes.text(len(tests) - 0.6, IMPOSSIBLE, "refuted above", color=GREY, ha="right", va="bottom")
    axes.set_xticks(range(len(tests)), tests)
    axes.set(ylabel="$-\\log_{10} p$", xlim=(-0.5, len(tests) - 0.5))
    axes.set_ylim(top=1.3 * axes.get_ylim()[1])
    axes.legend(loc="upper right")
    head(figure, record)
    return figure


def full_training(record: Record) -> Figure:
    """Samples over patches: the CNN's do not grow, the LCN's as k, the FCN's as k^2; after one step the CNN's grow as k.

    Dots are data sets, lines their geometric means, dashes the exponents 0, 1, 2.
    """
    figure = Figure(figsize=(4.4, 3.4))
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", xlabel="patches $k$", ylabel=r"$n^*/(\sigma^2 d)$ at 1 % test error")
    measured = {name: record.part(name) for name in ("cnn", "difference", "fcn")}
    series = {name: part for name, part in measured.items() if isinstance(part, Series)}
    if len(series) == len(measured):
        k, y = np.asarray(series["cnn"].x), {name: np.asarray(part.y) for name, part in series.items()}
        for name, values, power in (("fcn", y["fcn"], 2), ("lcn", y["difference"] * y["cnn"], 1), ("cnn", y["cnn"], 0)):
            colour, marker = LOOKS[name]
            mean = np.exp(np.log(values).mean(axis=0))
            slope = np.polyfit(np.log(k), np.log(mean), 1)[0]
            axes.plot(k, values.T, marker, color=colour, alpha=0.25, markersize=3)
            axes.plot(k, mean, color=colour, marker=marker, markersize=5, label=f"{name}: slope {slope:.2f}")
            axes.plot(k, mean[0] * (k / k[0]) ** power, color=GREY, linestyle=DASHES, linewidth=0.9)
        _ticks(axes, k.tolist())
    control = record.part("cnn", control="one-step")
    if isinstance(control, Series):
        mean = np.exp(np.log(np.asarray(control.y)).mean(axis=0))
        label = f"cnn, one linear step\n(control, {record.verdict['controls']['one-step']['verdict']})"
        axes.plot(np.asarray(control.x), mean, "v-", color=GREEN, markersize=4, linewidth=0.8, label=label)
    axes.set_ylim(top=axes.get_ylim()[1] * 8)  # room for the legend
    axes.legend(loc="upper left")
    head(figure, record)
    return figure


def _curves(
    axes: Axes,
    record: Record,
    control: str | None,
    parts: Iterable[tuple[str, str, str]],
    *,
    guides: bool,
    hollow: bool = False,
) -> None:
    """Crossings of several parts over x, with the line of the expected slope through their middle."""
    axes.set(xscale="log", yscale="log")
    for look, name, words in parts:
        found = record.part(name, control)
        if not isinstance(found, Crossings):
            continue
        colour, marker = LOOKS[look]
        x, y = _places(found)
        fill = "white" if hollow else colour
        axes.plot(x, y, marker, color=colour, markersize=4.5, markerfacecolor=fill, label=words)
        if guides:
            middle = np.exp(np.log(y).mean() - found.expected * np.log(x).mean())
            axes.plot(x, middle * x**found.expected, color=colour, linestyle=DASHES, linewidth=0.9)
            axes.annotate(
                f"slope {found.expected:g}", (x[-1], middle * x[-1] ** found.expected), (-3, 4), color=colour,
                textcoords="offset points", ha="right", va="bottom", fontsize="small",
            )  # fmt: skip
        else:
            axes.plot(x, y, color=colour, linewidth=0.9)
        _ticks(axes, x.tolist())


def _places(found: Crossings) -> tuple[np.ndarray, np.ndarray]:
    """x, and where the mean error meets the target."""
    mean = np.asarray(found.errors).mean(axis=0)
    return np.asarray(found.x), np.array(
        [float(crossing(grid, curve, found.target)) for grid, curve in zip(np.asarray(found.grid), mean, strict=True)]
    )


def _ticks(axes: Axes, x: Iterable[float]) -> None:
    values = list(x)
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.xaxis.set_minor_locator(NullLocator())
