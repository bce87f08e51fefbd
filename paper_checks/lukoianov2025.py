"""Lukoianov, Yuan, Solomon, Sitzmann (2025): the best linear denoiser is local because the pixels of images are correlated."""

from collections.abc import Iterator

import numpy as np

from ntkit import data
from ntkit.claims import Agreement, All, Control, Counts, Estimates, Paper, Proportion, Series, Slope, Trial

paper = Paper(
    key="lukoianov2025",
    title="Locality in Image Diffusion Models Emerges from Data Statistics",
    authors="Artem Lukoianov, Chenyang Yuan, Justin Solomon, Vincent Sitzmann",
    year=2025,
    arxiv="2509.09672",
)

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Places = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

NOISE = 0.4  # where the factors of digits run from 0 to 0.8
LEVELS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
FEW = (0.1, 0.4, 1.6)
LENGTH = 2**16
CUTOFFS = np.geomspace(1600, 50, 6)  # in cycles: radii of 4 to 200 of the 65 536 places


@paper.claim(
    "linear-denoiser-is-wiener",
    where="abstract (optimal linear denoiser); the closed form is classical",
    kind="theorem",
    checked="memory",
    statement=r"\mathbb{E}\, \| W (x + \sigma z) - x \|^2 \text{ is least at } W = \Sigma (\Sigma + \sigma^2 I)^{-1}"
    r" = U \operatorname{diag}\left(\frac{\lambda_i}{\lambda_i + \sigma^2}\right) U^\top, \quad"
    r" \mathbb{E}\, x = 0,\ \Sigma = \mathbb{E}\, x x^\top",
    # Least squares is off by n^(-1/2): 0.15 for the slope leaves room for terms of order 1/n at 1000 samples of 64 numbers.
    # Factors: standard errors of 0.002, 64 of them judged together from 12 repeats take 5 of them, and 0.002 is bias.
    rule=All(distance=Slope(tol=0.15), factors=Agreement(atol=0.03)),
    controls={
        "hard-threshold": Control("the projector on components with lambda_i above sigma^2", parts=("distance", "factors")),
        "noise-not-squared": "sigma in place of sigma^2",
        "uncentred": "images with their mean left in",
    },
)
def linear_denoiser_is_wiener(trial: Trial) -> dict[str, Series | Estimates]:
    """Least squares on n noisy digits at sigma = 0.4 against the closed form: relative Frobenius distance over n, and factors.

    Digits in [0, 1], centred, drawn with replacement: Sigma is that of the 1797, exactly. Factors are the diagonal of the fit
    at the largest n in the eigenbasis of Sigma.
    """
    images = _digits(trial)
    x = images if trial.control == "uncentred" else images - images.mean(axis=0)
    variances, basis = np.linalg.eigh(np.cov(images.T, bias=True))
    level = NOISE if trial.control == "noise-not-squared" else NOISE**2
    shrunk = variances > level if trial.control == "hard-threshold" else variances / (variances + level)
    expected = basis * shrunk @ basis.T
    counts = trial.scale(quick=[1000, 4000, 16_000], full=[5000, 20_000, 80_000, 200_000])
    distances, factors = [], []
    rng = trial.rng()
    for _ in trial.progress(range(trial.repeats(quick=12, full=12))):
        fits = list(_fits(rng, x, counts))
        distances.append([np.linalg.norm(fit - expected) / np.linalg.norm(expected) for fit in fits])
        factors.append(np.diag(basis.T @ fits[-1] @ basis))
    return {
        "distance": Series(counts, distances, -0.5, "geometric", x_label="noisy images n", y_label="distance from closed form"),
        "factors": Estimates.from_samples(factors, shrunk.astype(float), x_label="component", y_label="shrinkage factor"),
    }


@paper.claim(
    "locality-from-covariance",
    where="abstract: locality arises from pixel correlations; null distributions and exponents are ours",
    kind="reading",
    checked="memory",
    statement=r"W = \Sigma (\Sigma + \sigma^2 I)^{-1} \text{ has a smaller radius }"
    r"\rho(W) = \left(\frac{\sum_{i \ne j} W_{ij}^2 |i - j|^2}{\sum_{i \ne j} W_{ij}^2}\right)^{1/2}"
    r"\text{ than with permuted pixels, or permuted correlations; }"
    r"\text{ for spectra } 1/f^a \text{ its radius is } \propto \sigma^{2/a}",
    # None of 4000 permutations in twelve cells puts the upper end of the interval at 0.0015, of 500 in six cells at 0.011; four
    # of 500 at 0.024: some halves have a share of 0.002 at the smallest sigma (pilot).
    # Slopes are computed: 0.03 is for radii of a few places, where a grid is coarse (0.008 off for 1/f, 1e-5 for 1/f^2).
    rule=All(
        pixels=Proportion(at_most=0.002), correlations=Proportion(at_most=0.03), pink=Slope(tol=0.03), brown=Slope(tol=0.03)
    ),
    controls={
        "permuted": Control("images with their pixels permuted", parts=("pixels",)),
        "shuffled": Control(
            "values of each pixel dealt out anew over the images: variances stay, correlations go", parts=("correlations",)
        ),
        "amplitude": Control("sigma^(1/a), as if noise amplitude and not its power set the cutoff", parts=("pink", "brown")),
    },
)
def locality_from_covariance(trial: Trial) -> dict[str, Counts | Series]:
    """How many permutations have a radius no larger than that of digits, for two halves of them; and radii of 1/f^a in 1D.

    `pixels` permutes the pixels with all they have, which also moves the three that are always 0 and the many at the border
    that hardly vary. Those alone make a denoiser local: with all correlations destroyed, the radius at sigma = 3.2 is 3.7
    against 4.6 with permuted pixels. Therefore `correlations` leaves every variance in its place and permutes the matrix of
    correlations among the 61 pixels that vary: digits lie below that, too. At sigma = 0.05, which is not among the levels,
    about 1 % of permuted pixels reach the radius of digits, and up to 5 % of permuted correlations that of some halves: what is
    off the diagonal is then tiny.

    Spectra: periodic, 65 536 places, power f^-a, a = 1 and 2. The filter 1 / (1 + sigma^2 f^a) ends at f = sigma^(-2/a), and
    the root mean square radius of its kernel, here with its centre, goes as the inverse of that. White data have W = c I.
    """
    rng = trial.rng()
    images = rng.permutation(_digits(trial))
    if trial.control == "permuted":
        images = images[:, rng.permutation(images.shape[1])]
    elif trial.control == "shuffled":
        images = rng.permuted(images, axis=0)
    side = int(images.shape[1] ** 0.5)
    squared = _squared_distances(side)
    halves = [np.cov(half.T, bias=True) for half in np.array_split(images, 2)]
    filters = np.stack([_wiener(covariance, level) for covariance in halves for level in LEVELS])
    found = _radii(filters, squared[None])
    draws = trial.repeats(quick=4000, full=20_000)
    below = np.zeros(len(filters), np.int64)
    for size in trial.progress([len(part) for part in np.array_split(range(draws), max(1, draws // 500))]):
        orders = rng.permuted(np.tile(np.arange(side**2), (size, 1)), axis=1)
        below += (_radii(filters, squared[orders[:, :, None], orders[:, None, :]]) <= found).sum(axis=0)
    count = trial.repeats(quick=500, full=1000)
    fewer = [_below(rng, covariance, level, squared, count) for covariance in halves for level in FEW]
    power = 1 if trial.control == "amplitude" else 2
    pink, brown = (
        Series(CUTOFFS ** (-a / 2), _spectrum_radii(a), power / a, x_label="noise sigma", y_label="radius") for a in (1, 2)
    )
    return {
        "pixels": Counts(below, np.full_like(below, draws), x_label="half and noise level", y_label="permutations below"),
        "correlations": Counts(fewer, [count] * len(fewer), x_label="half and noise level", y_label="permutations below"),
        "pink": pink,
        "brown": brown,
    }


def _digits(trial: Trial) -> Floats:
    """Images as rows, shape (1797, 64)."""
    images = data.digits().images
    trial.uses("digits", images)
    return images.reshape(len(images), -1)


def _fits(rng: np.random.Generator, x: Floats, counts: list[int]) -> Iterator[Floats]:
    """Least squares W for the first n noisy samples, for each n; a larger n goes on with the samples of a smaller one."""
    gram, cross = np.zeros((2, x.shape[1], x.shape[1]))
    for fresh in np.diff([0, *counts]):
        clean = x[rng.integers(0, len(x), fresh)]
        noisy = clean + NOISE * rng.normal(size=clean.shape)
        gram, cross = gram + noisy.T @ noisy, cross + noisy.T @ clean
        yield np.linalg.solve(gram, cross).T


def _wiener(covariance: Floats, level: float) -> Floats:
    """The best linear denoiser of centred data; over all leading axes."""
    noise = level**2 * np.eye(covariance.shape[-1])
    return np.asarray(np.linalg.solve(covariance + noise, covariance))  # both commute


def _squared_distances(side: int) -> Floats:
    """Between the pixels of an image, shape (side^2, side^2)."""
    places = np.stack(np.divmod(np.arange(side**2), side), axis=1)
    return np.asarray(((places[:, None] - places) ** 2).sum(axis=2), float)


def _radii(filters: Floats, squared: Floats) -> Floats:
    """Off-diagonal radius of each filter under each table of squared distances, shape (tables, filters)."""
    weights = filters**2 * (1 - np.eye(filters.shape[-1]))
    flat = weights.reshape(len(filters), -1)
    return np.asarray(np.sqrt(squared.reshape(len(squared), -1) @ (flat / flat.sum(axis=1, keepdims=True)).T))


def _permuted_correlations(rng: np.random.Generator, covariance: Floats, count: int) -> Floats:
    """Covariances with the variances in place and the correlations of pixels that vary permuted, shape (count, d, d)."""
    scale = np.sqrt(np.diag(covariance))
    varying = np.flatnonzero(scale > 1e-9)
    some = scale[varying]
    correlations = covariance[np.ix_(varying, varying)] / np.outer(some, some)
    orders: Places = rng.permuted(np.tile(np.arange(len(varying)), (count, 1)), axis=1)
    out = np.zeros((count, *covariance.shape))
    out[:, varying[:, None], varying] = correlations[orders[:, :, None], orders[:, None, :]] * np.outer(some, some)
    return out


def _below(rng: np.random.Generator, covariance: Floats, level: float, squared: Floats, count: int) -> int:
    """How many covariances with permuted correlations have a radius no larger."""
    null = _radii(_wiener(_permuted_correlations(rng, covariance, count), level), squared[None])
    return int((null <= _radii(_wiener(covariance, level)[None], squared[None])).sum())


def _spectrum_radii(a: float) -> Floats:
    """Root mean square radius of the kernel of 1 / (1 + (f / cutoff)^a), in places, for each cutoff."""
    places = np.abs(np.fft.fftfreq(LENGTH, 1 / LENGTH))
    kernels = np.fft.ifft(1 / (1 + (places / CUTOFFS[:, None]) ** a)).real ** 2
    return np.asarray(np.sqrt(kernels @ places**2 / kernels.sum(axis=1)))
