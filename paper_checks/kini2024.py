"""Kini, Vakilian, Behnia, Gill, Thrampoulidis (2024): with ReLU, contrastive features form an orthogonal frame."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="kini2024",
    title="Symmetric Neural-Collapse Representations with Supervised Contrastive Loss: The Impact of ReLU and Batching",
    authors="Ganesh Ramachandra Kini, Vala Vakilian, Tina Behnia, Jaidev Gill, Christos Thrampoulidis",
    year=2024,
)

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

SIZES = ((6, 6, 6, 6), (24, 12, 6, 2))
DIM, TEMPERATURE = 8, 0.2
STUCK = 1e-9  # relative excess of the best loss over the predicted one, above which no start has found a global minimum


@paper.claim(
    "scl-relu-orthogonal-frame",
    where="Theorem 1 (number from memory): full batch; the minimum in closed form is ours",
    kind="theorem",
    checked="memory",
    statement=r"L = \sum_i \frac{1}{n_{y_i} - 1} \sum_{j \ne i,\ y_j = y_i} \log \sum_{l \ne i} "
    r"e^{(h_i^\top h_l - h_i^\top h_j) / \tau}, \ \|h_i\| = 1, \ h_i \ge 0: \quad h_i = \mu_{y_i}, \ \mu_k \perp \mu_l"
    r" \text{ for all sizes } n_k \ge 2, \quad L = \sum_k n_k \log\left(n_k - 1 + (N - n_k) e^{-1/\tau}\right);"
    r" \quad \text{without } h_i \ge 0 \text{ and for equal sizes} \ \mu_k^\top \mu_l = -\frac{1}{K - 1}",
    # Descent ends at gradients of 1e-7: an excess of 1e-11, linear in cosines and quadratic in spreads, so that both are below
    # 1e-5; over curvatures of 1e-2 and more, free cosines are off by 1e-5.
    rule=All(
        loss=Inequality(rtol=1e-10, tight=1 - STUCK),
        frame=Identity(rtol=0, atol=1e-4),
        spread=Identity(rtol=0, atol=1e-4),
        simplex=Identity(rtol=0, atol=2e-5),
    ),
    controls={
        "free": Control("features of any sign", parts=("frame",)),
        "narrow": Control("three dimensions for four classes, in place of eight", parts=("frame",)),
        "counts-itself": Control("n_k in place of n_k - 1 in the least loss", parts=("loss",)),
        "wrong-label": Control("one sample of the first class has the label of the second", parts=("spread",)),
        "quarter": Control("cosines of -1 / K without the constraint", parts=("simplex",)),
    },
)
def scl_relu_orthogonal_frame(trial: Trial) -> dict[str, Bounds | Sides]:
    r"""L-BFGS on all features, h = v^2 / |v^2| under the constraint and h = v / |v| without, in 8 dimensions, tau = 0.2.

    Classes of 6, 6, 6, 6 and of 24, 12, 6, 2 samples, best of 3 starts (controls: one). Full: 10 more random sizes from 2 to
    20, tau from 0.1 to 1, best of 6. No start may end below the predicted loss, the best must reach it, else the verdict is
    inconclusive. Without the constraint sizes that differ give unequal angles, as the control "free" shows.

    Why: for one i let c be the mean of the cosines with its own class. By convexity the others of its class contribute
    at least (n - 1) e^{c / tau}, and those of other classes at least 1 each since cosines are not negative. So the loss of i
    is at least log(n - 1 + (N - n) e^{-c / tau}), with c <= 1; equality needs all that is claimed.
    """
    rng = trial.rng()
    starts = 1 if trial.control else trial.scale(quick=3, full=6)
    problems = [(np.array(sizes), TEMPERATURE) for sizes in SIZES]
    for _ in range(trial.scale(quick=0, full=0 if trial.control else 10)):
        problems.append((rng.integers(2, 21, size=4), float(rng.uniform(0.1, 1.0))))
    dim = 3 if trial.control == "narrow" else DIM
    losses, lower, frames, spreads = [], [], [], []
    for sizes, tau in trial.progress(problems):
        classes = np.repeat(np.arange(4), sizes)
        labels = classes.copy()
        if trial.control == "wrong-label":
            labels[0] = 1
        ends = [descended(rng, labels, dim, tau, positive=trial.control != "free") for _ in range(starts)]
        minimum = least_loss(sizes, tau)
        if not trial.control and min(end[0] for end in ends) > minimum * (1 + STUCK):
            trial.unmet("no start has found a global minimum")
        losses.append([end[0] for end in ends])
        lower.append(least_loss(sizes, tau, itself=trial.control == "counts-itself"))
        cosines, spread = geometry(min(ends, key=lambda end: end[0])[1], classes)
        frames.append(cosines)
        spreads.append(spread)
    balanced = np.repeat(np.arange(4), SIZES[0])
    free = geometry(descended(rng, balanced, DIM, TEMPERATURE, positive=False)[1], balanced)[0]
    return {
        "loss": Bounds(losses, lower=np.array(lower)[:, None], x_label="predicted minimum", y_label="loss reached"),
        "frame": Sides(frames, np.broadcast_to(np.eye(4), (len(frames), 4, 4)), x_label="predicted", y_label="cosine"),
        "spread": Sides(spreads, np.zeros(len(spreads)), x_label="0", y_label="largest distance from a class mean"),
        "simplex": Sides(
            free[np.triu_indices(4, 1)],
            np.full(6, -1 / 4 if trial.control == "quarter" else -1 / 3),
            x_label="predicted",
            y_label="cosine of free features",
        ),
    }


def least_loss(sizes: Labels, tau: float, itself: bool = False) -> float:
    """The loss of an orthogonal frame."""
    others = sizes if itself else sizes - 1
    return float((sizes * np.log(others + (sizes.sum() - sizes) * np.exp(-1 / tau))).sum())


def contrastive_loss(h: Floats, labels: Labels, tau: float) -> tuple[float, Floats]:
    """The supervised contrastive loss of features in rows, and its gradient in them."""
    n = len(labels)
    similar = h @ h.T / tau
    positives = ((labels[:, None] == labels) & ~np.eye(n, dtype=bool)).astype(float)
    positives /= positives.sum(axis=1, keepdims=True)
    normaliser = logsumexp(np.where(np.eye(n, dtype=bool), -np.inf, similar), axis=1)
    softmax = np.exp(similar - normaliser[:, None])
    np.fill_diagonal(softmax, 0.0)
    gradient = softmax - positives
    return float(normaliser.sum() - (positives * similar).sum()), (gradient + gradient.T) @ h / tau


def features(v: Floats, positive: bool) -> Floats:
    """Unit vectors, of squares where they must not be negative."""
    raw = v**2 if positive else v
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))


def descended(rng: np.random.Generator, labels: Labels, dim: int, tau: float, positive: bool) -> tuple[float, Floats]:
    """The loss where L-BFGS ends from Gaussian numbers, and the features there."""

    def value(flat: Floats) -> tuple[float, Floats]:
        v = flat.reshape(len(labels), dim)
        h = features(v, positive)
        loss, way = contrastive_loss(h, labels, tau)
        way = way - h * (way * h).sum(axis=1, keepdims=True)
        if positive:
            way = 2 * v * way
        return loss, (way / np.linalg.norm(v**2 if positive else v, axis=1, keepdims=True)).ravel()

    options = {"maxiter": 5000, "maxfun": 10_000, "ftol": 0.0, "gtol": 1e-7, "maxcor": 20}
    end = minimize(value, rng.normal(size=len(labels) * dim), jac=True, method="L-BFGS-B", options=options)
    return float(end.fun), features(end.x.reshape(len(labels), dim), positive)


def geometry(h: Floats, classes: Labels) -> tuple[Floats, float]:
    """Cosines among class means, and the largest distance of a coordinate from its class mean."""
    means = np.stack([h[classes == k].mean(axis=0) for k in range(classes.max() + 1)])
    units = means / np.linalg.norm(means, axis=1, keepdims=True)
    return units @ units.T, float(np.abs(h - means[classes]).max())
