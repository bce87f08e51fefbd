"""Figures for Kadkhodaie, Guth, Simoncelli, Mallat (2023)."""

import numpy as np
from matplotlib.figure import Figure, SubFigure

from ntkit.claims import Estimates, Record, Sides
from ntkit.claims.figures import BLUE, ORANGE, head


def jacobian_is_posterior_covariance(record: Record) -> Figure:
    """Left: eigenvalues of the Jacobians, by automatic differentiation, on those of the posterior covariance; some exceed 1.

    Middle: leading eigenvectors at one noisy digit. Right: mean squared error less sigma^2 times the trace, with its interval.
    """
    figure = Figure(figsize=(5.9, 2.9))
    left, middle, right = np.asarray(figure.subfigures(1, 3, width_ratios=(1.15, 1, 0.85)))
    axes = left.subplots()
    axes.set(xlabel="rank", ylabel="eigenvalue (shrinkage factor)", yscale="log", ylim=(3e-4, 6))
    axes.set_title("ten noisy digits")
    axes.axhline(1, color="black", linestyle=(0, (4, 2)), linewidth=0.7)
    axes.grid(True)
    jacobian = record.part("jacobian")
    if isinstance(jacobian, Sides):
        found, expected = (np.linalg.eigvalsh(np.asarray(side)[:10])[:, ::-1] for side in (jacobian.lhs, jacobian.rhs))
        ranks = np.arange(1, 21)
        axes.plot(ranks, np.maximum(expected[:, :20], 1e-12).T, color="black", linewidth=0.6)
        axes.plot(ranks, np.maximum(found[:, :20], 1e-12).T, "o", color=BLUE, markersize=2, alpha=0.7)
        axes.plot([], [], "o", color=BLUE, markersize=2, label=r"$\nabla f$")
        axes.plot([], [], color="black", linewidth=0.6, label=r"Cov$\,/\,\sigma^2$")
        axes.legend(loc="lower left")
        middle.supxlabel("leading eigenvectors, one digit", fontsize=7.5)
        values, vectors = np.linalg.eigh(np.asarray(jacobian.lhs)[0])
        for i, panel in enumerate(middle.subplots(2, 2).ravel()):
            vector = vectors[:, -1 - i].reshape(8, 8)
            top = np.abs(vector).max()
            panel.imshow(vector, cmap="RdBu_r", vmin=-top, vmax=top)
            panel.set_title(f"{values[-1 - i]:.2g}")
            panel.set_xticks([])
            panel.set_yticks([])
    _errors(right, record)
    head(figure, record)
    return figure


def _errors(right: SubFigure, record: Record) -> None:
    """The difference for the claim and for two controls, with two standard errors; the band is the tolerance."""
    axes = right.subplots()
    axes.set_title("error $- \\sigma^2$ trace")
    axes.axhspan(-0.03, 0.03, color=BLUE, alpha=0.15, linewidth=0)
    axes.axhline(0, color="black", linewidth=0.7)
    names = {None: "claim", "temperature": "temperature 2", "noise-not-squared": r"$\sigma$ for $\sigma^2$"}
    for i, control in enumerate(names):
        error = record.part("error", control)
        if isinstance(error, Estimates):
            mean, stderr = float(np.asarray(error.mean)), float(np.asarray(error.stderr))
            axes.errorbar(
                [i], [mean], [2 * stderr], fmt="o", color=BLUE if control is None else ORANGE, markersize=3.5, capsize=2
            )
    axes.set_xticks(range(len(names)), list(names.values()), rotation=35, ha="right")
    axes.set_xlim(-0.6, len(names) - 0.4)
