"""Yang, Yu, Zhu, Hayou (2024): by how much should the branches of a deep residual network be scaled?"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import Agreement, All, Control, Estimates, Paper, Trial

paper = Paper(
    key="yang2024",
    title="Tensor Programs VI: Feature Learning in Infinite-Depth Neural Networks",
    authors="Greg Yang, Dingli Yu, Chen Zhu, Soufiane Hayou",
    year=2024,
    arxiv="2310.02244",
)

Floats = NDArray[np.float64]

WIDE, NARROW, ALPHAS = 64, 8, (0.0, 0.5, 1.0)
MORE = 16  # times as many narrow networks: their lengths spread more and cost less
DEPTHS, SHALLOW = (4, 16, 64), (4, 16)  # at alpha = 0 and L = 64, the mean of 2^64 is made by networks too rare to be drawn


@paper.claim(
    "depth-scaling-forward",
    where="the block multiplier of depth-muP, its effect on the forward pass at initialisation",
    kind="derived",
    checked="memory",
    statement=r"h_{l+1} = h_l + L^{-\alpha} W_l h_l, \; W_{l,ij} \sim N(0, 1/n) \quad\Rightarrow\quad"
    r" \mathbb{E}\, |h_L|^2 = \left(1 + L^{-2 \alpha}\right)^L |h_0|^2 \text{ at every width } n: \quad"
    r" \to e \; (\alpha = 1/2), \quad \to 1 \; (\alpha > 1/2), \quad 2^L \; (\alpha = 0)",
    # Standard errors of 400 pairs of networks: up to 0.8 % with scaling, 3 % without. At L = 64, the exact value is 0.992 e.
    rule=All(
        scaled=Agreement(rtol=0.05), narrow=Agreement(rtol=0.05), unscaled=Agreement(rtol=0.2), limit=Agreement(rtol=0.05)
    ),
    controls={
        "other-exponent": Control(
            "networks with alpha = 1 judged by the law of alpha = 1/2", parts=("scaled", "narrow", "limit")
        ),
        "no-compounding": Control("1 + L L^(-2 alpha), the growth of every layer taken of h_0", parts=("scaled", "narrow")),
        "one-layer-less": Control("L - 1 layers counted", parts=("unscaled",)),
        "shared-weights": Control("the same matrix W in all layers", parts=("scaled", "narrow")),
    },
)
def depth_scaling_forward(trial: Trial) -> dict[str, Estimates]:
    r"""Mean squared length of what a linear residual network makes of a unit vector, over depths, exactly predicted.

    Given h, the branch W h has independent N(0, |h|^2 / n) entries and is independent of the past, so that the cross term
    vanishes and E |h + s W h|^2 = (1 + s^2) |h|^2. Only the forward half of depth-muP, in a linear network at initialisation.

    n = 64, and 8 for `narrow`. A repeat is a pair of networks, one with all matrices W and one with -W, which has the same
    distribution: their mean is free of the terms that are odd in W, which make up most of the spread.
    """
    repeats = trial.repeats(quick=400, full=2000) // (4 if trial.control else 1)
    random = trial.rng()
    shared = trial.control == "shared-weights"
    wide = {depth: _lengths(random, depth, WIDE, repeats, shared) for depth in trial.progress(DEPTHS)}
    narrow = {depth: _lengths(random, depth, NARROW, MORE * repeats, shared) for depth in DEPTHS}
    cells = [(alpha, depth) for alpha in (0.5, 1.0) for depth in DEPTHS]
    predicted = [_predicted(alpha, depth, trial.control) for alpha, depth in cells]
    taken = {alpha: 2 if trial.control == "other-exponent" else ALPHAS.index(alpha) for alpha, _ in cells}
    curve = partial(Estimates.from_samples, y_label="mean squared length of h_L")
    scaled = {
        name: curve(
            np.stack([lengths[depth][:, taken[alpha]] for alpha, depth in cells], axis=1),
            predicted,
            x_label="alpha = 1/2 with L = 4, 16, 64, alpha = 1 with L = 4, 16, 64",
        )
        for name, lengths in {"scaled": wide, "narrow": narrow}.items()
    }
    unscaled = np.stack([wide[depth][:, 0] for depth in SHALLOW], axis=1)
    return {
        **scaled,
        "unscaled": curve(unscaled, [_predicted(0.0, d, trial.control) for d in SHALLOW], x_label="alpha = 0 with L = 4, 16"),
        "limit": curve(wide[64][:, [taken[0.5]]], [np.e], x_label="alpha = 1/2 with L = 64"),
    }


def _predicted(alpha: float, depth: int, control: str | None) -> float:
    if control == "no-compounding":
        return float(1 + depth * depth ** (-2 * alpha))
    return float((1 + depth ** (-2 * alpha)) ** (depth - (control == "one-layer-less")))


def _lengths(random: np.random.Generator, depth: int, width: int, repeats: int, shared: bool) -> Floats:
    """|h_L|^2 for |h_0| = 1, averaged over W and -W: shape (repeats, alphas). All alphas see the same matrices."""
    steps = np.array([sign * depth**-alpha for alpha in ALPHAS for sign in (1, -1)])[:, None]
    h = np.zeros((repeats, len(steps), width))
    h[..., 0] = 1
    for layer in range(depth):
        if layer == 0 or not shared:
            weights = random.standard_normal((repeats, width, width)) / width**0.5
        h = h + steps * (h @ weights)
    return np.asarray((h**2).sum(-1).reshape(repeats, len(ALPHAS), 2).mean(-1))
