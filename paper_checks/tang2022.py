"""Tang, Shen, Zhou, Chen, Zhang (2022): what convolution, upsampling and the mean of a kernel do to each frequency."""

from itertools import product

import numpy as np
from _upsampling import upsample
from jaxtyping import Complex, Float

from ntkit import orthoconv
from ntkit.claims import Agreement, All, Control, Estimates, Identity, Paper, Sides, Trial

paper = Paper(
    key="tang2022",
    title="Defects of Convolutional Decoder Networks in Frequency Representation",
    authors="Ling Tang, Wen Shen, Zhanpeng Zhou, Yuefeng Chen, Quanshi Zhang",
    year=2022,
    arxiv="2210.09020",
)

SHOWN = (16, 2)  # side and factor of the first upsampling, which the figure shows
SIDES, FACTORS = range(2, 10), range(2, 5)
TAPS, MEAN = 3, 0.3
CHANNELS = 4

Floats = Float[np.ndarray, "..."]
Spectrum = Complex[np.ndarray, "..."]


@paper.claim(
    "frequencywise-and-repetition",
    where="abstract: how frequencies pass a convolution, and that upsampling repeats them; nearest neighbours are ours",
    kind="theorem",
    checked="secondary",
    statement=r"\text{Circular: } \hat y_{o}(u, v) = \sum_c \overline{\hat W_{o, c}(u, v)}\, \hat x_c(u, v); \quad"
    r"\text{zeros inserted, factor } r: \hat y(u, v) = \hat x(u \bmod n, v \bmod n); \quad"
    r"\text{nearest: that times } D(u) D(v),\ D(u) = \sum_{a < r} e^{-2 \pi i u a / (r n)},"
    r"\ \text{ which is } 0 \text{ at every multiple of } n \text{ but } 0",
    # Transforms of at most 48 x 48 numbers of order 1 are below 1e3 and carry 1e-13.
    rule=All(
        convolution=Identity(rtol=0.0, atol=1e-10, refute=1e4),
        leak=Identity(rtol=0.0, atol=1e-10, refute=1e4),
        insertion=Identity(rtol=0.0, atol=1e-10, refute=1e4),
        nearest=Identity(rtol=0.0, atol=1e-10, refute=1e4),
        zeros=Identity(rtol=0.0, atol=1e-10, refute=1e4),
    ),
    controls={
        "not-conjugated": Control("the symbol without its conjugate: convolution for correlation", parts=("convolution",)),
        "relu": Control("a ReLU after the convolution", parts=("leak",)),
        "zero-padding": Control("zeros around the input in the place of a circular convolution", parts=("leak",)),
        "mean-kept": Control("copies divided by r^2, as if upsampling kept the sum", parts=("insertion",)),
        "coarse-phase": Control("D(u) with the phases 2 pi u a / n of the small grid", parts=("nearest",)),
        "inserted-zeros": Control("zeros inserted in the place of nearest neighbours", parts=("zeros",)),
    },
)
def frequencywise_and_repetition(trial: Trial) -> dict[str, Sides]:
    """Random layers, entry by entry against their symbols, and random images upsampled by 2, 3 and 4.

    Up to four channels and taps, sides 3 to 9, kernels longer than the input wrapped; y[n] = sum_i W[i] x[n + i], as networks
    compute it, so that the symbol enters by its conjugate. `leak`: the input is changed at one pair of frequencies +-(u, v);
    what share of the output's change lies at others? Images: sides 2 to 9 and 16, amplitudes fall as 1 / frequency.

    Abstract: strong signals repeat after upsampling. In zero insertion each frequency has r^2 equal copies; nearest neighbours
    weaken them, and those of the frequencies (0, v) and (u, 0) at multiples of n vanish, among them all copies of the mean.
    """
    random = trial.rng()
    count = trial.scale(quick=50, full=500)
    direct, symbols = zip(*[_two_ways(trial.control, random) for _ in trial.progress(range(count))], strict=True)
    shapes = [SHOWN, *product(SIDES, FACTORS)]
    images = [_image(random, n) for n, _ in shapes]
    rows = [_upsampled(trial.control, image, r) for image, (_, r) in zip(images, shapes, strict=True)]
    inserted, copies, nearest, weakened, vanishing = (_real(part) for part in zip(*rows, strict=True))
    leaks = np.array([_leak(trial.control, random) for _ in range(count)])
    return {
        "convolution": Sides(_real(direct), _real(symbols), x_label="spectrum of the output", y_label="symbol times input"),
        "leak": Sides(leaks, np.zeros(count), x_label="share at other frequencies", y_label="0"),
        "insertion": Sides(inserted, copies, x_label="spectrum", y_label="copies"),
        "nearest": Sides(nearest, weakened, x_label="spectrum", y_label="copies times D(u) D(v)"),
        "zeros": Sides(vanishing, np.zeros_like(vanishing), x_label="spectrum at multiples of n", y_label="0"),
    }


@paper.claim(
    "mean-kernel-lowpass",
    where="abstract: convolution makes it likely that high frequencies are weakened; the exact second moment is ours",
    kind="derived",
    checked="secondary",
    statement=r"W \in \mathbb{R}^{k \times k} \text{ i.i.d., mean } \mu, \text{ variance } s^2: \quad "
    r"E |\hat W(u, v)|^2 = s^2 k^2 + \mu^2 |D(u)|^2 |D(v)|^2,\ D(u) = \sum_{a < k} e^{-2 \pi i u a / n}; \quad "
    r"E \prod_{l \le L} |\hat W_l(u, v)|^2 = ( s^2 k^2 + \mu^2 |D(u) D(v)|^2 )^L \text{ for one channel:}"
    r"\ \text{ low-pass iff } \mu \ne 0",
    # Of 80 000 kernels a power has the relative standard error 0.5 %, of products of three 1.7 %: the ends of the Bonferroni
    # intervals lie at 3 % and 8 %, and without a mean the power at (0, 0) is off by 45 %.
    rule=All(
        mean=Agreement(rtol=0.05, refute=3.0), centred=Agreement(rtol=0.05, refute=3.0), layers=Agreement(rtol=0.1, refute=3.0)
    ),
    controls={
        "no-mean": Control("kernels with mean 0 where 0.3 is claimed", parts=("mean",)),
        "unsquared": Control("mu^2 |D(u)| |D(v)|, without the squares", parts=("mean",)),
        "means-in-channels": Control("four channels, judged as if their paths were independent", parts=("layers",)),
    },
)
def mean_kernel_lowpass(trial: Trial) -> dict[str, Estimates]:
    """Gaussian kernels of 3 x 3 with s = 1, mu = 0.3 and 0, on 16 x 16 frequencies (full: 32 x 32).

    `mean` and `centred`: every frequency of half the plane. `layers`: products of two and three kernels at (0, 0), (n/2, 0) and
    (n/2, n/2), where one layer passes 0.56 of the power at (0, 0). With mu = 0 a convolution weakens nothing. Several channels
    add the means of their paths: C (s^2 k^2 + mu^2 |D|^2)^2 + C (C - 1) mu^4 |D|^4 for two layers, so that the law of one
    channel, times C for each hidden layer, is too small, by 1.6 at (0, 0) for C = 4 (the control).
    """
    random, n = trial.rng(), trial.scale(quick=16, full=32)
    mean = 0.0 if trial.control == "no-mean" else MEAN
    window = np.outer(*[np.abs(_dirichlet(TAPS, n, points)) ** 2 for points in (n, n // 2 + 1)])  # |D(u) D(v)|^2
    predicted = TAPS**2 + MEAN**2 * (np.sqrt(window) if trial.control == "unsquared" else window)
    waves = np.stack([np.exp(-2j * np.pi * np.arange(n) * a / n) for a in range(TAPS)])
    waves = (waves[:, None, :, None] * waves[None, :, None, : n // 2 + 1]).reshape(TAPS**2, -1)
    chosen = np.ravel_multi_index(((0, n // 2, n // 2), (0, 0, n // 2)), window.shape)
    channels = CHANNELS if trial.control == "means-in-channels" else 1
    block = trial.scale(quick=400, full=2000)  # kernels whose powers are averaged before they count as a repeat
    samples: list[tuple[Floats, ...]] = []
    for _ in trial.progress(range(trial.repeats(quick=200, full=400))):
        one = [_power(m + random.normal(size=(block, TAPS**2)), waves) for m in (mean, 0.0)]
        several = _layers(random, waves[:, chosen], block, channels)
        samples.append((*(power.reshape(window.shape) for power in one), several))
    with_mean, centred, layers = (np.stack(part) for part in zip(*samples, strict=True))
    powers = predicted.ravel()[chosen] ** np.array([[2], [3]])
    words = {"x_label": "frequency", "y_label": "mean power"}
    return {
        "mean": Estimates.from_samples(with_mean, predicted, **words),
        "centred": Estimates.from_samples(centred, float(TAPS**2), **words),
        "layers": Estimates.from_samples(layers, powers, **words),
    }


def _two_ways(control: str | None, random: np.random.Generator) -> tuple[Spectrum, Spectrum]:
    """The spectrum of a random layer's output, computed from its matrix and by its symbol: (frequency, output)."""
    kernel, x = _layer(random)
    n = x.shape[-1]
    y = (orthoconv.layer_matrix(kernel, n) @ x.ravel()).reshape(-1, n, n)
    blocks = np.asarray(orthoconv.symbol(kernel, n))
    passed = (blocks if control == "not-conjugated" else blocks.conj()) @ _columns(x)[..., None]
    return _columns(y), passed[..., 0]


def _leak(control: str | None, random: np.random.Generator) -> float:
    """What share of the change of the output lies at other frequencies than the pair at which the input was changed."""
    kernel, x = _layer(random)
    n = x.shape[-1]
    u, v = random.integers(n, size=2)
    p, q = np.indices((n, n))
    change = np.zeros_like(x)
    change[random.integers(len(x))] = np.cos(2 * np.pi * ((u * p + v * q) / n + random.random()))
    matrix = orthoconv.layer_matrix(kernel, n, padding="same" if control == "zero-padding" else "circular")
    before, after = (matrix @ z.ravel() for z in (x, x + change))
    if control == "relu":
        before, after = np.maximum(before, 0.0), np.maximum(after, 0.0)
    energy = (np.abs(np.fft.fft2((after - before).reshape(-1, n, n))) ** 2).sum(axis=0)
    inside = np.zeros((n, n), dtype=bool)
    inside[[u, -u], [v, -v]] = True
    total = energy.sum()
    return float(energy[~inside].sum() / total) if total > 0 else 0.0  # behind a ReLU nothing may have changed


def _layer(random: np.random.Generator) -> tuple[Floats, Floats]:
    """A kernel and an input."""
    outputs, inputs, taps, n = random.integers((1, 1, 1, 3), (5, 5, 5, 10))
    return random.normal(size=(outputs, inputs, taps, taps)), random.normal(size=(inputs, n, n))


def _image(random: np.random.Generator, n: int) -> Floats:
    """Noise whose amplitude falls as 1 / frequency."""
    frequencies = n * np.hypot(*np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n)))
    return np.asarray(np.fft.ifft2(np.fft.fft2(random.normal(size=(n, n))) / np.maximum(frequencies, 1.0)).real)


def _upsampled(control: str | None, image: Floats, r: int) -> tuple[Spectrum, ...]:
    """Spectra, with zeros inserted and of nearest neighbours, each with what is claimed; and the latter's rows n, 2n, .."""
    n = len(image)
    inserted, nearest = (np.fft.fft2(upsample(image, r, nearest=kind)) for kind in (False, True))
    copies, scale = np.tile(np.fft.fft2(image), (r, r)), r**2 if control == "mean-kept" else 1
    phases = _dirichlet(r, n if control == "coarse-phase" else r * n, r * n)
    vanishing = (inserted if control == "inserted-zeros" else nearest)[n::n]
    return inserted, copies / scale, nearest, copies * np.outer(phases, phases), vanishing


def _power(weights: Floats, waves: Spectrum) -> Floats:
    """Mean of |W^|^2 over kernels (kernel, tap), for each frequency."""
    return np.asarray(((weights @ waves.real) ** 2 + (weights @ waves.imag) ** 2).mean(axis=0))


def _layers(random: np.random.Generator, waves: Spectrum, block: int, channels: int) -> Floats:
    """Mean powers behind two and three layers, for each of a few frequencies, over inputs, outputs and C^hidden: (2, f)."""
    weights = MEAN + random.normal(size=(3, block // channels**2, channels, channels, TAPS**2))
    path, *others = weights @ waves
    powers = []
    for depth, layer in enumerate(others, start=1):
        path = np.einsum("koif,kipf->kopf", layer, path)
        powers.append((np.abs(path) ** 2).mean(axis=(0, 1, 2)) / channels**depth)
    return np.stack(powers)


def _dirichlet(terms: int, period: int, count: int) -> Spectrum:
    """sum_{a < terms} exp(-2 pi i u a / period) for u < count."""
    return np.asarray(np.exp(-2j * np.pi * np.outer(np.arange(count), np.arange(terms)) / period).sum(axis=1))


def _columns(x: Floats) -> Spectrum:
    """Spectra of channels (c, n, n) as (frequency, c)."""
    return np.asarray(np.fft.fft2(x).reshape(len(x), -1).T)


def _real(parts: tuple[Spectrum, ...]) -> Floats:
    """Real and imaginary parts in turn, all arrays one after the other."""
    return np.concatenate([part.ravel() for part in parts]).view(np.float64)
