"""Choraria, Dadi, Chrysos, Mairal, Cevher (2022): do multiplicative interactions help a network with high frequencies?"""

from collections.abc import Callable
from functools import partial
from math import factorial, sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import gammaln

from ntkit import data
from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Series, Sides, Slope, Trial
from ntkit.kernels import ArcCosine, empirical_ntk
from ntkit.spectra import funk_hecke

paper = Paper(
    key="choraria2022",
    title="The Spectral Bias of Polynomial Neural Networks",
    authors="Moulik Choraria, Leello Dadi, Grigorios Chrysos, Julien Mairal, Volkan Cevher",
    year=2022,
    arxiv="2202.13473",
)

DIMS = (3, 5, 10)
FACTORS = (2, 3)

Floats = Float[np.ndarray, "..."]


@paper.claim(
    "pinet-high-frequency",
    where="abstract: Pi-nets speed up the learning of higher frequencies; the exact form is ours",
    kind="derived",
    checked="secondary",
    statement=r"f(x) = \frac{1}{\sqrt m} \sum_{i \le m} v_i \prod_{j \le N} \sqrt 2\, \sigma(\langle w_{ij}, x \rangle),\ "
    r"|x| = 1: \quad \Theta = \kappa_1^N + N u\, \kappa_0 \kappa_1^{N-1}, \quad \lambda_k \asymp k^{-d} \text{ for even and}"
    r" \text{ odd } k, \quad \frac{\lambda_k / (N+1)}{\lambda_k^{\mathrm{ReLU}} / 2} \to \frac{N}{N+1} \text{ for even } k,"
    r" \text{ while } \lambda_k^{\mathrm{ReLU}} = 0 \text{ for odd } k \ge 3; \quad \text{without } \sigma, \text{ only }"
    r" k \le N,\ k \equiv N \ (\mathrm{mod}\ 2) \text{ remain}",
    # Exact parts: eigenvalues are good to 1e-4 at worst, corrections to the limits are O(1/k^2), 0.7 % at k = 80 and in d = 10
    # 0.07 in the slope. The finite network's kernel is a mean of n independent terms, its rms deviation exactly C / sqrt(n).
    rule=All(
        even=Identity(rtol=0.01, refute=2.0),
        parity=Inequality(rtol=1e-9),
        slope=Identity(rtol=0.0, atol=0.1, refute=3.0),
        polynomial=Identity(rtol=0.0, atol=1e-14),
        finite=Slope(tol=0.1, refute=0.15),
    ),
    controls={
        "relu": Control("one ReLU layer in place of the product: odd degrees vanish", parts=("parity",)),
        "unnormalised": Control("the limit N/2 of eigenvalues that are not divided by the trace", parts=("even",)),
        "half-exponent": Control("a decay as k^(-d/2)", parts=("slope",)),
        "degree": Control("N + 1 linear factors in place of N", parts=("polynomial",)),
        "one-factor": Control("the limit with the gradient of one of the N factors only", parts=("finite",)),
    },
)
def pinet_high_frequency(trial: Trial) -> dict[str, Sides | Bounds | Series]:
    """Exact spectra by the Funk-Hecke formula in d = 3, 5 and 10 for N = 2 and 3, and finite networks with N = 2.

    All weights are N(0, 1) and trained. The kernel follows from the product rule: v contributes the product of the N NNGP
    kernels k1, and each w_ij the factor u k0 in place of one k1. Near angle 0 it has the kink -N theta / pi, at pi none for
    N >= 2; one ReLU layer has -theta / pi and -(pi - theta) / pi, which cancel in odd degrees and add up in even ones. So
    the decay is k^-d in both, not slower; what is gained is odd degrees, and what even degrees lose is a factor N / (N + 1).

    `parity`: every eigenvalue from k = 3 on lies within a factor 2 of the geometric mean of its two neighbours. `slope`: over
    30 <= k <= 80, per parity, against k + (d - 2)/2. `even`: at the largest even degree. `finite`: relative Frobenius
    distance of the empirical tangent kernel from its limit, six points on S^4, over widths.

    Eigenvalues below their noise (in a control only) are replaced by the noise.
    """
    top = trial.scale(quick=80, full=160)
    degrees = np.arange(2, top + 2)
    spectra = np.array([[_spectrum(_pi_net(n, trial.control), dim, degrees) for n in FACTORS] for dim in trial.progress(DIMS)])
    relu = np.array([_spectrum(_pi_net(1), dim, degrees) for dim in DIMS])
    inner, neighbours = spectra[..., 1:-1], np.sqrt(spectra[..., :-2] * spectra[..., 2:])
    gains = spectra[..., degrees == top] / relu[:, None, degrees == top]
    limits = [n / 2 if trial.control == "unnormalised" else n / (n + 1) for n in FACTORS]
    slopes = np.array([[_slopes(values, dim, degrees) for values in rows] for dim, rows in zip(DIMS, spectra, strict=True)])
    exponents = np.array(DIMS)[:, None, None] / (2 if trial.control == "half-exponent" else 1)
    measured, closed = np.array([_polynomials(dim, n, trial.control) for dim in DIMS for n in FACTORS]).swapaxes(0, 1)
    return {
        "even": Sides(
            gains[..., 0],
            np.broadcast_to(limits, gains.shape[:2]),
            x_label="eigenvalue over that of one ReLU layer, normalised",
            y_label="limit",
        ),
        "parity": Bounds(inner, lower=neighbours / 2, upper=neighbours * 2, x_label="degree k", y_label="eigenvalue / trace"),
        "slope": Sides(slopes, np.broadcast_to(-exponents, slopes.shape), x_label="slope", y_label="-d"),
        "polynomial": Sides(measured, closed, x_label="eigenvalue without activation", y_label="closed form"),
        "finite": _finite(trial),
    }


def _pi_net(factors: int, control: str | None = None) -> Callable[[Floats], Floats]:
    """The tangent kernel of the product of ReLU factors as a function of the angle, 1 at angle 0."""
    n = 1 if control == "relu" else factors

    def of_angle(theta: Floats) -> Floats:
        k0, k1 = (np.asarray(ArcCosine(order).of_angle(theta)) for order in (0, 1))
        return np.asarray((k1**n + n * np.cos(theta) * k0 * k1 ** (n - 1)) / (n + 1))

    return of_angle


def _spectrum(of_angle: Callable[[Floats], Floats], dim: int, degrees: Floats) -> Floats:
    spectrum = funk_hecke(of_angle, dim, degrees)
    return np.asarray(np.maximum(spectrum.eigenvalues, spectrum.errors))


def _slopes(eigenvalues: Floats, dim: int, degrees: Floats) -> list[float]:
    """Of even and of odd degrees, from 30 to the largest even one."""
    chosen = [(degrees >= 30) & (degrees < degrees[-1]) & (degrees % 2 == parity) for parity in (0, 1)]
    x, y = np.log(degrees + (dim - 2) / 2), np.log(eigenvalues)
    return [float(np.polyfit(x[part], y[part], 1)[0]) for part in chosen]


def _polynomials(dim: int, factors: int, control: str | None) -> tuple[Floats, Floats]:
    """Eigenvalues of u^N by quadrature and in closed form, degrees 0 to 20; the tangent kernel is N + 1 times that."""
    power = factors + (control == "degree")
    exact = np.zeros(21)
    for k in range(factors % 2, factors + 1, 2):
        gammas = np.exp(gammaln(dim / 2) - gammaln((factors + k + dim) / 2))
        exact[k] = factorial(factors) * gammas / (2**factors * factorial((factors - k) // 2))
    return funk_hecke(lambda theta: np.cos(theta) ** power, dim, range(21)).eigenvalues, exact


def _finite(trial: Trial) -> Series:
    key, network_key = jax.random.split(trial.key)
    points = data.sphere(key, 6, 5)
    u = points @ points.T
    k0, k1 = (ArcCosine(order).gram(points) for order in (0, 1))
    limit = k1**2 + (1 if trial.control == "one-factor" else 2) * u * k0 * k1
    widths = trial.scale(quick=[64, 128, 256, 512, 1024], full=[64, 128, 256, 512, 1024, 2048, 4096])
    judged = trial.control in (None, "one-factor")  # by this part; the other controls have theirs
    repeats = trial.repeats(quick=150, full=400) if judged else 20
    keys = [jax.random.split(jax.random.fold_in(network_key, width), repeats) for width in widths]
    columns = [_distances(k, width, points, limit, widths[-1]) for k, width in zip(keys, widths, strict=True)]
    y = np.stack([np.asarray(column) for column in columns], axis=1)
    return Series(widths, y, expected=-0.5, reduce="rms", x_label="width m", y_label="relative distance of the kernel")


@partial(jax.jit, static_argnames="largest")  # narrower networks leave units out: one shape, one compilation
def _distances(
    keys: Float[Array, " repeats"], width: int, x: Float[Array, "n d"], limit: Float[Array, "n n"], largest: int
) -> Float[Array, " repeats"]:
    """One network with two factors per key: the relative distance of its tangent kernel from the limit."""
    scale = (jnp.arange(largest) < width) / jnp.sqrt(width)

    def apply(params: dict[str, Array], x: Float[Array, "n d"]) -> Float[Array, "n 1"]:
        units = jnp.prod(sqrt(2) * jax.nn.relu(jnp.einsum("nd,jdi->jni", x, params["w"])), axis=0)
        return units @ (params["v"] * scale)[:, None]

    def distance(key: Array) -> Array:
        w_key, v_key = jax.random.split(key)
        params = {"w": jax.random.normal(w_key, (2, x.shape[1], largest)), "v": jax.random.normal(v_key, (largest,))}
        return jnp.asarray(jnp.linalg.norm(empirical_ntk(apply, params, x) - limit) / jnp.linalg.norm(limit))

    return jnp.asarray(jax.lax.map(distance, keys))
