"""Nouy, Michel (2023): least squares on a few rows, drawn by their volume, is unbiased and d + 1 times as wrong as on all."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import All, Control, Identity, Paper, Sides, Trial

paper = Paper(
    key="nouy2023",
    title="Weighted least-squares approximation with determinantal point processes and generalized volume sampling",
    authors="Anthony Nouy, Bertrand Michel",
    year=2023,
    arxiv="2312.14057",
)

Floats = NDArray[np.float64]

SIZES = ((8, 2), (10, 3), (9, 4), (5, 4), (7, 1))  # rows n, columns d


@paper.claim(
    "volume-sampling",
    where="volume sampling; the discrete identities, which it generalises, are by Derezinski and Warmuth (from memory)",
    kind="theorem",
    checked="memory",
    statement=r"P(S) \propto \det(X_S)^2, |S| = d, X \in \mathbb{R}^{n \times d} \text{ with rows in general position:} \quad"
    r"\mathbb{E}\, X_S^{-1} y_S = \mathrm{argmin}_w \|Xw - y\|^2, \quad"
    r"\mathbb{E} \|X X_S^{-1} y_S - y\|^2 = (d + 1) \min_w \|Xw - y\|^2",
    # At most 126 systems of 4 equations: a badly conditioned one has little weight. Rounding of 1e-12 times condition numbers
    # of X, below 100.
    rule=All(unbiased=Identity(rtol=0.0, atol=1e-10), error=Identity(rtol=1e-10)),
    controls={
        "uniform": "all sets of d rows with the same probability",
        "volumes": "probabilities proportional to |det X_S|, not to its square",
        "factor-d": Control("d in place of d + 1", parts=("error",)),
        "repeated-row": Control("two rows of X are equal, so that a set has no volume", parts=("error",)),
    },
)
def volume_sampling(trial: Trial) -> dict[str, Sides]:
    """All sets of d rows, one by one, of Gaussian X whose rows have lognormal lengths, and y unrelated to it.

    (n, d) = (8, 2), (10, 3), (9, 4), (5, 4), (7, 1), 4 (100) draws each. By Cramer's rule det(X_S)^2 times the squared error at
    row i is the squared volume of the rows S and i of (X, y), if X_S is invertible; over all S and i these sum to d + 1 times
    det (X, y)^T (X, y). Solutions are given relative to the norm of the best one, errors relative to the least.
    """
    rng, control = trial.rng(), trial.control
    means, best, ratios, expected = [], [], [], []
    for n, d in trial.progress(SIZES * trial.scale(quick=4, full=100)):
        x = rng.normal(size=(n, d)) * np.exp(0.5 * rng.normal(size=(n, 1)))
        y = rng.normal(size=n)
        if control == "repeated-row":
            x[1] = x[0]
        w, least = least_squares(x, y)
        power = {"uniform": 0.0, "volumes": 1.0}.get(control or "", 2.0)
        mean, error = enumerated(x, y, power)
        size = np.linalg.norm(w)
        means.append(mean / size)
        best.append(w / size)
        ratios.append(error / least)
        expected.append(d if control == "factor-d" else d + 1)
    return {
        "unbiased": Sides(np.concatenate(means), np.concatenate(best), x_label="mean of solutions", y_label="least squares"),
        "error": Sides(ratios, np.asarray(expected, float), x_label="mean error / least error", y_label="d + 1"),
    }


def least_squares(x: Floats, y: Floats) -> tuple[Floats, float]:
    """The solution on all rows, and its squared error."""
    w: Floats = np.asarray(np.linalg.lstsq(x, y)[0])
    return w, float(np.sum((x @ w - y) ** 2))


def enumerated(x: Floats, y: Floats, power: float = 2.0) -> tuple[Floats, float]:
    """Mean solution and mean squared error over all sets of d rows with invertible X_S, weighted by |det X_S|^power."""
    n, d = x.shape
    sets = np.array(list(combinations(range(n), d)))
    volumes = np.abs(np.linalg.det(x[sets]))
    sets, volumes = sets[volumes > 1e-12 * volumes.max()], volumes[volumes > 1e-12 * volumes.max()]
    weights = volumes**power / (volumes**power).sum()
    solutions = np.linalg.solve(x[sets], y[sets][..., None])[..., 0]
    return weights @ solutions, float(weights @ ((solutions @ x.T - y) ** 2).sum(axis=1))
