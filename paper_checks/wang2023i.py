"""Wang, Mao (2023): the generalisation gap of an interpolating learner, by what losses tell about a random selector."""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="wang2023i",
    title="Tighter Information-Theoretic Generalization Bounds from Supersamples",
    authors="Ziqiao Wang, Yongyi Mao",
    year=2023,
    arxiv="2302.02432",
)

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

SIZES = ((6, 1), (6, 2), (4, 3))  # points, samples n
LEARNERS = ("default", "wrong", "majority", "constant")  # all but the last interpolate
NOISE = 0.05


@paper.claim(
    "supersample-interpolation",
    where="bounds by loss differences, and the equality for interpolating learners (numbers unconfirmed)",
    kind="theorem",
    checked="memory",
    statement=r"\text{Zero-one loss, pairs } (Z_{i0}, Z_{i1}) \text{ of which } U_i \text{ says the training one, } "
    r"\Delta_i = l(Z_{i1}) - l(Z_{i0}): \quad |\mathrm{gap}| \le \frac1n \sum_i \sqrt{2 I(\Delta_i; U_i)}; \quad "
    r"\text{no training errors} \Rightarrow \mathrm{gap} = \frac{1}{n \log 2} \sum_i I(\Delta_i; U_i)",
    # Sums of at most 32,768 probabilities, each exact to an epsilon.
    rule=All(interpolating=Identity(rtol=0.0, atol=1e-12), bound=Inequality(rtol=0.0, atol=1e-12)),
    controls={
        "noisy": Control(
            "predictions flipped with probability 0.05, so that there are training errors", parts=("interpolating",)
        ),
        "nats": Control("information in nats, not divided by log 2", parts=("interpolating",)),
        "without-two": Control("the square root of the information, without the factor 2", parts=("bound",)),
        "biased-selectors": Control("the first copy is for training with probability 0.6", parts=("interpolating",)),
    },
)
def supersample_interpolation(trial: Trial) -> dict[str, Sides | Bounds]:
    """All supersamples and selectors of small problems, none drawn: probabilities, gap and information are exact.

    6 or 4 points with random probabilities and labels, n = 1, 2, 3, 6 (60) problems of each size. Learners give labels seen;
    elsewhere a label fixed beforehand, always the wrong one, or the majority of those seen; the fourth gives that majority
    everywhere, for the bound alone. Exchanging a pair and its selector leaves the training set as it is and turns the sign of
    the difference: without training errors a difference other than 0 tells the selector, and 0 tells nothing.
    """
    rng, control = trial.rng(), trial.control
    gaps, information, exact, bounds = [], [], [], []
    problems = [(m, n) for m, n in SIZES for _ in range(trial.scale(quick=6, full=60))]
    for m, n in trial.progress(problems):
        p, labels, default = rng.dirichlet(np.ones(m)), rng.integers(0, 2, m), rng.integers(0, 2, m)
        for learner in LEARNERS:
            default = 1 - labels if learner == "wrong" else default
            first = 0.6 if control == "biased-selectors" else 0.5
            joint = difference_law(p, labels, default, n, learner, NOISE if control == "noisy" else 0.0, first)
            gap, info = gap_of(joint), mutual_information(joint)
            exact.append(gap.mean())
            bounds.append(np.sqrt((1 if control == "without-two" else 2) * info).mean())
            if learner != "constant":
                gaps.append(gap.mean())
                information.append(info.mean() / (1.0 if control == "nats" else np.log(2)))
    return {
        "interpolating": Sides(gaps, information, x_label="gap", y_label="information in bits"),
        "bound": Bounds(np.abs(exact), upper=bounds, x_label="mean square root of 2 I", y_label="gap"),
    }


def difference_law(
    p: Floats, labels: Labels, default: Labels, n: int, learner: str, noise: float = 0.0, first: float = 0.5
) -> Floats:
    """The joint law of each difference, -1, 0 or 1, and its selector: shape (n, 3, 2).

    Args:
        p: probabilities of the points.
        labels: of the points.
        default: what is predicted for points not seen.
        n: training samples.
        learner: see above.
        noise: probability with which each prediction is flipped.
        first: probability that the first copy of a pair is for training.
    """
    m, joint = p.size, np.zeros((n, 3, 2))
    pairs = np.indices((m,) * (2 * n)).reshape(n, 2, -1).transpose(2, 0, 1)  # (supersample, pair, copy)
    rows = np.arange(len(pairs))
    for selector in product((0, 1), repeat=n):
        training = pairs[:, range(n), selector]
        weights = p[pairs].prod(axis=(1, 2)) * np.prod([(first, 1 - first)[u] for u in selector])
        seen = np.zeros((len(pairs), m), bool)
        for i in range(n):
            seen[rows, training[:, i]] = True
        majority = (2 * labels[training].sum(axis=1) > n)[:, None]
        elsewhere = default if learner in ("default", "wrong") else majority
        predictions = np.where(seen & (learner != "constant"), labels, elsewhere)
        errors = (predictions != labels).astype(float)
        for i, u in enumerate(selector):
            one, two = (errors[rows, pairs[:, i, copy]] for copy in (0, 1))
            one, two = (e + noise * (1 - 2 * e) for e in (one, two))  # probabilities of an error
            distinct = weights * (pairs[:, i, 0] != pairs[:, i, 1])
            up, down = distinct @ (two * (1 - one)), distinct @ (one * (1 - two))
            joint[i, :, u] += down, weights.sum() - up - down, up
    return joint


def gap_of(joint: Floats) -> Floats:
    """Mean test loss minus training loss of each pair: the difference is that if the first copy is for training."""
    return np.asarray(joint[:, 2, 0] - joint[:, 0, 0] - joint[:, 2, 1] + joint[:, 0, 1])


def mutual_information(joint: Floats) -> Floats:
    """Of the last two axes of probabilities, in nats."""
    product_law = joint.sum(axis=-1, keepdims=True) * joint.sum(axis=-2, keepdims=True)
    ratio = np.divide(joint, product_law, out=np.ones_like(joint), where=joint > 0)
    return np.asarray(np.maximum(xlogy(joint, ratio).sum(axis=(-2, -1)), 0.0))
