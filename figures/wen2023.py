"""Figures for Wen, Li, Ma (2023)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Integers, Pairs, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GREEN, GREY, GUIDE, ORANGE, PINK, head

CASES = ("30", "10", "4")  # dimensions, in the order of measurement
SHARE = (20_000, 1024, 16)  # inputs on which errors are counted


def flattest_memorises(record: Record) -> Figure:
    """Traces over the bound of both networks with two wrong scales, and their errors."""
    figure = Figure(figsize=(7.2, 2.8))
    traces, errors = figure.subplots(1, 2)
    variants = (
        (None, "$r = (d+1)^{1/4}$", BLUE, "o"),
        ("unbalanced", r"times $\sqrt{2}$", PINK, "v"),
        ("printed-scale", "as printed", ORANGE, "^"),
    )
    for place, (control, _, colour, marker) in enumerate(variants):
        found = record.part("attained", control)
        if isinstance(found, Sides):
            ratio = np.asarray(found.lhs) / np.asarray(found.rhs)
            traces.plot(place + np.linspace(-0.25, 0.25, len(ratio)), ratio, marker, color=colour, markersize=3)
    traces.axhline(1, linestyle=DASHES, color=GUIDE, zorder=1)
    for d in (30, 10, 4):
        traces.text(2.3, ((d**2 + 1) / (d + 1)) ** 0.5 / 2 + ((d + 1) / (d**2 + 1)) ** 0.5 / 2, f"$d = {d}$", fontsize="small")
    labels = [
        label + ("" if control is None else f"\n(control, {record.verdict['controls'][control]['verdict']})")
        for control, label, _, _ in variants
    ]
    traces.set_xticks(range(3), labels, fontsize="small")
    traces.set(xlim=(-0.5, 2.7), ylim=(0, 3.2), xlabel="scale of hidden units", ylabel=r"trace / $4 \sqrt{d + 1}$")
    found = record.part("errors")
    if isinstance(found, Integers):
        shares = np.reshape(found.got, (-1, 3, 2)) / np.array(SHARE)[:, None]
        predicted = np.reshape(found.expected, (-1, 3, 2)) / np.array(SHARE)[:, None]
        for kind, (label, colour) in enumerate((("memorising", ORANGE), ("generalising", GREEN))):
            errors.bar(np.arange(3) + 0.4 * kind - 0.2, shares[:, :, kind].mean(axis=0), 0.36, color=colour, label=label)
            errors.plot(np.arange(3) + 0.4 * kind - 0.2, predicted[0, :, kind], "_", color="black", markersize=16)
        errors.plot([], [], "_", color="black", label="predicted")
    errors.set_xticks(range(3), [f"$d = {d}$, $n = {n}$" for d, n in zip(CASES, (100, 100, 8), strict=True)])
    errors.set_yticks(np.linspace(0, 1, 6))
    errors.set(ylabel="error on new inputs", ylim=(-0.02, 1.4))
    errors.legend(loc="upper right", ncols=2, fontsize="small")
    head(figure, record)
    return figure


def sam_reaches_bound(record: Record) -> Figure:
    """Traces over the bound of sharpness-aware and of plain descent, and errors with and without a bias."""
    figure = Figure(figsize=(7.2, 2.8))
    traces, errors = figure.subplots(1, 2)
    flat, sharp, memorises = (record.part(name) for name in ("flat", "sharp", "memorises"))
    for name, found, colour in (("sharpness-aware", flat, BLUE), ("plain", sharp, ORANGE)):
        if isinstance(found, Pairs):
            ratio = np.asarray(found.second if found is flat else found.first)
            for bias in (0, 1):
                x = bias + np.linspace(-0.2, 0.2, len(ratio))
                traces.plot(x, ratio[:, bias], "o", color=colour, markersize=4, label=name if bias == 0 else None)
    for height, word in ((1.5, "asked: below"), (5.0, "asked: above")):
        traces.axhline(height, linestyle=DASHES, color=GREY, linewidth=0.8)
        traces.text(0.5, height * 1.05, f"{word} {height:g}", color=GREY, ha="center", va="bottom", fontsize="small")
    traces.axhline(1, color=GUIDE, linewidth=0.8)
    traces.set_xticks([0, 1], ["no bias", "bias"])
    traces.set(yscale="log", ylabel="trace / bound", xlim=(-0.5, 1.5), ylim=(0.8, 60))
    traces.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    traces.minorticks_off()
    traces.legend(loc="upper center", ncols=2, fontsize="small")
    control = record.part("memorises", "small-cube")
    for place, (found, colour) in enumerate(((memorises, BLUE), (control, PINK))):
        if isinstance(found, Pairs):
            for start, values in enumerate((np.asarray(found.second), np.asarray(found.first))):
                errors.plot(2 * place + start + np.linspace(-0.2, 0.2, len(values)), values, "o", color=colour, markersize=4)
    word = record.verdict["controls"]["small-cube"]["verdict"]
    errors.text(0.5, 0.52, "$d = 30$, $n = 100$", color=BLUE, ha="center", fontsize="small")
    errors.text(2.5, 0.52, f"$d = 10$, $n = 60$\n(control, {word})", color=PINK, ha="center", va="center", fontsize="small")
    errors.set_xticks(range(4), ["no bias", "bias"] * 2)
    errors.set(ylabel="error on new inputs", xlim=(-0.5, 3.5), ylim=(-0.02, 0.6))
    head(figure, record)
    return figure
