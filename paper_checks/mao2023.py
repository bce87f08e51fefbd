"""Mao, Mohri, Zhong (2023): how small must the cross-entropy be for the zero-one error to be small?"""

import jax
import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, rel_entr, xlog1py

from ntkit.claims import All, Bounds, Control, Inequality, Paper, Trial

paper = Paper(
    key="mao2023",
    title="Cross-Entropy Loss Functions: Theoretical Analysis and Applications",
    authors="Anqi Mao, Mehryar Mohri, Yutao Zhong",
    year=2023,
    arxiv="2304.07288",
)

Floats = NDArray[np.float64]


@paper.claim(
    "h-consistency",
    where="bound of the logistic loss for all measurable hypotheses",
    kind="theorem",
    checked="memory",
    statement=r"\psi\left(R_{01}(h) - R_{01}^*\right) \le R_{\log}(h) - R_{\log}^*, \quad"
    r"\psi(t) = \frac{1+t}{2} \log(1+t) + \frac{1-t}{2} \log(1-t), \quad"
    r"\text{hence } R_{01}(h) - R_{01}^* \le \sqrt{2 \left(R_{\log}(h) - R_{\log}^*\right)}",
    # Both sides are sums of at most five float64 terms of size 10 or less: rounding stays below 1e-14.
    rule=All(
        transform=Inequality(rtol=0.0, atol=1e-10, tight=1 - 1e-9),
        square_root=Inequality(rtol=0.0, atol=1e-10, tight=0.99),
    ),
    controls={
        "without-two": Control("the square root of the gap itself, without the factor 2", parts=("square_root",)),
        "without-halves": Control("psi without its factors 1/2", parts=("transform",)),
    },
)
def h_consistency(trial: Trial) -> dict[str, Bounds]:
    r"""Both sides for random conditional distributions p over 2 to 5 classes and random scores h.

    At one input, the excess of the zero-one error is t = max p - p_{argmax h}, and that of the cross-entropy is
    KL(p || q), q = softmax h. Let a be the best class and b the predicted one, so that q_b >= q_a, and s = p_a + p_b.
    By the chain rule, KL is at least s times the divergence of (p_a, p_b) / s from (q_a, q_b) / (q_a + q_b); moving q_a
    and q_b to their mean lowers that, since p_a >= p_b and q_a <= q_b. Left is s psi(t / s), at least psi(t) because psi
    is convex, psi(0) = 0 and s <= 1. So psi(t) <= KL, with equality for two classes and a tie. psi(t) >= t^2 / 2 gives
    the square root, and convexity carries both over to averages over inputs, which are measured too (four inputs each).

    A tie goes against the learner. The family ((1-t)/2, (1+t)/2) with equal scores shows that psi is tight.
    """
    cases = trial.scale(quick=20_000, full=200_000)
    p, scores, weights = _random_problems(trial.key, cases)
    t, divergence = _excess(p, scores)
    averages = [(weights * values.reshape(weights.shape)).sum(1) for values in (t, divergence)]
    spread = np.linspace(0.01, 0.99, 99)
    tied, tied_divergence = _excess(np.stack([(1 - spread) / 2, (1 + spread) / 2], axis=1), np.zeros((99, 2)))
    errors = np.concatenate([t, averages[0], tied])
    bounds = np.concatenate([divergence, averages[1], tied_divergence])
    psi = (xlog1py(1 + errors, errors) + xlog1py(1 - errors, -errors)) / (1 if trial.control == "without-halves" else 2)
    factor = 1 if trial.control == "without-two" else 2
    return {
        "transform": Bounds(psi, upper=bounds, x_label="excess cross-entropy", y_label="psi(excess error)"),
        "square_root": Bounds(
            errors, upper=np.sqrt(factor * bounds), x_label="square root of the excess cross-entropy", y_label="excess error"
        ),
    }


def _excess(p: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Excess zero-one error and excess cross-entropy of each row; classes that are left out have p = 0, score -inf."""
    best = scores.max(1, keepdims=True)
    predicted = np.where(scores == best, p, np.inf).min(1)
    return p.max(1) - predicted, rel_entr(p, np.exp(log_softmax(scores, axis=1))).sum(1)


def _random_problems(key: jax.Array, cases: int) -> tuple[Floats, Floats, Floats]:
    """Distributions, scores (both (cases, 5), unused classes left out) and weights of inputs (cases / 4, 4)."""
    keys = jax.random.split(key, 6)
    classes = np.asarray(jax.random.randint(keys[0], (cases, 1), 2, 6))
    used = np.arange(5)[None, :] < classes
    # Spreads over three decades: from nearly uniform, where the bound is tight, to nearly certain.
    spread = [10.0 ** np.asarray(jax.random.uniform(k, (cases, 1), minval=-2.0, maxval=1.0)) for k in keys[1:3]]
    normal = [np.asarray(jax.random.normal(k, (cases, 5))) for k in keys[3:5]]
    scores = [np.where(used, s * n, -np.inf) for s, n in zip(spread, normal, strict=True)]
    weights = np.asarray(jax.random.exponential(keys[5], (cases // 4, 4)))
    return np.exp(log_softmax(scores[0], axis=1)), scores[1], weights / weights.sum(1, keepdims=True)
