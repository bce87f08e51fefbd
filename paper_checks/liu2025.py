"""Liu, Liu, Gore (NeurIPS 2025). How much do more features than dimensions overlap?"""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Inequality, Paper, Series, Slope, Trial

paper = Paper(
    key="liu2025",
    title="Superposition Yields Robust Neural Scaling",
    authors="Yizhou Liu, Ziming Liu, Jeff Gore",
    year=2025,
    arxiv="2505.10465",
)

Floats = NDArray[np.float64]

DIMS = (8, 16, 32, 64, 128, 256)
FEATURES = 1000
BASES = (2, 3, 8)  # orthonormal bases that together make a tight frame


@paper.claim(
    "superposition-overlap",
    where="geometry behind the 1/m law of the loss: squared overlaps of isotropic vectors, and their lower bound by Welch",
    kind="theorem",
    checked="memory",
    statement=r"u_1, \dots, u_n \in \mathbb{R}^m \text{ isotropic unit vectors}: \quad \mathbb{E} (u_i^\top u_j)^2 = \frac1m;"
    r" \quad \text{any } n > m \text{ unit vectors}: \quad \frac{1}{n(n-1)} \sum_{i \ne j} (u_i^\top u_j)^2 \ge"
    r" \frac{n/m - 1}{n - 1}, \text{ with equality for tight frames}",
    # Half a million pairs in a repeat, any two of them uncorrelated: a relative standard error of 0.2 %, of 0.05 % over 20.
    # The bound: sums of squares of n^2 cosines, 1e-13, over the share n/m - 1 of n/m that is left.
    rule=All(
        overlap=Agreement(rtol=0.01),
        rate=Slope(tol=0.02),
        welch=Inequality(rtol=1e-10, tight=1 - 1e-9),
    ),
    controls={
        "one-less": Control("1/(m-1) in place of 1/m", parts=("overlap",)),
        "first-power": Control("the rate of |cos|, -1/2", parts=("rate",)),
        "common-mean": Control("vectors with a common mean of 0.3 in each coordinate", parts=("overlap", "rate")),
        "endless": Control("1/m, the bound for n to infinity, at every n", parts=("welch",)),
    },
)
def superposition_overlap(trial: Trial) -> dict[str, Estimates | Series | Bounds]:
    """Mean squared cosines of 1000 random unit vectors, m = 8 to 256; and of other unit vectors against the bound.

    The sum of squared cosines is the squared Frobenius norm of the m x m frame operator. The bound is measured for random
    vectors, drawn together by a common part or not, with n from m + 1 to 4m, for unions of 2, 3 or 8 random orthonormal bases,
    which are tight frames, and for simplices. How the loss of trained networks falls with m is not measured.
    """
    rng, repeats = trial.rng(), trial.repeats(quick=20, full=100)
    shift = 0.3 if trial.control == "common-mean" else 0.0
    found = np.empty((repeats, len(DIMS)))
    for repeat in trial.progress(range(repeats)):
        found[repeat] = [mean_square_cosine(rng.normal(shift, size=(FEATURES, m))) for m in DIMS]
    values, bounds = [], []
    for _ in range(trial.scale(quick=20, full=400)):
        for m in (2, 5, 20):
            random = rng.normal(size=(int(rng.integers(m + 1, 4 * m + 1)), m)) + rng.exponential() * rng.normal(size=m)
            frames = [np.concatenate([_basis(rng, m) for _ in range(count)]) for count in BASES]
            for rows in (random, *frames, simplex(m)):
                values.append(mean_square_cosine(rows))
                bounds.append(1 / m if trial.control == "endless" else welch(*rows.shape))
    dims = np.asarray(DIMS, float)
    return {
        "overlap": Estimates.from_samples(
            found,
            1 / (dims - 1) if trial.control == "one-less" else 1 / dims,
            x_label="m = 8, 16, 32, 64, 128, 256",
            y_label="mean cos^2",
        ),
        "rate": Series(
            dims, found, -0.5 if trial.control == "first-power" else -1.0, x_label="dimension m", y_label="mean cos^2"
        ),
        "welch": Bounds(values, lower=bounds, x_label="Welch's bound", y_label="mean cos^2"),
    }


def mean_square_cosine(rows: Floats) -> float:
    """The mean squared cosine over all pairs of different rows."""
    n = len(rows)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return float((((units.T @ units) ** 2).sum() - n) / (n * (n - 1)))


def welch(n: int, m: int) -> float:
    """The least mean squared cosine of n >= m unit vectors in m dimensions."""
    return (n / m - 1) / (n - 1)


def simplex(m: int) -> Floats:
    """As rows: m + 1 vectors in R^m with equal lengths and angles."""
    centred = np.eye(m + 1) - 1 / (m + 1)
    return np.asarray(np.linalg.svd(centred)[0][:, :m])


def _basis(rng: np.random.Generator, m: int) -> Floats:
    return np.asarray(np.linalg.qr(rng.normal(size=(m, m)))[0])
