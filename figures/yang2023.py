"""Figures for Yang, Simon, Bernstein (2023)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Series
from ntkit.claims.figures import BLUE, GUIDE, ORANGE, head

LOOKS = {  # parametrisation -> colour, marker, name, and where its slope stands, in points above the last marker
    "mup": (BLUE, "o", "maximal update", 6),
    "ntk": (ORANGE, "s", "NTK parametrisation", -11),
}
LAYERS = {"first": "$s_1$", "second": "$s_2$", "last": "$s_3$"}


def spectral_scaling(record: Record) -> Figure:
    """Normalised spectral norms of the updates over the width, a panel per layer, and the stable rank of the second.

    A marker is the geometric mean over networks; the slope stands at the end of each curve. The last panel compares the stable
    rank of the second layer's update, every network a point, with that of its weights at the beginning (a control).
    """
    figure = Figure(figsize=(2.95, 3.9))
    panels = figure.subplots(2, 2, sharex=True)
    for axes, (layer, title) in zip(panels.flat, LAYERS.items(), strict=False):
        for name, look in LOOKS.items():
            series = record.part(f"{name}_{layer}")
            if isinstance(series, Series):
                _curve(axes, series, *look)
        axes.set_title(f"{title}, {layer} layer")
        axes.set_ylim(4e-3, 1.5)
    series = record.part("mup_first")
    if isinstance(series, Series):
        x = np.asarray(series.x)
        _ranks(panels[1, 1], x, record.part("stable_rank"), BLUE, "update of $W_2$", 1.7)
        _ranks(panels[1, 1], x, record.part("stable_rank", control="weights"), GUIDE, "$W_2$ itself", 100)
        panels[1, 1].set_title("stable rank")
        panels[1, 1].axhline(4, color="black", linestyle=":", linewidth=0.9)
        panels[1, 1].text(x[-1] * 1.9, 4.4, "batch", ha="right")
        for axes in panels.flat:
            axes.set(xscale="log", yscale="log", xlim=(x[0] * 0.8, x[-1] * 2))
            axes.set_xticks(x.tolist(), [f"{width:g}" for width in x])
            axes.minorticks_off()
    for axes in panels[1]:
        axes.set_xlabel("width $n$")
    lines = {line.get_label(): line for line in panels[0, 0].get_lines()}
    figure.legend(list(lines.values()), list(lines), loc="outside lower left", ncols=2, handlelength=1.5, columnspacing=1)
    head(figure, record)
    return figure


def _curve(axes: Axes, series: Series, colour: str, marker: str, name: str, above: float) -> None:
    x, mean = np.asarray(series.x), np.exp(np.log(np.asarray(series.y)).mean(0))
    slope = f"{np.polyfit(np.log(x), np.log(mean), 1)[0]:+.2f}".replace("-", "\N{MINUS SIGN}")
    axes.plot(x, mean, color=colour, marker=marker, linewidth=1, label=name)
    axes.annotate(slope, (x[-1], mean[-1]), (0, above), textcoords="offset points", ha="center", color=colour)


def _ranks(axes: Axes, x: np.ndarray, evidence: object, colour: str, name: str, height: float) -> None:
    if not isinstance(evidence, Bounds):
        return
    ranks = np.asarray(evidence.value).reshape(-1, x.size)
    axes.plot(np.broadcast_to(x, ranks.shape), ranks, ".", color=colour, alpha=0.5, markersize=3, markeredgewidth=0)
    axes.text(x[0] * 0.9, height, name, color=colour)
