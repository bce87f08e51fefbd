"""Lu et al. (2023): a weak feature is learnt where training oscillates."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.claims import (
    Agreement,
    All,
    Bounds,
    Control,
    Counts,
    Estimates,
    Identity,
    Inequality,
    Paper,
    Proportion,
    Sides,
    Trial,
)

paper = Paper(
    key="lu2023",
    title="Benign Oscillation of Stochastic Gradient Descent with Large Learning Rates",
    authors="Miao Lu, Beining Wu, Xiaodong Yang, Difan Zou",
    year=2023,
    arxiv="2310.17074",
)

Floats = Float[np.ndarray, "..."]

WEAK, STRONG = np.array([0.05, 0.1]), 1.0  # U, and V
SMALL = (0.05, 0.2, 0.45)  # learning rates, below the edge of stability 1 / (2 V)
LARGE = (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)  # above it
STEPS = 200_000
SAMPLES, ALONE = 80, 8  # of a network's data, half of either class; those that lack the strong feature
UNITS = 16  # for each sign of the output weight
NOISE = 0.015 * SAMPLES  # squared length of the noise patch
BELOW, ABOVE = (0.3,), (0.6, 0.7)  # learning rates of one class's samples with the strong feature
SIGNS = np.repeat([1.0, -1.0], UNITS)
NETWORK_STEPS = 8000
TESTED = 2000
RIGHT = 0.94  # accuracy of a network that has learnt
NEAR = 0.03  # by which the share exceeds its bound at most, but for rare starts


@paper.claim(
    "two-feature-oscillation",
    where="the mechanism; the model with two numbers and its closed form are ours",
    kind="derived",
    checked="memory",
    statement=r"f = U a^2 + V b^2,\ U \ll V,\ \text{loss } \tfrac{1}{2} (f - 1)^2,\ \text{gradient descent with rate } \eta: "
    r"\text{ the share } s = U a^2 \text{ of the weak feature stays } 0 \text{ for } \eta < \frac{1}{2 V}; \text{ where } b "
    r"\text{ oscillates, it grows until } 4 (V (1 - s) + U s) \le \frac{2}{\eta}, \text{ so } s \ge s_\eta = "
    r"\frac{V - 1 / (2 \eta)}{V - U}, \text{ with equality for } U \ll V",
    rule=All(
        small=Inequality(),
        large=Inequality(),
        near=Proportion(at_least=0.9),
        limit=Identity(rtol=0, atol=1e-3, refute=10.0),  # of an extrapolation from U = 0.05 and 0.1 to 0, pilots: 3e-4
        final=Identity(rtol=1e-9),
    ),
    controls={
        "linear": Control("f = U a + V b, whose descent does not oscillate for long", parts=("large",)),
        "weak-is-flat": Control("no curvature from the weak feature: s_eta = 1 - 1 / (2 eta V)", parts=("near",)),
        "late-edge": Control("growth until the sharpness is 2.1 / eta", parts=("limit",)),
        "overshoot": Control("s at least 0.03 above s_eta", parts=("large",)),
        "equal-starts": Control("a starts as large as b", parts=("small",)),
    },
)
def two_feature_oscillation(trial: Trial) -> dict[str, Bounds | Counts | Sides]:
    """U = 0.05 and 0.1, V = 1; starts a = 10^-3.5 to 10^-2.5 and b = 0.03 to 0.1; 200,000 steps; rates 0.05 to 0.9.

    Small rates keep a / b^(U / V), and a hardly grows. Between 1 / (2 V) and 1 / V, b settles in a cycle; that log b does not
    drift makes the mean of f - 1 negative, and so a grows, until the sharpness at the minimum is what the rate can bear.
    `large`: from every start the share ends above s_eta. `near`: at most 0.03 above, from at least 0.9 of the starts for each
    rate. It exceeds s_eta because a still grows while the cycle dies out, by an amount proportional to U: `limit` extrapolates
    its median to U = 0. `small`: below 1e-4. `final`: f = 1.

    For rates up to 0.8 the end is the same from all of 2000 starts in a pilot. Oscillations are periodic only up to about 0.65,
    and at 0.85 and 0.9 rare excursions (0.3 and 1.7 % of starts, U = 0.1) let a grow far beyond: hence a share of the starts.

    At eta = 1 there is chaos instead, at 1.1 divergence (and with U = 0.3 chaos from 0.85 on); neither is claimed. This is not
    the paper's network, only its mechanism: two features, strong and weak, each with a product of two weights.
    """
    random, draws = trial.rng(), trial.repeats(quick=400, full=2000) // (4 if trial.control else 1)
    rates = np.array([*SMALL, *LARGE])
    shape = (len(WEAK), len(rates), draws)
    b = random.uniform(0.03, 0.1, shape)
    a = b if trial.control == "equal-starts" else 10 ** random.uniform(-3.5, -2.5, shape)
    weak, rate = WEAK[:, None, None], rates[:, None]
    share, total = map(np.asarray, _descend(*map(jnp.asarray, (a, b, weak, rate)), trial.control == "linear"))
    curvature = 0.0 if trial.control == "weak-is-flat" else weak
    most = 1.05 if trial.control == "late-edge" else 1.0  # sharpness, over 2 / eta
    edge = np.broadcast_to((STRONG - most / (2 * rate)) / (STRONG - curvature), shape)[:, len(SMALL) :]
    low, large = share[:, : len(SMALL)], share[:, len(SMALL) :]
    excess = large - edge
    middle = np.median(excess, axis=-1)
    near = (excess <= NEAR).sum(axis=-1)
    return {
        "small": Bounds(low, upper=1e-4, x_label="eta", y_label="share of the weak feature"),
        "large": Bounds(
            large, lower=edge + (NEAR if trial.control == "overshoot" else 0.0), x_label="eta", y_label="share, weak feature"
        ),
        "near": Counts(near, np.full(near.shape, draws), x_label="eta", y_label="starts"),
        "limit": Sides(2 * middle[0], middle[1], x_label="twice the excess at U = 0.05", y_label="excess at U = 0.1"),
        "final": Sides(total, np.ones(shape), x_label="f at the end", y_label="target"),
    }


@jax.jit
def _descend(a: Array, b: Array, weak: Array, rate: Array, linear: bool) -> tuple[Array, Array]:
    """The weak feature's share and f after gradient descent."""

    def features(a: Array, b: Array) -> tuple[Array, Array]:
        return weak * jnp.where(linear, a, a**2), STRONG * jnp.where(linear, b, b**2)

    def step(_: int, state: tuple[Array, Array]) -> tuple[Array, Array]:
        a, b = state
        one, other = features(a, b)
        down = rate * (one + other - 1)
        slopes = jnp.where(linear, 1.0, 2 * a), jnp.where(linear, 1.0, 2 * b)
        return a - down * weak * slopes[0], b - down * STRONG * slopes[1]

    share, strong = features(*jax.lax.fori_loop(0, STEPS, step, (a, b)))
    return share, share + strong


@paper.claim(
    "network-oscillation",
    where="main theorems, in words: large rates learn the weak feature, small ones memorise; network and numbers are ours",
    kind="reading",
    checked="memory",
    statement=r"f(x) = \sum_j a_j \sum_{p = 1}^{3} \sigma(\langle w_j, x^{(p)} \rangle),\ \sigma(z) = \max(z, 0)^2,\ x = (y "
    r"\sqrt{V} e_1 \text{ or } 0,\ y \sqrt{U} e_2,\ \xi): \text{ below the edge of stability descent fits inputs without the "
    r"strong feature by their noise and is at chance on new ones; above it, it learns the weak feature to the share } s_\eta "
    r"\text{ and classifies them}",
    rule=All(
        chance=Agreement(atol=0.06),  # of 2000 inputs for each network, which differ by 0.02
        learnt=Inequality(),  # by every network: it is right on nearly every input, so that means have no spread to judge by
        share=Inequality(),
        fitted=Inequality(),
    ),
    controls={
        "little-noise": Control("noise of a tenth of the square: it is slower than the weak feature", parts=("chance",)),
        "small-rates": Control("0.9 of the edge in place of the large rates", parts=("learnt", "share")),
        "all-samples": Control("the edge for the rate itself, not for the share of samples that a unit sees", parts=("share",)),
    },
)
def network_oscillation(trial: Trial) -> dict[str, Estimates | Bounds]:
    """80 samples, 8 of them without the strong feature; V = 1, U = 0.1; noise patches orthogonal, of square 1.2, one for each.

    Full-batch descent on the mean of (f - y)^2 / 2, 8000 steps; 16 units for each class, output weights 1 and -1, started
    at 0.05 along the strong feature and at 5e-4 elsewhere, so that it is learnt first. A unit sees one class: rates are given
    for its samples with the strong feature, 0.45 of all, and 1 / (2 V) is their edge. Accuracy is that of signs on 2000 new
    inputs without the strong feature: `chance`: 1/2 in the mean at 0.3; `learnt`: at least 0.94 for every network at 0.6 and
    0.7. `share`: f on the weak patch alone, from s_eta to s_eta + 0.03 as for two features. `fitted`: all training losses are
    below 1e-6, so that nothing but the rate decides.

    It takes noise that is learnt faster than the weak feature from the few inputs without the strong one, 1.2 > 8 U, and slower
    from all inputs, 1.2 < 80 U; and a power above 1, since with max(z, 0) nothing oscillates for long. Of the paper's setting
    batches are left out, without which large rates oscillate, too.
    """
    random, repeats = trial.rng(), trial.repeats(quick=6, full=40) // (2 if trial.control else 1)
    above = (0.45, 0.45) if trial.control == "small-rates" else ABOVE
    square = NOISE / 10 if trial.control == "little-noise" else NOISE
    rates = np.array([*BELOW, *above])
    shape = (repeats, 2 * UNITS)
    start = [size * np.abs(random.normal(size=shape)) * SIGNS for size in (0.05, 5e-4)]  # no class is without units
    noise = 5e-4 * random.normal(size=(repeats, 2 * SAMPLES, 2 * UNITS))  # weights along half of these directions stay
    seen = (SAMPLES - ALONE) / (2 * SAMPLES)
    run = jax.vmap(jax.vmap(_train, (None, None, None, 0, None)), (0, 0, 0, None, None))
    weak, along, loss = map(np.asarray, run(*start, noise[:, :SAMPLES], rates / seen, np.sqrt(square)))
    accuracy = np.empty((repeats, len(rates)))
    for i, j in np.ndindex(accuracy.shape):
        weights = np.concatenate([along[i, j], noise[i, SAMPLES:]])
        patch = random.normal(size=(TESTED, 2 * SAMPLES))
        patch *= np.sqrt(square) / np.linalg.norm(patch, axis=1, keepdims=True)
        label = random.choice([-1.0, 1.0], TESTED)
        score = np.maximum(patch @ weights, 0) ** 2 @ SIGNS + np.where(label > 0, *weak[i, j])
        accuracy[i, j] = (score * label > 0).mean()
    edge = STRONG * (seen if trial.control == "all-samples" else 1.0)
    least = (STRONG - STRONG / (2 * edge * np.array(ABOVE))) / (STRONG - WEAK[1])
    below, beyond = np.split(accuracy, [len(BELOW)], axis=1)
    shares = np.abs(weak[:, len(BELOW) :])
    return {
        "chance": Estimates.from_samples(below, [0.5] * len(BELOW), x_label="rate", y_label="accuracy, weak feature alone"),
        "learnt": Bounds(beyond, lower=RIGHT, x_label="rate", y_label="accuracy, weak feature alone"),
        "share": Bounds(shares, lower=least[:, None], upper=least[:, None] + NEAR, x_label="rate", y_label="share"),
        "fitted": Bounds(loss, upper=1e-6, x_label="rate", y_label="training loss"),
    }


@jax.jit
def _train(strong: Array, weak: Array, noise: Array, rate: Array, length: Array) -> tuple[Array, Array, Array]:
    """Weights along the two features, (units,), and along each sample's noise, (samples, units), after descent.

    Returns f on the weak patch of either class, the weights along noise, and the training loss.
    """
    label = jnp.asarray(np.tile([1.0, -1.0], SAMPLES // 2))
    present = jnp.asarray(np.where(np.arange(SAMPLES) >= ALONE, 1.0, 0.0))

    def unit(z: Array) -> Array:
        return jnp.maximum(z, 0) ** 2 @ SIGNS

    def loss(weights: tuple[Array, Array, Array]) -> Array:
        strong, weak, noise = weights
        f = unit(STRONG**0.5 * jnp.outer(label * present, strong)) + unit(WEAK[1] ** 0.5 * jnp.outer(label, weak))
        return ((f + unit(length * noise) - label) ** 2).mean() / 2

    def step(_: int, weights: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        slopes = jax.grad(loss)(weights)
        return weights[0] - rate * slopes[0], weights[1] - rate * slopes[1], weights[2] - rate * slopes[2]

    weights = jax.lax.fori_loop(0, NETWORK_STEPS, step, (strong, weak, noise))
    return unit(WEAK[1] ** 0.5 * jnp.outer(jnp.array([1.0, -1.0]), weights[1])), weights[2], loss(weights)
