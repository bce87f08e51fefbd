"""Gavrikov, Keuper (2022): what measures of the quality of convolution filters say about filters that are pure noise."""

from math import gamma, log, log10, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from ntkit.claims import Agreement, All, Control, Estimates, Identity, Paper, Sides, Trial

paper = Paper(
    key="gavrikov2022",
    title="CNN Filter DB: An Empirical Investigation of Trained Convolutional Filters",
    authors="Paul Gavrikov, Janis Keuper",
    year=2022,
    arxiv="2203.15331",
)

WEIGHTS = 36  # of a filter over four input channels
TAPS = 9
FILTERS = (4, 16, 64)
LAYERS = (16, 64, 256)
MANY = 10_000


@paper.claim(
    "filter-measures-null",
    where="definitions of orthogonality and variance entropy, as in the authors' code; their values for noise are ours",
    kind="derived",
    checked="code",
    statement=r"o(V) = 1 - \frac{\sum_{i, j} |V V^\top - I|_{ij}}{n (n - 1)} \text{ for Gaussian rows, normalised, in }"
    r"\mathbb{R}^D: \quad \mathbb{E}\, o = 1 - \frac{\Gamma(D/2)}{\sqrt{\pi}\, \Gamma((D+1)/2)}; \quad"
    r"\text{entropy of the variances of } n \text{ filters with } p \text{ taps}: \quad"
    r"\mathbb{E}\, h \approx \log_{10} p - \frac{(p - 1)(p + 2)}{2 \ln 10\, (p (n - 1) + 2)}",
    # Standard errors for the smallest n are 0.0007 (orthogonality) and 0.0004 (entropy); three judged together take 2.5 of
    # them. The entropy's next term is below 0.0003 from n = 16 on (pilot). limit: its bias at 10 000 filters is 0.0002.
    rule=All(
        ends=Identity(rtol=0, atol=1e-12),
        orthogonality=Agreement(atol=0.005),
        entropy=Agreement(atol=0.003),
        limit=Agreement(atol=0.001),
    ),
    controls={
        "squared": Control("squares in place of absolute values, whose mean is 1 - 1 / D", parts=("orthogonality",)),
        "not-normalised": Control("rows divided by their root mean square norm, not each by its own", parts=("orthogonality",)),
        "not-centred": Control("variances about 0 in place of the mean filter", parts=("entropy",)),
        "few": Control("sixteen filters taken for many", parts=("limit",)),
    },
)
def filter_measures_null(trial: Trial) -> dict[str, Sides | Estimates]:
    """Random Gaussian layers: orthogonality of 4, 16, 64 filters over four channels, entropy of 16, 64, 256 and 10 000 filters.

    4000 layers each (full: 20 000), and 20 of the largest. `ends`: orthonormal rows have o = 1, equal rows o = 0. Row i of V is
    filter i divided by its norm.

    Why: the variances are eigenvalues of a Wishart matrix S with n - 1 degrees of freedom, and their shares of the trace are
    independent of it. To second order the entropy lacks p / (2 ln 10) times the sum of their squared deviations from 1 / p,
    whose mean follows from E tr S^2 and E (tr S)^2 exactly. The authors divide by a fitted function of n that stands for noise;
    it lies below this mean, for n from 64 to 256 by so little that up to 7 % of random layers fall under it.
    """
    rng = trial.rng()
    repeats = trial.repeats(quick=4000, full=20_000)
    overlap = 1 / WEIGHTS if trial.control == "squared" else gamma(WEIGHTS / 2) / (sqrt(pi) * gamma((WEIGHTS + 1) / 2))
    orthonormal, equal = np.linalg.qr(rng.normal(size=(WEIGHTS, 16)))[0].T, np.tile(rng.normal(size=WEIGHTS), (16, 1))
    orthogonalities, entropies = [], []
    for size in trial.progress([len(part) for part in np.array_split(range(repeats), max(1, repeats // 200))]):
        layers = [rng.normal(size=(size, count, WEIGHTS)) for count in FILTERS]
        orthogonalities.append([_orthogonality(layer, each=trial.control != "not-normalised") for layer in layers])
        layers = [rng.normal(size=(size, count, TAPS)) for count in LAYERS]
        entropies.append([_entropy(layer, centred=trial.control != "not-centred") for layer in layers])
    large = rng.normal(size=(20, 16 if trial.control == "few" else MANY, TAPS))
    return {
        "ends": Sides(
            [_orthogonality(orthonormal), _orthogonality(equal)], [1, 0], x_label="orthogonality", y_label="expected"
        ),
        "orthogonality": Estimates.from_samples(
            np.concatenate(orthogonalities, axis=1).T, 1 - overlap, x_label="filters n", y_label="orthogonality"
        ),
        "entropy": Estimates.from_samples(
            np.concatenate(entropies, axis=1).T,
            [_expected_entropy(count) for count in LAYERS],
            x_label="filters n",
            y_label="variance entropy",
        ),
        "limit": Estimates.from_samples(_entropy(large)[:, None], log10(TAPS), x_label="filters n", y_label="variance entropy"),
    }


def _orthogonality(filters: NDArray[np.float64], each: bool = True) -> NDArray[np.float64]:
    """One minus the mean absolute cosine between different filters, which are the rows; over all leading axes."""
    norms = np.linalg.norm(filters, axis=-1, keepdims=True)
    filters = filters / (norms if each else np.sqrt((norms**2).mean()))
    n = filters.shape[-2]
    overlaps = np.abs(filters @ filters.swapaxes(-1, -2) - np.eye(n))
    return np.asarray(1 - overlaps.sum(axis=(-1, -2)) / (n * (n - 1)))


def _entropy(filters: NDArray[np.float64], centred: bool = True) -> NDArray[np.float64]:
    """Entropy to base 10 of the shares of variance of the principal components of the rows; over all leading axes."""
    if centred:
        filters = filters - filters.mean(axis=-2, keepdims=True)
    variances = np.linalg.svd(filters, compute_uv=False) ** 2
    shares = variances / variances.sum(axis=-1, keepdims=True)
    return np.asarray(entr(shares).sum(axis=-1) / log(10))


def _expected_entropy(count: int) -> float:
    """The mean entropy of Gaussian filters, to second order in 1 / count."""
    return log10(TAPS) - (TAPS - 1) * (TAPS + 2) / (2 * log(10) * (TAPS * (count - 1) + 2))
