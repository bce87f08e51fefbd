"""Wang, Isola (ICML 2020). What does the contrastive loss tend to with many negatives, and which measures minimise it?"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, hyp0f1, ive, roots_gegenbauer

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Identity, Inequality, Paper, Series, Sides, Slope, Trial

paper = Paper(
    key="wang2020",
    title="Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere",
    authors="Tongzhou Wang, Phillip Isola",
    year=2020,
    arxiv="2005.10242",
)

Floats = NDArray[np.float64]

D, TAU = 8, 0.5
NEGATIVES = (4, 8, 16, 32, 64, 128, 256, 512)
ANCHORS = 100  # in a repeat


@paper.claim(
    "infonce-limit",
    where="asymptotic theorem: deviations decay in O(M^{-1/2}) (number unconfirmed)",
    kind="theorem",
    checked="memory",
    statement=r"L_M = \mathbb{E} \log \left(1 + \sum_{i=1}^M e^{(f^\top f_i^- - f^\top f^+)/\tau}\right): \quad"
    r" L_M - \log M \to -\tfrac1\tau \mathbb{E} f^\top f^+ + \mathbb{E}_f \log \mathbb{E}_{f^-} e^{f^\top f^- / \tau},"
    r" \quad |\text{deviation}| = O(M^{-1/2})",
    # A deviation of 5.5/M, 0.011 at M = 512, with a standard error of 1e-5; an exponent of -1/2 or below, with 0.05 to spare.
    rule=All(limit=Agreement(atol=0.02), rate=Slope(tol=(None, 0.05))),
    controls={
        "half-the-negatives": "log(M/2) subtracted in place of log M",
        "mean-inside": Control("the mean of f.f-/tau in the limit in place of the logarithm of a mean", parts=("limit",)),
        "faster": Control("a rate of M^{-3/2}", parts=("rate",)),
    },
)
def infonce_limit(trial: Trial) -> dict[str, Estimates | Series]:
    """Losses of aligned pairs and uniform negatives on the sphere in d = 8, tau = 1/2, M = 4 to 512, in repeats of 100 anchors.

    A product with a uniform point has the law of one coordinate of it. The mean of exp(f.f-/tau) over the M negatives, less
    its expectation, has expectation 0: that much of each logarithm is subtracted, which leaves the expectation as it is. The
    rate is one-sided; that it is 1/M here is another claim.
    """
    found = _losses(trial) + (np.log(2) if trial.control == "half-the-negatives" else 0.0)
    limit = -1 / TAU + (0.0 if trial.control == "mean-inside" else np.log(exponential_mean(D, 1 / TAU)))
    rate = -1.5 if trial.control == "faster" else -0.5
    return {
        "limit": Estimates.from_samples(found[:, -1], limit, x_label="M = 512", y_label="L_M - log M"),
        "rate": Series(
            NEGATIVES, np.abs(found - limit), rate, x_label="number of negatives M", y_label="|L_M - log M - limit|"
        ),
    }


@paper.claim(
    "infonce-rate",
    where="rate of the same limit, ours: the theorem's M^{-1/2} is not attained",
    kind="derived",
    checked="memory",
    statement=r"f^+ = f, f^- \text{ uniform}: \quad M \left(L_M - \log M - \lim\right) \to \frac{e^{1/\tau}}{\mu} -"
    r" \frac{\sigma^2}{2 \mu^2}, \quad \mu, \sigma^2 = \text{mean and variance of } e^{f^\top f^-/\tau}",
    # Standard errors of 0.1 %. What the limit leaves out, (e^2 / mu)^2 / (2 M^2) and less, is 1.2 % of it at M = 256.
    rule=Agreement(rtol=0.02),
    controls={
        "variance-forgotten": "the limit without the variance of the negatives",
        "positive-forgotten": "the limit without the positive pair in the denominator",
    },
)
def infonce_rate(trial: Trial) -> Estimates:
    """As in infonce-limit: M times the deviation from the limit at M = 256 and 512."""
    mean = exponential_mean(D, 1 / TAU)
    variance = 0.0 if trial.control == "variance-forgotten" else exponential_mean(D, 2 / TAU) - mean**2
    positive = 0.0 if trial.control == "positive-forgotten" else np.exp(1 / TAU)
    deviations = _losses(trial)[:, -2:] + 1 / TAU - np.log(mean)
    return Estimates.from_samples(
        np.asarray(NEGATIVES[-2:]) * deviations,
        positive / mean - variance / (2 * mean**2),
        x_label="M = 256, 512",
        y_label="M times deviation",
    )


def _losses(trial: Trial) -> Floats:
    """Values of L_M - log M, of shape (repeat, M)."""
    rng, repeats = trial.rng(), trial.repeats(quick=40, full=400)
    mean, found = exponential_mean(D, 1 / TAU), np.empty((repeats, len(NEGATIVES)))
    for repeat in trial.progress(range(repeats)):
        exponentials = np.exp(coordinates(rng, D, (ANCHORS, NEGATIVES[-1])) / TAU)
        found[repeat] = [(loss(exponentials[:, :m], TAU, mean) - np.log(m)).mean() for m in NEGATIVES]
    return found


def loss(exponentials: Floats, tau: float, mean: float) -> Floats:
    """The loss of each row's aligned pair against its negatives, less its first-order noise, whose expectation is 0."""
    m, positive = exponentials.shape[1], np.exp(1 / tau)
    noise = (exponentials.mean(1) - mean) / (mean + positive / m)
    return np.asarray(np.log1p(exponentials.sum(1) / positive) - noise)


def coordinates(rng: np.random.Generator, d: int, shape: tuple[int, ...]) -> Floats:
    """First coordinates of uniform points on the sphere in R^d, d >= 2."""
    first = rng.normal(size=shape)
    return np.asarray(first / np.sqrt(first**2 + rng.chisquare(d - 1, size=shape)))


def exponential_mean(d: int, a: float) -> float:
    """E exp(a u) for a coordinate u of a uniform point on the sphere in R^d."""
    return float(hyp0f1(d / 2, a**2 / 4))


SPHERES, SCALES = (2, 3, 8, 32), (0.5, 2.0, 5.0)


@paper.claim(
    "uniform-potential",
    where="uniformity: the uniform measure is the only minimiser of the expected Gaussian potential (number unconfirmed)",
    kind="theorem",
    checked="memory",
    statement=r"\mathbb{E}_{x, y \sim \mu} e^{-t |x - y|^2} \ge \mathbb{E}_{x, y \sim \sigma} e^{-t |x - y|^2}"
    r" = e^{-2t}\, \Gamma(d/2)\, t^{1 - d/2} I_{d/2-1}(2t) \text{ for every measure } \mu \text{ on } S^{d-1},"
    r" \quad \sigma \text{ uniform}",
    # Sums of at most 64^2 positive terms, each to a few epsilon; Bessel functions to 1e-13 or so.
    rule=All(value=Identity(rtol=1e-11), minimum=Inequality(rtol=1e-11, tight=1 - 1e-9)),
    controls={
        "next-order": Control("the Bessel function of order d/2", parts=("value",)),
        "half-angle": Control("e^{-t} in front in place of e^{-2t}", parts=("value",)),
        "self-pairs-left-out": Control("means over pairs of different points", parts=("minimum",)),
        "outside": Control("points of length 1.01", parts=("minimum",)),
    },
)
def uniform_potential(trial: Trial) -> dict[str, Sides | Bounds]:
    """The closed form against Gauss quadrature over the angle; finite measures against it, each point paired with itself, too.

    Measures in d = 2, 3, 8, 32: 2 to 40 random points with random weights, drawn together by a common part or not; the
    simplex of d + 1 points; and the regular 64-gon in the plane, which no smooth potential tells from the circle.
    """
    rng, count = trial.rng(), trial.scale(quick=100, full=2000)
    closed, quadrature, values, bounds = [], [], [], []
    for d in trial.progress(SPHERES):
        angles = 2 * np.pi * np.arange(64) / 64
        points = [np.eye(d + 1) - 1 / (d + 1)] + ([np.stack([np.cos(angles), np.sin(angles)], axis=1)] if d == 2 else [])
        for _ in range(count):
            points.append(rng.normal(size=(rng.integers(2, 41), d)) + rng.exponential() * rng.normal(size=d))
        for number, rows in enumerate(points):
            weights = np.ones(len(rows)) if number < len(points) - count else rng.exponential(size=len(rows))
            for t in SCALES:
                values.append(potential(rows, weights, t, trial.control))
                bounds.append(uniform(d, t))
        for t in SCALES:
            closed.append(uniform(d, t, order=d / 2 if trial.control == "next-order" else None))
            closed[-1] *= np.exp(t) if trial.control == "half-angle" else 1
            nodes, masses = roots_gegenbauer(40, (d - 2) / 2)
            quadrature.append(masses @ np.exp(-2 * t * (1 - nodes)) / masses.sum())
    return {
        "value": Sides(closed, quadrature, x_label="closed form", y_label="quadrature"),
        "minimum": Bounds(values, lower=bounds, x_label="potential of the uniform measure", y_label="of finite measures"),
    }


def uniform(d: int, t: float, order: float | None = None) -> float:
    """E exp(-t |x - y|^2) for independent uniform points on the sphere in R^d."""
    order = d / 2 - 1 if order is None else order
    return float(np.exp(gammaln(d / 2) - (d / 2 - 1) * np.log(t)) * ive(order, 2 * t))


def potential(rows: Floats, weights: Floats, t: float, control: str | None = None) -> float:
    """E exp(-t |x - y|^2) for independent draws from a finite measure on the sphere: rows are scaled onto it."""
    points = rows / np.linalg.norm(rows, axis=1, keepdims=True) * (1.01 if control == "outside" else 1.0)
    squares = ((points[:, None] - points) ** 2).sum(2)
    masses = np.outer(weights, weights)
    if control == "self-pairs-left-out":
        np.fill_diagonal(masses, 0.0)
    return float((masses * np.exp(-t * squares)).sum() / masses.sum())
