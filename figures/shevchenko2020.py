"""Figures for Shevchenko and Mondelli (2020)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record
from ntkit.claims.figures import ALLOWED, AMBER, BLUE, DASHES, GUIDE, ORANGE, PINK, head

WIDTHS = ((64, "s", 3), (256, "^", 5), (1024, "o", 7))  # units, marker, numbers of units kept


def dropout_exact_rate(record: Record) -> Figure:
    """The mean change of the loss over the units that are kept, and what it is of the change that is predicted."""
    figure = Figure(figsize=(7.2, 3.3))
    change = figure.add_subplot(1, 2, 1, xscale="log", yscale="log", xlabel="units kept, $K$", ylabel="mean change of the loss")
    ratio = figure.add_subplot(1, 2, 2, xscale="log", xlabel="share of units kept, $K / N$", ylabel="measured / predicted")
    variants = (
        (None, BLUE, r"$S^2 (1/K - 1/N)$"),
        ("with-replacement", AMBER, r"$S^2 / K$"),
        ("not-rescaled", ORANGE, "not rescaled"),
    )
    for control, colour, label in variants:
        found = record.part("change", control)
        if not isinstance(found, Estimates):
            continue
        numbers = (np.asarray(one) for one in (found.mean, found.stderr, found.predicted))
        mean, error, predicted = (np.split(one, [3, 8]) for one in numbers)
        if control is not None:
            label += f" ({_verdict(record, control)})"
        for i, (width, marker, count) in enumerate(WIDTHS):
            kept = 8.0 * 2 ** np.arange(count)
            ends, parts = 1.96 * error[i], kept / width
            ratio.errorbar(
                parts, mean[i] / predicted[i], ends / predicted[i], fmt=marker, color=colour, zorder=3 if control is None else 2
            )
            if control == "with-replacement":
                continue
            name = f"$N = {width}$" if control is None else None
            change.errorbar(kept, mean[i], ends, fmt=marker, color=colour, label=name)
            if control is None:
                fine = np.geomspace(8, width / 2, 60)
                scale = predicted[i][0] / (1 / 8 - 1 / width)
                change.plot(fine, scale * (1 / fine - 1 / width), linestyle=DASHES, color=GUIDE, linewidth=0.9, zorder=0)
                if width == 1024:
                    name = rf"slope $-1/2$ ({_verdict(record, 'half')})"
                    change.plot(fine, mean[i][0] * (8 / fine) ** 0.5, ":", color=PINK, label=name, zorder=0)
        ratio.plot([], [], "-", linewidth=5, color=colour, label=label)
    change.text(600, 2.2e-4, f"not rescaled ({_verdict(record, 'not-rescaled')})", color=ORANGE, ha="right")
    change.set_xticks([8, 32, 128, 512], ["8", "32", "128", "512"])
    change.minorticks_off()
    change.set_ylim(1.2e-4, 3)
    change.legend(loc="upper right", fontsize="small", title=r"dashed: $S^2 (1/K - 1/N)$", title_fontsize="small")
    ratio.axhspan(0.9, 1.1, color=ALLOWED, zorder=0)
    ratio.axhline(1, linestyle=DASHES, color=GUIDE, zorder=0)
    ratio.set_xticks([1 / 128, 1 / 32, 1 / 8, 1 / 2], ["1/128", "1/32", "1/8", "1/2"])
    ratio.minorticks_off()
    ratio.set_ylim(0, 1.65)
    ratio.legend(loc="upper left")
    head(figure, record)
    return figure


def _verdict(record: Record, control: str) -> str:
    return f"control, {record.verdict['controls'][control]['verdict']}"
