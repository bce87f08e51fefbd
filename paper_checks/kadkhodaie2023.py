"""Kadkhodaie, Guth, Simoncelli, Mallat (2023): the best denoiser shrinks, by the covariance of what it cannot know."""

import jax
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from ntkit import data
from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="kadkhodaie2023",
    title="Generalization in Diffusion Models Arises from Geometry-Adaptive Harmonic Representations",
    authors="Zahra Kadkhodaie, Florentin Guth, Eero P. Simoncelli, Stéphane Mallat",
    year=2023,
    arxiv="2310.02557",
)

NOISE = 0.7  # not 1, where sigma, its square and its inverse are one number
MISTAKEN = 0.8
BLOCK = 500  # noisy images in one repeat of the mean squared error


@paper.claim(
    "jacobian-is-posterior-covariance",
    where="shrinkage of the optimal denoiser; the second-order identity of Miyasawa and Tweedie is classical",
    kind="theorem",
    checked="memory",
    statement=r"f(y) = \mathbb{E}[x \mid y],\ y = x + \sigma z: \quad \nabla f(y) = \sigma^{-2} \operatorname{Cov}[x \mid y]"
    r"\text{, symmetric with eigenvalues} \ge 0, \quad"
    r"\mathbb{E}\, \| f(y) - x \|^2 = \sigma^2\, \mathbb{E} \operatorname{tr} \nabla f(y)",
    # Entries are sums of 300 terms of order 1: rounding of 1e-15, of 1e-14 for 64 of them in an eigenvalue. Errors: the mean
    # difference of 200 blocks has a standard error of 0.005; 0.03 is 2.5 % of the error of 1.2.
    rule=All(
        jacobian=Identity(rtol=0, atol=1e-12, refute=1e6),
        symmetric=Identity(rtol=0, atol=1e-12),
        eigenvalues=Inequality(rtol=0, atol=1e-12),
        error=Agreement(atol=0.03),
    ),
    controls={
        "noise-not-squared": Control("sigma in place of sigma^2", parts=("jacobian", "error")),
        "temperature": Control("a posterior at temperature 2: its likelihoods are square roots", parts=("jacobian", "error")),
        "other-noise": Control("the denoiser for sigma = 0.8 in place of 0.7", parts=("jacobian",)),
        "other-values": Control(
            "a weighted mean, but each image stands for another one", parts=("jacobian", "symmetric", "eigenvalues")
        ),
    },
)
def jacobian_is_posterior_covariance(trial: Trial) -> dict[str, Sides | Bounds | Estimates]:
    """Images that are one of 300 digits, or one of 40, seen in noise of 0.7: Jacobians by automatic differentiation.

    The denoiser of such a prior is a mean weighted by a softmax, its posterior covariance a sum over the images, computed
    apart. Jacobians at ten noisy images (full: 100), with the prior of 300; errors in 200 blocks of 500 noisy images with the
    prior of 40, each against sigma^2 times the traces at the same images, so that the difference is paired. That all
    eigenvalues are below 1, as a shrinkage has them, is not claimed and does not hold: between two images that differ by more
    than the noise they reach 3.
    """
    rng = trial.rng()
    images = data.digits().images
    trial.uses("digits", images)
    flat = images.reshape(len(images), -1)
    prior, smaller = rng.permutation(flat)[:300], rng.permutation(flat)[:40]
    assumed = {"temperature": NOISE * 2**0.5, "other-noise": MISTAKEN}.get(trial.control or "", NOISE)
    noisy = _noisy(rng, prior, trial.scale(quick=10, full=100))[1]
    values = np.roll(prior, 1, axis=0) if trial.control == "other-values" else prior
    jacobians = np.asarray(_jacobians(noisy, prior, values, assumed))
    power = NOISE if trial.control == "noise-not-squared" else NOISE**2
    expected = _covariances(noisy, prior, assumed) / power
    differences = []
    for _ in trial.progress(range(trial.repeats(quick=200, full=2000))):
        clean, seen = _noisy(rng, smaller, BLOCK)
        mean, spread = _posterior(seen, smaller, assumed)
        trace = (spread / assumed**2).mean()  # that of the denoiser's own Jacobian, whatever noise it was made for
        differences.append(((mean - clean) ** 2).sum(axis=1).mean() - power * trace)
    return {
        "jacobian": Sides(jacobians, expected, x_label="Jacobian", y_label="posterior covariance / sigma^2"),
        "symmetric": Sides(jacobians, jacobians.transpose(0, 2, 1), x_label="entry", y_label="its mirror image"),
        "eigenvalues": Bounds(
            np.linalg.eigvalsh(jacobians).ravel(), lower=0.0, x_label="eigenvalue", y_label="shrinkage factor"
        ),
        "error": Estimates.from_samples(differences, predicted=0.0, x_label="", y_label="mean squared error - sigma^2 trace"),
    }


def _noisy(rng: np.random.Generator, prior: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Images from the prior, and the same in noise."""
    clean = prior[rng.integers(0, len(prior), count)]
    return clean, clean + NOISE * rng.normal(size=clean.shape)


def _denoise(
    y: Float[Array, " d"], prior: Float[Array, "n d"], values: Float[Array, "n d"], noise: float
) -> Float[Array, " d"]:
    """E[x | y] for x uniform on the rows of the prior, where these are the values, too."""
    weights: Array = jax.nn.softmax(-((y[None] - prior) ** 2).sum(axis=1) / (2 * noise**2))
    return weights @ values


_jacobians = jax.jit(jax.vmap(jax.jacfwd(_denoise), (0, None, None, None)))


def _weights(y: NDArray[np.float64], prior: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """Posterior probabilities, shape (noisy images, prior); what all images share cancels."""
    exponents = (y @ prior.T - (prior**2).sum(axis=1) / 2) / noise**2
    odds = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _covariances(y: NDArray[np.float64], prior: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """Posterior covariances as sums over the prior, shape (noisy images, d, d)."""
    weights = _weights(y, prior, noise)
    off = prior - (weights @ prior)[:, None]
    return np.asarray(np.einsum("yn,yni,ynj->yij", weights, off, off, optimize=True))


def _posterior(
    y: NDArray[np.float64], prior: NDArray[np.float64], noise: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Posterior mean and trace of the posterior covariance of each noisy image."""
    weights = _weights(y, prior, noise)
    mean = weights @ prior
    return mean, weights @ (prior**2).sum(axis=1) - (mean**2).sum(axis=1)
