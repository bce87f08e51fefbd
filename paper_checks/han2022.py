"""Han, Srinivas, Lakkaraju (2022): explanations of a prediction as local function approximation."""

from collections.abc import Callable
from itertools import product
from math import comb, factorial
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.special import ndtr

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="han2022",
    title="Which Explanation Should I Choose? A Function Approximation Perspective to Characterizing Post Hoc Explanations",
    authors="Tessa Han, Suraj Srinivas, Himabindu Lakkaraju",
    year=2022,
    arxiv="2206.01254",
)

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

NODES = 20  # of Gauss-Hermite for each of 3 inputs: for polynomials exact up to degree 39
SCALES = (0.1, 0.3, 1.0)
DEGREES = (1, 2, 3, 4)
GRID = np.cos(np.pi * np.arange(241) / 240)  # holds the extrema of Chebyshev polynomials of degree up to 6
RADIUS = 0.2  # of the neighbourhood in which an explanation is asked to be accurate


class Waves(NamedTuple):
    """x -> a . sin(w x + b) + (v x)^3 / 6, whose Gaussian means are known."""

    w: Floats
    b: Floats
    a: Floats
    v: Floats


@paper.claim(
    "smoothgrad-equals-clime",
    where="SmoothGrad and continuous LIME as function approximation; equality is due to Agarwal et al. (2021)",
    kind="theorem",
    checked="memory",
    statement=r"x \sim N(x_0, \Sigma): \ \operatorname{argmin}_{g} \min_{c} \mathbb{E} (f(x) - c - "
    r"\langle g, x - x_0 \rangle)^2 = \mathbb{E} \nabla f(x)",
    rule=All(
        # Fits of condition 1 to values of order 10, divided by scales down to 0.03: 1e-15 * 10 * sqrt(8000) / 0.03.
        equal=Identity(rtol=0, atol=3e-11),
        closed=Identity(rtol=0, atol=3e-11),
        relu=Agreement(atol=0.03),  # of slopes of order 1; standard errors of 400 fits are up to 0.005
    ),
    controls={
        "uniform-noise": Control("uniform noise of the same variance", parts=("equal",)),
        "weighted-twice": Control("a Gaussian weight in the fit, on top of Gaussian samples", parts=("equal",)),
        "other-scale": Control("SmoothGrad with noise 5 % larger", parts=("equal", "closed")),
        "plain-gradient": Control("the gradient at x0", parts=("relu",)),
    },
)
def smoothgrad_equals_clime(trial: Trial) -> dict[str, Sides | Estimates]:
    """Three inputs, 10 sums of 8 sines and a cubic (full: 100), Sigma = s^2 L L^T with random L, s = 0.1, 0.3 and 1.

    By Stein's identity, for every smooth f and every Gaussian. `equal`: expectations by 20^3 Gauss-Hermite nodes, where the fit
    is one by least squares and SmoothGrad a mean of gradients; |L^T w| s is at most 1.5, where the error of that many nodes,
    about 1.5^40 20! / 40!, is no matter. `closed`: SmoothGrad against its closed form, of
    E cos(z) = cos(E z) exp(-var z / 2). `relu`: fits to 1000 samples of a ReLU network, 400 repeats (full: 2000), against
    sum_i a_i w_i Phi(E z_i / std z_i); its kinks need no smoothness, as Stein's identity holds for weak derivatives. Uniform
    noise differs already for x^3: the fit has slope 3 a^2 / 5 and SmoothGrad a^2.
    """
    random = trial.rng()
    count, control = trial.scale(quick=10, full=100), trial.control
    unit, weight = _grid(*np.polynomial.hermite_e.hermegauss(NODES))
    if control == "uniform-noise":
        x, w = np.polynomial.legendre.leggauss(NODES)
        unit, weight = _grid(3**0.5 * x, w)
    fits, means, laws = [], [], []
    for _ in trial.progress(range(count)):
        w = random.normal(size=(8, 3))
        w *= (random.uniform(0.2, 1.5, 8) / np.linalg.norm(w, axis=1))[:, None]
        f = Waves(w, random.uniform(0, 7, 8), random.normal(size=8), random.normal(size=3))
        x0, root = random.normal(size=3), np.tril(random.uniform(-0.5, 0.5, (3, 3)), -1) + np.diag(random.uniform(0.5, 1, 3))
        root /= np.linalg.norm(root, 2)
        for s in SCALES:
            samples = x0 + s * unit @ root.T
            local = weight * (np.exp(-(unit**2).sum(axis=1) / 2) if control == "weighted-twice" else 1.0)
            fits.append(np.linalg.solve(s * root.T, _slope(unit, _waves(f, samples), local)))
            wider = x0 + s * (1.05 if control == "other-scale" else 1.0) * unit @ root.T
            means.append(weight @ _gradient(f, wider))
            laws.append(_mean_gradient(f, x0, s * root))
    repeats = trial.repeats(quick=400, full=2000)
    w, b, a, x0 = random.normal(size=(8, 3)), random.normal(size=8), random.normal(size=8), random.normal(size=3)
    z = w @ x0 + b
    expected = (a * (z > 0 if control == "plain-gradient" else ndtr(z / np.linalg.norm(w, axis=1)))) @ w
    slopes = np.empty((repeats, 3))
    for i in range(repeats):
        noise = random.normal(size=(1000, 3))
        slopes[i] = _slope(noise, np.maximum((x0 + noise) @ w.T + b, 0) @ a, np.ones(1000))
    return {
        "equal": Sides(np.stack(fits), np.stack(means), x_label="continuous LIME", y_label="SmoothGrad"),
        "closed": Sides(np.stack(means), np.stack(laws), x_label="SmoothGrad", y_label="closed form"),
        "relu": Estimates.from_samples(slopes, expected, x_label="input", y_label="slope of the fit to a ReLU network"),
    }


@paper.claim(
    "kernelshap-equals-shapley",
    where="KernelSHAP as function approximation; equality is due to Lundberg and Lee (2017)",
    kind="theorem",
    checked="memory",
    statement=r"\pi(S) = \frac{d - 1}{\binom{d}{|S|} |S| (d - |S|)},\ \sum_i \phi_i = v(N) - v(\emptyset): \ "
    r"\operatorname{argmin}_\phi \sum_{\emptyset \ne S \ne N} \pi(S) (v(S) - v(\emptyset) - \sum_{i \in S} \phi_i)^2 "
    r"\text{ are the Shapley values}",
    rule=All(shapley=Identity(rtol=0, atol=1e-12), pairs=Identity(rtol=0, atol=1e-12)),  # values of order 1, condition < 100
    controls={
        "uniform-weights": Control("the same weight for every S", parts=("shapley",)),
        "no-binomial": Control("1 / (|S| (d - |S|)), as if there were one S of each size", parts=("shapley",)),
        "no-constraint": Control("the sum of phi and v of the empty set left free", parts=("shapley",)),
        "interactions-whole": Control("c_i + sum_j c_ij: each interaction given to both players", parts=("pairs",)),
    },
)
def kernelshap_equals_shapley(trial: Trial) -> dict[str, Sides]:
    """Games of 3 to 7 players, 10 of each (full: 100), all coalitions.

    `shapley`: v(S) is a tanh network of 16 units at an input whose entries outside S are those of a base input; against the
    sum over S of |S|! (d - |S| - 1)! / d! times what i adds. `pairs`: v(S) = sum_i c_i + sum_(i < j) c_ij over players in S,
    whose Shapley values are c_i + sum_j c_ij / 2.
    """
    random = trial.rng()
    found: dict[str, list[Floats]] = {name: [] for name in ("fit", "shapley", "paired", "halves")}
    for d, _ in trial.progress(list(product(range(3, 8), range(trial.scale(quick=10, full=100))))):
        masks = coalitions(d)
        x, base = random.normal(size=(2, d))
        w, b, a = random.normal(size=(16, d)), random.normal(size=16), random.normal(size=16) / 4
        values = np.tanh(np.where(masks, x, base) @ w.T + b) @ a
        found["fit"].append(kernel_shap(masks, values, trial.control))
        found["shapley"].append(shapley(masks, values))
        alone, together = random.normal(size=d), np.triu(random.normal(size=(d, d)), 1)
        both = together + together.T
        found["paired"].append(kernel_shap(masks, masks @ alone + ((masks @ together) * masks).sum(axis=1)))
        found["halves"].append(alone + both.sum(axis=1) * (1.0 if trial.control == "interactions-whole" else 0.5))
    fit, exact, paired, halves = map(np.concatenate, found.values())
    return {
        "shapley": Sides(fit, exact, x_label="weighted fit", y_label="Shapley value"),
        "pairs": Sides(paired, halves, x_label="weighted fit", y_label="c_i + sum_j c_ij / 2"),
    }


@paper.claim(
    "no-free-lunch",
    where="no free lunch theorem for explanations, from memory; the instance and its number are ours",
    kind="reading",
    checked="memory",
    statement=r"f = x^{n+1} \text{ on } [-1, 1],\ G \text{ polynomials of degree } n: \ d(f, G) = \min_g \max_x |f - g| = "
    r"2^{-n}; \text{ every } g \in G, \text{ however accurate around its own } x_0, "
    r"\text{ has } |f - g| \ge d(f, G) \text{ elsewhere}",
    rule=All(
        distance=Identity(rtol=0, atol=1e-7),  # of a linear programme, solved to 1e-9 in units of 1
        elsewhere=Inequality(tight=0.999),
        around=Inequality(),
    ),
    controls={
        "in-the-class": Control("polynomials of degree n + 1, which hold f", parts=("distance", "elsewhere")),
        "own-neighbourhood": Control("the error around x_0 alone", parts=("elsewhere",)),
        "whole-interval": Control("accuracy asked on the whole of [-1, 1]", parts=("around",)),
        "taylor": Control("1, the error of the Taylor polynomial at 0, in place of the least one", parts=("distance",)),
    },
)
def no_free_lunch(trial: Trial) -> dict[str, Sides | Bounds]:
    """Degrees 1 to 4, 20 points x_0 in [-0.8, 0.8] for each (full: 200).

    That no explanation is better than d(f, G) is the definition of a minimum: what is measured is its value, that it is
    reached, and that explanations which are accurate around x_0 lie far above it.

    `distance`: a linear programme on 241 points, which include those where the best polynomial's error alternates.
    `elsewhere`: the largest error on [-1, 1] of Taylor polynomials and of fits under N(x_0, s^2), s = 0.01 to 0.05, which for
    n = 1 are the tangent, SmoothGrad and continuous LIME; and of the fit under the arcsine law, which is the best one: its
    error is the Chebyshev polynomial over 2^n. `around`: within 0.2 of x_0 the explanations err by less than half of 2^-n.
    """
    random = trial.rng()
    count = trial.scale(quick=20, full=200)
    nodes, weight = np.polynomial.hermite_e.hermegauss(NODES)
    distances, bounds, elsewhere, around = [], [], [], []
    for n in trial.progress(DEGREES):
        degree = n + 1 if trial.control == "in-the-class" else n
        distances.append(_least_error(n + 1, degree))
        best = _fit(GRID[1::2], np.ones(120), n + 1, degree, 0.0)  # Chebyshev nodes stand for the arcsine law
        elsewhere.append(_largest(best, n + 1, 0.0, GRID))
        bounds.append(2.0**-n)
        for x0, s in zip(random.uniform(-0.8, 0.8, count), random.uniform(0.01, 0.05, count), strict=True):
            near = x0 + RADIUS * GRID
            for width in (s, 0.0):
                if width:
                    g = _fit(x0 + width * nodes, weight, n + 1, degree, x0)
                else:
                    g = np.array([comb(n + 1, k) * x0 ** (n + 1 - k) for k in range(degree + 1)])  # Taylor
                everywhere, there = (_largest(g, n + 1, x0, x) for x in (GRID, near))
                elsewhere.append(there if trial.control == "own-neighbourhood" else everywhere)
                around.append(2 ** (n + 1) * (everywhere if trial.control == "whole-interval" else there))
                bounds.append(2.0**-n)
    least = [1.0 if trial.control == "taylor" else 2.0**-n for n in DEGREES]
    return {
        "distance": Sides(distances, least, x_label="least error, linear programme", y_label="2^-n"),
        "elsewhere": Bounds(elsewhere, lower=bounds, x_label="2^-n", y_label="largest error on [-1, 1]"),
        "around": Bounds(around, upper=1.0, x_label="case", y_label="largest error around x_0, over 2^-n / 2"),
    }


def coalitions(d: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """All 2^d subsets of d players; row S has bit i of S in column i."""
    return np.asarray((np.arange(2**d)[:, None] >> np.arange(d)) & 1 == 1)


def shapley(masks: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], values: Floats) -> Floats:
    """Shapley values by their definition; values in the order of `coalitions`."""
    d = masks.shape[1]
    size = masks.sum(axis=1)
    out = np.empty(d)
    for i in range(d):
        without = np.flatnonzero(~masks[:, i])
        weight = np.array([factorial(k) * factorial(d - k - 1) / factorial(d) for k in size[without]])
        out[i] = weight @ (values[without + 2**i] - values[without])
    return out


def kernel_shap(masks: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], values: Floats, control: str | None = None) -> Floats:
    """The weighted least squares fit over proper coalitions, under the constraint of efficiency; shape (d,)."""
    d = masks.shape[1]
    proper, gain = masks[1:-1].astype(float), values[1:-1] - values[0]
    size = masks[1:-1].sum(axis=1)
    each = {"uniform-weights": lambda k: 1.0, "no-binomial": lambda k: 1 / (k * (d - k))}
    kernel: Callable[[int], float] = each.get(control or "", lambda k: (d - 1) / (comb(d, k) * k * (d - k)))
    root = np.sqrt([kernel(int(k)) for k in size])
    if control == "no-constraint":
        design = np.column_stack([np.ones(len(proper)), proper])
        return np.asarray(np.linalg.lstsq(root[:, None] * design, root * gain)[0][1:])
    total = values[-1] - values[0]
    last = proper[:, -1:]  # the last player gets what is left
    first = np.linalg.lstsq(root[:, None] * (proper[:, :-1] - last), root * (gain - last[:, 0] * total))[0]
    return np.append(first, total - first.sum())


def _grid(x: Floats, w: Floats) -> tuple[Floats, Floats]:
    """The product rule in three dimensions: nodes (n^3, 3) and weights of sum 1."""
    points = np.stack([axis.ravel() for axis in np.meshgrid(x, x, x, indexing="ij")], axis=-1)
    weights = (w[:, None, None] * w[:, None] * w).ravel()
    return points, weights / weights.sum()


def _slope(x: Floats, y: Floats, weight: Floats) -> Floats:
    """The slope of the weighted least squares fit of an affine function."""
    root = np.sqrt(weight)
    design = np.column_stack([np.ones(len(x)), x])
    return np.asarray(np.linalg.lstsq(root[:, None] * design, root * y)[0][1:])


def _waves(f: Waves, x: Floats) -> Floats:
    return np.asarray(np.sin(x @ f.w.T + f.b) @ f.a + (x @ f.v) ** 3 / 6)


def _gradient(f: Waves, x: Floats) -> Floats:
    return np.asarray((np.cos(x @ f.w.T + f.b) * f.a) @ f.w + (x @ f.v)[:, None] ** 2 / 2 * f.v)


def _mean_gradient(f: Waves, x0: Floats, root: Floats) -> Floats:
    """Under N(x0, root root^T)."""
    damping = np.exp(-((f.w @ root) ** 2).sum(axis=1) / 2)
    square = (f.v @ x0) ** 2 + ((f.v @ root) ** 2).sum()
    return np.asarray((np.cos(f.w @ x0 + f.b) * damping * f.a) @ f.w + square / 2 * f.v)


def _least_error(power: int, degree: int) -> float:
    """The least largest error of a polynomial for x^power on [-1, 1]."""
    basis = np.polynomial.chebyshev.chebvander(GRID, degree)
    ones, target = np.ones((len(GRID), 1)), GRID**power
    sides = np.vstack([np.hstack([basis, -ones]), np.hstack([-basis, -ones])])
    cost = np.append(np.zeros(degree + 1), 1.0)
    return float(linprog(cost, A_ub=sides, b_ub=np.concatenate([target, -target]), bounds=(None, None)).fun)


def _fit(x: Floats, weight: Floats, power: int, degree: int, x0: float) -> Floats:
    """Coefficients in powers of x - x0 of the weighted least squares fit to x^power."""
    scale = np.abs(x - x0).max()
    root = np.sqrt(weight / weight.sum())
    basis = np.polynomial.polynomial.polyvander((x - x0) / scale, degree)
    found = np.linalg.lstsq(root[:, None] * basis, root * x**power)[0]
    return np.asarray(found / scale ** np.arange(degree + 1))


def _largest(g: Floats, power: int, x0: float, x: Floats) -> float:
    return float(np.abs(x**power - np.polynomial.polynomial.polyval(x - x0, g)).max())
