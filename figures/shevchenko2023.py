"""Figures for Shevchenko et al. (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Record, Series
from ntkit.claims.figures import AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head


def _minimum(r: np.ndarray) -> np.ndarray:
    return np.where(r <= 1, 1 - 2 * r / np.pi, 1 - r / (r + np.pi / 2 - 1))


def sign_autoencoder(record: Record) -> Figure:
    """The least risk over the rate, with what training and Gaussian rows reach; and how the excess of tight frames falls."""
    figure = Figure(figsize=(7.2, 3.0))
    curve = figure.add_subplot(1, 2, 1, xlabel="rate $r = n/d$", ylabel="mean square error per coordinate")
    rates = np.linspace(0, 2.2, 221)
    curve.plot(rates, _minimum(rates), linestyle=DASHES, color=GUIDE, label="predicted minimum")
    curve.plot(rates, 1 - 2 * rates / np.pi, ":", color=PINK, label="$1 - 2r/\\pi$ continued (control)", zorder=0)
    curve.plot(rates, 4.0**-rates, "-", linewidth=1, color=AMBER, label="rate-distortion $2^{-2r}$", zorder=0)
    found = record.part("bound")
    if isinstance(found, Bounds):
        value, lower = np.asarray(found.value), np.asarray(found.lower)
        searched = len(value) - 2 * _large(record)
        r = np.interp(-lower[:searched], -_minimum(rates), rates)
        curve.plot(r[0::2], value[0:searched:2], "x", color=ORANGE, markersize=5, label="Gaussian rows (control)")
        curve.plot(r[1::2], value[1:searched:2], "o", color=BLUE, markersize=4, label="after training")
    curve.set_ylim(0, 1.25)
    curve.legend(fontsize="x-small", loc="upper right")
    rate = figure.add_subplot(1, 2, 2, xscale="log", yscale="log", xlabel="dimension $d$", ylabel="relative excess, $r = 2$")
    for control, colour, marker, label in (
        (None, BLUE, "o", "tight frames"),
        ("not-tight", ORANGE, "x", "Gaussian rows (control)"),
    ):
        series = record.part("rate", control)
        if isinstance(series, Series):
            x, y = np.asarray(series.x), np.asarray(series.y)
            rate.plot(np.broadcast_to(x, y.shape).ravel(), y.ravel(), ".", color=colour, markersize=2)
            rate.plot(x, y.mean(axis=0), marker, color=colour, label=label, markersize=5)
            if control is None:
                rate.plot(x, y.mean(axis=0)[0] * x[0] / x, linestyle=DASHES, color=GUIDE, label="slope $-1$")
    rate.set_xticks([20, 40, 80], ["20", "40", "80"])
    rate.minorticks_off()
    rate.legend(fontsize="small", loc="center left", bbox_to_anchor=(0, 0.62))
    head(figure, record)
    return figure


def _large(record: Record) -> int:
    """The number of tight frames in d = 160 at each rate, which follow the searches."""
    found = record.part("limit")
    samples = getattr(found, "samples", None)
    return 0 if samples is None else len(np.asarray(samples))
