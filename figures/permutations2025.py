"""Figures for Exact Learning of Permutations for Nonzero Binary Inputs (2025)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ntkit.claims import Record, Sides
from ntkit.claims.figures import BLUE, ORANGE, head


def exact_sign(record: Record) -> Figure:
    """The mean predictor against the number of ones in the input: above zero where P x is 1, below where it is 0.

    All inputs of the largest length; values depend on the number of ones only. Beside them a kernel that fails.
    """
    figure = Figure(figsize=(5.9, 2.9))
    panels = figure.subplots(1, 2, sharey=True)
    head(figure, record)
    _values(panels[0], record, None, "tangent kernel")
    _values(panels[1], record, "laplace", f"Laplace (control, {record.verdict['controls']['laplace']['verdict']})")
    panels[0].set_ylabel("mean predictor $\\mu_j$")
    return figure


def _values(axes: Axes, record: Record, control: str | None, title: str) -> None:
    values = record.part("values", control)
    axes.set_title(title)
    axes.set_xlabel("ones in the input")
    axes.axhline(0, color="black", linewidth=0.9)
    if not isinstance(values, Sides):
        return
    flat = np.asarray(values.lhs)
    length = next(k for k in range(1, 64) if k * (2**k - 1) >= flat.size)
    means = flat.reshape(-1, length)
    counts = np.array([bin(number).count("1") for number in range(1, 2**length)])
    # The permutation shows in the rows of single ones, where the network was trained.
    image = {number: int(means[(1 << number) - 1].argmax()) for number in range(length)}
    ones = np.zeros(means.shape, bool)
    for number, column in image.items():
        ones[:, column] = (np.arange(1, 2**length) >> number) & 1
    for chosen, colour, shift, name in ((ones, BLUE, -0.12, "where $P x$ is 1"), (~ones, ORANGE, 0.12, "where $P x$ is 0")):
        spread = np.broadcast_to(counts[:, None], means.shape)[chosen] + shift
        axes.plot(spread, means[chosen], ".", color=colour, markersize=3, markeredgewidth=0, rasterized=True)
        place = 0.93 if name.endswith("1") else 0.84
        axes.text(0.97, place, name, color=colour, ha="right", va="center", transform=axes.transAxes)
    axes.set_xticks(range(1, length + 1))
