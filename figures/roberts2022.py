"""Figures for Roberts, Yaida, Hanin (2022)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Bounds, Estimates, Record
from ntkit.claims.figures import BLUE, DASHES, ORANGE, PINK, head


def pdlt_criticality_and_depth_to_width(record: Record) -> Figure:
    """Above: 2 l K_l of tanh nears 1 at criticality only. Below: the constant c of E f^4 / 3 = (1 + c / n)^L is 2 if linear."""
    figure = Figure(figsize=(2.95, 4.4))
    above, below = figure.subplots(2, 1, height_ratios=(1.9, 1.6))
    head(figure, record)
    rows = (
        ("chaotic", PINK, "s", "$C_W = 1.01$", 4.0),
        ("ordered", ORANGE, "^", "$C_W = 0.99$", 0.06),
        (None, BLUE, "o", "$C_W = 1$ (claim)", 0.0016),
    )
    for control, colour, marker, name, height in rows:
        bounds = record.part("falling", control)
        if isinstance(bounds, Bounds) and bounds.upper is not None:
            errors = np.append(np.asarray(bounds.upper)[:1], np.asarray(bounds.value))
            depths = np.round(10 ** (1 + np.arange(len(errors)) / 2))
            face = "white" if control else colour
            above.plot(depths, errors, color=colour, marker=marker, markerfacecolor=face)
            words = f"{name} (control, {record.verdict['controls'][control]['verdict']})" if control else name
            above.text(
                1100 if control == "ordered" else 9.5,
                height,
                words,
                color=colour,
                ha="right" if control == "ordered" else "left",
            )
    above.set(xscale="log", yscale="log", xlabel="layer $l$", ylabel="$|2\\, l\\, K_l - 1|$", ylim=(1e-3, 30))
    for constant, colour, words in ((2, BLUE, "2: claim"), (5, ORANGE, "5: ReLU (control)")):
        below.axhline(constant, color=colour, linestyle=DASHES if constant == 5 else "-")
        below.text(-0.4, constant + 0.12, words, color=colour)
    means = record.part("moments")
    if isinstance(means, Estimates):
        n, depth = np.array([[32, 64, 128, 16], [4, 8, 8, 2]])
        power, error = np.asarray(means.mean), np.asarray(means.stderr)
        constants, errors = n * (power ** (1 / depth) - 1), n / depth * power ** (1 / depth - 1) * error
        below.errorbar(range(4), constants, 2 * errors, color="black", marker="o", linestyle="none", linewidth=1)
        kinds = ["chain"] * 3 + ["networks"]
        below.set_xticks(range(4), [f"{a}, {b}\n{kind}" for a, b, kind in zip(n, depth, kinds, strict=True)])
    below.set(xlabel="width $n$, depth $L$", ylabel="constant $c$ (with 2 s.e.)", xlim=(-0.5, 3.5), ylim=(0, 6.2))
    below.grid(visible=False, axis="x")
    return figure
