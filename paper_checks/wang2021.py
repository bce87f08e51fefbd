"""Wang, Liu (CVPR 2021). How does the temperature of a contrastive loss weigh its negatives?"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, softmax

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="wang2021",
    title="Understanding the Behaviour of Contrastive Loss",
    authors="Feng Wang, Huaping Liu",
    year=2021,
    arxiv="2012.09740",
)

Floats = NDArray[np.float64]

NEGATIVES = 16
TEMPERATURES = np.geomspace(0.03, 10, 50)


@paper.claim(
    "temperature-weights",
    where="gradients of the contrastive loss and its hardness-awareness; the two bounds that give the limits are derived here",
    kind="theorem",
    checked="memory",
    statement=r"L = -\log \frac{e^{s_+/\tau}}{e^{s_+/\tau} + \sum_j e^{s_j/\tau}},\ r_j = \frac{|\partial L/\partial s_j|}"
    r"{|\partial L/\partial s_+|}: \quad r_j = \frac{e^{s_j/\tau}}{\sum_k e^{s_k/\tau}},\ \sum_j r_j = 1, \quad"
    r" \text{the entropy of } r \text{ strictly increases in } \tau; \quad \tau \to 0: \text{ all weight on the hardest},"
    r" \quad \tau \to \infty: \text{ uniform}",
    # Differences of similarities over 0.03 carry 33 times their rounding into exponents: 2e-14. Entropies differ by 7e-5.
    rule=All(
        weights=Identity(rtol=1e-12),
        total=Identity(rtol=1e-12),
        entropy=Inequality(rtol=1e-12, strict=(1e-6, 1.0)),
        hardest=Inequality(rtol=1e-12, tight=0.99),
        uniform=Inequality(rtol=1e-12, atol=1e-12, tight=0.3),
    ),
    controls={
        "with-the-positive": Control("the softmax over positive and negatives", parts=("weights",)),
        "total-of-all": Control("weights relative to 1/tau in place of the positive's gradient", parts=("total",)),
        "inverse": Control("1/tau taken for tau", parts=("entropy",)),
        "twice-the-gap": Control("the gap counted twice in the bound on the hardest negative's weight", parts=("hardest",)),
        "second-order": Control("weights taken to be uniform up to the square of range / tau", parts=("uniform",)),
    },
)
def temperature_weights(trial: Trial) -> dict[str, Sides | Bounds]:
    r"""Weights from automatic differentiation at 50 temperatures from 0.03 to 10, for random similarities of 16 negatives.

    The loss is log(1 + sum_j e^{(s_j - s_+)/tau}). With h the hardest negative, g its gap to the next and R the range of the
    similarities, r_h >= 1 / (1 + (n-1) e^{-g/tau}), which tends to 1, and n r_j - 1 <= e^{R/tau} - 1, which tends to 0.
    The entropy's derivative is the variance of s under r over tau^3: only equal similarities keep it constant.
    """
    rng, cases = trial.rng(), trial.scale(quick=50, full=1000)
    negatives = np.sort(rng.uniform(-1, 1, size=(cases, NEGATIVES)), axis=1)
    positives = rng.uniform(-1, 1, size=cases)
    temperatures = 1 / TEMPERATURES if trial.control == "inverse" else TEMPERATURES
    slopes = np.asarray(gradients()(positives, negatives, temperatures))  # (temperature, case, positive and negatives)
    against = 1 / temperatures[:, None] if trial.control == "total-of-all" else np.abs(slopes[..., 0])
    weights = np.abs(slopes[..., 1:]) / against[..., None]
    scaled = negatives / temperatures[:, None, None]
    expected = softmax(scaled, axis=2)
    if trial.control == "with-the-positive":
        everything = np.concatenate([positives[:, None], negatives], axis=1) / temperatures[:, None, None]
        expected = softmax(everything, axis=2)[..., 1:]
    entropies = entr(weights).sum(2)
    gaps = scaled[..., -1] - scaled[..., -2]
    ranges = scaled[..., -1] - scaled[..., 0]
    above = NEGATIVES * weights[..., -1] - 1
    return {
        "weights": Sides(weights, expected, x_label="by differentiation", y_label="softmax over negatives"),
        "total": Sides(weights.sum(2), np.ones(weights.shape[:2]), x_label="sum of weights", y_label="1"),
        "entropy": Bounds(entropies[1:], lower=entropies[:-1], x_label="entropy at one temperature", y_label="at the next"),
        "hardest": Bounds(
            weights[..., -1],
            lower=1 / (1 + (NEGATIVES - 1) * np.exp(-(2 if trial.control == "twice-the-gap" else 1) * gaps)),
            x_label="bound",
            y_label="weight of the hardest negative",
        ),
        "uniform": Bounds(
            above,
            upper=ranges**2 if trial.control == "second-order" else np.expm1(ranges),
            x_label="bound",
            y_label="n times the largest weight, less 1",
        ),
    }


def contrastive_loss(similarities: jax.Array, temperature: jax.Array) -> jax.Array:
    """The loss of one anchor; the first similarity is the positive's. Written so that its gradients do not cancel."""
    exponents = (similarities[1:] - similarities[0]) / temperature
    return jax.nn.logsumexp(jnp.concatenate([jnp.zeros(1, exponents.dtype), exponents]))


@cache
def gradients() -> jax.stages.Wrapped:
    """The compiled map from positives (case,), negatives (case, n) and temperatures to gradients (temperature, case, n + 1)."""

    def all_of_them(positives: jax.Array, negatives: jax.Array, temperatures: jax.Array) -> jax.Array:
        similarities = jnp.concatenate([positives[:, None], negatives], axis=1)
        over_cases = jax.vmap(jax.grad(contrastive_loss), in_axes=(0, None))
        found: jax.Array = jax.vmap(over_cases, in_axes=(None, 0))(similarities, temperatures)
        return found

    return jax.jit(all_of_them)
