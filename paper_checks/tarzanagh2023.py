"""Tarzanagh, Li, Thrampoulidis, Oymak (2023): attention, trained by gradient descent, turns into a support vector machine."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ntkit.claims import All, Bounds, Control, Counts, Inequality, Ordering, Pairs, Paper, Proportion, Trial

paper = Paper(
    key="tarzanagh2023",
    title="Transformers as Support Vector Machines",
    authors="Davoud Ataee Tarzanagh, Yingcong Li, Christos Thrampoulidis, Samet Oymak",
    year=2023,
    arxiv="2308.16898",
)

Floats = NDArray[np.float64]

SAMPLES, TOKENS, DIM = 4, 4, 8
STEP, STEPS = 0.02, 6000
ALIGNED = 0.999
REST = 1e-100  # gradients below it do not move: all weight is on tokens that are not the best


@paper.claim(
    "attention-svm",
    where="implicit bias of gradient descent on attention weights, and of a product of two; sizes and thresholds are ours",
    kind="reading",
    checked="memory",
    statement=r"f(X) = v^\top X^\top \mathrm{softmax}(X W z): \quad \frac{W_t}{\|W_t\|_F} \to \frac{W^*}{\|W^*\|_F}, \quad "
    r"W^* = \mathrm{argmin} \left\{\|W\|_F: (x_{i, best} - x_{i, t})^\top W z_i \ge 1 \right\}, \quad "
    r"\text{with } W = K Q^\top \text{ the nuclear norm in place of } \|W\|_F",
    # In pilots 1 of 30 problems, with W* badly conditioned, was slower: 55 of 60 still leave 81 %. Rounding of margins: 1e-12.
    rule=All(
        direction=Proportion(at_least=0.8, refute=0.7),
        margin=Inequality(rtol=1e-9, tight=0.99),
        nuclear=Ordering(),
    ),
    controls={
        "another-token": Control("margins for one sample's second best token", parts=("direction",)),
        "mean-constraint": Control("the mean of the constraints, where training begins, in place of W*", parts=("direction",)),
        "nuclear-bound": Control("the nuclear norm of W* in the bound on margins", parts=("margin",)),
        "frobenius": Control("margins of both parametrisations over Frobenius norms", parts=("nuclear",)),
    },
)
def attention_svm(trial: Trial) -> dict[str, Counts | Bounds | Pairs]:
    """60 (100) problems of 4 samples, 4 tokens in 8 dimensions; 6000 (20,000) normalised steps of size 0.02 from W = 0.

    Tokens are Gaussian, z is one of them, v a random unit vector; the best token has the largest v . x. The loss is logistic
    with labels 1. `direction`: of the problems in which W weighs the best tokens most, those with a correlation above 0.999
    with W*. `margin`: least margins over Frobenius norms, of trained W and of W* with noise, never above 1 / |W*|. `nuclear`:
    least margins over nuclear norms, first trained as K Q^T from 1/10 of Gaussian numbers, then as W, where both choose the
    best. Softmax saturates, so that scores are taken as differences from the best token. Controls take 16 problems, 2000 steps.
    """
    rng, control = trial.rng(), trial.control
    problems = trial.repeats(quick=60, full=100) if control is None else 16
    x = rng.normal(size=(problems, SAMPLES, TOKENS, DIM))
    v = rng.normal(size=(problems, DIM))
    values = np.einsum("bntd,bd->bnt", x, v / np.linalg.norm(v, axis=1, keepdims=True))
    x = np.take_along_axis(x, np.argsort(-values, axis=2)[..., None], axis=2)  # the best token first
    z = x[np.arange(problems)[:, None], np.arange(SAMPLES), rng.integers(0, TOKENS, (problems, SAMPLES))]
    falling = -np.sort(-values, axis=2)
    best, gaps = falling[..., 0], falling[..., :1] - falling
    steps = trial.scale(quick=STEPS, full=20_000) if control is None else 2000
    w = trained(x, z, best, gaps, steps)
    product = trained(x, z, best, gaps, steps, 0.1 * rng.normal(size=(2, problems, DIM, DIM)))
    margins, product_margins = least_margin(x, z, w), least_margin(x, z, product)
    right, both = margins > 0, (margins > 0) & (product_margins > 0)
    svm = np.stack([max_margin(constraints(a, b, int(control == "another-token"))) for a, b in zip(x, z, strict=True)])
    if control == "mean-constraint":
        svm = np.stack([constraints(a, b).mean(axis=0) for a, b in zip(x, z, strict=True)])
    cosines = np.einsum("bij,bij->b", w, svm) / _norms(w) / _norms(svm)
    exact = np.stack([max_margin(constraints(a, b)) for a, b in zip(x, z, strict=True)])
    largest = 1 / (_nuclear(exact) if control == "nuclear-bound" else _norms(exact))
    random = exact + rng.normal(size=exact.shape) * _norms(exact)[:, None, None] * 0.01
    sizes = _norms if control == "frobenius" else _nuclear
    return {
        "direction": Counts([int((cosines[right] > ALIGNED).sum())], [int(right.sum())], y_label="share above 0.999"),
        "margin": Bounds(
            np.stack([margins / _norms(w), least_margin(x, z, random) / _norms(random)]),
            upper=largest,
            x_label="1 / |W*|",
            y_label="least margin / |W|",
        ),
        "nuclear": Pairs(
            product_margins[both] / sizes(product[both]),
            margins[both] / sizes(w[both]),
            y_label="least margin / nuclear norm, of K Q^T and W",
        ),
    }


def trained(x: Floats, z: Floats, best: Floats, gaps: Floats, steps: int, factors: Floats | None = None) -> Floats:
    """Attention weights, shape (problem, d, d), after normalised gradient descent on them from 0, or on two factors.

    Args:
        x: tokens (problem, sample, token, d), the best one first.
        z: queries (problem, sample, d).
        best: values of the best tokens (problem, sample).
        gaps: by how much each token is below the best, (problem, sample, token).
        steps: of size 0.02.
        factors: K and Q at the start, shape (2, problem, d, d); W = K Q^T.
    """
    w = np.zeros((len(x), x.shape[-1], x.shape[-1])) if factors is None else factors[0] @ np.swapaxes(factors[1], 1, 2)
    for _ in range(steps):
        scores = (x @ (z @ np.swapaxes(w, 1, 2))[..., None])[..., 0]
        scores -= scores.max(axis=2, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))
        # Steps are normalised: what is left for other tokens is taken relative to its largest, so that it never underflows.
        left = np.exp(logs[..., 1:] - logs[..., 1:].max(axis=(1, 2), keepdims=True))
        lost = (np.exp(logs) * gaps).sum(axis=2, keepdims=True)
        slope = 1 / (1 + np.exp(best[..., None] - lost))  # of the logistic loss, up to its sign
        others = slope * left * (lost - gaps[..., 1:])
        ascent = np.concatenate([-others.sum(axis=2, keepdims=True), others], axis=2)
        gradient = np.swapaxes((ascent[..., None] * x).sum(axis=2), 1, 2) @ z
        if factors is None:
            w = w + STEP * gradient / np.maximum(_norms(gradient), REST)[:, None, None]
        else:
            both = np.stack([gradient @ factors[1], np.swapaxes(gradient, 1, 2) @ factors[0]])
            factors = factors + STEP * both / np.maximum(np.sqrt((both**2).sum(axis=(0, 2, 3))), REST)[:, None, None]
            w = factors[0] @ np.swapaxes(factors[1], 1, 2)
    return w


def constraints(x: Floats, z: Floats, others: int = 0) -> Floats:
    """Matrices A with <A, W> = (x_chosen - x_t) . W z for all t not chosen; the first `others` samples take the second best."""
    rows = []
    for i in range(len(x)):
        chosen = 1 if i < others else 0
        rows += [np.outer(x[i, chosen] - x[i, t], z[i]) for t in range(x.shape[1]) if t != chosen]
    return np.stack(rows)


def max_margin(rows: Floats) -> Floats:
    """The W of least norm with <A, W> >= 1 for all rows A: Lawson and Hanson's least-distance problem."""
    flat = rows.reshape(len(rows), -1)
    system = np.vstack([flat.T, np.ones(len(flat))])
    target = np.r_[np.zeros(flat.shape[1]), 1.0]
    rest = system @ nnls(system, target)[0] - target
    return np.asarray(-rest[:-1] / rest[-1]).reshape(rows.shape[1:])


def least_margin(x: Floats, z: Floats, w: Floats) -> Floats:
    """The least (x_best - x_t) . W z of each problem."""
    scores = (x @ (z @ np.swapaxes(w, 1, 2))[..., None])[..., 0]
    return np.asarray((scores[..., :1] - scores[..., 1:]).min(axis=(1, 2)))


def _norms(w: Floats) -> Floats:
    return np.asarray(np.sqrt((w**2).sum(axis=(-2, -1))))


def _nuclear(w: Floats) -> Floats:
    return np.asarray(np.linalg.svd(w, compute_uv=False).sum(axis=-1))
