"""Patil, LeJeune (2024): generalised cross-validation knows the risk of ensembles of sketched ridge regressions."""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import Agreement, Control, Estimates, Paper, Trial

paper = Paper(
    key="patil2024",
    title="Asymptotically free sketched ridge ensembles: Risks, cross-validation, and tuning",
    authors="Pratik Patil, Daniel LeJeune",
    year=2024,
    arxiv="2310.04357",
)

Floats = NDArray[np.float64]

# Sketch size over features, members, ridge.
SETTINGS = ((0.5, 1, 0.1), (0.5, 5, 0.1), (0.8, 1, 0.01), (0.8, 5, 1e-4), (1.5, 2, 0.1))
NOISE = 0.5  # variance
LABELS = 40


@paper.claim(
    "gcv-sketched-ensemble",
    where="consistency of generalised cross-validation for free sketches (theorem number unconfirmed)",
    kind="theorem",
    checked="memory",
    statement=r"\frac{\|y - Ly\|^2 / n}{(1 - \mathrm{tr}\, L / n)^2} \Big/ \mathbb{E}\left[(y_0 - x_0^\top \hat\beta)^2 \mid "
    r"X, y, S \right] \to 1, \quad L = \frac1K \sum_k X S_k (S_k^\top X^\top X S_k + n \lambda I)^{-1} S_k^\top X^\top, \quad "
    r"n, p, q \to \infty \text{ in proportion}",
    # One label vector leaves a ratio a deviation of 12 %, sqrt(2 / (n - tr L)); means over 40 deviate by 2.5 %, so that 10
    # draws leave 0.8 %, times 3.7 for five intervals. The rest is for corrections of order 1 / n.
    rule=Agreement(rtol=0.06, refute=2.5),
    controls={
        "training-error": "the mean squared training error as it is",
        "one-power": "divided by 1 - tr L / n in place of its square",
        "each-member": "the mean of what members alone would have, in place of the ensemble",
        "sketch-size": Control("the size q of the sketch, if smaller than p, in place of tr L"),
    },
)
def gcv_sketched_ensemble(trial: Trial) -> Estimates:
    """GCV over risk for n = 300, p = 200 (full: 900, 600), in five settings with 10 draws of data and sketches each.

    Features are independent Gaussian with variances from 2 to 1/10, labels linear with noise of variance 1/2, so that the risk
    of a given fit is a sum. Sketches of size q = p/2, 4p/5, 3p/2 have independent Gaussian entries of variance 1/q; ensembles
    of 1, 2 and 5; ridge from 1/10000 to 1/10. Each draw takes the mean ratio over 40 vectors of labels.
    """
    rng, control = trial.rng(), trial.control
    n, p = trial.scale(quick=(300, 200), full=(900, 600))
    repeats = trial.repeats(quick=10, full=10) if control is None else 5
    ratios = np.empty((repeats, len(SETTINGS)))
    variances = np.geomspace(2.0, 0.1, p)
    for i, j in trial.progress([(i, j) for i in range(repeats) for j in range(len(SETTINGS))]):
        share, members, ridge = SETTINGS[j]
        q = round(share * p)
        x = rng.normal(size=(n, p)) * np.sqrt(variances)
        beta = rng.normal(size=(p, LABELS)) / np.sqrt(p)
        y = x @ beta + np.sqrt(NOISE) * rng.normal(size=(n, LABELS))
        fits = [sketched_ridge(x, y, rng.normal(size=(p, q)) / np.sqrt(q), ridge) for _ in range(members)]
        mean, freedom = np.mean([fit for fit, _ in fits], axis=0), float(np.mean([trace for _, trace in fits]))
        if control == "sketch-size":
            freedom = min(p, q)
        power = {"training-error": 0, "one-power": 1}.get(control or "", 2)
        estimate = gcv(x, y, mean, freedom, power)
        if control == "each-member":
            estimate = np.mean([gcv(x, y, fit, trace) for fit, trace in fits], axis=0)
        ratios[i, j] = np.mean(estimate / (NOISE + variances @ (mean - beta) ** 2))
    return Estimates.from_samples(ratios, 1.0, x_label="setting", y_label="estimate / risk")


def sketched_ridge(x: Floats, y: Floats, sketch: Floats, ridge: float) -> tuple[Floats, float]:
    """The coefficients of ridge regression on x @ sketch, back in those of x, for each column of y; and tr L."""
    n, z = len(x), x @ sketch
    gram = z.T @ z / n
    both = np.linalg.solve(gram + ridge * np.eye(z.shape[1]), np.hstack([z.T @ y / n, gram]))
    labels = y.shape[1]
    return sketch @ both[:, :labels], float(np.trace(both[:, labels:]))


def gcv(x: Floats, y: Floats, beta: Floats, freedom: float, power: int = 2) -> Floats:
    """The mean squared training error over (1 - freedom / n)^power, for each column."""
    return np.asarray(((y - x @ beta) ** 2).mean(axis=0) / (1 - freedom / len(x)) ** power)
