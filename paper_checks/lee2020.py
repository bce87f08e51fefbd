"""Lee, Lei, Saunshi, Zhuo (2020): predicting one view from the other leaves little to learn about what both depend on."""

import numpy as np
from jaxtyping import Float

from ntkit.claims import Agreement, All, Control, Estimates, Exact, Identity, Integers, Paper, Sides, Trial

paper = Paper(
    key="lee2020",
    title="Predicting What You Already Know Helps: Provable Self-Supervised Learning",
    authors="Jason D. Lee, Qi Lei, Nikunj Saunshi, Jiacheng Zhuo",
    year=2020,
    arxiv="2008.01064",
)

Floats = Float[np.ndarray, "..."]

LAWS = ((3, 40, 30, 10), (5, 100, 20, 20), (8, 30, 60, 12))  # classes, values of X1, values of X2, dimensions of X2
RANK = 1e-9  # of the largest singular value
D1, D2, CLASSES = 60, 40, 4  # dimensions of X1, X2 and Y
SAMPLES = (100, 200, 400)


@paper.claim(
    "ci-linear-identity",
    where="section on exact conditional independence (number unconfirmed); the form with the inverse is ours",
    kind="derived",
    checked="memory",
    statement=r"X_1 \perp X_2 \mid Y \in \{1, \dots, k\},\ A = E[X_2 \mid Y] \text{ of rank } k,\ "
    r"\psi(x) = E[X_2 \mid X_1 = x]: \quad \mathrm{rank}\, \psi = k, \quad P(Y \mid X_1 = x) = \psi(x) A^+",
    # Rounding 1e-16 times the condition of A, below 1e4 for these laws.
    rule=All(rank=Exact(), identity=Identity(rtol=0.0, atol=1e-10)),
    controls={
        "dependent": Control("X_2 depends on X_1 given Y, with a weight of 0.01", parts=("rank", "identity")),
        "rank": Control("X_2 in k - 1 dimensions, so that A has rank k - 1", parts=("identity",)),
        "transposed": Control("the transpose of A in place of its inverse", parts=("identity",)),
    },
)
def ci_linear_identity(trial: Trial) -> dict[str, Integers | Sides]:
    """Random discrete laws; psi, A and the posterior are all taken from the joint law of X1, X2 and Y.

    Y, X1 given Y and X2 given Y are uniform on the simplex; the values of X2 are standard normal vectors. So
    psi = posterior @ A, of rank k at most; that X2 is a vector, not a class, costs nothing, as long as A keeps rank k.
    """
    random, laws = trial.rng(), trial.scale(quick=30, full=300)
    ranks, posteriors, recovered, expected = [], [], [], []
    for k, m1, m2, d2 in LAWS:
        for _ in range(laws):
            joint = _joint(random, k, m1, m2, 0.01 if trial.control == "dependent" else 0.0)
            values = random.normal(size=(m2, k - 1 if trial.control == "rank" else d2))
            first, both = joint.sum(axis=(1, 2)), joint.sum(axis=0)
            psi = joint.sum(axis=2) @ values / first[:, None]
            centres = both.T @ values / both.sum(axis=0)[:, None]
            inverse = centres.T if trial.control == "transposed" else np.linalg.pinv(centres)
            ranks.append(_rank(psi))
            expected.append(k)
            posteriors.append((joint.sum(axis=1) / first[:, None]).ravel())
            recovered.append((psi @ inverse).ravel())
    return {
        "rank": Integers(ranks, expected, x_label="k", y_label="rank of psi"),
        "identity": Sides(
            np.concatenate(recovered), np.concatenate(posteriors), x_label="psi times the inverse of A", y_label="posterior"
        ),
    }


@paper.claim(
    "excess-risk-rank",
    where="sections on jointly Gaussian variables and on downstream sample complexity, O(k / n); the exact values are ours",
    kind="derived",
    checked="memory",
    statement=r"X_1 = A Y + e_1,\ X_2 = B Y + e_2 \text{ Gaussian, } Y \in R^k,\ \psi(x) = E[X_2 \mid X_1 = x]: \quad "
    r"\mathrm{rank}\, \psi = k; \text{ least squares for a linear function of } Y \text{ has the excess risk } "
    r"\sigma^2 k / n \text{ on } \psi,\ \sigma^2 d_1 / n \text{ on } x_1",
    # Sampling: chi-squared with 4 degrees of freedom, 2000 draws: a standard error of 1.6 %, with six intervals together 4.2 %.
    rule=All(rank=Exact(), psi=Agreement(rtol=0.1), raw=Agreement(rtol=0.1)),
    controls={
        "one-shared": Control("one coordinate of X_2 has noise of X_1 in it", parts=("rank",)),
        "two-shared": Control("two coordinates of X_2 have noise of X_1 in them", parts=("psi",)),
        "all-shared": Control("all coordinates of X_2 have noise of X_1 in them", parts=("psi",)),
        "unlabelled": Control("the risk d_2 / n of least squares on d_2 numbers, as if psi had full rank", parts=("psi",)),
    },
)
def excess_risk_rank(trial: Trial) -> dict[str, Integers | Estimates]:
    """d1 = 60, d2 = 40, k = 4, n = 100, 200, 400; A and B standard normal, psi exact, the excess risk that at the given inputs.

    The label is <w, Y>: its mean given X1 is linear in psi, and what remains is independent of X1, normal, of variance
    sigma^2 = w' (1 + A'A)^-1 w. Least squares projects it on r dimensions, so that the excess is sigma^2 chi^2_r / n, with
    r = k or d1. Y in coordinates that are uncorrelated given X1 has k independent labels of variance 1 for each data set.

    An estimated psi adds an error of its own, which is not measured here.
    """
    random = trial.rng()
    a, b = random.normal(size=(D1, CLASSES)), random.normal(size=(D2, CLASSES))
    shared = np.zeros((D2, D1))
    rows = {"one-shared": 1, "two-shared": 2, "all-shared": D2}.get(trial.control or "", 0)
    shared[:rows] = 0.3 * random.normal(size=(rows, D1))
    # X2 = B Y + C e1 + e2: of these, psi needs the covariance with X1.
    inverse = np.linalg.inv(a @ a.T + np.eye(D1))
    psi = (b @ a.T + shared) @ inverse
    rank = _rank(psi)
    space = np.linalg.svd(psi)[2][:rank].T
    deviation, axes = np.linalg.eigh(np.linalg.inv(np.eye(CLASSES) + a.T @ a))
    whiten = axes / np.sqrt(deviation)
    best = inverse @ a @ whiten  # the labels' means, as functions of x1
    repeats = trial.repeats(quick=500, full=2500) // (4 if trial.control else 1)
    risks = np.empty((2, repeats, CLASSES, len(SAMPLES)))
    for repeat in trial.progress(range(repeats)):
        for i, n in enumerate(SAMPLES):
            y = random.normal(size=(n, CLASSES))
            x = y @ a.T + random.normal(size=(n, D1))
            for which, features in enumerate((x @ space, x)):
                risks[which, repeat, :, i] = _excess(features, y @ whiten, x @ best)
    on_psi, on_raw = risks.reshape(2, -1, len(SAMPLES))
    sizes = np.array(SAMPLES)
    predicted = (D2 if trial.control == "unlabelled" else CLASSES) / sizes
    return {
        "rank": Integers([rank], [CLASSES], x_label="k", y_label="rank of psi"),
        "psi": Estimates.from_samples(on_psi, predicted, x_label="n = 100, 200, 400", y_label="excess risk on psi"),
        "raw": Estimates.from_samples(on_raw, D1 / sizes, x_label="n = 100, 200, 400", y_label="excess risk on x1"),
    }


def _joint(random: np.random.Generator, k: int, m1: int, m2: int, dependence: float) -> Floats:
    """P(x1, x2, y) of a random law, shape (m1, m2, k), with X2 given X1 and Y in a mixture of this weight."""
    classes = random.dirichlet(np.ones(k))
    first, second = random.dirichlet(np.ones(m1), size=k).T, random.dirichlet(np.ones(m2), size=k).T
    other = random.dirichlet(np.ones(m2), size=(m1, k)).transpose(0, 2, 1)
    return np.asarray(classes * first[:, None, :] * ((1 - dependence) * second + dependence * other))


def _rank(matrix: Floats) -> int:
    values = np.linalg.svd(matrix, compute_uv=False)
    return int((values > RANK * values[0]).sum())


def _excess(features: Floats, labels: Floats, best: Floats) -> Floats:
    """Mean square distance of the fit from the labels' means, for each label."""
    basis = np.linalg.qr(features)[0]
    return np.asarray(((basis @ (basis.T @ labels) - best) ** 2).mean(axis=0))
