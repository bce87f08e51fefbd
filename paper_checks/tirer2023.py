"""Tirer, Huang, Niles-Weed (2023): features of one class approach each other along gradient flow."""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="tirer2023",
    title="Perturbation Analysis of Neural Collapse",
    authors="Tom Tirer, Haoxiang Huang, Jonathan Niles-Weed",
    year=2023,
    arxiv="2210.16658",
)

Floats = NDArray[np.float64]

CLASSES, EACH = 4, 20  # samples of a class
DECAYS = (0.0, 0.1)  # of the features
SMALL = 0.1  # a step of the flow, in units of the largest rate at which the within-class part falls
TARGETS = np.repeat(np.eye(CLASSES), EACH, axis=1)


@paper.claim(
    "within-class-decrease",
    where="gradient flow on the central path (hypotheses unconfirmed), here for W that is any function of the features",
    kind="derived",
    checked="memory",
    statement=r"\dot H = -\nabla_H \left(\frac{1}{2Kn} \|W H - Y\|_F^2 + \frac{\lambda_H}{2Kn} \|H\|_F^2\right),"
    r" W = W(H): \quad \frac{d}{dt} \mathrm{tr}\, \Sigma_W"
    r" = -\frac{2}{(Kn)^2} \left(\|W H_w\|_F^2 + \lambda_H \|H_w\|_F^2\right) \le 0",
    # The trace is quadratic in H: its difference along the velocity is its derivative, up to rounding of 1e-12 of the largest.
    rule=All(decrease=Inequality(rtol=1e-10), rate=Identity(rtol=1e-9, atol=1e-11)),
    controls={
        "noisy-labels": Control("labels that differ within a class, by noise of 0.8", parts=("decrease",)),
        "own-weights": Control("weights of each sample's own, off by noise of 0.2", parts=("decrease",)),
        "decay-forgotten": Control("the rate without the features' decay", parts=("rate",)),
        "no-two": Control("half the rate", parts=("rate",)),
    },
)
def within_class_decrease(trial: Trial) -> dict[str, Bounds | Sides]:
    """Fourth-order Runge-Kutta from random features: 4 classes of 20 samples in 8 dimensions, 100 steps.

    W is the ridge solution at each moment, a fixed random matrix, or one that turns with the features; lambda_H is 0 or 0.1.
    20 starts for each (full: 200), of random scales, with a common mean. The rate is compared with the derivative of the trace
    along the gradient of the whole objective, at every step. Time is in units of K n.
    """
    rng, count = trial.rng(), trial.scale(quick=20, full=200)
    traces, found, expected = [], [], []
    for kind, decay in trial.progress([(kind, decay) for kind in ("ridge", "fixed", "turning") for decay in DECAYS]):
        flow = Flow(rng, kind, decay, count, 8, trial.control)
        features = flow.start
        for _ in range(101):
            within, velocity = spreads(features)[0], flow.velocity(features)
            traces.append(within)
            found.append((spreads(features + velocity)[0] - spreads(features - velocity)[0]) / 2)
            rest = _split(features)[0]
            rate = (np.einsum("bkd,bdn->bkn", flow.weights(features), rest) ** 2).sum(axis=(1, 2))
            if trial.control != "decay-forgotten":
                rate = rate + decay * (rest**2).sum(axis=(1, 2))
            expected.append(-(1 if trial.control == "no-two" else 2) * rate / (CLASSES * EACH))
            features = flow.step(features)
    path = np.reshape(traces, (6, 101, count))
    return {
        "decrease": Bounds(path[:, 1:], upper=path[:, :-1], x_label="one step before", y_label="within-class trace"),
        "rate": Sides(np.ravel(found), np.ravel(expected), x_label="predicted", y_label="derivative of the within-class trace"),
    }


@paper.claim(
    "nc1-ratio",
    where="gradient flow on the central path: the ratio decreases (from memory, the proof here is ours)",
    kind="theorem",
    checked="memory",
    statement=r"W = Y H^\top (H H^\top + n \lambda_W I)^{-1}: \quad"
    r" \frac{\mathrm{tr}\, \Sigma_W}{\mathrm{tr}\, \Sigma_B} \text{ never increases along the flow, and for } \lambda_H = 0"
    r" \text{ tr}\, \Sigma_B \text{ never decreases}",
    # The flow's steps have relative errors of 0.1^5 / 120 of a change, which cannot turn its sign; left is rounding.
    rule=All(ratio=Inequality(rtol=1e-10), means=Inequality(rtol=1e-10)),
    controls={
        "pseudo-inverse": Control("tr(Sigma_W Sigma_B^+) in place of the ratio of traces", parts=("ratio",)),
        "random-weights": Control("a fixed random W in place of the optimal one", parts=("ratio",)),
        "noisy-labels": Control("labels that differ within a class, by noise of 0.8", parts=("ratio",)),
        "decay": Control("lambda_H = 0.1 for the means, too", parts=("means",)),
    },
)
def nc1_ratio(trial: Trial) -> dict[str, Bounds]:
    r"""Along the flow with ridge-optimal W: 4 classes of 20 samples in 4 dimensions, 100 steps, 40 starts for each lambda_H.

    Full: 400 starts. The control with the pseudo-inverse takes 600 starts and 20 steps, as that measure rises only for a few
    of them: where the class means are long in some directions and short in others, they change at different rates.

    Why: at the optimum W M = P, where M has the class means as columns and P = M^T (M M^T + S)^{-1} M for some positive S, so
    that 0 <= P <= I. The centred means then grow at the rate -tr(C P (P - I) C) >= 0, C the centring, while lambda_H shrinks
    both parts alike. This takes equal sizes of classes.
    """
    rng, count = trial.rng(), trial.scale(quick=40, full=400)
    steps = 100
    if trial.control == "pseudo-inverse":
        count, steps = 600, 20
    kind = "fixed" if trial.control == "random-weights" else "ridge"
    ratios, means = [], []
    for decay in trial.progress(DECAYS):
        flow = Flow(rng, kind, decay, count, 4, trial.control)
        features = flow.start
        path = []
        for _ in range(steps + 1):
            within, between = spreads(features)
            path.append((whitened_spread(features) if trial.control == "pseudo-inverse" else within / between, between))
            features = flow.step(features)
        ratios.append([ratio for ratio, _ in path])
        if decay == 0 or trial.control == "decay":
            means.append([between for _, between in path])
    ratio, mean = np.array(ratios), np.array(means)
    return {
        "ratio": Bounds(ratio[:, 1:], upper=ratio[:, :-1], x_label="one step before", y_label="tr Sigma_W / tr Sigma_B"),
        "means": Bounds(mean[:, 1:], lower=mean[:, :-1], x_label="one step before", y_label="tr Sigma_B"),
    }


class Flow:
    """Gradient flow of features, many starts (start, dim, K n) at once; time in units of K n."""

    def __init__(self, rng: np.random.Generator, kind: str, decay: float, count: int, dim: int, control: str | None) -> None:
        self.kind, self.decay = kind, decay
        within, common, scale = np.exp(rng.uniform([[-2.0], [-1.0], [-1.0]], [[1.0], [1.5], [1.0]], (3, count)))[
            :, :, None, None
        ]
        means = np.repeat(rng.normal(size=(count, dim, CLASSES)), EACH, axis=2) + common * rng.normal(size=(count, dim, 1))
        uneven = np.exp(rng.normal(size=(count, dim, 1)))  # over directions
        self.start = scale * (means + within * uneven * rng.normal(size=means.shape))
        self.ridge = np.exp(rng.uniform(-4, 3, (count, 1, 1)))
        self.random = rng.normal(size=(count, CLASSES, dim))
        self.targets = TARGETS + (0.8 if control == "noisy-labels" else 0) * rng.normal(size=(count, *TARGETS.shape))
        self.own = 0.2 * rng.normal(size=(count, CLASSES * EACH, CLASSES, dim)) if control == "own-weights" else None

    def weights(self, h: Floats) -> Floats:
        """W at these features, (start, K, dim)."""
        if self.kind == "ridge":
            square = h @ h.swapaxes(1, 2) + self.ridge * np.eye(h.shape[1])
            return np.asarray(np.linalg.solve(square, h @ self.targets.swapaxes(1, 2)).swapaxes(1, 2), float)
        if self.kind == "turning":
            return np.asarray(self.random * np.cos(h.mean(axis=2) + h[:, :, 0])[:, None, :])
        return self.random

    def velocity(self, h: Floats) -> Floats:
        """Minus K n times the gradient in the features."""
        w = self.weights(h)
        pull = w.swapaxes(1, 2) @ (w @ h - self.targets)
        if self.own is not None:
            w = w[:, None] + self.own
            pull = np.einsum("bnkd,bkn->bdn", w, np.einsum("bnkd,bdn->bkn", w, h) - self.targets)
        return np.asarray(-pull - self.decay * h)

    def step(self, h: Floats) -> Floats:
        """Fourth-order Runge-Kutta over a tenth of the shortest time scale at these features."""
        largest = ((self.weights(h) if self.kind == "ridge" else self.random) ** 2).sum(axis=(1, 2), keepdims=True)
        if self.own is not None:
            largest = 2 * largest + 2 * (self.own**2).sum(axis=(2, 3)).max(axis=1)[:, None, None]
        size = SMALL / (largest + self.decay)
        a = self.velocity(h)
        b = self.velocity(h + size / 2 * a)
        c = self.velocity(h + size / 2 * b)
        return np.asarray(h + size / 6 * (a + 2 * b + 2 * c + self.velocity(h + size * c)))


def spreads(h: Floats) -> tuple[Floats, Floats]:
    """Traces of the covariances within and between classes."""
    rest, centred = _split(h)
    return (rest**2).mean(axis=2).sum(axis=1), (centred**2).mean(axis=2).sum(axis=1)


def whitened_spread(h: Floats) -> Floats:
    """The trace of the covariance within classes times the pseudo-inverse of that between them."""
    within, between = (part @ part.swapaxes(1, 2) / part.shape[2] for part in _split(h))
    return np.asarray(np.einsum("bij,bji->b", within, np.linalg.pinv(between, rcond=1e-10, hermitian=True)))


def _split(h: Floats) -> tuple[Floats, Floats]:
    """Samples without their class means, and class means without the common mean."""
    means = h.reshape(*h.shape[:2], CLASSES, EACH).mean(axis=3)
    return h - np.repeat(means, EACH, axis=2), means - means.mean(axis=2, keepdims=True)
