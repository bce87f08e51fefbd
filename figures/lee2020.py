"""Figures for Lee et al. (2020)."""

import numpy as np
from matplotlib.figure import Figure

from ntkit.claims import Estimates, Record, Sides
from ntkit.claims.figures import BLUE, DASHES, GREEN, ORANGE, PINK, head

SAMPLES = np.array([100, 200, 400])
SHOWN = 400  # posteriors drawn of each kind


def ci_linear_identity(record: Record) -> Figure:
    """Left: posteriors recovered from psi lie on the diagonal. Right: how far they are off, claim and controls."""
    figure = Figure(figsize=(5.9, 3.0))
    left, right = figure.subplots(1, 2)
    left.set(xlim=(-0.03, 1.03), ylim=(-0.35, 1.35), ylabel=r"recovered, $\psi(X_1) A^+$", title="recovered posteriors")
    right.set(yscale="log", xlim=(-0.03, 1.03), ylim=(1e-19, 1e7), ylabel="error of the recovered", title="errors")
    variants = (
        ("rank", PINK, "s", "$A$ of rank $k - 1$"),
        ("dependent", ORANGE, "^", "$X_2$ depends on $X_1$ given $Y$"),
        (None, BLUE, "o", "as claimed"),
    )
    for control, colour, marker, name in variants:
        identity = record.part("identity", control)
        if not isinstance(identity, Sides):
            continue
        chosen = np.linspace(0, np.size(identity.rhs) - 1, min(SHOWN, np.size(identity.rhs))).astype(int)
        rhs, lhs = np.asarray(identity.rhs)[chosen], np.asarray(identity.lhs)[chosen]
        style = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 2.5, "markerfacecolor": "none"}
        label = name if control is None else f"{name} (control, {record.verdict['controls'][control]['verdict']})"
        right.plot(rhs, np.maximum(np.abs(lhs - rhs), 1e-18), label=label, **style)
        if control != "dependent":
            left.plot(rhs, lhs, zorder=2 if control else 3, **style)
    left.plot([0, 1], [0, 1], color="black", linestyle=DASHES, linewidth=0.9, zorder=4)
    right.axhline(1e-10, color="black", linestyle=DASHES, linewidth=0.9)
    right.text(1.02, 1.6e-10, "tolerance", ha="right", va="bottom")
    right.legend(loc="upper left", fontsize="small", handletextpad=0.1, borderaxespad=0.1)
    for axes in (left, right):
        axes.set_xlabel(r"posterior $P(Y = y\,|\,X_1)$")
    head(figure, record)
    return figure


def excess_risk_rank(record: Record) -> Figure:
    """Excess risk of least squares over n: on psi k / n, on the raw input d1 / n."""
    figure = Figure(figsize=(4.2, 3.2))
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="samples $n$", ylabel=r"excess risk / $\sigma^2$")
    ends = np.array([80.0, 500.0])
    variants = (
        (None, "raw", 60, GREEN, "s", "raw $x_1$"),
        ("all-shared", "psi", None, ORANGE, "^", r"$\psi$ where noise is shared"),
        (None, "psi", 4, BLUE, "o", r"$\psi(x_1)$"),
    )
    for control, part, rank, colour, marker, name in variants:
        risks = record.part(part, control)
        if not isinstance(risks, Estimates):
            continue
        label = name if control is None else f"{name} (control, {record.verdict['controls'][control]['verdict']})"
        mean, error = np.asarray(risks.mean), 2 * np.asarray(risks.stderr)
        axes.errorbar(SAMPLES, mean, error, fmt=marker, color=colour, markersize=5, capsize=2)
        axes.text(80, (1.5 if control else 1.3) * mean[0], label, color=colour, va="bottom")
        if rank:
            axes.plot(ends, rank / ends, color=colour, linestyle=DASHES, linewidth=0.9)
            axes.text(ends[1] * 1.04, rank / ends[1], "$d_1 / n$" if rank == 60 else "$k / n$", color=colour, va="center")
    axes.set_xticks(SAMPLES, [str(n) for n in SAMPLES])
    axes.minorticks_off()
    axes.set_xlim(70, 720)
    axes.set_ylim(0.006, 9)
    head(figure, record)
    return figure
