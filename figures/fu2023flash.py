"""Figures for Fu, Kumbong, Nguyen, Ré (2023), FlashFFTConv."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import BLUE, GUIDE, ORANGE, PINK, head

SHAPES = ((8, 8), (6, 10), (4, 256), (64, 64))
SHARES = {"transform": (1, BLUE, "o"), "partial": (0.5, ORANGE, "s"), "sparse": (1, PINK, "^")}  # of N that is compared


def monarch_fft_exact(record: Record) -> Figure:
    """Left: largest errors over the length, and with the factors T left out. Right: complex multiplications of each way."""
    figure = Figure(figsize=(5.9, 2.9))
    left, right = figure.subplots(1, 2)
    left.set(xscale="log", yscale="log", xlabel="length $N$", ylabel="largest error over norms", ylim=(1e-19, 1e4))
    left.grid(True)
    left.axhline(1e-12, color="black", linestyle=(0, (4, 2)), linewidth=0.9)
    left.text(4096, 2e-12, "tolerance", ha="right", va="bottom")
    for control in (None, "no-twiddle"):
        for part, (share, colour, marker) in SHARES.items():
            sides = record.part(part, control)
            if isinstance(sides, Sides):
                lengths, errors = _errors(sides, share)
                left.plot(lengths, errors, marker, color=colour, markersize=3.5, markerfacecolor=colour if control else "white")
    for part, (_, colour, marker) in SHARES.items():
        left.plot([], [], marker, color=colour, markersize=3.5, markerfacecolor="white", label=part)
    left.legend(loc="lower right", ncols=3, columnspacing=0.8, handletextpad=0.1)
    if "no-twiddle" in record.verdict["controls"]:
        left.text(60, 60, f"without $T$ (control, {record.verdict['controls']['no-twiddle']['verdict']})")
    right.set(xscale="log", yscale="log", xlabel="length $N$", ylabel="complex multiplications")
    right.grid(True)
    n = np.geomspace(60, 4096, 50)
    right.plot(n, n**2, color=GUIDE, label="one matrix, $N^2$")
    right.plot(n, n * np.log2(n) / 2, color=GUIDE, linestyle=(0, (1, 1)), label=r"radix 2, $\frac{1}{2} N \log_2 N$")
    right.plot(n, n * (2 * n**0.5 + 1), color=BLUE, linewidth=0.8, label=r"two matrices, $N (2 \sqrt{N} + 1)$")
    for n1, n2 in SHAPES:
        right.plot(n1 * n2, n1 * n2 * (n1 + n2 + 1), "o", color=BLUE, markersize=3.5, markerfacecolor="white")
        if n1 * n2 > 100:
            right.text(n1 * n2 * 1.08, n1 * n2 * (n1 + n2 + 1) * 1.6, rf"${n1} \cdot {n2}$", ha="right" if n1 == n2 else "left")
    right.legend(loc="upper left")
    right.set_ylim(1e2, 3e8)
    head(figure, record)
    return figure


def _errors(sides: Sides, share: float) -> tuple[list[int], list[float]]:
    """The largest error for each length, which follow each other in every draw; real and imaginary parts count apart."""
    lengths = [n1 * n2 for n1, n2 in SHAPES]
    off = np.abs(np.asarray(sides.lhs) - np.asarray(sides.rhs))
    sizes = [int(2 * share * n) for n in lengths]
    draws = np.split(off.reshape(-1, sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
    return lengths, [max(float(draw.max()), 1e-18) for draw in draws]
