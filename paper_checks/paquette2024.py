"""Paquette, Paquette, Xiao, Pennington (2024): the loss of one-pass SGD on random features, and the exponents of its terms."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import Agreement, All, Control, Estimates, Identity, Paper, Sides, Trial

paper = Paper(
    key="paquette2024",
    title="4+3 Phases of Compute-Optimal Neural Scaling Laws",
    authors="Elliot Paquette, Courtney Paquette, Lechao Xiao, Jeffrey Pennington",
    year=2024,
    arxiv="2405.15074",
)

Floats = NDArray[np.float64]

CASES = ((1.0, 0.8), (0.75, 0.4), (1.5, 0.7))  # alpha of the features, beta of the target
TIMES = np.geomspace(1e2, 10**4.5, 12)
LARGE = np.geomspace(1e6, 1e8, 5)  # numbers d of features for the exponent of the floor
FEATURES, COORDINATES = 40, 300  # of random floors


@paper.claim(
    "plrf-terms",
    where="forcing and kernel terms of the loss curve (exponents from memory); the equivalent of the floor is ours",
    kind="theorem",
    checked="memory",
    statement=r"F_{pp}(r) = \sum_j j^{-2\alpha - 2\beta} e^{-2 r j^{-2\alpha}} \sim r^{-(2\alpha + 2\beta - 1) / (2\alpha)},"
    r"\quad K_{pp}(r) = \sum_j j^{-4\alpha} e^{-2 r j^{-2\alpha}} \sim r^{-2 + 1/(2\alpha)}, \quad "
    r"F_0(d) \sim d^{-2\alpha + \max(0, 1 - 2\beta)}",
    # Sums differ from their integrals by 1e-4 of the slope or less. Floor: corrections d^(-|1-2 beta|) move the slope by 0.009.
    # Random floors of 40 features have relative deviations of 0.4 or less, and means up to 5 % above their equivalents (pilot);
    # 600 draws leave 2 %, times 2.4 for three intervals.
    rule=All(
        sums=Identity(rtol=0.0, atol=0.002, refute=10.0),
        floor=Identity(rtol=0.0, atol=0.02, refute=5.0),
        equivalent=Agreement(rtol=0.15),
    ),
    controls={
        "target-alone": Control("2 beta in place of 2 alpha + 2 beta in the exponent of the forcing", parts=("sums",)),
        "kernel-squared": Control("r^-2 for the kernel, without 1 / (2 alpha)", parts=("sums",)),
        "no-maximum": Control("d^(-2 alpha) for every beta, which is 0.2 off at beta = 0.4", parts=("floor",)),
        "power-scale": Control("d^(-2 alpha) as the scale kappa of the floor's equivalent", parts=("equivalent",)),
    },
)
def plrf_terms(trial: Trial) -> dict[str, Sides | Estimates]:
    r"""Slopes over r = 100 to 30,000 and d = 10^6 to 10^8, (alpha, beta) = (1, 0.8), (0.75, 0.4), (1.5, 0.7).

    Features j^(-alpha) z_j, of which d random combinations are seen, and a target with coefficients j^(-beta). The sums run
    over all j: up to 1000 as they are, beyond as an integral. The floor, the error of the best predictor, is its deterministic
    equivalent sum j^(-2 alpha - 2 beta) kappa / (kappa + j^(-2 alpha)), with kappa such that sum j^(-2 alpha) / (kappa +
    j^(-2 alpha)) = d; `equivalent` compares that with least squares on 300 coordinates and 40 random features.
    """
    rng, control = trial.rng(), trial.control
    j, weights = nodes()
    found, predicted = np.empty((len(CASES), 3)), np.empty((len(CASES), 3))
    for i, (alpha, beta) in enumerate(CASES):
        lam, target = j ** (-2 * alpha), j ** (-2 * beta)
        decay = weights * np.exp(-2 * TIMES[:, None] * lam)
        floors = [equivalent_floor(lam, target, weights, d) for d in LARGE]
        found[i] = _slope(TIMES, decay @ (lam * target)), _slope(TIMES, decay @ lam**2), _slope(LARGE, floors)
        forcing = -((0 if control == "target-alone" else 2 * alpha) + 2 * beta - 1) / (2 * alpha)
        kernel = -2 + (0 if control == "kernel-squared" else 1 / (2 * alpha))
        predicted[i] = forcing, kernel, -2 * alpha + (0 if control == "no-maximum" else max(0.0, 1 - 2 * beta))
    repeats = trial.repeats(quick=600, full=6000) if control in (None, "power-scale") else 2
    ratios = np.empty((repeats, len(CASES)))
    for i, (alpha, beta) in enumerate(trial.progress(CASES)):
        lam, target = (np.arange(1.0, COORDINATES + 1) ** (-2 * power) for power in (alpha, beta))
        kappa = FEATURES ** (-2 * alpha) if control == "power-scale" else None
        equivalent = equivalent_floor(lam, target, np.ones(COORDINATES), FEATURES, kappa)
        ratios[:, i] = [random_floor(rng, lam, target, FEATURES) / equivalent for _ in range(repeats)]
    return {
        "sums": Sides(found[:, :2], predicted[:, :2], x_label="exponents of F_pp and K_pp", y_label="exponents"),
        "floor": Sides(found[:, 2], predicted[:, 2], x_label="exponents of F_0", y_label="exponents"),
        "equivalent": Estimates.from_samples(ratios, 1.0, x_label="(alpha, beta)", y_label="floor / deterministic equivalent"),
    }


def nodes(direct: int = 1000, top: float = 1e24, points: int = 4000) -> tuple[Floats, Floats]:
    """Points j and weights for smooth sums over j = 1, 2, ..: up to `direct` as they are, beyond as an integral over log j."""
    edges = np.linspace(np.log(direct + 0.5), np.log(top), points + 1)
    middle = np.exp((edges[1:] + edges[:-1]) / 2)
    return np.r_[np.arange(1.0, direct + 1), middle], np.r_[np.ones(direct), middle * np.diff(edges)]


def equivalent_floor(lam: Floats, target: Floats, weights: Floats, d: float, kappa: float | None = None) -> float:
    """The deterministic equivalent of the least error with d Gaussian combinations of features of variances `lam`."""
    if kappa is None:
        low, high = -200.0, 20.0  # logarithms; the sum over lam / (lam + kappa) falls in kappa
        for _ in range(100):
            middle = (low + high) / 2
            over = weights @ (lam / (lam + np.exp(middle))) > d
            low, high = (middle, high) if over else (low, middle)
        kappa = float(np.exp((low + high) / 2))
    return float(weights @ (lam * target * kappa / (lam + kappa)))


def random_floor(rng: np.random.Generator, lam: Floats, target: Floats, d: int) -> float:
    """The least error with d Gaussian combinations of features, for one draw of them."""
    columns = np.sqrt(lam)[:, None] * np.column_stack([rng.normal(size=(lam.size, d)), np.sqrt(target)])
    return float(np.asarray(np.linalg.qr(columns, mode="r"))[d, d] ** 2)


def _slope(x: Floats, y: Floats | Sequence[float]) -> float:
    return float(np.polyfit(np.log(x), np.log(np.asarray(y)), 1)[0])


CURVES = ((1.0, 0.8), (0.75, 0.4))
SHOWN = (10, 30, 60)  # steps at which runs are averaged


@paper.claim(
    "volterra",
    where="representation of the loss curve by a Volterra equation; its discrete form for batches of one is ours",
    kind="derived",
    checked="memory",
    statement=r"\mathbb{E} P_t = F_t + \sum_{s < t} K_{t-1-s}\, \mathbb{E} P_s, \quad F_t = F_0 + \sum_i \lambda_i c_i^2 q_i^t,"
    r"\quad K_t = g^2 \sum_i \lambda_i^2 q_i^t, \quad q_i = 1 - 2 g \lambda_i + 2 g^2 \lambda_i^2",
    # Eigenvalues are right to an epsilon of the largest, 1: after 3000 steps that is 1e-12 of the error at the start, 1e-9 of
    # the floor. Runs deviate by their mean at most: 10,000 leave 1 %, times 2.6 for six intervals.
    rule=All(recursion=Identity(rtol=1e-9), runs=Agreement(rtol=0.06, refute=1.5)),
    controls={
        "squared-factor": "q_i = (1 - g lambda_i)^2, which forgets one of two terms of the fourth moment",
        "forcing-alone": "F_t without the sum over earlier steps",
        "sign-features": Control("features of the same variances, random signs in place of Gaussian", parts=("runs",)),
    },
)
def volterra(trial: Trial) -> dict[str, Sides | Estimates]:
    """One-pass SGD with batches of one and step g = 0.3 / tr K, from 0, for (alpha, beta) = (1, 0.8), (0.75, 0.4).

    Features have covariance K with eigenpairs (lambda_i, u_i), in which the best predictor has coordinates c_i; P_t is the
    squared error on a fresh sample. `recursion`: the matrix of second moments of what is missed, stepped 1000 (3000) times in
    coordinates where it is not diagonal, 40 features. `runs`: errors at t = 10, 30, 60 averaged over runs, 30 features. The
    equation holds for every draw of the features, at every t, since the fourth moments of Gaussian inputs leave the second
    moments in the eigenbasis a recursion of their own.
    """
    rng, control, recursions, curves = trial.rng(), trial.control, [], []
    steps, repeats = trial.scale(quick=1000, full=3000), trial.repeats(quick=10_000, full=60_000)
    means = np.empty((repeats, len(CURVES), len(SHOWN)))
    for i, (alpha, beta) in enumerate(trial.progress(CURVES)):
        small = problem(rng, alpha, beta, 160, 40)
        recursions.append(moment_curve(rng, *small, steps))
        curves.append(volterra_curve(*small, steps, control))
        large = problem(rng, alpha, beta, 120, 30)
        predicted = volterra_curve(*large, max(SHOWN) + 1, control)[list(SHOWN)]
        means[:, i] = _runs(rng, *large, repeats, control == "sign-features") / predicted
    return {
        "recursion": Sides(np.stack(recursions), np.stack(curves), x_label="moment recursion", y_label="Volterra equation"),
        "runs": Estimates.from_samples(means, 1.0, x_label="t = 10, 30, 60 in two cases", y_label="mean error / Volterra"),
    }


def problem(rng: np.random.Generator, alpha: float, beta: float, v: int, d: int) -> tuple[Floats, Floats, float, float]:
    """Eigenvalues of the features' covariance, the best predictor in its eigenbasis, the floor, and the step size."""
    j = np.arange(1.0, v + 1)
    features = j[:, None] ** -alpha * rng.normal(size=(v, d)) / np.sqrt(d)
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    y = j ** (-alpha - beta)
    floor = float(np.sum((y - left @ (left.T @ y)) ** 2))
    return singular**2, left.T @ y / singular, floor, float(0.3 / np.sum(singular**2))


def volterra_curve(lam: Floats, c: Floats, floor: float, g: float, steps: int, control: str | None = None) -> Floats:
    """The solution of the Volterra equation at t = 0, .., steps - 1."""
    q = (1 - g * lam) ** 2 if control == "squared-factor" else 1 - 2 * g * lam + 2 * g**2 * lam**2
    powers = q ** np.arange(steps)[:, None]
    curve = floor + powers @ (lam * c**2)
    kernel = powers @ (g * lam) ** 2
    for t in range(1, 1 if control == "forcing-alone" else steps):
        curve[t] += kernel[:t][::-1] @ curve[:t]
    return curve


def moment_curve(rng: np.random.Generator, lam: Floats, c: Floats, floor: float, g: float, steps: int) -> Floats:
    """Mean squared errors by the matrix of second moments of the misses, in randomly rotated coordinates."""
    turn = np.linalg.qr(rng.normal(size=(lam.size, lam.size)))[0]
    cov, miss = turn * lam @ turn.T, turn @ c
    moments, curve = np.outer(miss, miss), np.empty(steps)
    for t in range(steps):
        along = cov @ moments
        curve[t] = floor + np.trace(along)
        moments = moments - g * (along + along.T) + g**2 * (curve[t] * cov + 2 * along @ cov)
    return curve


def _runs(rng: np.random.Generator, lam: Floats, c: Floats, floor: float, g: float, repeats: int, signs: bool) -> Floats:
    """Squared errors of single runs at the steps shown; over the fresh sample they are averaged exactly."""
    miss = np.tile(c, (repeats, 1))
    errors = []
    for t in range(max(SHOWN) + 1):
        if t in SHOWN:
            errors.append(floor + miss**2 @ lam)
        x = np.sqrt(lam) * (rng.choice((-1.0, 1.0), miss.shape) if signs else rng.standard_normal(miss.shape))
        residual = (x * miss).sum(axis=1) + np.sqrt(floor) * rng.standard_normal(repeats)
        miss -= g * residual[:, None] * x
    return np.stack(errors, axis=1)
