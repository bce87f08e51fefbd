"""Dang, Tran, Osher, Tran-The, Ho, Nguyen (2023): neural collapse in deep linear networks when classes differ in size."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="dang2023",
    title="Neural Collapse in Deep Linear Networks: From Balanced to Imbalanced Data",
    authors="Hien Dang, Tho Tran, Stanley Osher, Hung Tran-The, Nhat Ho, Tan Nguyen",
    year=2023,
    arxiv="2301.00437",
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SIZES = (40, 20, 10, 4, 1)  # samples of each class
WIDTH = 8  # of all layers, at least the number of classes
# Weight decays of the layers and, last, of the features. The smallest class survives, vanishes, survives, vanishes, survives.
DECAYS = ((1e-3, 1e-3), (3e-2, 1e-2), (2e-3, 8e-3, 5e-3), (8e-3, 8e-3, 8e-3), (3e-3, 3e-3, 3e-3, 3e-3))
FEWEST, MOST = 4, 60  # starts
STUCK = 1e-7  # relative excess of an objective over the predicted one, above which a start has not found a global minimum


@paper.claim(
    "imbalanced-collapse",
    where="theorem on imbalanced data, squared loss, no bias (number unconfirmed); formulas derived again",
    kind="theorem",
    checked="memory",
    statement=r"\min_{W, H} \frac{1}{2N} \|W_M \cdots W_1 H - Y\|_F^2 + \sum_l \frac{\lambda_l}{2} \|W_l\|_F^2"
    r" + \frac{\lambda_H}{2} \|H\|_F^2: \quad h_{ki} = h_k,\ h_k \perp h_l,\ (W_M \cdots W_1)_k \propto h_k^\top,"
    r" \quad (W_M \cdots W_1)_k h_k = s_k = \mathrm{argmin}_{s \ge 0} \frac{n_k}{2N} (s - 1)^2"
    r" + \frac{M+1}{2} \left(n_k \lambda_1 \cdots \lambda_M \lambda_H\right)^{1/(M+1)} s^{2/(M+1)}",
    # Descent ends at gradients of 1e-9. Over curvatures of 1e-4 and more that leaves 1e-5 in weights, 1e-10 in the objective.
    rule=All(
        objective=Inequality(rtol=1e-9, tight=1 - STUCK),
        lengths=Identity(rtol=0, atol=1e-3, refute=50),
        directions=Identity(rtol=0, atol=1e-4),
        spread=Identity(rtol=0, atol=1e-4),
    ),
    controls={
        "counted-twice": Control("the penalty of the features counted twice, M + 2 in place of M + 1", parts=("objective",)),
        "sizes-forgotten": Control("the penalty without its factor n_k", parts=("lengths",)),
        "mean-decay": Control("the layers' product of decays replaced by a power of their mean", parts=("lengths",)),
        "balanced": Control("N / K samples in every class", parts=("lengths",)),
        "simplex": Control("cosines of -1 / (K - 1) between classes, as with a bias", parts=("directions",)),
        "wrong-label": Control("one sample of the largest class has the label of the next", parts=("spread",)),
    },
)
def imbalanced_collapse(trial: Trial) -> dict[str, Bounds | Sides]:
    r"""L-BFGS from random starts against the formulas: 40, 20, 10, 4, 1 samples in 5 classes, width 8, five sets of decays.

    M = 1, 1, 2, 2, 3; controls have the first three. Full: 40 more sets, with random sizes and decays, none within 2 % of a
    threshold. From random weights and features, 4 starts, then up to 60 until one reaches the predicted minimum; else the
    verdict is inconclusive, as a class lost on the way is a local minimum for M of 2 and more. None may end below it.
    `lengths` are those of the rows of W_M and of the features, `directions` the cosines among class means, and between them
    and the rows of the product, of classes that have not vanished.

    Why: over all factors of a matrix Z, the penalty is a multiple of the sum of singular values to the power 2 / (M + 1), and
    |Z - Y| is at least the distance of the singular values, those of Y being the square roots of n_k.
    """
    rng, count = trial.rng(), trial.scale(quick=0, full=0 if trial.control else 40)
    chosen = DECAYS[:3] if trial.control else DECAYS
    settings = [(np.array(SIZES), np.array(decays)) for decays in chosen] + [_random_setting(rng) for _ in range(count)]
    values, lower, lengths, expected, spreads, angles, right = [], [], [], [], [], [], []
    for sizes, decays in trial.progress(settings):
        labels = np.repeat(np.arange(len(sizes)), sizes)
        targets = np.eye(len(sizes))[:, labels]
        if trial.control == "wrong-label":
            targets[:, 0] = targets[:, sizes[0]]
        reachable = -np.inf if trial.control == "wrong-label" else solution(sizes, decays)[1] * (1 + STUCK)
        ends = [descended(rng, targets, decays) for _ in range(FEWEST)]
        while np.isfinite(reachable) and min(end[0] for end in ends) > reachable and len(ends) < MOST:
            ends.append(descended(rng, targets, decays))
        if np.isfinite(reachable) and min(end[0] for end in ends) > reachable:
            trial.unmet("no start has found a global minimum")
        best = min(ends, key=lambda end: end[0])[1]
        features, product = best[-1], np.linalg.multi_dot([*best[-2::-1], np.eye(WIDTH)])
        means = np.stack([features[:, labels == k].mean(axis=1) for k in range(len(sizes))])
        s, predicted, rows, columns = solution(sizes, decays, trial.control)
        values += [end[0] for end in ends]
        lower += [predicted] * len(ends)
        lengths.append([np.linalg.norm(best[-2], axis=1), np.linalg.norm(means, axis=1)])
        expected.append([rows, columns])
        spreads.append(np.abs(features - means[labels].T).max())
        alive = s > 0
        units = [part[alive] / np.linalg.norm(part[alive], axis=1, keepdims=True) for part in (means, product)]
        angles.append(np.concatenate([units[0] @ units[0].T, units[1] @ units[0].T]).ravel())
        cosines = np.eye(alive.sum())
        if trial.control == "simplex":
            cosines -= (1 - cosines) / (len(sizes) - 1)
        right.append(np.concatenate([cosines, cosines]).ravel())
    return {
        "objective": Bounds(values, lower=lower, x_label="predicted minimum", y_label="objective reached"),
        "lengths": Sides(lengths, expected, x_label="predicted", y_label="lengths of rows and features"),
        "directions": Sides(np.concatenate(angles), np.concatenate(right), x_label="predicted", y_label="cosine"),
        "spread": Sides(spreads, np.zeros(len(spreads)), x_label="0", y_label="largest distance from a class mean"),
    }


def scalar_minimum(size: int, total: int, decays: Floats) -> tuple[float, float]:
    """The minimiser s of the scalar problem of a class, and its minimum: 0 or the larger of two stationary points.

    For M >= 2 the derivative has the sign of p - n/N (1 - s) s^a, a = (M - 1) / (M + 1), and s^a (1 - s) peaks at (M - 1) / 2M.
    """
    depth, penalty = len(decays) - 1, (size * np.prod(decays)) ** (1 / len(decays))
    power = (depth - 1) / (depth + 1)

    def value(s: float) -> float:
        return float(size / (2 * total) * (s - 1) ** 2 + (depth + 1) / 2 * penalty * s ** (2 / (depth + 1)))

    def slope(s: float) -> float:
        return float(size / total * (1 - s) * s**power - penalty)

    peak = (depth - 1) / (2 * depth)
    found = brentq(slope, peak, 1.0, xtol=1e-15, rtol=1e-14) if slope(peak) > 0 else 0.0
    return (found, value(found)) if value(found) < value(0.0) else (0.0, value(0.0))


def solution(sizes: Integers, decays: Floats, control: str | None = None) -> tuple[Floats, float, Floats, Floats]:
    """What is predicted: s of each class, the minimum, lengths of the rows of W_M and of the features.

    At a minimum all factors share the penalty of a singular value s sqrt(n) evenly: the decay times the square of the
    factor's own singular value is the same for each.
    """
    total, first = int(sizes.sum()), decays
    if control == "balanced":
        sizes = np.full(len(sizes), total // len(sizes))
    if control == "mean-decay":
        first = np.append(np.full(len(decays) - 1, decays[:-1].mean()), decays[-1])
    if control == "counted-twice":
        first = decays * (len(decays) + 1) / len(decays)
    shares = sizes if control == "sizes-forgotten" else np.ones(len(sizes))
    found = [scalar_minimum(int(n), total, np.append(first[:-1], first[-1] / m)) for n, m in zip(sizes, shares, strict=True)]
    s, minima = np.array(found).T
    shared = (np.prod(first) * sizes * s**2) ** (1 / len(decays))
    return s, float(minima.sum()), np.sqrt(shared / decays[-2]), np.sqrt(shared / (decays[-1] * sizes))


def objective(flat: Floats, targets: Floats, decays: Floats) -> tuple[float, Floats]:
    """The objective and its gradient at flattened W_1, .., W_M, H."""
    parts = _parts(flat, targets, decays)
    outputs = [parts[-1]]
    for weights in parts[:-1]:
        outputs.append(weights @ outputs[-1])
    total = targets.shape[1]
    error = outputs[-1] - targets
    value = (error**2).sum() / (2 * total) + sum(decay / 2 * (p**2).sum() for decay, p in zip(decays, parts, strict=True))
    back, gradients = error / total, []
    for weights, before, decay in zip(parts[-2::-1], outputs[-2::-1], decays[-2::-1], strict=True):
        gradients.append(back @ before.T + decay * weights)
        back = weights.T @ back
    gradients = [*gradients[::-1], back + decays[-1] * parts[-1]]
    return float(value), np.concatenate([gradient.ravel() for gradient in gradients])


def descended(rng: np.random.Generator, targets: Floats, decays: Floats) -> tuple[float, list[Floats]]:
    """The objective where L-BFGS ends from a random start, and W_1, .., W_M, H."""
    classes, total = targets.shape
    weights = (len(decays) - 2) * WIDTH**2 + classes * WIDTH
    scales = np.exp(rng.uniform(np.log(0.8), np.log(2.0), size=2))
    start = rng.normal(size=weights + WIDTH * total) * np.repeat(scales, [weights, WIDTH * total])
    options = {"maxiter": 5000, "maxfun": 10_000, "ftol": 0.0, "gtol": 1e-9, "maxcor": 20}
    end = minimize(objective, start, (targets, decays), jac=True, method="L-BFGS-B", options=options)
    return float(end.fun), _parts(end.x, targets, decays)


def _parts(flat: Floats, targets: Floats, decays: Sequence[float] | Floats) -> list[Floats]:
    """W_1, .., W_M and H."""
    classes, total = targets.shape
    shapes = [*[(WIDTH, WIDTH)] * (len(decays) - 2), (classes, WIDTH), (WIDTH, total)]
    pieces = np.split(flat, np.cumsum([a * b for a, b in shapes])[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _random_setting(rng: np.random.Generator) -> tuple[Integers, Floats]:
    """Sizes from 1 to 60 and decays, such that no class is within 2 % of vanishing or of not vanishing."""
    while True:
        sizes = np.sort(np.exp(rng.uniform(0, np.log(60), size=5)).astype(int))[::-1]
        decays = np.exp(rng.uniform(np.log(2e-3), np.log(2e-2), size=rng.integers(2, 5)))
        ways = [solution(sizes, decays * factor)[0] > 0 for factor in (0.98, 1.02)]
        if (ways[0] == ways[1]).all() and ways[0].any():
            return sizes, decays
