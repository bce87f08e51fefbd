"""Lencevicius (2022): Laplace kernels against tangent kernels, in their spectra and in what they predict."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from ntkit import data
from ntkit.claims import All, Bounds, Control, Identity, Inequality, Ordering, Pairs, Paper, Sides, Trial
from ntkit.kernels import Dense, GammaExponential, Gaussian, Laplace, Matern, Network, Relu, match, serial
from ntkit.spectra import funk_hecke

paper = Paper(
    key="lencevicius2022",
    title="An Empirical Analysis of the Laplace and Neural Tangent Kernels",
    authors="Ronaldas Paulius Lencevicius",
    year=2022,
    arxiv="2208.03761",
)

DIMS = (3, 5, 10)
RATES = (0.7, 1.0)  # c of exp(-c |x - z|)
BIAS = 0.1  # its variance, in the network that has one
ROOT2 = 2**0.5

Floats = Float[np.ndarray, "..."]


class Kernel(NamedTuple):
    """A kernel of unit vectors and its kinks: a theta near angle 0, b (pi - theta) near pi, all else smoother."""

    of_angle: Callable[[Floats], ArrayLike]
    a: float
    b: float = 0.0


@paper.claim(
    "k-minus-d-decay",
    where="theorem that the abstract builds on (Geifman et al. 2020, Chen and Xu 2021); the two limits are ours",
    kind="derived",
    checked="secondary",
    statement=r"\text{On } S^{d-1}, \text{ for ReLU networks of } L \ge 2 \text{ hidden layers, or with biases: }\quad "
    r"\lambda_k^{\mathrm{NTK}} \asymp \lambda_k^{\mathrm{Lap}} \asymp k^{-d}, \quad "
    r"\frac{\lambda_k^{\mathrm{NTK}}}{\lambda_k^{\mathrm{Lap}}} - \frac{-a - (-1)^k b}{c} \to 0, \quad "
    r"a = -\frac{L(L+1)}{2\pi}, \quad b = -\frac{1}{\pi} \prod_{l=1}^{L-1} \kappa_0(\Sigma_l(-1)) \text{ without biases}",
    # Eigenvalues are exact to 1e-4 at worst, so the windows are for finite degrees: corrections are O(1/k^2). In a ratio they
    # are 0.5 % at k = 80 and 20 % at k = 10; in d = 10 they move the slope over 30 <= k <= 80 by 0.05.
    rule=All(
        slope=Identity(rtol=0.0, atol=0.1, refute=3.0),
        ratio=Identity(rtol=0.02, refute=2.0),
        bounded=Inequality(rtol=1e-9),
    ),
    controls={
        "one-limit": Control("one limit for both parities, as if b were 0", parts=("ratio",)),
        "gamma": Control("exp(-(c |x - z|)^1.5) in place of Laplace: half a power faster", parts=("slope",)),
        "no-bias": Control("one hidden layer without biases: odd degrees from 3 on vanish", parts=("bounded",)),
        "nngp": Control("the NNGP kernels of the same networks: two powers faster", parts=("slope",)),
        "gaussian": Control("a Gaussian kernel in place of Laplace: faster than any power", parts=("slope",)),
    },
)
def k_minus_d_decay(trial: Trial) -> dict[str, Sides | Bounds]:
    """Exact eigenvalues by the Funk-Hecke formula, in d = 3, 5 and 10.

    Networks: two and three hidden ReLU layers without biases, and one hidden layer with a first bias of variance 0.1.
    Laplace: exp(-c |x - z|), c = 0.7 and 1. Slopes are fitted over 30 <= k <= 80, per parity, against k + (d - 2)/2: against
    k itself they come out half a unit short in d = 10. Limits are compared at the two largest degrees, and all ratios from
    k = 10 on have to stay within a factor 1.5 of their limits, which is what equality of the two spaces asks for.

    The limits: in a theta + b (pi - theta) + smoother terms, each kink contributes a multiple of the spectrum of |x - z|,
    the one at pi with sign (-1)^k. Laplace has a = -c. Every ReLU layer adds a kink at 0 through its factor 1 - theta / pi;
    at pi only the first layer has one, weakened by those above it. With a bias, no angle after the first layer is pi.

    Nothing here is random. Eigenvalues below their noise (in controls only) are replaced by the noise.
    """
    degrees = np.arange(10, trial.scale(quick=80, full=160) + 1)
    networks, laplace = _networks(trial.control), [_laplace(rate, trial.control) for rate in RATES]
    spectra = [[_eigenvalues(kernel, dim, degrees) for kernel in networks + laplace] for dim in trial.progress(DIMS)]
    slopes = [[_slopes(values, dim, degrees) for values in rows] for dim, rows in zip(DIMS, spectra, strict=True)]
    # Axes: dimension, network, Laplace kernel, degree.
    ours, theirs = np.split(np.array(spectra), [len(networks)], axis=1)
    ratios = ours[:, :, None] / theirs[:, None]
    parity = (-1.0) ** degrees * (trial.control != "one-limit")
    limits = np.array([[(-net.a - parity * net.b) / -kernel.a for kernel in laplace] for net in networks])
    limits = np.broadcast_to(limits, ratios.shape)
    k, ratio = "degree k", "ratio of eigenvalues, NTK / Laplace"
    return {
        "slope": Sides(
            slopes, np.broadcast_to(-np.array(DIMS)[:, None, None], np.shape(slopes)), x_label="slope", y_label="-d"
        ),
        "ratio": Sides(ratios[..., -2:], limits[..., -2:], x_label=ratio, y_label="limit"),
        "bounded": Bounds(ratios, lower=limits / 1.5, upper=limits * 1.5, x_label=k, y_label=ratio),
    }


@paper.claim(
    "posterior-closeness",
    where="chapter on synthetic experiments: posterior means with matched length scales; numbers and margin are ours",
    kind="reading",
    checked="secondary",
    statement=r"\text{Regression on } S^{d-1} \text{ without noise, bandwidths matched: the posterior mean of Laplace is closer"
    r" to that of the NTK than that of a Gaussian kernel, } r_{\mathrm{Lap}}(n) < 0.7\, r_{\mathrm{Gauss}}(n)"
    r" \text{ at every } n",
    rule=Ordering(margin=0.357),  # log(1 / 0.7)
    controls={
        "matern": "a Matern kernel of nu = 3/2 in place of the Gaussian: the next smoother one",
        "swapped": "Laplace and Gaussian swapped",
    },
)
def posterior_closeness(trial: Trial) -> Pairs:
    """Root mean square differences between posterior means, each at the bandwidth that makes it smallest.

    d = 5, target sin(3 x_1) + x_2 x_3, two hidden ReLU layers without biases, 75 to 300 (600 at the full tier) points on the
    sphere, up to 150 in controls, 200 test points, ridge 1e-10 of the diagonal. Both kernels see the same points; their
    logarithms are compared.

    Bandwidths go from 0.3 to 3. Much wider Gaussians have a second minimum, at a bandwidth that moves with the ridge, from 8
    for 1e-6 to 100 for 1e-13: not regression without noise any more, but ridge regression on polynomials, which comes down to
    ratios of 0.7. Laplace kernels have none.

    What this does not show is that the closer kernel is the one with the same RKHS: exp(-(|x - z| / l)^1.5) has another one,
    and is closer still at these n. Nor that the two approach each other: both differences fall as all kernels learn the
    target, and they fall as n^-0.3 too where the labels are noise.
    """
    repeats = trial.repeats(quick=12, full=20)
    sizes = [75, 150] if trial.control else trial.scale(quick=[75, 150, 300], full=[75, 150, 300, 600])
    families: list[Callable[[float], Laplace | Gaussian | Matern]] = [Gaussian, Laplace]
    if trial.control == "matern":
        families[0] = partial(Matern, 1.5)
    if trial.control == "swapped":
        families.reverse()
    target, bandwidths = jax.jit(_relu(2).ntk), np.geomspace(0.3, 3.0, trial.scale(quick=8, full=14)).tolist()
    rmses = np.empty((2, repeats, len(sizes)))
    for i, key in enumerate(trial.progress(list(jax.random.split(trial.key, repeats)))):
        for j, size in enumerate(sizes):
            keys = jax.random.split(jax.random.fold_in(key, size))
            points, test = (np.asarray(data.sphere(k, count, 5)) for k, count in zip(keys, (size, 200), strict=True))
            labels = np.sin(3 * points[:, 0]) + points[:, 1] * points[:, 2]
            for family, out in zip(families, rmses, strict=True):
                out[i, j] = match(family, target, bandwidths, x_train=points, y_train=labels, x_test=test).rmse
    first, second = np.log(rmses)
    return Pairs(first, second, x_label=f"n = {sizes}", y_label="log rmse to the posterior mean of the NTK")


def _relu(hidden: int, bias: float = 0.0) -> Network:
    return serial(Dense(1.0, bias), *[layer for _ in range(hidden) for layer in (Relu(), Dense(ROOT2))])


def _networks(control: str | None) -> list[Kernel]:
    """The networks with their kinks; the kinks stay those of the claim where a control changes the network."""
    deep = [_kernel(_relu(hidden), control, *_kinks(hidden)) for hidden in (2, 3)]
    shallow = _relu(1) if control == "no-bias" else _relu(1, BIAS**0.5)
    return [*deep, _kernel(shallow, control, -np.sqrt(1 + BIAS) / np.pi)]


def _kernel(network: Network, control: str | None, a: float, b: float = 0.0) -> Kernel:
    def of_angle(theta: Floats) -> Array:
        circle = ROOT2 * np.stack([np.cos(theta), np.sin(theta)], axis=1)  # mean square 1
        return (network.nngp if control == "nngp" else network.ntk)(np.array([[ROOT2, 0.0]]), circle)[0]

    return Kernel(of_angle, a, b)


def _kinks(hidden: int) -> tuple[float, float]:
    """The coefficients a and b of a network without biases."""
    correlation, product = 0.0, 1.0  # after the first layer, at angle pi
    for _ in range(hidden - 1):
        angle = np.arccos(correlation)
        product *= 1 - angle / np.pi
        correlation = (np.sin(angle) + (np.pi - angle) * correlation) / np.pi
    return -hidden * (hidden + 1) / (2 * np.pi), -product / np.pi


def _laplace(rate: float, control: str | None) -> Kernel:
    if control == "gamma":
        return Kernel(GammaExponential(1.5, 1 / rate).of_angle, -rate)
    if control == "gaussian":
        return Kernel(Gaussian(0.1 / rate).of_angle, -rate)
    return Kernel(Laplace(1 / rate).of_angle, -rate)


def _eigenvalues(kernel: Kernel, dim: int, degrees: Floats) -> Floats:
    spectrum = funk_hecke(kernel.of_angle, dim, degrees)
    return np.asarray(np.maximum(spectrum.eigenvalues, spectrum.errors))


def _slopes(eigenvalues: Floats, dim: int, degrees: Floats) -> list[float]:
    """Of even and of odd degrees, from 30 on."""
    chosen = [(degrees >= 30) & (degrees % 2 == parity) for parity in (0, 1)]
    x, y = np.log(degrees + (dim - 2) / 2), np.log(eigenvalues)
    return [float(np.polyfit(x[part], y[part], 1)[0]) for part in chosen]
