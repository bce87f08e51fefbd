"""Lu et al. (2023): a weak feature is learnt where training oscillates."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ntkit.claims import All, Bounds, Control, Counts, Identity, Inequality, Paper, Proportion, Sides, Trial

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
