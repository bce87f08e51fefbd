"""Hu, Goel, Killiakov, Yang (2025): exponents fitted to spectra of weights depend on the shape of a matrix, blocks do not."""

from math import cos, log, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq

from ntkit.claims import Agreement, All, Control, Estimates, Paper, Trial

paper = Paper(
    key="hu2025",
    title="Eigenspectrum Analysis of Neural Networks without Aspect Ratio Bias",
    authors="Yuanzhe Hu, Kinshuk Goel, Vlad Killiakov, Yaoqing Yang",
    year=2025,
    arxiv="2506.06280",
)

Floats = NDArray[np.float64]

ASPECTS = (1, 2, 4, 8)  # columns over rows
BLOCKS = 3


@paper.claim(
    "farms-aspect-ratio",
    where="bias of fitted exponents by the aspect ratio, and its removal by blocks of fixed shape; the limits are ours",
    kind="derived",
    checked="memory",
    statement=r"\text{The Hill exponent } 1 + k / \textstyle\sum_{i \le k} \log(\lambda_i / \lambda_{k+1}),\ k = a/2, "
    r"\text{ of squared singular values of a Gaussian } a \times b \text{ matrix tends to a number that depends on } a/b: "
    r"2.12, 2.71, 3.45, 4.47 \text{ for } 1, \tfrac12, \tfrac14, \tfrac18; \text{ that of square blocks does not}; \quad "
    r"\lambda_1 / b \to (1 + \sqrt{a/b})^2",
    # 256 rows: spectra deviate by 1/256, the largest value by 1.2 * 2^(4/3) * 256^(-2/3) / 4 = 2 % (Tracy, Widom),
    # with a standard error of 0.5 % over 16 draws, times 2.8 for four intervals.
    rule=All(whole=Agreement(rtol=0.03), blocks=Agreement(rtol=0.03), edge=Agreement(rtol=0.05)),
    controls={
        "shape-kept": Control("blocks of the shape of the matrix, half as large", parts=("blocks",)),
        "shape-ignored": Control("the exponent of square matrices for all", parts=("whole",)),
        "no-root": Control("1 + a/b as the edge in place of (1 + sqrt(a/b))^2", parts=("edge",)),
        "common-mean": Control("weights of mean 1/10 in place of 0", parts=("edge",)),
    },
)
def farms_aspect_ratio(trial: Trial) -> dict[str, Estimates]:
    """256 (1024) rows and 1, 2, 4, 8 times as many columns, 16 draws; 3 random square blocks of half the rows.

    Gaussian weights have no heavy tail: their spectrum is that of Marchenko and Pastur, so that all exponents are artefacts;
    they double from square matrices to 1 : 8. `whole` and `blocks`: exponents against limits, integrals over that law above its
    median. Blocks of a matrix of any shape are square, and their exponents are averaged. `edge`: the largest value.
    """
    rng, control = trial.rng(), trial.control
    rows = trial.scale(quick=256, full=1024)
    repeats = trial.repeats(quick=16, full=16) if control in (None, "common-mean") else 6
    whole, blocks, edges = (np.empty((repeats, len(ASPECTS))) for _ in range(3))
    for i, j in trial.progress([(i, j) for i in range(repeats) for j in range(len(ASPECTS))]):
        shape = rows, rows * ASPECTS[j]
        weights = rng.normal(0.1 if control == "common-mean" else 0.0, 1.0, shape)
        spectrum = squares(weights)
        whole[i, j], edges[i, j] = hill(spectrum), spectrum[0] / shape[1]
        width = shape[1] // 2 if control == "shape-kept" else rows // 2
        blocks[i, j] = np.mean([hill(squares(block(rng, weights, rows // 2, width))) for _ in range(BLOCKS)])
    ratios = 1 / np.asarray(ASPECTS)
    limits = np.array([hill_limit(1.0 if control == "shape-ignored" else ratio) for ratio in ratios])
    edge = 1 + ratios if control == "no-root" else (1 + np.sqrt(ratios)) ** 2
    where = "columns / rows = 1, 2, 4, 8"
    return {
        "whole": Estimates.from_samples(whole, limits, x_label=where, y_label="Hill exponent of the matrix"),
        "blocks": Estimates.from_samples(blocks, hill_limit(1.0), x_label=where, y_label="Hill exponent of square blocks"),
        "edge": Estimates.from_samples(edges, edge, x_label=where, y_label="largest squared singular value / columns"),
    }


def squares(weights: Floats) -> Floats:
    """Squared singular values, falling, of a matrix that is not taller than wide."""
    return np.asarray(np.linalg.eigvalsh(weights @ weights.T)[::-1])


def block(rng: np.random.Generator, weights: Floats, rows: int, columns: int) -> Floats:
    """Random rows and columns, without repetition."""
    chosen = [rng.choice(size, number, replace=False) for size, number in zip(weights.shape, (rows, columns), strict=True)]
    return np.asarray(weights[np.ix_(*chosen)])


def hill(spectrum: Floats) -> float:
    """Hill's estimate of the exponent of a density, from the upper half of falling values."""
    k = spectrum.size // 2
    return float(1 + k / np.log(spectrum[:k] / spectrum[k]).sum())


def hill_limit(ratio: float) -> float:
    """Hill's exponent of the upper half of Marchenko and Pastur's law with rows / columns = ratio <= 1.

    With value 1 + ratio + 2 sqrt(ratio) cos(angle), an angle in (0, pi) has the density 2 sin(angle)^2 / (pi value).
    """

    def value(angle: float) -> float:
        return 1 + ratio + 2 * sqrt(ratio) * cos(angle)

    def density(angle: float) -> float:
        return 2 * sin(angle) ** 2 / (pi * value(angle))

    median = brentq(lambda angle: quad(density, 0, angle)[0] - 0.5, 0.1, 3.0)
    mean = 2 * quad(lambda angle: density(angle) * log(value(angle) / value(median)), 0, median)[0]
    return float(1 + 1 / mean)
