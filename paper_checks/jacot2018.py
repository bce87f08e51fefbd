"""Jacot, Gabriel, Hongler (2018): the tangent kernel of a wide network at initialisation."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from _networks import normals, tangent_kernels
from _training import drifts, residual_paths
from _width import FACTORS, LABEL, predicted_moments, second_moments
from jaxtyping import Array, Float
from numpy.typing import NDArray

from ntkit import data
from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Exact, Inequality, Integers, Paper, Series, Slope, Trial
from ntkit.kernels import Dense, Erf, Network, Relu, serial

paper = Paper(
    key="jacot2018",
    title="Neural Tangent Kernel: Convergence and Generalization in Neural Networks",
    authors="Arthur Jacot, Franck Gabriel, Clément Hongler",
    year=2018,
    arxiv="1806.07572",
)


@paper.claim(
    "init-limit",
    where="theorem on the kernel at initialisation; the rate is that of the central limit theorem",
    kind="derived",
    checked="memory",
    statement=r"r(n) = \frac{\sqrt{\mathbb{E}\, \| \hat\Theta_n - \Theta_\infty \|_F^2}}{\| \Theta_\infty \|_F}"
    r" = C\, n^{-1/2} (1 + o(1))",
    # At n = 32 the fluctuations are half of the kernel, so the exponent is not yet -1/2 to all digits: 0.1 for that and
    # for chance (0.025 with 150 repeats).
    rule=Slope(tol=0.1, refute=0.15),
    controls={
        "other-activation": "the limit of the same architecture with erf in place of ReLU",
        "first-layer": "the limit without the gradient in the first layer's weights, one of three terms",
    },
)
def init_limit(trial: Trial) -> Series:
    """Relative Frobenius distance of the empirical tangent kernel from its limit, over widths, on ten digits.

    Two hidden ReLU layers of width n, all weights N(0, 1) in NTK parametrisation, no bias. Inputs: the first image of
    each class, minus the mean of all images, scaled to mean square 1. Without the mean taken off, all digits lie within
    64 degrees of each other, and the kernels of ReLU and erf differ by less than the fluctuations at n = 512.
    """
    x = _ten_digits(trial)
    net = _two_hidden(Relu())
    if trial.control == "other-activation":
        limit = _two_hidden(Erf()).ntk(x)
    elif trial.control == "first-layer":
        limit = net.ntk(x) - _first_layer_term(x)
    else:
        limit = net.ntk(x)
    widths = trial.scale(quick=[32, 64, 128, 256, 512], full=[32, 64, 128, 256, 512, 1024])
    repeats = trial.repeats(quick=150, full=600)
    distances = [
        _distances(jax.random.split(jax.random.fold_in(trial.key, width), repeats), net, width, x, limit)
        for width in trial.progress(widths)
    ]
    y = np.stack([np.asarray(column) for column in distances], axis=1)
    return Series(x=widths, y=y, expected=-0.5, reduce="rms", x_label="width n", y_label="relative distance r(n)")


@paper.claim(
    "entk-fluctuation",
    where="theorem on the kernel at initialisation; the rate, and exactness at one hidden layer, follow from independence",
    kind="derived",
    checked="memory",
    statement=r"r(n) = \frac{\sqrt{\mathbb{E}\, \| \hat\Theta_n - \Theta_\infty \|_F^2}}{\| \Theta_\infty \|_F}"
    r" = C_L\, n^{-1/2} (1 + o(1)), \quad \text{and for one hidden ReLU layer }"
    r"\mathbb{E}\, \hat\Theta_n = \Theta_\infty \text{ at every } n",
    # Slopes: 0.1 for the finite widths of the deeper network and for chance. Means: 80 000 networks leave a standard error of
    # 0.012 at n = 1, where entries scatter by 3.5; with 42 entries judged together that takes 0.04 of the 0.1.
    rule=All(shallow=Slope(tol=0.1, refute=0.15), deep=Slope(tol=0.1, refute=0.15), unbiased=Agreement(atol=0.1)),
    controls={
        "last-derivative": Control(
            "the limit with 1 in place of the last derivative factor 1 - angle / pi", parts=("shallow", "unbiased")
        ),
        "nngp": Control("the NNGP kernel in place of the tangent kernel", parts=("shallow", "deep")),
        "two-hidden": Control("unbiasedness of two hidden layers, whose bias is about 0.5 / n", parts=("unbiased",)),
    },
)
def entk_fluctuation(trial: Trial) -> dict[str, Series | Estimates]:
    """Distance of the empirical tangent kernel from its limit over widths, and its mean at the smallest widths.

    Three random points on the sphere in 5 dimensions and their opposites, ReLU, no bias, variance 1 in every layer. One
    hidden layer is a mean of n independent terms: E||Theta_n - Theta||^2 is then C^2 / n and the mean exact, at n = 1 as at
    any other width. With more layers both hold up to higher orders only. That r(n) halves from the smallest to the largest
    width follows from the slope. Repeats of the kernel's mean are means over 400 networks.
    """
    points, networks, weights = jax.random.split(trial.key, 3)
    half = data.sphere(points, 3, 5) * 5**0.5
    x = jnp.concatenate([half, -half])
    repeats = trial.repeats(quick=500, full=500) if trial.control is None else trial.repeats(quick=100, full=100)
    batch = trial.scale(quick=25, full=10)  # 10 networks of width 1024 with four hidden layers fill 250 MB
    depths = {"shallow": 1, "deep": trial.scale(quick=2, full=4)}
    evidence: dict[str, Series | Estimates] = {}
    for part, depth in trial.progress(depths.items()):
        net, limit = _deep(depth), _limit(depth, x, trial.control)
        widths = trial.scale(quick=[32, 64, 128, 256], full=[32, 64, 128, 256, 512, 1024])
        kernels = [tangent_kernels(networks, net, x, width, repeats, batch) for width in widths]
        y = np.stack([np.linalg.norm(k - limit, axis=(1, 2)) for k in kernels], axis=1) / np.linalg.norm(limit)
        evidence[part] = Series(widths, y, -0.5, "rms", x_label="width n", y_label="relative distance r(n)")
    depth, blocks = 2 if trial.control == "two-hidden" else 1, trial.repeats(quick=200, full=1000)
    upper = np.triu_indices(len(x))
    means = [
        tangent_kernels(weights, _deep(depth), x, width, 400 * blocks, 400 * blocks).reshape(blocks, 400, *[len(x)] * 2).mean(1)
        for width in (1, 4)
    ]
    samples = np.stack([mean[:, *upper] for mean in means], axis=1)
    limit = _limit(depth, x, trial.control)
    labels = {"x_label": "entry of the kernel", "y_label": "mean of the empirical tangent kernel"}
    return {**evidence, "unbiased": Estimates.from_samples(samples, predicted=limit[upper], **labels)}


def _deep(hidden: int) -> Network:
    return serial(Dense(), *[layer for _ in range(hidden) for layer in (Relu(), Dense(2**0.5))])


def _limit(hidden: int, x: Float[Array, "n d"], control: str | None) -> NDArray[np.float64]:
    """The limiting tangent kernel, or what a control takes for it."""
    net = _deep(hidden)
    if control == "nngp":
        limit = net.nngp(x)
    elif control == "last-derivative":
        limit = net.nngp(x) + _deep(hidden - 1).ntk(x)
    else:
        limit = net.ntk(x)
    return np.asarray(limit)


@paper.claim(
    "gp-limit-exact-kurtosis",
    where="proposition on the Gaussian-process limit; the identity at finite width is our derivation",
    kind="derived",
    checked="memory",
    statement=r"\text{A ReLU network with } L \text{ hidden layers of width } n \text{, no bias, one input: }"
    r"\frac{\mathbb{E} f^4}{3\, (\mathbb{E} f^2)^2} = \left(1 + \frac{5}{n}\right)^L \text{ at every } n, L",
    # 250 000 draws of the chain and 100 000 networks leave a standard error of 0.3 %; four estimates judged together by 50
    # blocks each take 2.6 standard errors, 4 where skewed, so that 3 % leaves 6 for chance.
    rule=Agreement(rtol=0.03),
    controls={
        "half-active": "4 in place of 5: as if exactly n / 2 units of every layer were active, not half on average",
        "linear": "2 in place of 5, the constant of a linear network",
        "one-layer-less": "L - 1 in place of L",
    },
)
def gp_limit_exact_kurtosis(trial: Trial) -> Estimates:
    """Fourth moment of the output over that of a Gaussian, from the output's variance given the last hidden layer.

    Given the last hidden layer, f is Gaussian with variance q_L, so that E f^4 / 3 = E q_L^2 and E f^2 = E q_L = 1; q_L is
    far less noisy than f. One layer multiplies q by 2 chi^2_B / n, B ~ Binomial(n, 1/2), whose second moment is
    (4 / n^2) E[B^2 + 2 B] = 1 + 5 / n. That chain is sampled at (n, L) = (32, 4), (64, 8), (128, 8); being the derivation
    itself, it could not contradict it, and so the last hidden layer of real networks at (16, 2) counts as well. The linear
    network is measured in roberts2022.
    """
    constant = {"half-active": 4.0, "linear": FACTORS["linear"]}.get(trial.control or "", FACTORS["relu"])
    predicted = predicted_moments(constant, less=1 if trial.control == "one-layer-less" else 0)
    samples = second_moments(trial.key, "relu", trial.repeats(quick=50, full=250))
    return Estimates.from_samples(samples, predicted, x_label=LABEL, y_label="E f^4 / 3")


@paper.claim(
    "kernel-drift-in-training",
    where="theorem on constancy during training, which states o(1); the rates are sharper",
    kind="derived",
    checked="memory",
    statement=r"D(n) = \mathbb{E}\, \frac{\| \hat\Theta_n(T) - \hat\Theta_n(0) \|_F}{\| \hat\Theta_n(0) \|_F} = O(n^{-1/2})"
    r" \text{ for ReLU, and } \sim n^{-1} \text{ for tanh; the first and last layers move by } n^{-1/2}"
    r" \text{ of their norm, a middle one by } n^{-1}",
    # At n = 64 training is still rich: slopes come out up to 0.1 short of their limits, hence the asymmetric windows; chance
    # adds 0.05 with 30 repeats. For ReLU only the bound is claimed: kinks flip, and the slope drifts towards -3/4.
    rule=All(
        bound=Slope(tol=(None, 0.0), refute=(None, 0.1)),
        sharp=Slope(tol=(-0.15, 0.2)),
        first=Slope(tol=0.1),
        last=Slope(tol=0.1),
        middle=Slope(tol=(-0.1, 0.15)),
    ),
    controls={
        "mean-field": "output scaled by 1/n in place of 1/sqrt(n), learning rate times n: the kernel moves by O(1)",
        "half-way": Control(
            "output scaled by n^(-3/4), learning rate times sqrt(n): half of the way to the mean-field limit",
            parts=("sharp", "first"),
        ),
    },
)
def kernel_drift_in_training(trial: Trial) -> dict[str, Series]:
    """Relative movement of the empirical tangent kernel and of each layer's weights, over widths, by gradient descent.

    NTK parametrisation without bias, 8 random points on the sphere in 5 dimensions, random labels +-1, squared loss
    sum (f - y)^2 / 2 to time T = 10 in steps of 0.1 (0.05 gives the same slopes). One hidden layer of tanh or ReLU, and two of
    tanh for the middle layer. Inputs and labels of a repeat are the same at all widths, which halves the interval.
    Narrower networks are padded by units without weights, which stay without: everything is compiled for one width.
    """
    repeats = trial.repeats(quick=30, full=60) if trial.control is None else trial.repeats(quick=20, full=20)
    power = {"mean-field": 1.0, "half-way": 0.5}.get(trial.control or "", 0.0)
    wide, deep = trial.scale(
        quick=([64, 128, 256, 512, 1024], [16, 32, 64, 128]),
        full=([64, 128, 256, 512, 1024, 2048], [16, 32, 64, 128, 256]),
    )
    relu, _ = drifts(trial.key, "relu", 1, wide, repeats, power)
    tanh, layers = drifts(trial.key, "tanh", 1, wide, repeats, power)
    _, deep_layers = drifts(trial.key, "tanh", 2, deep, repeats, power)
    kernel, weights = "relative movement of the kernel", "relative movement of the weights"
    return {
        "bound": Series(wide, relu, -0.5, x_label="width n", y_label=kernel),
        "sharp": Series(wide, tanh, -1.0, x_label="width n", y_label=kernel),
        "first": Series(wide, layers[..., 0], -0.5, x_label="width n", y_label=weights),
        "last": Series(wide, layers[..., 1], -0.5, x_label="width n", y_label=weights),
        "middle": Series(deep, deep_layers[..., 1], -1.0, x_label="width n", y_label=weights),
    }


@paper.claim(
    "pd-on-sphere-and-polynomial-rank",
    where="proposition on positive definiteness on the sphere; the converse and the counts are our derivation",
    kind="derived",
    checked="memory",
    statement=r"\text{On } S^{d-1}: \Theta_\infty \succ 0 \text{ for ReLU with a hidden bias, or with two hidden layers. }"
    r"\text{One hidden layer of } z^2, z^3 \text{ without bias has rank } \tfrac{d(d+1)}{2}, \tfrac{d(d+1)(d+2)}{6} \text{ }"
    r"\text{at most, and of ReLU has nullity } M - d \text{ on } M \ge d \text{ antipodal pairs}",
    # Relative to the largest, eigenvalues that should vanish are at most 4e-16 and the others at least 2e-4: any threshold
    # between tells them apart.
    rule=All(rank=Exact(), nullity=Exact(), positive=Inequality(rtol=1e-9)),
    controls={
        "full-rank": Control("polynomial activations taken to give full rank", parts=("rank",)),
        "traceless": Control("z^2 taken to span harmonics of degree 2 only, one less", parts=("rank",)),
        "even-only": Control("the kernel taken to have no odd part at all: nullity M", parts=("nullity",)),
        "no-bias": Control("positivity of one hidden layer without bias", parts=("positive",)),
        "output-bias": Control("positivity of one hidden layer with a bias in the output only", parts=("positive",)),
    },
)
def pd_on_sphere_and_polynomial_rank(trial: Trial) -> dict[str, Integers | Bounds]:
    """Ranks for polynomials on generic points, nullities and smallest eigenvalues for ReLU on antipodal pairs.

    Gradients of a network without bias are polynomials of the activation's degree and parity in x, restricted to the sphere:
    all of them, and nothing else. The tangent kernel of bias-free ReLU is even but for its linear part, so that odd functions
    on antipodal pairs have d dimensions of range; random points would not show it. A bias in the output adds a constant,
    which is even. Tangent kernels of z^2 and z^3 by Gauss-Hermite quadrature, exact for polynomials. Points in 3 and 4
    dimensions get further coordinates 0, so that all have one shape.
    """
    ranks, nullities, smallest = [], [], []
    draws = trial.scale(quick=20, full=100) if trial.control is None else 4  # one miss refutes
    for key in trial.progress(jax.random.split(trial.key, draws)):
        for d, numbers in zip((3, 4, 6), normals(key, 3, 168, 6), strict=True):
            points = np.where(np.arange(6) < d, numbers, 0.0)
            points /= np.linalg.norm(points, axis=1, keepdims=True)
            ranks += [_polynomial_rank(points, d, degree, trial.control) for degree in (2, 3)]
            pairs = np.concatenate([points[:PAIRS], -points[:PAIRS]]) * 6**0.5
            values = np.linalg.eigvalsh(np.asarray(_deep(1).ntk(pairs)))
            expected = PAIRS if trial.control == "even-only" else PAIRS - d
            nullities.append([int((values < 1e-12 * values[-1]).sum()), expected])
            smallest += [_smallest_eigenvalue(net, pairs) for net in _positive_networks(trial.control)]
    return {
        "rank": Integers(*np.transpose(ranks), x_label="predicted rank", y_label="rank"),
        "nullity": Integers(*np.transpose(nullities), x_label="predicted nullity", y_label="nullity"),
        "positive": Bounds(smallest, lower=1e-9, x_label="bound", y_label="smallest eigenvalue / largest"),
    }


PAIRS = 20  # antipodal pairs: 40 points


def _polynomial_rank(points: NDArray[np.float64], d: int, degree: int, control: str | None) -> list[int]:
    """Rank of the tangent kernel of z^degree on three times as many points as its bound, and what is expected."""
    bound = math.comb(d + degree - 1, degree)
    x = points[: 3 * bound]
    cosines = np.clip(x @ x.T, -1.0, 1.0)
    values = np.linalg.eigvalsh(_one_hidden(degree, cosines))
    expected = len(x) if control == "full-rank" else bound - (degree == 2 and control == "traceless")
    return [int((values > 1e-10 * values[-1]).sum()), int(expected)]


def _one_hidden(degree: int, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    """E[phi(g) phi(h)] + u E[phi'(g) phi'(h)] for phi(z) = z^degree and normal g, h of correlation u."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(degree + 1)
    weights = weights / weights.sum()
    sines, kernel = np.sqrt(1 - cosines**2), np.zeros_like(cosines)
    for a, p in zip(nodes, weights, strict=True):
        for b, q in zip(nodes, weights, strict=True):
            h = cosines * a + sines * b
            kernel += p * q * (a**degree * h**degree + cosines * degree**2 * a ** (degree - 1) * h ** (degree - 1))
    return kernel


def _positive_networks(control: str | None) -> list[Network]:
    if control == "no-bias":
        return [_deep(1)]
    if control == "output-bias":
        return [serial(Dense(), Relu(), Dense(2**0.5, 0.3))]
    return [_deep(2), serial(Dense(1.0, 0.3), Relu(), Dense(2**0.5))]


def _smallest_eigenvalue(net: Network, x: NDArray[np.float64]) -> float:
    """The smallest eigenvalue of the tangent kernel, relative to the largest; rounding may make it negative."""
    values = np.linalg.eigvalsh(np.asarray(net.ntk(x)))
    return float(values[0] / values[-1])


@paper.claim(
    "modewise-rates",
    where="section on least-squares regression: a linear equation for the residual in the limit of infinite width",
    kind="corollary",
    checked="memory",
    statement=r"f(0) = 0,\ \text{loss } \tfrac{1}{2} \sum_j (f(x_j) - y_j)^2,\ \text{step } \eta \text{: along eigenvector } i"
    r"\text{ of the limiting kernel, } r_i(t) = r_i(0) (1 - \eta \lambda_i)^t + O(n^{-1/2})",
    # Rates: at n = 4096 eigenvectors still mix, which adds 0.03 to the slope. Deviation: that of the NNGP kernel, scaled to the
    # same trace, is 0.25 at any width. Convergence: modes that decay slowly keep the local slope at -0.35 up to n = 2048.
    rule=All(
        rates=Agreement(atol=0.1),
        deviation=Agreement(atol=0.03, refute=10 / 3),
        convergence=Slope(tol=(-0.2, 0.25), refute=(-0.35, 0.4)),
    ),
    controls={
        "nngp": Control("eigenpairs of the NNGP kernel, scaled to the same trace", parts=("deviation", "convergence")),
        "twice": Control("rates twice as large, as if the loss were without 1/2", parts=("deviation", "convergence")),
        "square-root": Control("rates taken to grow with the square root of the eigenvalue", parts=("rates",)),
    },
)
def modewise_rates(trial: Trial) -> dict[str, Estimates | Series]:
    """Residuals along the eigenvectors of the limiting kernel during gradient descent, over widths.

    12 random points on the sphere in 4 dimensions, one hidden ReLU layer without bias, f the difference of two networks that
    start with the same weights, so that f(0) = 0. Labels are the sum of all eigenvectors: every mode starts at 1, where a
    smaller one would be drowned by the others. 160 steps of 0.05. A rate is fitted to log |r_i| while |r_i| > 0.1, at the
    largest width, and the slope of log rate over log predicted rate should be 1. The deviation is the largest over time and
    modes, divided by |r(0)|: its mean at the largest width should be near 0, and its slope over widths -1/2.
    """
    repeats = trial.repeats(quick=36, full=60) if trial.control is None else trial.repeats(quick=20, full=20)
    rate, steps = 0.05, 160
    x = normals(trial.key, repeats, 12, 4)
    x *= 2 / np.linalg.norm(x, axis=-1, keepdims=True)
    net = _deep(1)
    ntk = np.stack([np.asarray(net.ntk(points)) for points in x])
    vectors = np.linalg.eigh(ntk)[1]
    assumed = ntk
    if trial.control == "nngp":
        assumed = np.stack([np.asarray(net.nngp(points)) for points in x])
        assumed *= np.trace(ntk, axis1=1, axis2=2)[:, None, None] / np.trace(assumed, axis1=1, axis2=2)[:, None, None]
    elif trial.control == "twice":
        assumed = 2 * ntk
    values, axes = np.linalg.eigh(assumed)
    times = np.arange(steps + 1)
    decay = (1 - rate * values[:, None, :]) ** times[:, None]
    labels = vectors.sum(-1)
    predicted = np.einsum("rni,rti,rmi,rm->rtn", axes, decay, axes, -labels, optimize=True)
    widths = trial.scale(quick=[128, 512, 2048, 4096], full=[128, 512, 2048, 8192, 32768])[
        : None if trial.control is None else 3
    ]
    deviations = []
    for width in trial.progress(widths):
        paths = residual_paths(trial.key, net, x, labels, width, rate, steps)
        modes = np.einsum("rtn,rni->rti", paths, vectors)
        difference = np.einsum("rtn,rni->rti", paths - predicted, vectors)
        deviations.append(np.abs(difference).max((1, 2)) / np.linalg.norm(labels, axis=1))
    expected = -np.log(1 - rate * np.linalg.eigvalsh(ntk)) / rate
    if trial.control == "square-root":
        expected = np.sqrt(expected)
    slopes = [_slope(np.log(e), np.log(_rates(m, rate))) for e, m in zip(expected, modes, strict=True)]
    return {
        "rates": Estimates.from_samples(slopes, predicted=1.0, x_label="largest width", y_label="slope of log rate"),
        "deviation": Estimates.from_samples(deviations[-1], predicted=0.0, x_label="largest width", y_label="deviation"),
        "convergence": Series(
            widths, np.stack(deviations, axis=1), -0.5, x_label="width n", y_label="largest deviation / |r(0)|"
        ),
    }


def _rates(modes: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Rate of each column's decay, by least squares on the logarithm, over the first decade only."""
    rates = []
    for mode in np.abs(modes).T:
        below = np.flatnonzero(mode <= 0.1 * mode[0])
        end = max(int(below[0]) if below.size else len(mode), 2)
        rates.append(-_slope(step * np.arange(end, dtype=np.float64), np.log(mode[:end])))
    return np.array(rates)


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float((x - x.mean()) @ y / ((x - x.mean()) @ (x - x.mean())))


def _ten_digits(trial: Trial) -> Float[Array, "10 64"]:
    images, labels = data.digits()
    trial.uses("digits", images, labels)
    pixels = images.reshape(len(images), -1)
    first = [int(np.flatnonzero(labels == label)[0]) for label in range(10)]
    centred = pixels[first] - pixels.mean(0, keepdims=True)
    return jnp.asarray(centred / np.sqrt((centred**2).mean(1, keepdims=True)))


def _two_hidden(activation: Relu | Erf) -> Network:
    return serial(Dense(), activation, Dense(2**0.5), activation, Dense(2**0.5))


def _first_layer_term(x: Float[Array, "n d"]) -> Float[Array, "n n"]:
    """What the first layer adds to the kernel: the inputs' kernel times both derivative factors 1 - angle / pi."""
    kernels = [serial(Dense()).nngp(x), serial(Dense(), Relu(), Dense(2**0.5)).nngp(x)]
    factors = [1 - jnp.arccos(jnp.clip(kernel, -1.0, 1.0)) / jnp.pi for kernel in kernels]
    return kernels[0] * factors[0] * factors[1]


@partial(jax.jit, static_argnames=("net", "width"))
def _distances(
    keys: Float[Array, " repeats"], net: Network, width: int, x: Float[Array, "n d"], limit: Float[Array, "n n"]
) -> Float[Array, " repeats"]:
    """One network per key, one after the other: its kernel stays in cache."""

    def distance(key: Array) -> Array:
        kernel = net.empirical_ntk(net.init(key, (x.shape[1],), width), x)
        return jnp.asarray(jnp.linalg.norm(kernel - limit) / jnp.linalg.norm(limit))

    return jnp.asarray(jax.lax.map(distance, keys))
