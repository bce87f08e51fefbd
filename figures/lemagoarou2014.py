"""Figures for Le Magoarou, Gribonval (2014)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import BLUE, ORANGE, PINK, head


def hadamard_butterfly(record: Record) -> Figure:
    """Above: Hadamard's matrix of size 16 and the supports of its four factors. Below: errors of what the splitting finds."""
    figure = Figure(figsize=(5.9, 3.2))
    above, below = np.asarray(figure.subfigures(2, 1, height_ratios=(0.85, 1)))
    p = 4
    walsh = np.array([[1]])
    for _ in range(p):
        walsh = np.kron(walsh, [[1, 1], [1, -1]])
    factors = [np.kron(np.kron(np.eye(2**i), [[1, 1], [1, -1]]), np.eye(2 ** (p - 1 - i))) for i in range(p)]
    titles = ["$H_{16}$", *(f"{'=' if i == 0 else '·'} $B_{i + 1}$" for i in range(p))]
    for axes, matrix, title in zip(above.subplots(1, p + 1), [walsh, *factors], titles, strict=True):
        axes.imshow(matrix, cmap="RdBu_r", vmin=-1.6, vmax=1.6)
        axes.set_title(title)
        axes.set_xticks([])
        axes.set_yticks([])
    axes = below.subplots()
    axes.set(xscale="log", yscale="log", xlabel="size $n$", ylabel="relative error", ylim=(1e-17, 1e2))
    axes.grid(True)
    shown = (
        (None, "hadamard", BLUE, "o", "Hadamard"),
        (None, "fourier", PINK, "s", "Fourier, bit-reversed"),
        ("order", "hadamard", ORANGE, "v", "Hadamard, bit-reversed"),
        ("order", "fourier", ORANGE, "x", "Fourier, natural order"),
        ("gaussian", "hadamard", "black", "+", "Gaussian"),
    )
    for control, part, colour, marker, name in shown:
        sides = record.part(part, control)
        if isinstance(sides, Sides):
            sizes, errors = _errors(sides, 2 if part == "fourier" else 1)
            axes.plot(sizes, errors, marker, color=colour, markersize=4, markerfacecolor="none", label=name)
    verdicts = {
        record.verdict["controls"][name]["verdict"] for name in ("order", "gaussian") if name in record.verdict["controls"]
    }
    axes.text(8, 2e-4, f"controls, {' and '.join(sorted(verdicts))}", color=ORANGE)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    sizes = [8, 32, 128, *([512] if record.tier == "full" else [])]
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    head(figure, record)
    return figure


def _errors(sides: Sides, parts: int) -> tuple[list[int], list[float]]:
    """Frobenius errors of the matrices of sizes 8, 32, .., which follow each other, relative to their norms."""
    found, given = np.asarray(sides.lhs), np.asarray(sides.rhs)
    sizes: list[int] = []
    errors = []
    start = 0
    while start < found.size:
        size = 4 * sizes[-1] if sizes else 8
        span = slice(start, start + parts * size**2)
        errors.append(float(np.linalg.norm(found[span] - given[span]) / np.linalg.norm(given[span])))
        sizes.append(size)
        start = span.stop
    return sizes, errors
