"""Figures for Jacot, Gabriel, Hongler (2018)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Integers, Record, Series
from ntkit.claims.figures import ALLOWED, BLUE, DASHES, GREEN, GUIDE, ORANGE, PINK, SKY, head


def init_limit(record: Record) -> Figure:
    """Distance of the empirical tangent kernel from three limits over the width; only the right one keeps getting closer.

    Every network is a faint point; a marker is the root mean square over networks, with twice its standard error. The guide
    has slope -1/2 and ends in the last marker.
    """
    figure = Figure(figsize=(2.95, 2.9))
    axes = figure.add_subplot(xscale="log", yscale="log")
    wrong = {  # control -> colour, marker, name, and where the name stands: on the last marker, or below it
        "other-activation": (ORANGE, "^", "limit with erf", "bottom"),
        "first-layer": (PINK, "s", "limit without first layer", "top"),
    }
    for control, (colour, marker, name, side) in wrong.items():
        series = record.measurement(control)
        if isinstance(series, Series):
            x, curve = _curve(axes, series, colour, marker, face="white")
            verdict = record.verdict["controls"][control]["verdict"]
            y, gap = (curve[-1] * 1.12, " ") if side == "bottom" else (curve[-1] * 0.88, "\n")
            axes.text(x[-1], y, f"{name}{gap}(control, {verdict})", color=colour, ha="right", va=side)
    series = record.measurement()
    if isinstance(series, Series):
        single = np.asarray(series.y)
        x, curve = _curve(axes, series, BLUE, "o", face=BLUE)
        spread = np.geomspace(0.94, 1.06, len(single))[:, None]
        axes.plot(x * spread, single, ".", color=BLUE, alpha=0.25, markersize=2, markeredgewidth=0, rasterized=True)
        guide = curve[-1] * (x / x[-1]) ** -0.5
        axes.plot(x, guide, color="black", linestyle=DASHES, linewidth=0.9, zorder=4)
        axes.text(x[1] * 1.1, guide[2] * 0.8, "slope $-1/2$", va="top")
        axes.text(x[0], single.min(), "limit of this network", color=BLUE, va="bottom")
        axes.set_xticks(x.tolist(), [f"{width:g}" for width in x])
    _finish(figure, axes, record)
    return figure


def entk_fluctuation(record: Record) -> Figure:
    """Distance from the limit over the width, and bias: the wrong limits are never reached, and only one layer is unbiased.

    Dashes have slope -1/2. Below: how far the mean kernel lies from the limit at widths 1 and 4, entry by entry, with twice
    its standard error.
    """
    figure, (above, below) = _panels(record, (1.9, 1.5))
    above.set(xscale="log", yscale="log")
    for control, colour, name in (("nngp", PINK, "NNGP kernel"), ("last-derivative", ORANGE, "no last derivative")):
        series = record.part("shallow", control)
        if isinstance(series, Series):
            _, curve = _curve(above, series, colour, "s" if colour == PINK else "^", face="white")
            above.text(260, curve.max() * 1.08, f"{name} ({_word(record, control)})", color=colour, ha="right", va="bottom")
    for part, colour, marker, low in (("deep", SKY, "D", 0.066), ("shallow", BLUE, "o", 0.046)):
        series = record.part(part)
        if not isinstance(series, Series):
            continue
        x, curve = _curve(above, series, colour, marker, face=colour)
        above.plot(x, curve[-1] * (x / x[-1]) ** -0.5, color="black", linestyle=DASHES, linewidth=0.9, zorder=4)
        depth = "one layer" if part == "shallow" else "deeper"
        above.text(x[0], low, f"{depth}: {_slope(record, part)}", color=colour)
        above.set_xticks(x.tolist(), [f"{width:g}" for width in x])
    above.set_yticks([0.1, 0.2, 0.5, 1.0], ["0.1", "0.2", "0.5", "1"])
    above.set_ylim(0.04, 2)
    above.minorticks_off()
    above.set(xlabel="width $n$", ylabel="relative distance $r(n)$")
    below.axhspan(-0.1, 0.1, color=ALLOWED, linewidth=0, zorder=0)
    for wrong, colour, marker, face in (("two-hidden", ORANGE, "^", "white"), (None, BLUE, "o", BLUE)):
        means = record.part("unbiased", wrong)
        if isinstance(means, Estimates):
            limit, mean = np.asarray(means.predicted), np.asarray(means.mean)
            for width, shift in enumerate(np.linspace(-0.01, 0.01, len(mean))):
                error = 2 * np.asarray(means.stderr)[width]
                deviation = (mean - limit)[width]
                below.errorbar(limit[width] + shift, deviation, error, color=colour, linestyle="none", linewidth=0.8)
                below.plot(limit[width] + shift, deviation, marker, color=colour, markerfacecolor=face, markersize=3)
            name = f"two hidden layers ({_word(record, wrong)})" if wrong else "one hidden layer"
            below.text(3.0, -0.36 if wrong else 0.16, name, color=colour, ha="right", va="center")
    below.set(xlabel=r"entry of the limit $\Theta_\infty$", ylabel="mean at $n = 1, 4$\nminus limit", ylim=(-0.48, 0.28))
    return figure


def gp_limit_exact_kurtosis(record: Record) -> Figure:
    """The constant c for which E f^4 / 3 = (1 + c / n)^L gives what was measured: 5 at every width and depth."""
    figure, (axes,) = _panels(record, (2.1,))
    for constant, colour, name in ((5, BLUE, "5: claim"), (4, ORANGE, "4: half-active"), (2, PINK, "2: linear")):
        axes.axhline(constant, color=colour, linestyle="-" if constant == 5 else DASHES)
        control = {4: "half-active", 2: "linear"}.get(constant)
        words = f"{name} ({_word(record, control)})" if control else name
        axes.text(-0.4, constant + 0.08, words, color=colour, va="bottom")
    means = record.measurement()
    if isinstance(means, Estimates):
        n, depth = np.array([[32, 64, 128, 16], [4, 8, 8, 2]])
        power, error = np.asarray(means.mean), np.asarray(means.stderr)
        constants = n * (power ** (1 / depth) - 1)
        errors = n / depth * power ** (1 / depth - 1) * error
        axes.errorbar(range(4), constants, 2 * errors, color="black", marker="o", linestyle="none", linewidth=1)
        kinds = ["chain"] * 3 + ["networks"]
        axes.set_xticks(range(4), [f"{a}, {b}\n{kind}" for a, b, kind in zip(n, depth, kinds, strict=True)])
    axes.set(xlabel="width $n$, depth $L$", ylabel="constant $c$ (with 2 s.e.)", xlim=(-0.5, 3.5), ylim=(1.5, 6))
    axes.grid(visible=False, axis="x")
    return figure


def kernel_drift_in_training(record: Record) -> Figure:
    """Movement in training over the width: of the kernel (above) and of the weights of each layer (below).

    Dashes have the claimed slopes. Under mean-field scaling the kernel does not settle.
    """
    figure, (above, below) = _panels(record, (2.1, 1.9))
    for axes in (above, below):
        axes.set(xscale="log", yscale="log", xlabel="width $n$")
    controls = (("mean-field", "s", "mean field"), ("half-way", "^", "half-way"))
    for (control, marker, name), colour in zip(controls, (PINK, ORANGE), strict=True):
        series = record.part("sharp", control)
        if isinstance(series, Series):
            x, curve = _mean_curve(above, series, colour, marker, face="white")
            text = f"tanh, {name} ({_word(record, control)})"
            above.text(x[-1], curve[0] * (1.4 if marker == "s" else 0.7), text, color=colour, ha="right", va="bottom")
    shown = (
        (above, "bound", "ReLU", SKY, "D", 0.5),
        (above, "sharp", "tanh", BLUE, "o", 1),
        (below, "last", "last layer", SKY, "D", 0.5),
        (below, "first", "first layer", BLUE, "o", 0.5),
        (below, "middle", "middle layer", GREEN, "v", 1),
    )
    for axes, part, name, colour, marker, exponent in shown:
        series = record.part(part)
        if isinstance(series, Series):
            x, curve = _mean_curve(axes, series, colour, marker, face=colour)
            axes.plot(x, curve[0] * (x / x[0]) ** -exponent, color=GUIDE, linestyle=DASHES, linewidth=0.9)
            label = f"{name}: {_slope(record, part)}"
            low = {"bound": 0.0011, "sharp": 0.0004, "last": 0.0034, "first": 0.002, "middle": 0.0012}[part]
            axes.text(16 if axes is below else 64, low, label, color=colour)
    above.set(ylabel="relative movement\nof the kernel", ylim=(3e-4, 6))
    below.set(ylabel="relative movement\nof the weights", ylim=(1e-3, 0.6))
    for axes, ticks in ((above, (64, 128, 256, 512, 1024)), (below, (16, 64, 256, 1024))):
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.xaxis.minorticks_off()
    return figure


def pd_on_sphere_and_polynomial_rank(record: Record) -> Figure:
    """Ranks and nullities less their predictions (above), and the smallest eigenvalues (below), each a point.

    Above, what holds lies on zero. Below, eigenvalues of singular kernels are rounding, far below the edge.
    """
    figure, (above, below) = _panels(record, (2.3, 1.8))
    above.axhline(0, color=GUIDE, linestyle=DASHES, linewidth=0.9)
    wrong = (
        ("traceless", "rank", ORANGE, "^", "rank, traceless"),
        ("even-only", "nullity", PINK, "s", "nullity, even only"),
    )
    right = ((None, "rank", BLUE, "o", "rank, $z^2$ and $z^3$"), (None, "nullity", SKY, "D", "nullity, ReLU"))
    for control, part, colour, marker, name in (*right, *wrong):
        counts = record.part(part, control)
        if isinstance(counts, Integers):
            chosen = np.asarray(counts.got) != np.asarray(counts.expected) if control else slice(None)
            pairs = np.unique(np.stack([counts.expected, counts.got])[:, chosen], axis=1)
            label = f"{name} ({_word(record, control)})" if control else name
            above.plot(
                pairs[0], pairs[1] - pairs[0], marker, color=colour, markerfacecolor="white" if control else colour, label=label
            )
    above.legend(loc="upper left", handlelength=1)
    above.set(xlabel="predicted", ylabel="found minus predicted", xlim=(0, 62), ylim=(-7, 9))
    rows = [("no-bias", ORANGE, "^", "no bias"), ("output-bias", PINK, "s", "output bias"), (None, BLUE, "o", "")]
    for control, colour, marker, name in rows:
        bounds = record.part("positive", control)
        if isinstance(bounds, Bounds):
            values = np.maximum(np.abs(np.asarray(bounds.value)), 1e-18)
            groups = {name: values} if control else {"two hidden layers": values[::2], "hidden bias": values[1::2]}
            for group, members in groups.items():
                level = {"two hidden layers": 3, "hidden bias": 2, "output bias": 1, "no bias": 0}[group]
                face = "white" if control else colour
                below.plot(members, np.full(len(members), level), marker, color=colour, markerfacecolor=face, markersize=3)
    below.axvline(1e-9, color=GUIDE, linestyle=DASHES, linewidth=0.9)
    below.set_yticks(range(4), ["no bias\n(control)", "output bias\n(control)", "hidden bias", "two hidden\nlayers"])
    below.set(xscale="log", xlabel="|smallest eigenvalue| / largest", xlim=(1e-19, 1), ylim=(-0.6, 3.6))
    return figure


def modewise_rates(record: Record) -> Figure:
    """Deviation of the residual from its prediction over the width, and the slope of the fitted rates per repeat.

    The true kernel's deviation falls, that of the wrong predictions stays. Dashes: slope -1/2.
    """
    figure, (above, below) = _panels(record, (2.0, 1.3))
    above.set(xscale="log", yscale="log")
    names = (("nngp", PINK, "s", "NNGP kernel", 1.5), ("twice", ORANGE, "^", "doubled rates", 0.54))
    for control, colour, marker, name, shift in names:
        series = record.part("convergence", control)
        if isinstance(series, Series):
            x, curve = _mean_curve(above, series, colour, marker, face="white")
            above.text(x[0 if shift > 1 else 1] * 0.9, curve[0] * shift, f"{name} ({_word(record, control)})", color=colour)
    series = record.part("convergence")
    if isinstance(series, Series):
        x, curve = _mean_curve(above, series, BLUE, "o", face=BLUE)
        above.plot(x, curve[0] * (x / x[0]) ** -0.5, color=GUIDE, linestyle=DASHES, linewidth=0.9)
        above.text(x[0], 0.0045, _slope(record, "convergence"), color=BLUE)
        above.set_xticks(x.tolist(), [f"{width:g}" for width in x])
    above.xaxis.minorticks_off()
    above.set(xlabel="width $n$", ylabel="largest deviation\nover $|r(0)|$", ylim=(0.003, 0.6))
    below.axvspan(0.9, 1.1, color=ALLOWED, linewidth=0, zorder=0)
    rows = ((None, BLUE, "o", "eigenvalue\n(claim)"), ("square-root", ORANGE, "^", "its root\n(control)"))
    for level, (wrong, colour, marker, _) in enumerate(rows):
        slopes = record.part("rates", wrong)
        if isinstance(slopes, Estimates) and slopes.samples is not None:
            values = np.asarray(slopes.samples)
            spread = np.linspace(-0.2, 0.2, len(values))
            below.plot(values, level + spread, marker, color=colour, markerfacecolor="white", markersize=3, markeredgewidth=0.6)
            below.plot([values.mean()], [level], marker, color=colour, markersize=6)
    below.set_yticks((0, 1), [row[3] for row in rows])
    below.set(xlabel="slope of log rate over log prediction", xlim=(0.7, 2.3), ylim=(1.5, -0.5))
    return figure


def _mean_curve(axes: Axes, series: Series, colour: str, marker: str, face: str) -> tuple[np.ndarray, np.ndarray]:
    """Draw the mean over repeats with twice its standard error, and return it with the widths."""
    x, y = np.asarray(series.x), np.asarray(series.y)
    error = 2 * y.std(0, ddof=1) / np.sqrt(len(y))
    axes.errorbar(x, y.mean(0), error, color=colour, marker=marker, markerfacecolor=face, linewidth=1, zorder=3)
    return x, y.mean(0)


def _panels(record: Record, heights: tuple[float, ...]) -> tuple[Figure, list[Axes]]:
    """Panels one above the other, of the given heights in inches, under the claim's name and verdict."""
    figure = Figure(figsize=(2.95, 0.5 + sum(heights)))
    axes = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0].tolist()
    head(figure, record)
    return figure, axes


def _word(record: Record, control: str) -> str:
    return f"control, {record.verdict['controls'][control]['verdict']}"


def _slope(record: Record, part: str) -> str:
    """Slope of a part with its interval, in words."""
    judged = record.verdict["parts"][part]
    if judged["statistic"] is None or judged["interval"] is None:
        return "no slope"
    low, high = judged["interval"]
    return f"slope {judged['statistic']:.2f} [{low:.2f}, {high:.2f}]"


def _curve(axes: Axes, series: Series, colour: str, marker: str, face: str) -> tuple[np.ndarray, np.ndarray]:
    """Draw the root mean square over repeats, and return it with the widths."""
    x, squares = np.asarray(series.x), np.asarray(series.y) ** 2
    curve = np.sqrt(squares.mean(0))
    stderr = squares.std(0, ddof=1) / np.sqrt(len(squares)) / (2 * curve)
    axes.errorbar(x, curve, 2 * stderr, color=colour, marker=marker, markerfacecolor=face, linewidth=1, zorder=3)
    return x, curve


def _finish(figure: Figure, axes: Axes, record: Record) -> None:
    """Ticks, names of the axes, and above them the verdict."""
    verdict = record.verdict
    axes.set_yticks([0.1, 0.2, 0.5, 1.0], ["0.1", "0.2", "0.5", "1"])
    axes.minorticks_off()
    axes.set_xlabel("width $n$")
    axes.set_ylabel("relative distance $r(n)$")
    head(figure, record)
    if verdict["statistic"] is not None and verdict["interval"] is not None:
        low, high = verdict["interval"]
        axes.set_title(f"slope {verdict['statistic']:.3f} [{low:.3f}, {high:.3f}], predicted -0.5", parse_math=False)
