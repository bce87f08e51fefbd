"""Brechet, Papagiannouli, An, Montufar (2023): the closest matrix of rank k in the Bures-Wasserstein distance."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="brechet2023",
    title="Critical Points and Convergence Analysis of Generative Deep Linear Networks Trained with Bures-Wasserstein Loss",
    authors="Pierre Bréchet, Katerina Papagiannouli, Jing An, Guido Montúfar",
    year=2023,
    arxiv="2303.03027",
)

Floats = NDArray[np.float64]

STARTS = 3
SPREADS = (1e-8, 1e-4, 1e-2, 1.0)  # of random matrices of rank k about the truncation


@paper.claim(
    "bures-wasserstein",
    where="global minimum and critical points of the loss over covariances of rank k (theorem numbers unconfirmed)",
    kind="theorem",
    checked="memory",
    statement=r"\min_{\mathrm{rank}\, S \le k,\ S \succeq 0} \mathrm{tr}\, S_0 + \mathrm{tr}\, S - 2\, \mathrm{tr} "
    r"\left(S_0^{1/2} S S_0^{1/2}\right)^{1/2} = \sum_{i > k} \lambda_i(S_0), \quad \text{attained where the } k \text{ "
    r"largest eigenvalues are kept; keeping any } k \text{ of them is a critical point}",
    # Traces are 1, so all terms are: rounding of 1e-15; gradients of 1e-7 leave 1e-14 over the curvature, above 1e-4: 1e-10.
    rule=All(
        minimum=Identity(rtol=0.0, atol=1e-9),
        bound=Inequality(rtol=0.0, atol=1e-12, tight=1 - 1e-9),
        critical=Identity(rtol=0.0, atol=1e-12),
    ),
    controls={
        "squares": Control("squares of the eigenvalues, as in the Frobenius distance of S and S_0", parts=("minimum",)),
        "one-too-few": Control("the sum over i >= k in place of i > k", parts=("minimum", "bound")),
        "whole-powers": Control("eigenvectors scaled by eigenvalues in place of their roots", parts=("critical",)),
        "other-directions": Control("orthonormal directions that are no eigenvectors", parts=("critical",)),
    },
)
def bures_wasserstein(trial: Trial) -> dict[str, Sides | Bounds]:
    """Random S_0 of trace 1 in 3 to 6 dimensions, every k below that, S = W W^T.

    The last trace is the nuclear norm of S_0^(1/2) W, the maximum of <S_0^(1/2), W U^T> over U with orthonormal columns, so
    that the loss is the least |S_0^(1/2) - W U^T|^2: not below the error of the best approximation of rank k (Eckart, Young).
    `minimum`: the best of 3 runs of BFGS. `bound`: W near the minimum and far from it, 50 for each spread, and the minimum
    itself. `critical`: gradients at all selections of k eigenvalues.
    """
    rng, control = trial.rng(), trial.control
    matrices = trial.scale(quick=8, full=200)
    minima, tails, losses, lowers, gradients = [], [], [], [], []
    for _ in trial.progress(range(matrices)):
        n = int(rng.integers(3, 7))
        values, vectors = spectrum(rng, n)
        root = vectors * np.sqrt(values) @ vectors.T
        for k in range(1, n):
            kept = values**2 if control == "squares" else values
            tail = float(kept[k - 1 if control == "one-too-few" else k :].sum())
            minima.append(min(descended(rng.normal(size=(n, k)), root) for _ in range(STARTS)))
            tails.append(tail)
            best = vectors[:, :k] * np.sqrt(values[:k])
            near = [best + spread * rng.normal(size=(n, k)) for spread in SPREADS for _ in range(50)]
            losses += [loss(w, root)[0] for w in (best, *near)]
            lowers += [tail] * (1 + len(near))
            basis = np.linalg.qr(rng.normal(size=(n, n)))[0] if control == "other-directions" else vectors
            powers = values if control == "whole-powers" else np.sqrt(values)
            gradients += [np.abs(loss(basis[:, chosen] * powers[chosen], root)[1]).max() for chosen in _selections(n, k)]
    return {
        "minimum": Sides(minima, tails, x_label="least loss found", y_label="sum of the smallest eigenvalues"),
        "bound": Bounds(losses, lower=lowers, x_label="sum of the smallest eigenvalues", y_label="loss"),
        "critical": Sides(gradients, np.zeros(len(gradients)), x_label="selection", y_label="largest entry of the gradient"),
    }


def spectrum(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Eigenvalues, falling, of sum 1, that differ by a factor of 1.2 or more; and random eigenvectors."""
    values = np.cumprod(rng.uniform(0.3, 1 / 1.2, n))
    return values / values.sum(), np.linalg.qr(rng.normal(size=(n, n)))[0]


def loss(w: Floats, root: Floats) -> tuple[float, Floats]:
    """The squared Bures-Wasserstein distance of W W^T from S_0 = root^2, and its gradient in W."""
    left, singular, right = np.linalg.svd(root @ w, full_matrices=False)
    distance = float((root**2).sum() + (w**2).sum() - 2 * singular.sum())
    return distance, 2 * (w - root @ (left @ right))


def descended(w: Floats, root: Floats) -> float:
    """The loss after BFGS from W."""

    def flat(entries: Floats) -> tuple[float, Floats]:
        value, gradient = loss(entries.reshape(w.shape), root)
        return value, gradient.ravel()

    return float(minimize(flat, w.ravel(), jac=True, method="BFGS", options={"gtol": 1e-7}).fun)


def _selections(n: int, k: int) -> list[list[int]]:
    """All sets of k numbers below n."""
    return [[i for i in range(n) if mask >> i & 1] for mask in range(2**n) if mask.bit_count() == k]
