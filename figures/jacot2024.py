"""Figures for Jacot et al. (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Series
from ntkit.claims.figures import BLUE, GREEN, ORANGE, head

SHALLOW = (("shallow_2", "s", "$x$, $d = 2$", 1 / 2), ("shallow_4", "^", "$x$, $d = 4$", 1 / 4))
QUOTIENT = (("quotient_2", "s", "$|x|$, $d = 2$", 1.0), ("quotient_4", "^", "$|x|$, $d = 4$", 1.0))


def quotient_rate(record: Record) -> Figure:
    """Errors over n: with the norm as the input they coincide, with slope -1; without it they fan out as n^(-1/d)."""
    figure = Figure(figsize=(4.0, 3.3))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="samples $n$", ylabel="mean square error")
    for parts, colour in ((SHALLOW, GREEN), (QUOTIENT, BLUE)):
        for name, marker, label, rate in parts:
            found = record.part(name)
            if isinstance(found, Series):
                x, mean = np.asarray(found.x), _mean(found)
                axes.plot(x, mean, marker, color=colour, markersize=5, label=label)
                axes.plot(x, np.exp(np.log(mean).mean()) * (x / np.exp(np.log(x).mean())) ** -rate, "-", color=colour, lw=0.8)
                axes.text(x[-1] * 1.12, mean[-1], f"$n^{{-{_fraction(rate)}}}$", color=colour, va="center")
    wrong = record.part("quotient_4", control="wrong-quotient")
    if isinstance(wrong, Series):
        verdict = record.verdict["controls"]["wrong-quotient"]["verdict"]
        axes.plot(wrong.x, _mean(wrong), "x-", color=ORANGE, markersize=5, linewidth=0.7, label=f"$x_1$ (control, {verdict})")
    axes.set_xlim(50, 2000)
    axes.legend(loc="lower left")
    head(figure, record)
    return figure


def _mean(series: Series) -> np.ndarray:
    """The geometric mean over draws, whose slope is judged."""
    return np.asarray(np.exp(np.log(np.asarray(series.y)).mean(axis=0)))


def _fraction(rate: float) -> str:
    return "1" if rate == 1 else f"1/{1 / rate:g}"
