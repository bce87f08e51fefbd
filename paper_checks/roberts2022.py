"""Roberts, Yaida, Hanin (2022): criticality of deep networks, and the ratio of depth to width."""

import numpy as np
from _width import FACTORS, LABEL, predicted_moments, second_moments
from scipy.special import roots_hermitenorm

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="roberts2022",
    title="The Principles of Deep Learning Theory",
    authors="Daniel A. Roberts, Sho Yaida, Boris Hanin",
    year=2022,
    arxiv="2106.10165",
)


@paper.claim(
    "pdlt-criticality-and-depth-to-width",
    where="chapters on criticality and on networks of finite width; exactness at every width is our derivation",
    kind="derived",
    checked="memory",
    statement=r"\text{tanh at } C_W = 1,\ C_b = 0: \ 2\, l\, K_l \to 1. \text{ A linear network with } L"
    r"\text{ hidden layers of width } n \text{ at } C_W = 1: "
    r"\ \frac{\mathbb{E} f^4}{3\, (\mathbb{E} f^2)^2} = \left(1 + \frac{2}{n}\right)^L \approx e^{2 L / n}",
    # 2 l K_l - 1 falls like log(l) / l: 0.0024 at l = 1000, so that 2 % leaves room, and a C_W that is off by 1 % is off by
    # 50 tolerances. Moments: 0.2 % of standard error, four judged together; the next smaller depth is off by 6 % or more.
    rule=All(
        critical=Identity(rtol=0.02, refute=10),
        falling=Inequality(rtol=1e-9),
        moments=Agreement(rtol=0.02),
    ),
    controls={
        "ordered": Control("C_W = 0.99: the variance decays exponentially", parts=("critical",)),
        "chaotic": Control("C_W = 1.01: the variance has a fixed point above 0", parts=("critical", "falling")),
        "relu-constant": Control("5 in place of 2, the constant of ReLU", parts=("moments",)),
        "one-layer-less": Control("L - 1 in place of L", parts=("moments",)),
    },
)
def pdlt_criticality_and_depth_to_width(trial: Trial) -> dict[str, Sides | Bounds | Estimates]:
    """The variance of tanh over depth, and the fourth moment of linear networks of finite width.

    K_{l+1} = C_W E[tanh(sqrt(K_l) g)^2] from K_0 = 1, by Gauss-Hermite quadrature with 200 nodes; near 0 it is K - 2 K^2, so
    that 1 / K_l grows by 2 a layer. For linear networks, one layer multiplies the variance q by chi^2_n / n, whose second
    moment is 1 + 2 / n; that chain is sampled, and real networks at (16, 2). The same for ReLU is jacot2018's
    gp-limit-exact-kurtosis.
    """
    depths = trial.scale(quick=[10, 32, 100, 316, 1000], full=[10, 32, 100, 316, 1000, 3162, 10_000])
    weight = {"ordered": 0.99, "chaotic": 1.01}.get(trial.control or "", 1.0)
    scaled = 2 * np.array(depths) * _variances(weight, depths[-1])[depths]
    errors = np.abs(scaled - 1)
    constant = FACTORS["relu" if trial.control == "relu-constant" else "linear"]
    predicted = predicted_moments(constant, less=1 if trial.control == "one-layer-less" else 0)
    samples = second_moments(trial.key, "linear", trial.repeats(quick=25, full=250))
    return {
        "critical": Sides(scaled[4:], np.ones(len(depths) - 4), x_label="2 l K_l", y_label="limit"),
        "falling": Bounds(errors[1:], upper=errors[:-1], x_label="|2 l K_l - 1| half a decade before", y_label="|2 l K_l - 1|"),
        "moments": Estimates.from_samples(samples, predicted, x_label=LABEL, y_label="E f^4 / 3"),
    }


def _variances(weight: float, depth: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """K_0, ..., K_depth of tanh networks with weights of variance `weight` / fan_in and no bias."""
    nodes, weights = roots_hermitenorm(200)
    weights = weights / weights.sum()
    variances = np.ones(depth + 1)
    for layer in range(depth):
        variances[layer + 1] = weight * (weights @ np.tanh(np.sqrt(variances[layer]) * nodes) ** 2)
    return variances
