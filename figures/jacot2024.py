"""Figures for Jacot et al. (2024)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Series

BLUE, GREEN, ORANGE, GREY = "#0072B2", "#009E73", "#D55E00", "#666666"
SHALLOW = (("shallow_2", "s", "$x$, $d = 2$", 1 / 2), ("shallow_4", "^", "$x$, $d = 4$", 1 / 4))
QUOTIENT = (("quotient_2", "s", "$|x|$, $d = 2$", 1.0), ("quotient_4", "^", "$|x|$, $d = 4$", 1.0))


def quotient_rate(record: Record) -> Figure:
    """Errors over n: with the norm as the input they coincide, with slope -1; without it they fan out as n^(-1/d)."""
    figure = Figure(figsize=(4.0, 3.3))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="samples $n$", ylabel="mean square error")
    for parts, colour in ((SHALLOW, GREEN), (QUOTIENT, BLUE)):
        for name, marker, label, rate in parts:
            found = _part(record, None, name)
            if isinstance(found, Series):
                x, mean = np.asarray(found.x), _mean(found)
                axes.plot(x, mean, marker, color=colour, markersize=5, label=label)
                axes.plot(x, np.exp(np.log(mean).mean()) * (x / np.exp(np.log(x).mean())) ** -rate, "-", color=colour, lw=0.8)
                axes.text(x[-1] * 1.12, mean[-1], f"$n^{{-{_fraction(rate)}}}$", color=colour, va="center")
    wrong = _part(record, "wrong-quotient", "quotient_4")
    if isinstance(wrong, Series):
        verdict = record.verdict["controls"]["wrong-quotient"]["verdict"]
        axes.plot(wrong.x, _mean(wrong), "x-", color=ORANGE, markersize=5, linewidth=0.7, label=f"$x_1$ (control, {verdict})")
    axes.set_xlim(50, 2000)
    axes.legend(loc="lower left")
    axes.grid(True)
    title = f"{record.claim.name}:\n{record.verdict['verdict']} ({record.tier} tier)"
    figure.suptitle(title, x=0.02, ha="left", parse_math=False)
    return figure


def _mean(series: Series) -> np.ndarray:
    """The geometric mean over draws, whose slope is judged."""
    return np.asarray(np.exp(np.log(np.asarray(series.y)).mean(axis=0)))


def _fraction(rate: float) -> str:
    return "1" if rate == 1 else f"1/{1 / rate:g}"


def _part(record: Record, control: str | None, name: str) -> object:
    if control is not None and control not in record.verdict["controls"]:
        return None
    measured = record.measurement(control)
    return measured.get(name) if isinstance(measured, dict) else None
