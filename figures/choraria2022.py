"""Figures for Choraria et al. (2022)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Series
from ntkit.claims.figures import BLUE, DASHES, ORANGE, PINK, head


def pinet_high_frequency(record: Record) -> Figure:
    """Above, normalised spectra for d = 3: Pi-nets fill the odd degrees, at the same slope. Below, finite networks.

    The one-layer ReLU network has eigenvalues in even degrees only (what is drawn of it is the control, odd degrees left
    out). Below, the distance of finite networks' kernels from the formula falls as one over the root of the width.
    """
    figure = Figure(figsize=(2.95, 4.6))
    above, below = figure.subplots(2, 1)
    _spectra(above, record)
    _widths(below, record)
    head(figure, record)
    above.grid(visible=False)
    return figure


def _spectra(axes: Axes, record: Record) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain, pi_net = record.part("parity", control="relu"), record.part("parity")
    if isinstance(pi_net, Bounds):
        values = np.asarray(pi_net.value)[0]
        k = 3 + np.arange(values.shape[-1])
        for row, colour, name in ((9 * values[1], PINK, "Π-net, $N = 3$ (times 9)"), (values[0], BLUE, "Π-net, $N = 2$")):
            _marks(axes, k[k % 2 == 0], row[k % 2 == 0], colour, "o", colour, name)
            _marks(axes, k[k % 2 == 1], row[k % 2 == 1], colour, "o", "white", "")
    if isinstance(plain, Bounds):
        row = np.asarray(plain.value)[0, 0]
        k = 3 + np.arange(row.size)
        _marks(axes, k[k % 2 == 0], row[k % 2 == 0] / 9, ORANGE, "^", ORANGE, "ReLU layer, even $k$ (over 9)")
        guide = row[k == 80] / 60 * (k / 80) ** -3.0
        axes.plot(k[3:], guide[3:], color="black", linestyle=DASHES, linewidth=0.9, label="slope $-d$")
    axes.legend(loc="upper right")
    axes.set_xticks([3, 10, 30, 80], ["3", "10", "30", "80"])
    axes.minorticks_off()
    axes.set_xlabel("degree $k$ (open: odd)")
    axes.set_ylabel("eigenvalue / trace, $d = 3$")
    axes.set_ylim(top=30)


def _marks(axes: Axes, k: np.ndarray, row: np.ndarray, colour: str, marker: str, face: str, name: str) -> None:
    axes.plot(k, row, marker, color=colour, markerfacecolor=face, markersize=2.5, markeredgewidth=0.6, label=name or "_")


def _widths(axes: Axes, record: Record) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    wrong = record.part("finite", control="one-factor")
    if isinstance(wrong, Series):
        x, curve = _rms(wrong)
        axes.plot(x, curve, "^-", color=ORANGE, markerfacecolor="white", linewidth=1)
        verdict = record.verdict["controls"]["one-factor"]["verdict"]
        axes.text(x[-1], curve[-1] * 1.32, f"one factor trained\n(control, {verdict})", color=ORANGE, ha="right", va="bottom")
    series = record.part("finite")
    if isinstance(series, Series):
        x, curve = _rms(series)
        axes.plot(x, curve, "o-", color=BLUE, linewidth=1)
        guide = curve[-1] * 0.8 * (x / x[-1]) ** -0.5
        axes.plot(x, guide, color="black", linestyle=DASHES, linewidth=0.9)
        axes.text(x[1], guide[1] * 0.92, "slope $-1/2$", ha="right", va="top")
        axes.set_xticks(x.tolist(), [f"{width:g}" for width in x])
    axes.set_yticks([0.2, 0.5, 1.0], ["0.2", "0.5", "1"])
    axes.minorticks_off()
    axes.set_xlabel("width $m$, $N = 2$")
    axes.set_ylabel("distance of kernel from limit (rms)")


def _rms(series: Series) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(series.x), np.sqrt((np.asarray(series.y) ** 2).mean(0))
