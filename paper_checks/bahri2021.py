"""Bahri et al. (2021): scaling laws that noise in the limit sets, and scaling laws that the spectrum sets."""

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import zeta

from ntkit.claims import Agreement, All, Control, Estimates, Identity, Paper, Series, Sides, Slope, Trial
from ntkit.spectra.learning import Modes, eigenframework

paper = Paper(
    key="bahri2021",
    title="Explaining Neural Scaling Laws",
    authors="Yasaman Bahri, Ethan Dyer, Jared Kaplan, Jaehoon Lee, Utkarsh Sharma",
    year=2021,
    arxiv="2102.06701",
)

Floats = Float[np.ndarray, "..."]

ALPHAS = (0.5, 1.0)  # eigenvalues are i^-(1 + alpha)
MODES = 5000  # each by itself; what lies beyond is too small to be learnt, and is summed
ENDLESS = 1e15  # samples: a loss is off by the share features / samples
FIXED = 64  # the smaller one of samples and features
FINITE, SIZES = 32, (128, 256, 512, 1024)  # both, where they are simulated
NUMBERS, CUT = (32, 64, 128), 3000  # of samples or features, and of modes, where the loss is simulated
EXCHANGED, FEW = 3, 500  # draws in which samples and features are exchanged, and their modes


@paper.claim(
    "variance-limited-one",
    where="abstract, and the section on variance-limited scaling; the closed form is ours",
    kind="derived",
    checked="memory",
    statement=r"L(D, P) - L(D, \infty) \sim P^{-1},\ L(D, P) - L(\infty, P) \sim D^{-1}; \text{ for random features without "
    r"ridge or noise, the target from the same kernel: } \frac{m^2 \gamma_m}{M - m},\ m = \min(D, P),\ M = \max(D, P),\ "
    r"\sum_i \frac{\lambda_i}{\lambda_i + \gamma_m} = m",
    # Slopes: -1 / (1 - m / M) on average, -1.03 for these M; simulated ones, against M - m, with their sampling error.
    rule=All(
        exact=Identity(rtol=1e-9),
        slopes=Identity(rtol=0, atol=0.1, refute=3.0),
        width=Slope(tol=0.15, refute=0.3),
        data=Slope(tol=0.15, refute=0.3),
    ),
    controls={
        "no-offset": Control("the closed form with M in place of M - m", parts=("exact",)),
        "early-limit": Control("the loss at 1.5 times the largest M taken for the limit", parts=("exact", "slopes")),
        "square-root": Control(
            "the exponent 1/2, of the fluctuations of the kernel and not of the loss", parts=("slopes", "width", "data")
        ),
        "target": Control("a target that falls as i^-(1 + 1.1 alpha), not as the eigenvalues", parts=("exact",)),
        "whole-loss": Control("the loss with endless features, nothing subtracted, over D = 64 to 512", parts=("slopes",)),
    },
)
def variance_limited_one(trial: Trial) -> dict[str, Sides | Series]:
    """Random-feature regression with eigenvalues i^-(1 + alpha), alpha = 0.5 and 1, Gaussian features, no ridge, no noise.

    `exact` and `slopes`: the eigenframework, whose equations collapse where the target has the spectrum of the kernel:
    sum (1 - L) lambda = gamma z and sum L (1 - L) lambda = gamma q leave L(D, P) = m gamma_m M / (M - m). The smaller number
    is 64, the larger runs from 1024 to 8192, where the offset m leaves a slope of -1.03. `width`, `data`: simulated with
    alpha = 0.5, 400 modes and 32 against 128 to 1024; the target is averaged in closed form, and each draw has its own limit
    subtracted. Given the samples the kernel is optimal for such targets, so that features change the loss to second order
    only, and upwards: that is why the exponent is 1.

    The loss itself, in the other regime, falls as D^-alpha. For alpha = 1 it cannot be told from this one by its exponent.
    """
    grid = FIXED * 2.0 ** np.arange(4, trial.scale(quick=8, full=10))
    expected = -0.5 if trial.control == "square-root" else -1.0
    excess = np.array([_excess(alpha, grid, trial.control) for alpha in ALPHAS])
    gammas = np.array([_gamma(_modes(alpha, None), FIXED) for alpha in ALPHAS])[:, None, None]
    closed = FIXED**2 * gammas / (grid if trial.control == "no-offset" else grid - FIXED)
    slopes = [[np.polyfit(np.log(grid), np.log(values), 1)[0] for values in rows] for rows in excess]
    values = np.arange(1.0, 401) ** -1.5
    width, data = [], []
    for random in trial.progress(_generators(trial, quick=24, full=120)):
        few, many = random.normal(size=(FINITE, len(values))), random.normal(size=(SIZES[-1], len(values)))
        limit = _loss(values, few, None)
        width.append([_loss(values, few, many[:size]) - limit for size in SIZES])
        few, many = random.normal(size=few.shape), random.normal(size=many.shape)
        limit = _loss(values, None, few)
        data.append([_loss(values, many[:size], few) - limit for size in SIZES])
    x = [size - FINITE for size in SIZES]
    return {
        "exact": Sides(excess, np.broadcast_to(closed, excess.shape), x_label="eigenframework", y_label="closed form"),
        "slopes": Sides(slopes, np.full((2, 2), expected), x_label="slope", y_label="predicted"),
        "width": Series(
            x, width, expected, x_label="P - D", y_label="loss beyond that of endless features", reduce="geometric"
        ),
        "data": Series(x, data, expected, x_label="D - P", y_label="loss beyond that of endless data", reduce="geometric"),
    }


@paper.claim(
    "resolution-limited-duality",
    where="abstract, and the section on kernels: equal exponents of data and features; values and symmetry are ours",
    kind="derived",
    checked="memory",
    statement=r"\lambda_i = i^{-1-\alpha}, \text{ target from the same kernel: } L(n, \infty) \sim n^{-\alpha},\ "
    r"L(\infty, n) \sim n^{-\alpha}; \text{ both are } n \gamma_n,\ \sum_i \frac{\lambda_i}{\lambda_i + \gamma_n} = n; "
    r"\text{ and for every draw } L(x, w) = L(\Lambda^{-1/2} w, \Lambda^{1/2} x)",
    # Draws: rounding, times conditions up to 1e5, times power over loss, up to 1e2. Means: 2 % for finite n and modes (pilots:
    # 0.3 % at n = 32) and for sampling, a standard error of 0.2 % there.
    rule=All(
        slopes=Identity(rtol=0, atol=0.05, refute=3.0),
        equal=Identity(rtol=1e-9),
        values=Identity(rtol=1e-9),
        draws=Identity(rtol=1e-7),
        means=Agreement(rtol=0.02),
    ),
    controls={
        "target": Control("a target that falls as i^-(1 + 1.1 alpha), not as the eigenvalues", parts=("equal", "draws")),
        "first-modes": Control("n samples learn the first n modes: the loss is their tail", parts=("values", "means")),
        "truncated": Control("a power law that ends at twice the largest n", parts=("slopes",)),
        "of-eigenvalues": Control("the exponent 1 + alpha of the eigenvalues, not that of their sums", parts=("slopes",)),
    },
)
def resolution_limited_duality(trial: Trial) -> dict[str, Sides | Estimates]:
    """Random-feature regression as in variance-limited-one, now with one of samples and features endless, the other n.

    `slopes`, `equal`, `values`: the eigenframework at n = 32 to 512, with the tail of the spectrum, which a cut power law lacks
    (with the first 1024 alone: -0.8 in place of -0.49). `means`: alpha = 0.5, 3000 modes, n = 32 to 128, against n gamma_n of
    that many; with fewer modes the finite n shows (500 modes: 1.1 % at n = 32).

    `draws`: with samples x and features w = G Lambda^(1/2) the loss, averaged over targets, is |E|^2, E(x, G) =
    (1 - w' (x w')^+ x) Lambda^(1/2) = Lambda^(1/2) (1 - G' (x Lambda^(1/2) G')^+ x Lambda^(1/2)). Exchange x and G: E becomes
    its transpose, and the loss is the same. So the duality is one of every draw, for all D and P and every spectrum; only
    the target has to be from the kernel. Tested with endless samples against endless features, and at (n, 4 n).

    That networks on a manifold of dimension d have exponents of at least 4 / d is not measured here.
    """
    numbers = 32 * 2.0 ** np.arange(trial.scale(quick=5, full=6))
    slopes, losses, closed = [], [], []
    for alpha in ALPHAS:
        modes = _power_law(alpha, int(2 * numbers[-1])) if trial.control == "truncated" else _modes(alpha, trial.control)
        pair = [eigenframework(modes, numbers).test, eigenframework(modes, ENDLESS, features=numbers).test]
        losses.append(pair)
        slopes.append([np.polyfit(np.log(numbers), np.log(loss), 1)[0] for loss in pair])
        closed.append([_value(modes, n, trial.control) for n in numbers])
    shift = 1.0 if trial.control == "of-eigenvalues" else 0.0
    first, second = _exchanged(trial)
    of_samples, of_features = np.array(losses).transpose(1, 0, 2)
    finite = _power_law(ALPHAS[0], CUT, trial.control)
    samples = [
        [_loss(finite.eigenvalues, None, g[:n], finite.power) for n in NUMBERS]
        for g in (random.normal(size=(NUMBERS[-1], CUT)) for random in trial.progress(_generators(trial, quick=120, full=480)))
    ]
    expected = [_value(finite, n, trial.control) for n in NUMBERS]
    return {
        "slopes": Sides(slopes, [[-alpha - shift] * 2 for alpha in ALPHAS], x_label="slope", y_label="predicted"),
        "equal": Sides(of_samples, of_features, x_label="loss of n samples", y_label="loss of n features"),
        "values": Sides(of_samples, closed, x_label="loss of n samples", y_label="closed form"),
        "draws": Sides(first, second, x_label="loss of a draw", y_label="samples and features exchanged"),
        "means": Estimates.from_samples(samples, expected, x_label="n = 32, 64, 128", y_label="simulated loss"),
    }


def _exchanged(trial: Trial) -> tuple[list[float], list[float]]:
    """Losses of some draws, and of the same with samples and features exchanged."""
    first, second = [], []
    for random in _generators(trial, quick=4 * EXCHANGED, full=4 * EXCHANGED)[:EXCHANGED]:
        for alpha in ALPHAS:
            modes = _power_law(alpha, FEW, trial.control)
            values, power = modes.eigenvalues, modes.power
            g = random.normal(size=(NUMBERS[-1], len(values)))
            x = random.normal(size=(4 * NUMBERS[-1], len(values)))
            first += [_loss(values, None, g[:n], power) for n in NUMBERS]
            first += [_loss(values, x[: 4 * n], g[:n], power) for n in NUMBERS]
            second += [_loss(values, g[:n], None, power) for n in NUMBERS]
            second += [_loss(values, g[:n], x[: 4 * n], power) for n in NUMBERS]
    return first, second


def _generators(trial: Trial, *, quick: int, full: int) -> list[np.random.Generator]:
    """One for each repeat, and for a quarter as many in controls."""
    repeats = trial.repeats(quick=quick, full=full) // (4 if trial.control else 1)
    return trial.rng().spawn(repeats)


def _modes(alpha: float, control: str | None) -> Modes:
    """The endless power law."""
    first = _power_law(alpha, MODES, control)
    tails = [float(zeta(1 + exponent, MODES + 1)) for exponent in (alpha, _target(alpha, control))]
    return Modes(first.eigenvalues, first.power, tail=tails[0], outside=tails[1])


def _power_law(alpha: float, count: int, control: str | None = None) -> Modes:
    """Its first modes alone."""
    i = np.arange(1.0, count + 1)
    return Modes(i ** -(1 + alpha), i ** -(1 + _target(alpha, control)))


def _target(alpha: float, control: str | None) -> float:
    """The power of the target falls as i^-(1 + this)."""
    return 1.1 * alpha if control == "target" else alpha


def _gamma(modes: Modes, n: float) -> float:
    """The root of sum lambda / (lambda + gamma) = n."""

    def left(log_gamma: float) -> float:
        gamma = np.exp(log_gamma)
        return float((modes.eigenvalues / (modes.eigenvalues + gamma)).sum() + modes.tail / gamma - n)

    return float(np.exp(brentq(left, np.log(modes.trace * 1e-12), np.log(modes.trace), xtol=1e-14, rtol=1e-14)))


def _value(modes: Modes, n: float, control: str | None) -> float:
    """The loss in closed form."""
    if control == "first-modes":
        return float(modes.eigenvalues[int(n) :].sum()) + modes.tail
    return n * _gamma(modes, n)


def _excess(alpha: float, grid: Floats, control: str | None) -> list[Floats]:
    """Loss minus its limit, at fixed samples over features, and at fixed features over samples."""
    modes = _modes(alpha, control)
    if control == "whole-loss":
        return [np.asarray(eigenframework(modes, grid / 16).test)] * 2
    last = 1.5 * grid[-1] if control == "early-limit" else None
    width = eigenframework(modes, FIXED, features=np.append(grid, last or np.inf)).test
    data = eigenframework(modes, np.append(grid, last or ENDLESS), features=FIXED).test
    return [width[:-1] - width[-1], data[:-1] - data[-1]]


def _loss(values: Floats, x: Floats | None, g: Floats | None, power: Floats | None = None) -> float:
    """Test error of least squares from samples x on features x Lambda^(1/2) G', averaged over targets of this power.

    No power: the kernel's. No x: endless samples, the best in the span of the features. No g: endless features, the kernel
    itself, whose predictions are in the span of x Lambda.
    """
    power = values if power is None else power
    if g is not None:
        w = g * np.sqrt(values)
    elif x is not None:
        w = x * values
    else:
        return float(power.sum())
    if x is None:
        return float(power.sum() - np.trace(np.linalg.solve(w @ w.T, (w * power) @ w.T)))
    # The error operator is 1 - left' right, with as many rows as the smaller of samples and features.
    gram, left, right = x @ w.T, w, x
    if len(x) == len(w):
        left = np.linalg.solve(gram.T, w)
    elif len(x) < len(w):
        left = np.linalg.solve(gram @ gram.T, gram @ w)
    else:
        right = np.linalg.solve(gram.T @ gram, gram.T @ x)
    seen = right * power
    return float(power.sum() - 2 * (left * seen).sum() + ((left @ left.T) * (right @ seen.T)).sum())
