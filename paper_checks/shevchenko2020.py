"""Shevchenko and Mondelli (2020). What does a wide network lose when it keeps a few of its units at random?"""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import Agreement, All, Control, Estimates, Paper, Series, Slope, Trial
from ntkit.data import digits

paper = Paper(
    key="shevchenko2020",
    title="Landscape Connectivity and Dropout Stability of SGD Solutions for Over-parameterized Neural Networks",
    authors="Alexander Shevchenko, Marco Mondelli",
    year=2020,
    arxiv="1912.10095",
)

Floats = NDArray[np.float64]

WIDTHS = (64, 256, 1024)
SAMPLES = 50  # digits: the identity holds for any data


@paper.claim(
    "dropout-exact-rate",
    where="abstract: dropout stability of networks in mean-field scaling; the exact form of the mean is ours",
    kind="derived",
    checked="memory",
    statement=r"f_N = \frac1N \sum_{j} a_j \sigma(w_j \cdot x): \quad \mathbb{E}_{|S| = K} L(f_S) - L(f_N) ="
    r" S^2 \left(\tfrac1K - \tfrac1N\right), \quad S^2 = \text{variance over units of } a_j \sigma(w_j \cdot x)",
    # 2000 subsets: standard errors of 1 to 2.5 %, the interval of 12 estimates three of them. Slopes: 1/K - 1/N, not 1/K.
    rule=All(change=Agreement(rtol=0.1), rate=Slope(tol=0.1)),
    controls={
        "with-replacement": Control("S^2 / K, as of draws with replacement up to a factor 1 - 1/N", parts=("change",)),
        "not-rescaled": Control("units that stay keep the factor 1/N", parts=("change", "rate")),
        "half": Control("a rate of -1/2", parts=("rate",)),
    },
)
def dropout_exact_rate(trial: Trial) -> dict[str, Estimates | Series]:
    """Random subsets of 8 to N/2 units of random ReLU networks with N = 64, 256, 1024, squared loss on 50 digits.

    Nothing is assumed of training, nor of the targets y: the cross term 2 (f_N - y) . (f_S - f_N) has mean 0 and is left out of
    every draw, which shortens the intervals; single subsets do change by O(K^(-1/2)) where the network does not fit. The rate
    is that of N = 1024 for K up to 128, where 1/N hardly matters.
    """
    draws = trial.repeats(quick=2000, full=40_000)
    rng = trial.rng()
    images = digits()[0]
    x = images.reshape(len(images), -1)[rng.choice(len(images), SAMPLES, replace=False)]
    means, errors, predicted = [], [], []
    for width in trial.progress(WIDTHS):
        hidden = np.maximum(x @ rng.normal(size=(x.shape[1], width)) / x.shape[1] ** 0.5, 0)
        last = rng.normal(size=(width, 10))
        kept = 2 ** np.arange(3, int(np.log2(width)))
        changes = np.stack([_changes(rng, hidden, last, int(k), draws, trial.control != "not-rescaled") for k in kept], axis=1)
        law = _variance(hidden, last) * (1 / kept - (0 if trial.control == "with-replacement" else 1 / width))
        chosen = kept <= width // 2
        means.append(changes.mean(axis=0)[chosen])
        errors.append(changes.std(axis=0, ddof=1)[chosen] / draws**0.5)
        predicted.append(law[chosen])
    few = kept <= WIDTHS[-1] // 8
    return {
        "change": Estimates(
            np.concatenate(means), np.concatenate(errors), np.concatenate(predicted), repeats=draws,
            x_label="width and units kept", y_label="mean change of the loss",
        ),
        "rate": Series(
            kept[few].astype(float), changes[:, few], -0.5 if trial.control == "half" else -1.0,
            x_label="units kept of 1024", y_label="mean change of the loss",
        ),
    }  # fmt: skip


def _changes(rng: np.random.Generator, hidden: Floats, last: Floats, kept: int, draws: int, rescaled: bool) -> Floats:
    """Changes of the loss less their cross term, for random subsets."""
    width = hidden.shape[1]
    whole, factor = hidden @ last / width, 1 / (kept if rescaled else width)
    found = np.empty(draws)
    for draw in range(draws):
        units = rng.choice(width, kept, replace=False, shuffle=False)
        found[draw] = ((factor * hidden[:, units] @ last[units] - whole) ** 2).sum(axis=1).mean()
    return found


def _variance(hidden: Floats, last: Floats) -> float:
    """S^2: the mean over data of the unbiased variance over units, summed over outputs."""
    width = hidden.shape[1]
    squares = (hidden**2) @ (last**2).sum(axis=1)
    return float((squares / width - ((hidden @ last / width) ** 2).sum(axis=1)).mean() * width / (width - 1))
