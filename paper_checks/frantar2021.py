"""Frantar, Kurtic, Alistarh (NeurIPS 2021). Products with the inverse of an empirical Fisher matrix, without the matrix."""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import All, Control, Identity, Paper, Sides, Trial

paper = Paper(
    key="frantar2021",
    title="M-FAC: Efficient Matrix-Free Approximations of Second-Order Information",
    authors="Elias Frantar, Eldar Kurtic, Dan Alistarh",
    year=2021,
    arxiv="2107.03356",
)

Floats = NDArray[np.float64]

DAMPING = 1e-2


@paper.claim(
    "mfac-exact",
    where="recursion for inverse products: it is exact, and its order does not matter",
    kind="theorem",
    checked="memory",
    statement=r"F_i = \lambda I + \tfrac1m \sum_{j \le i} g_j g_j^\top,\ v_i = F_{i-1}^{-1} g_i: \quad F_i^{-1} x ="
    r" F_{i-1}^{-1} x - v_i \frac{v_i^\top x}{m + g_i^\top v_i}, \quad F_m^{-1} x \text{ in } O(d m) \text{ after } O(d m^2)",
    # Condition numbers of at most 4e4 (m = 1), 80 steps that each round: 7e-10 of the norm of the product at worst.
    rule=All(product=Identity(rtol=0.0, atol=1e-9), order=Identity(rtol=0.0, atol=1e-9)),
    controls={
        "m-forgotten": Control("1 + g.v in place of m + g.v in the denominator", parts=("product",)),
        "stale": Control("v_i = g_i / lambda, from the damping alone", parts=("product",)),
        "last-left-out": "the recursion stops one gradient early",
        "diagonal": Control("the inverse of the diagonal of F", parts=("product",)),
    },
)
def mfac_exact(trial: Trial) -> dict[str, Sides]:
    """Products by the recursion against solves with the whole matrix, and against the recursion over shuffled gradients.

    Gaussian gradients and vectors, d = 300 and m = 1, 5, 20, 80 (full tier: d = 1000, up to m = 320), lambda = 0.01; products
    are divided by their norms. The costs follow from the number of products of vectors, and are not measured.
    """
    rng = trial.rng()
    d, counts = trial.scale(quick=300, full=1000), trial.scale(quick=(1, 5, 20, 80), full=(1, 5, 20, 80, 320))
    found, solved, shuffled = [], [], []
    for m in trial.progress(counts):
        gradients, x = rng.normal(size=(m, d)), rng.normal(size=d)
        fisher = DAMPING * np.eye(d) + gradients.T @ gradients / m
        exact = np.linalg.solve(fisher, x)
        norm = np.linalg.norm(exact)
        one = x / np.diag(fisher) if trial.control == "diagonal" else product(gradients, x, DAMPING, trial.control)
        found.append(one / norm)
        solved.append(exact / norm)
        shuffled.append(product(rng.permutation(gradients), x, DAMPING, trial.control) / norm)
    return {
        "product": Sides(found, solved, x_label="recursion", y_label="solution with the matrix"),
        "order": Sides(found, shuffled, x_label="recursion", y_label="over shuffled gradients"),
    }


def product(gradients: Floats, x: Floats, damping: float, control: str | None = None) -> Floats:
    """F^{-1} x for F = damping I + mean of g g^T over the rows, never formed."""
    m = len(gradients)
    scale = 1 if control == "m-forgotten" else m
    vectors: list[Floats] = []
    divisors: list[float] = []

    def apply(y: Floats) -> Floats:
        """The product with the inverse of what has been taken in so far."""
        result = y / damping
        for v, divisor in zip(vectors, divisors, strict=True):
            result = result - v * ((v @ y) / divisor)
        return result

    for g in gradients[: m - 1] if control == "last-left-out" else gradients:
        v = g / damping if control == "stale" else apply(g)
        vectors.append(v)
        divisors.append(float(scale + g @ v))
    return apply(x)
