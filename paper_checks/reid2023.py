"""Reid, Choromanski, Likhosherstov, Weller (ICML 2023). How should random directions of features be coupled?"""

from functools import cache

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray
from scipy.special import gammaln, hyp0f1, roots_gegenbauer, roots_legendre

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="reid2023",
    title="Simplex Random Features",
    authors="Isaac Reid, Krzysztof Choromanski, Valerii Likhosherstov, Adrian Weller",
    year=2023,
    arxiv="2301.13856",
)

Floats = NDArray[np.float64]

DIMS, LENGTHS = (2, 3, 4, 8, 16, 64), (0.25, 0.5, 1.0, 2.0, 3.0)
SAMPLED = ((4, 0.5), (8, 0.5))  # dimension and length at which means of squares settle
COUPLINGS = ("independent", "orthogonal", "simplex")
NODES, BLOCK = 48, 1000


@paper.claim(
    "simrf-order",
    where="theorem: simplex coupling minimises the error of positive features (number unconfirmed); error re-derived",
    kind="theorem",
    checked="memory",
    statement=r"\hat K = e^{-(|x|^2+|y|^2)/2} \frac{1}{d} \sum_{i=1}^d e^{w_i^\top (x+y)}, \quad"
    r" \mathrm{MSE} = \frac{e^{-|x|^2-|y|^2}}{d} \left[e^{2v^2} - e^{v^2} + (d-1)(\rho - e^{v^2})\right], \quad v = |x+y|,"
    r" \quad \rho = \mathbb{E}\, e^{(w_1+w_2)^\top (x+y)}: \quad \rho_{\mathrm{simplex}} < \rho_{\mathrm{orthogonal}} <"
    r" \rho_{\mathrm{independent}} = e^{v^2}",
    # Quadrature rounds to 1e-13; interpolation in the cosine loses as much as rho varies over cosines, a factor of 2500.
    # The narrowest relative gap, d = 64 and v = 1/4, is 3e-5. Squares of errors have a standard deviation of 3 times their
    # mean: 120,000 of them leave a relative standard error of 0.9 %, and intervals of 2.6 of those.
    rule=All(
        quadrature=Identity(rtol=1e-11),
        order=Inequality(rtol=1e-11, strict=(1e-5, 1.0)),
        optimal=Inequality(rtol=1e-10, tight=1 - 1e-6),
        error=Agreement(rtol=0.06),
    ),
    controls={
        "opposite-sign": Control("directions with cosines 1/(d-1) in place of -1/(d-1)", parts=("order",)),
        "wider-simplex": Control("cosines -1/d, those of d + 1 directions, taken to be optimal for d", parts=("optimal",)),
        "m-pairs": Control("d pairs in place of d - 1 in the formula of the error", parts=("error",)),
        "one-length": Control("all d directions share one random length", parts=("error",)),
    },
)
def simrf_order(trial: Trial) -> dict[str, Sides | Bounds | Estimates]:
    r"""Values of rho by quadrature over both lengths, without sampling; errors of the estimator by sampling at small v.

    w_1 + w_2 has a uniform direction, so given its length s the mean is 0F1(d/2; v^2 s^2 / 4). Lengths are chi_d, and
    independent. Independent directions are averaged over the cosine, too, which must give e^{v^2}. Any other coupling of
    directions has some Gram matrix; rho grows in the cosine and is convex in it, and cosines sum to at least -d, so the mean
    rho over pairs is least for the simplex: measured for directions from the simplex itself to random ones.
    """
    rng = trial.rng()
    noises = trial.scale(quick=[1e-4, 0.1, 10.0], full=[1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0])
    least, middle, largest, known, means, bounds = ([] for _ in range(6))
    for d in trial.progress(DIMS):
        cosine = (1 if trial.control == "opposite-sign" else -1) / (d - 1)
        best = -1 / d if trial.control == "wider-simplex" else -1 / (d - 1)
        grams = [gram(simplex(d) + noise * rng.normal(size=(d, d))) for noise in noises]
        for v in LENGTHS:
            least.append(rho(d, v, cosine))
            middle.append(rho(d, v, 0.0))
            largest.append(independent(d, v))
            known.append(np.exp(v**2))
            means += mean_rhos(d, v, grams)
            bounds += [rho(d, v, best)] * len(grams)
    blocks = trial.repeats(quick=120, full=1200)
    errors = np.empty((blocks, len(SAMPLED), len(COUPLINGS)))
    predicted = np.empty(errors.shape[1:])
    for i, (d, v) in enumerate(SAMPLED):
        for j, coupling in enumerate(COUPLINGS):
            correlated = {"independent": np.exp(v**2), "orthogonal": rho(d, v, 0.0), "simplex": rho(d, v, -1 / (d - 1))}
            pairs = d if trial.control == "m-pairs" else d - 1
            predicted[i, j] = (np.exp(2 * v**2) - np.exp(v**2) + pairs * (correlated[coupling] - np.exp(v**2))) / d
            for block in range(blocks):
                found = sums(rng, BLOCK, d, v, coupling, shared=trial.control == "one-length")
                errors[block, i, j] = ((found / d - np.exp(v**2 / 2)) ** 2).mean()
    return {
        "quadrature": Sides(largest, known, x_label="rho by quadrature, independent", y_label="exp(v^2)"),
        "order": Bounds(middle, lower=least, upper=largest, x_label="d and v", y_label="rho of orthogonal directions"),
        "optimal": Bounds(means, lower=bounds, x_label="rho of the simplex", y_label="mean rho of random directions"),
        "error": Estimates.from_samples(errors, predicted, x_label="(d, v), coupling", y_label="mean square error / prefactor"),
    }


@cache  # controls need most of the same values
def rho(d: int, v: float, cosine: float) -> float:
    """E exp((w_1 + w_2).z), |z| = v, for directions with a given cosine and independent lengths of law chi_d."""
    lengths, weights = _lengths(d, v)
    i, j = np.triu_indices(NODES)
    squares = lengths[i] ** 2 + lengths[j] ** 2 + 2 * cosine * lengths[i] * lengths[j]
    return float((np.where(i == j, 1, 2) * weights[i] * weights[j]) @ hyp0f1(d / 2, v**2 * squares / 4))


def independent(d: int, v: float) -> float:
    """The mean of rho over the cosine of two independent uniform directions, density (1 - c^2)^{(d-3)/2}."""
    nodes, weights = roots_gegenbauer(16, (d - 2) / 2)
    return float(np.average([rho(d, v, cosine) for cosine in nodes], weights=weights))


def mean_rhos(d: int, v: float, grams: list[Floats]) -> list[float]:
    """For each Gram matrix of directions the mean of rho over pairs; rho is an entire function of the cosine: interpolated."""
    curve = Chebyshev.interpolate(np.vectorize(lambda cosine: rho(d, v, cosine)), int(12 + 6 * v))
    return [float(curve(cosines[np.triu_indices(len(cosines), 1)]).mean()) for cosines in grams]


def _lengths(d: int, v: float) -> tuple[Floats, Floats]:
    """Nodes and weights of the law chi_d by Gauss-Legendre nodes; exp(v w) moves its mass up by at most v."""
    low, high = max(0.0, d**0.5 - 6.5), d**0.5 + v + 6.5  # nine standard deviations
    nodes, weights = roots_legendre(NODES)
    w = low + (high - low) * (nodes + 1) / 2
    return w, weights * (high - low) / 2 * np.exp((d - 1) * np.log(w) - w**2 / 2 - (d / 2 - 1) * np.log(2) - gammaln(d / 2))


def gram(rows: Floats) -> Floats:
    """The cosines of all pairs of rows."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows @ rows.T)


def simplex(d: int) -> Floats:
    """As rows: d unit vectors in R^d with pairwise cosines -1/(d-1)."""
    return np.asarray((np.eye(d) - 1 / d) * (d / (d - 1)) ** 0.5)


def sums(rng: np.random.Generator, count: int, d: int, v: float, coupling: str, shared: bool = False) -> Floats:
    """Samples of sum_i exp(w_i.z), |z| = v, for d coupled directions; `shared` gives them one length."""
    lengths = np.sqrt(rng.chisquare(d, size=(count, 1 if shared else d)))
    if coupling == "independent":
        # The coordinates of independent uniform directions along z.
        along = rng.normal(size=(count, d))
        along /= np.sqrt(along**2 + rng.chisquare(d - 1, size=(count, d)))
    else:
        # A frame turned uniformly: the coordinates along z are those of the frame along a uniform direction.
        direction = rng.normal(size=(count, d))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        along = direction @ (simplex(d).T if coupling == "simplex" else np.eye(d))
    return np.asarray(np.exp(v * lengths * along).sum(1))
