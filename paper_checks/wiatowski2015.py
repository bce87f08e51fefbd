"""Wiatowski, Bölcskei (2015): deep feature extractors become invariant with depth, and move no more than their input does."""

from typing import NamedTuple

import numpy as np
from _scattering import Floats, output, random_taps, relu, scatter, tight_frame

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Series, Sides, Slope, Trial

paper = Paper(
    key="wiatowski2015",
    title="A Mathematical Theory of Deep Convolutional Neural Networks for Feature Extraction",
    authors="Thomas Wiatowski, Helmut Bölcskei",
    year=2015,
    arxiv="1512.06293",
)

BANDS = 3  # filters g of each layer
WIDTHS = {"narrow": 0.02, "wide": 0.08}  # of the low-pass, in cycles per sample
CLOSE, FAR = 0.01, 1.0  # distances of two inputs
LOW = 0.1  # width of the low-pass in tight frames
SHIFTS = np.array([0.25, 0.5, 1.0, 2.0, 4.0])  # amplitudes of a deformation of smooth signals, in samples
LIMITS = np.array([8, 16, 32])  # bandwidths, in cycles of the whole signal
UNIT = 2  # index of amplitude 1, at which bandwidths are compared
JUMPS = 6
SEEN = 4  # step signals whose features are computed
GROUP = 20  # networks at a time: a bound on memory


@paper.claim(
    "vertical-translation",
    where="theorem on vertical translation invariance; that the bound's rate is attained is ours",
    kind="theorem",
    checked="memory",
    statement=r"B_n \le 1: \quad \Phi^n(T_t f) = T_{t / S^n} \Phi^n(f) \text{ if } S^n \mid t, \quad \text{and then }"
    r"\| \Phi^n(T_t f) - \Phi^n(f) \| \le \frac{2 \pi |t| K_n}{S^n} \| f \|,\ K_n = \max_\omega |\hat\chi_n(\omega)| |\omega|:"
    r"\ \text{ the relative change falls as } S^{-n}",
    # A few epsilon per Fourier transform of numbers of order 1. Slopes: -1 where chi passes low frequencies only; a wide chi
    # saturates in layer 1 (-0.90 to -0.96 in pilots), and the mean, which does not move, gains weight with depth (to -1.12).
    rule=All(
        covariance=Identity(rtol=0.0, atol=1e-12),
        bound=Inequality(rtol=1e-9, tight=0.8),
        narrow=Slope(tol=0.3, refute=(None, 0.7)),
        wide=Slope(tol=0.3, refute=(None, 0.7)),
    ),
    controls={
        "no-pooling": Control("S = 1 in the network: depth alone makes nothing invariant", parts=("narrow", "wide")),
        "indivisible": Control("a shift by one sample, which S does not divide", parts=("covariance", "bound")),
        "no-2-pi": Control("the bound without 2 pi", parts=("bound",)),
    },
)
def vertical_translation(trial: Trial) -> dict[str, Sides | Bounds | Series]:
    """ReLU networks of depth 3 on 1024 samples (full: 4 on 2048), S = 2, t = S^D, three random filters of nine taps a layer.

    White noise for the slopes, over layers 1 to D, of the mean relative change over networks; layer 0 is left out, because its
    input has mean 0 and later ones do not. For the bound also the wave where |chi^| |w| is largest, which attains it up to
    sin(pi w t) / (pi w t) in layer 0.

    On samples, both parts need S^n to divide t: what is sampled by S is not shifted by a fraction. Printed for functions on
    the line, the bound has no such condition; without it, on samples, it is violated (the control).
    """
    depth = trial.scale(quick=3, full=4)
    parts = {name: _moved(trial, width, depth) for name, width in WIDTHS.items()}
    layers = 2.0 ** np.arange(1, depth + 1)
    curves = {
        name: Series(layers, moved.relative[:, 1:], expected=-1.0, x_label="S^n", y_label="relative change of layer n")
        for name, moved in parts.items()
    }
    _, errors, changes, bounds = (np.stack(part) for part in zip(*parts.values(), strict=True))
    return {
        "covariance": Sides(errors, np.zeros_like(errors), x_label="largest difference", y_label="0"),
        "bound": Bounds(changes, upper=bounds, x_label="bound", y_label="change of the features"),
        **curves,
    }


class _Moved(NamedTuple):
    """What a shift does: shapes (network, layer), and (network, layer, signal) for change and bound."""

    relative: Floats
    covariance: Floats
    change: Floats
    bound: Floats


def _moved(trial: Trial, width: float, depth: int) -> _Moved:
    """Features of two signals, noise and a wave, before and after a shift."""
    random, networks = trial.rng(), trial.repeats(quick=40, full=400)
    samples, stride = trial.scale(quick=1024, full=2048), 1 if trial.control == "no-pooling" else 2
    t = 1 if trial.control == "indivisible" else 2**depth
    factor = 1.0 if trial.control == "no-2-pi" else 2 * np.pi
    wave = np.cos(2 * np.pi * round(width * samples) * np.arange(samples) / samples)
    groups = []
    for _ in range(networks // GROUP):
        layers = [random_taps(random, GROUP, BANDS, samples // stride**n, width) for n in range(depth + 1)]
        layers[-1] = output(layers[-1])
        f = np.stack([random.normal(size=(GROUP, samples)), np.tile(wave, (GROUP, 1))], axis=1)
        both, rows = np.concatenate([f, np.roll(f, t, axis=-1)], axis=1), []
        for n, (values, _) in enumerate(scatter(both, layers, relu, stride)):
            before, after = values[:, :2], values[:, 2:]
            change, steepest = _norm(after - before), (layers[n].low * np.fft.rfftfreq(values.shape[-1])).max(axis=1)
            covariance = np.abs(after - np.roll(before, t // stride**n, axis=-1)).max(axis=(1, 2, 3))
            bound = factor * t * steepest[:, None] * _length(f) / stride**n
            rows.append((change[:, 0] / _norm(before)[:, 0], covariance, change, bound))
        groups.append([np.stack(row, axis=1) for row in zip(*rows, strict=True)])
    return _Moved(*(np.concatenate(part) for part in zip(*groups, strict=True)))


@paper.claim(
    "parseval-energy",
    where="proposition that features are Lipschitz with constant 1; the energy identity is ours",
    kind="derived",
    checked="memory",
    statement=r"|\hat\chi_n|^2 + \sum_j |\hat g_{n,j}|^2 = 1, \ \rho = |\cdot|, \text{ no pooling}: \quad"
    r"\sum_{n < D} \| \Phi^n(f) \|^2 + \sum_{u \in U_D} \| u \|^2 = \| f \|^2, \quad"
    r"\sum_{n < D} \| \Phi^n(f) - \Phi^n(h) \|^2 + \| U_D(f) - U_D(h) \|^2 \le \| f - h \|^2",
    # Energies carry a few epsilon for each of the Fourier transforms, distances the same of the signals' norms: 1e-15 / 0.01.
    rule=All(energy=Identity(rtol=1e-12, refute=1e6), lipschitz=Inequality(rtol=1e-12, tight=0.9, refute=1e6)),
    controls={
        "frame-bound": "filters with the frame bound 1.05 at every frequency",
        "relu": Control("ReLU in the place of the modulus", parts=("energy",)),
        "pooled": "every second sample times sqrt(2), which keeps the energy on average only",
    },
)
def parseval_energy(trial: Trial) -> dict[str, Sides | Bounds]:
    """Networks of depth 3 on 256 samples (full: 4 on 512), three random real filters a layer, f white noise of norm 1.

    `energy`: of the features of layers below d against what ||f||^2 is left by U_d, at every depth d up to D. `lipschitz`:
    pairs at distances 0.01 and 1, U_D included. Filters are scaled frequency by frequency. If only the largest value of the
    frame sum were 1, the inequality would be loose, and no control of it could fail.
    """
    depth, samples = trial.scale(quick=(3, 256), full=(4, 512))
    networks, random = trial.scale(quick=30, full=300), trial.rng()
    stride, bound = 2 if trial.control == "pooled" else 1, 1.05 if trial.control == "frame-bound" else 1.0
    layers = [tight_frame(random, networks, BANDS, samples // stride**n, LOW, bound=bound) for n in range(depth)]
    f, *others = (_unit(random.normal(size=(networks, samples))) for _ in range(3))
    x = np.stack([f, f + CLOSE * others[0], f + FAR * others[1]], axis=1)

    def activation(z: Floats) -> Floats:
        return relu(z) if trial.control == "relu" else np.sqrt(stride) * np.abs(z)

    seen, left, squares, u = [], [], np.zeros((networks, 2)), x[:, :, None]
    for features, u in scatter(x, layers, activation, stride):
        seen.append(_norm(features[:, 0]) ** 2)
        left.append(1 - _norm(u[:, 0]) ** 2)
        squares += _norm(features[:, 1:] - features[:, :1]) ** 2
    squares += _norm(u[:, 1:] - u[:, :1]) ** 2
    energy, distances = np.cumsum(seen, axis=0).T, _length(x[:, 1:] - x[:, :1])
    return {
        "energy": Sides(energy, np.transpose(left), x_label="energy of the first features", y_label="what U_d leaves"),
        "lipschitz": Bounds(np.sqrt(squares), upper=distances, x_label="distance of inputs", y_label="distance of features"),
    }


@paper.claim(
    "deformation-exponents",
    where="theorem on deformations of band-limited functions; of jumps: Grohs, Wiatowski, Bölcskei (2016, arXiv 1605.00031);"
    " constants, and that exponents are attained, are ours",
    kind="theorem",
    checked="memory",
    statement=r"F_\tau f(x) = f(x - \tau(x)),\ \| \tau' \|_\infty \le \tfrac12: \quad"
    r"\| \Phi(F_\tau f) - \Phi(f) \| \le \| F_\tau f - f \| \le \begin{cases} 2 \pi \sqrt 2\, R \| \tau \|_\infty \| f \| &"
    r"\hat f = 0 \text{ beyond } R \\ \| \tau \|_\infty^{1/2} ( \sum_j |\Delta_j|^2 )^{1/2} & f \text{ has jumps } \Delta_j"
    r"\text{ and is constant between, } \tau \ge 0 \end{cases}",
    # Rounding is 1e-12 of the smallest change. Slopes: frequencies 1 to R of equal power have the mean square
    # (R + 1)(2R + 1) / 6, slope 0.953 in R; tau is bent by 2 pi R tau / N = 0.4 at most, steps by nothing on average.
    rule=All(
        contraction=Inequality(rtol=1e-9, tight=0.9),
        steps_contraction=Inequality(rtol=1e-9, tight=0.9),
        smooth=Inequality(rtol=1e-9, tight=0.3),
        jumps=Inequality(rtol=1e-9, tight=0.8),
        deformation=Slope(tol=0.05, refute=0.25),
        bandwidth=Slope(tol=(-0.15, 0.1), refute=(-0.35, 0.3)),
        steps=Slope(tol=0.05, refute=0.25),
    ),
    controls={
        "frame-bound": Control(
            "filters with the frame bound 1.05 at every frequency", parts=("contraction", "steps_contraction")
        ),
        "no-2-pi": Control("the bound for band-limited signals without 2 pi", parts=("smooth",)),
        "largest-jump": Control("the largest jump in the place of all of them", parts=("jumps",)),
        "root-of-bandwidth": Control("R^(1/2)", parts=("bandwidth",)),
        "classes-swapped": Control("the exponent 1/2 for band-limited signals, 1 for jumps", parts=("deformation", "steps")),
    },
)
def deformation_exponents(trial: Trial) -> dict[str, Bounds | Series]:
    """Networks with tight frames and modulus, depth 3. Exponents are upper bounds; the slopes tell whether they are attained.

    Band-limited: 2048 samples, R = 8, 16, 32 cycles, waves of equal power and random phases, tau = t sin(2 pi x / N) with t
    from 1/4 to 4 samples; slopes are those of features, over t for all R together, and over R at t = 1. Steps: 16384 samples
    (full: 65536), six random jumps, tau = t (1 + sin(2 pi x / N) / 2) with t from 4 to 128 (full: 16 to 512), so that the grid
    is fine against t; the slope is that of inputs.

    The bounds follow from f(x - tau) - f(x) = -tau times a mean of f'(x - s tau), and from counting the samples between a
    jump and where it is moved to; for jumps, tau stays below their distances. For steps, features of a fixed network do not
    attain 1/2 for ever: chi is smooth, so that they change in proportion to t where t is small against its length (in a pilot
    with a low-pass ten times narrower the local exponent is 0.96 at t = 3 and 0.60 at t = 100).
    """
    networks, random = trial.repeats(quick=20 if trial.control else 60, full=200), trial.rng()
    bound = 1.05 if trial.control == "frame-bound" else 1.0
    smooth, relative, smooth_bounds = [], [], []
    for limit in trial.progress(LIMITS):
        f = _band_limited(random, networks, int(limit), trial.scale(quick=2048, full=4096))
        seen, inputs = _changes(random, f, bound)
        norms, samples = _length(f[:, :1]), f.shape[-1]
        smooth.append((seen, inputs))
        relative.append(seen / norms)
        constant = np.sqrt(2) * (1.0 if trial.control == "no-2-pi" else 2 * np.pi)
        smooth_bounds.append(constant * limit / samples * SHIFTS * norms)
    features, inputs = (np.concatenate(part) for part in zip(*smooth, strict=True))
    shifts, f, sizes = _steps(random, trial.repeats(quick=20, full=40), trial.scale(quick=2**14, full=2**16))
    step_inputs = _length(f[:, 1:] - f[:, :1])
    step_features, _ = _changes(random, f[:SEEN], bound)
    total = np.abs(sizes).max(axis=1) if trial.control == "largest-jump" else _length(sizes)
    swapped, rooted = trial.control == "classes-swapped", trial.control == "root-of-bandwidth"
    per_cycle = np.concatenate([values / limit for values, limit in zip(relative, LIMITS, strict=True)])
    at_unit = np.stack([values[:, UNIT] for values in relative], axis=1)
    return {
        "contraction": Bounds(features, upper=inputs, x_label="change of input", y_label="change of features"),
        "steps_contraction": Bounds(step_features, upper=step_inputs[:SEEN], x_label="change of input", y_label="of features"),
        "smooth": Bounds(inputs, upper=np.concatenate(smooth_bounds), x_label="bound", y_label="change of input"),
        "jumps": Bounds(step_inputs, upper=total[:, None] * np.sqrt(1.5 * shifts), x_label="bound", y_label="change of input"),
        "deformation": Series(SHIFTS, per_cycle, 0.5 if swapped else 1.0, x_label="largest shift", y_label="change / R"),
        "bandwidth": Series(LIMITS, at_unit, 0.5 if rooted else 1.0, x_label="bandwidth R", y_label="change"),
        "steps": Series(1.5 * shifts, step_inputs, 1.0 if swapped else 0.5, x_label="largest shift", y_label="change"),
    }


def _band_limited(random: np.random.Generator, count: int, limit: int, samples: int) -> Floats:
    """Signals of frequencies 1 to R, undeformed and deformed by each of SHIFTS: (signal, 1 + shift, N)."""
    x, k = np.arange(samples), np.arange(1, limit + 1)
    places = x - np.concatenate([[0.0], SHIFTS])[:, None] * np.sin(2 * np.pi * x / samples)
    waves = np.exp(2j * np.pi * k[:, None, None] * places / samples)
    phases = np.exp(2j * np.pi * random.random((count, limit)))
    return np.asarray(np.tensordot(phases, waves, axes=1).real)


def _steps(random: np.random.Generator, count: int, samples: int) -> tuple[Floats, Floats, Floats]:
    """Shifts, signals that are constant between jumps, undeformed and deformed (signal, 1 + shift, N), and jumps."""
    shifts = samples / 2**12 * 2.0 ** np.arange(6)
    x = np.arange(samples)
    places = (x - np.concatenate([[0.0], shifts])[:, None] * (1 + np.sin(2 * np.pi * x / samples) / 2)) % samples
    jumps = ((np.arange(JUMPS) + 0.8 * random.random((count, JUMPS))) * samples / JUMPS).astype(int) + 0.5  # between samples
    heights = random.normal(size=(count, JUMPS))
    f = np.stack([level[np.searchsorted(edge, places) % JUMPS] for edge, level in zip(jumps, heights, strict=True)])
    return shifts, f, heights - np.roll(heights, 1, axis=1)


def _changes(random: np.random.Generator, f: Floats, bound: float) -> tuple[Floats, Floats]:
    """How far features and inputs move from the first signal of each network: two arrays (network, signal - 1)."""
    changes = []
    for signals in np.split(f, range(GROUP, len(f), GROUP)):
        *layers, last = (tight_frame(random, len(signals), BANDS, f.shape[-1], LOW, bound=bound) for _ in range(3))
        features = (phi for phi, _ in scatter(signals, [*layers, output(last)], np.abs))
        changes.append(np.sqrt(sum(_norm(phi[:, 1:] - phi[:, :1]) ** 2 for phi in features)))
    return np.concatenate(changes), _length(f[:, 1:] - f[:, :1])


def _norm(values: Floats) -> Floats:
    """Of each signal's features: over paths and samples."""
    return np.asarray(np.sqrt((values**2).sum(axis=(-2, -1))))


def _length(values: Floats) -> Floats:
    """Of each signal: over samples."""
    return np.asarray(np.linalg.norm(values, axis=-1))


def _unit(values: Floats) -> Floats:
    """Signals of norm 1."""
    return np.asarray(values / _length(values)[..., None])
