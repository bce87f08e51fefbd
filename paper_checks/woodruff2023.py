"""Woodruff, Yasuda (2023): the sensitivities of the rows of a matrix sum to no more than a power of its rank."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="woodruff2023",
    title="Sharper Bounds for $\\ell_p$ Sensitivity Sampling",
    authors="David P. Woodruff, Taisuke Yasuda",
    year=2023,
    arxiv="2306.00732",
)

Floats = NDArray[np.float64]

ROWS = 12
CUT = 1e-6  # of the largest value of a row, in weights
ROUNDS = 80  # of reweighted least squares, whose errors halve at p = 3/2


@paper.claim(
    "total-sensitivity",
    where="preliminaries on total sensitivities, a classical ingredient; the sample bounds hide logarithms",
    kind="theorem",
    checked="memory",
    statement=r"s_i = \max_x \frac{|a_i \cdot x|^p}{\|Ax\|_p^p}: \quad \sum_i s_i = d = \mathrm{rank}\, A \ (p = 2), \quad"
    r"\sum_i s_i \le d \ (1 \le p \le 2), \quad \sum_i s_i \le d^{p/2} \ (p > 2)",
    # Orthonormal columns, 12 rows: rounding of 1e-14. For p = 3/2 weights are cut off at 1e-6 of the largest value: this leaves
    # (1e-6)^(3/2) for each of 12 rows, 1.2e-8, between the bounds of the maximum; what is found never exceeds it.
    rule=All(
        two=Identity(rtol=1e-11),
        one=Inequality(rtol=1e-11, tight=1 - 1e-9),
        between=Inequality(rtol=1e-11, tight=1 - 1e-9),
        four=Inequality(rtol=1e-11),
        certified=Identity(rtol=2e-8),
    ),
    controls={
        "columns": Control("the number of columns in place of the rank", parts=("two",)),
        "one-fewer": Control("d - 1 in place of d", parts=("one", "between")),
        "same-power": Control("d in place of d^(p/2) at p = 4", parts=("four",)),
        "single-vector": Control(
            "the ratio at one x alone, that of least squares, as if it were the maximum", parts=("certified",)
        ),
    },
)
def total_sensitivity(trial: Trial) -> dict[str, Sides | Bounds]:
    """Matrices of 12 rows and rank 1 to 4, with 1 or 2 columns more than that: 24 (400), in four kinds.

    Gaussian rows, rows of lognormal lengths, rows on a sphere, and repeated rows of an orthonormal basis, which attain d for
    p <= 2. Sensitivities depend on the span of the columns alone, of which an orthonormal basis is taken. p = 1: the largest
    ratio is reached where d - 1 rows vanish on x, so all such x are tried. p = 3/2 and 4: reweighted least squares; since A^T u
    = a_i makes |a_i . x| <= |u|_q |Ax|_p, a u close to the optimal one bounds each sensitivity from above, by |u|_q^p
    (`certified`).
    """
    rng, control = trial.rng(), trial.control
    totals: dict[str, list[float]] = {"two": [], "one": [], "between": [], "four": []}
    ranks, found, bounds = [], [], []
    for case in trial.progress(range(trial.scale(quick=24, full=400))):
        d = 1 + case // 4 % 4
        a = random_rows(rng, d, case % 4)
        columns = d + int(rng.integers(1, 3))
        basis = span(a @ rng.normal(size=(d, columns)))
        if basis.shape[1] != d:
            trial.unmet(f"rank {basis.shape[1]} in place of {d}")
        ranks.append((d, columns))
        totals["two"].append(float((basis**2).sum()))
        totals["one"].append(float(of_vertices(basis).sum()))
        for name, p in (("between", 1.5), ("four", 4.0)):
            lower, upper = of_powers(basis, p, 0 if control == "single-vector" else ROUNDS)
            totals[name].append(float(lower.sum()))
            found.append(lower)
            bounds.append(upper)
    rank, width = np.asarray(ranks, float).T
    most = rank - 1 if control == "one-fewer" else rank
    return {
        "two": Sides(totals["two"], width if control == "columns" else rank, x_label="total, p = 2", y_label="rank"),
        "one": Bounds(totals["one"], upper=most, x_label="rank d", y_label="total, p = 1"),
        "between": Bounds(totals["between"], upper=most, x_label="rank d", y_label="total, p = 3/2"),
        "four": Bounds(
            totals["four"], upper=rank if control == "same-power" else rank**2, x_label="d^2", y_label="total, p = 4"
        ),
        "certified": Sides(np.concatenate(found), np.concatenate(bounds), x_label="sensitivity", y_label="upper bound"),
    }


def random_rows(rng: np.random.Generator, d: int, kind: int) -> Floats:
    """12 rows of rank d: 0 Gaussian, 1 of lognormal lengths, 2 on a sphere, 3 repeated rows of an orthonormal basis."""
    rows = rng.normal(size=(ROWS, d))
    if kind == 1:
        rows *= np.exp(rng.normal(size=(ROWS, 1)))
    if kind == 2:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    if kind == 3:
        rows = np.linalg.qr(rng.normal(size=(d, d)))[0][np.arange(ROWS) % d]
    return rows


def span(a: Floats) -> Floats:
    """An orthonormal basis of the span of the columns, shape (rows, rank)."""
    left, singular, _ = np.linalg.svd(a, full_matrices=False)
    return left[:, singular > 1e-10 * max(float(singular[0]), 1e-300)]


def of_vertices(basis: Floats) -> Floats:
    """Sensitivities for p = 1: the largest ratio over all x on which d - 1 rows vanish."""
    d = basis.shape[1]
    chosen = np.array(list(combinations(range(len(basis)), d - 1)), int)
    x = np.linalg.svd(basis[chosen])[2][:, -1]  # orthogonal to the rows chosen
    values = np.abs(x @ basis.T)
    ratios: Floats = (values / values.sum(axis=1, keepdims=True)).max(axis=0)
    return ratios


def of_powers(basis: Floats, p: float, rounds: int) -> tuple[Floats, Floats]:
    """Sensitivities for p > 1 from below, by reweighted least squares, and from above, by a dual vector; no row may be 0."""
    x = basis / (basis**2).sum(axis=1, keepdims=True)  # of the least squares, with a_i . x = 1
    step = 1 / max(p - 1, 1.0)
    for _ in range(rounds):
        sizes = np.abs(x @ basis.T)
        weights = np.maximum(sizes / sizes.max(axis=1, keepdims=True), CUT) ** (p - 2)
        y = np.linalg.solve(np.einsum("in,na,nb->iab", weights, basis, basis), basis[..., None])[..., 0]
        x += step * (y / (y * basis).sum(axis=1, keepdims=True) - x)
    values = x @ basis.T
    totals = (np.abs(values) ** p).sum(axis=1)
    u = np.sign(values) * np.abs(values) ** (p - 1) / totals[:, None]
    u += (basis - u @ basis) @ basis.T  # basis^T u = a_i, to the last digit
    q = p / (p - 1)
    return 1 / totals, (np.abs(u) ** q).sum(axis=1) ** (p / q)
