"""Cammarasana, Patanè (2025): a convolution that weights its taps is a plain one, trained with other step sizes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ntkit import data
from ntkit.claims import All, Control, Identity, Paper, Sides, Trial

paper = Paper(
    key="cammarasana2025",
    title="Optimal Weighted Convolution for Classification and Denosing",
    authors="Simone Cammarasana, Giuseppe Patanè",
    year=2025,
    arxiv="2505.24558",
)

Kernels = tuple[Float[Array, "4 1 3 3"], Float[Array, "1 4 3 3"]]

STEPS = 50
RATES = 0.05, 0.01  # of descent and of Adam
NOISE = 0.3
IMAGES = 16


@paper.claim(
    "weighted-conv-is-preconditioning",
    where="abstract: same number of parameters; operator as in the authors' code; what it does to training is ours",
    kind="derived",
    checked="code",
    statement=r"(\alpha \odot K) \ast x,\ \alpha_i \ne 0, \text{ is every convolution; descent on } K \text{ at rate } \eta"
    r"\text{ is descent on } K' = \alpha \odot K \text{ at rates } \eta \alpha_i^2 \text{, and Adam so at } \eta |\alpha_i|",
    # Rounding of 1e-16 in each of 50 steps, which training may amplify a hundredfold; 1e-10 and 1e-6 are the protocol's.
    rule=All(
        operator=Identity(rtol=0, atol=1e-12),
        descent=Identity(rtol=0, atol=1e-10, refute=1e4),
        adam=Identity(rtol=0, atol=1e-10, refute=1e4),
        losses=Identity(rtol=1e-10, refute=1e4),
    ),
    controls={
        "one-power": Control("rates eta |alpha_i| for descent, eta for Adam", parts=("descent", "adam", "losses")),
        "one-more": Control("rates eta alpha_i^2 for Adam, too", parts=("adam",)),
        "plain": Control("rates eta for both, as if nothing had changed", parts=("descent", "adam", "losses")),
        "unweighted-start": Control("K' begins at K in place of alpha K", parts=("descent", "adam", "losses")),
    },
)
def weighted_conv_is_preconditioning(trial: Trial) -> dict[str, Sides]:
    """Two layers of 3 x 3 convolutions, tanh between them, trained to take noise off digits; effective kernels over 50 steps.

    Four tasks (full: 40) of 16 images in noise of 0.3, with densities alpha = a a^T, a = (s, 1, s), s uniform in [0.5, 1.5],
    the range that the authors advise. Gradients by automatic differentiation, rates 0.05 and 0.01, Adam without its epsilon,
    which would break its scale invariance. `operator`: weighted pixels added up, as the operator is defined, against a
    convolution. So a gain over plain training is one of step sizes and initial scales; where an alpha_i is 0, functions are
    lost.
    """
    rng = trial.rng()
    images = data.digits().images
    trial.uses("digits", images)
    tasks = trial.scale(quick=4, full=40)
    clean = images[rng.integers(0, len(images), (tasks, IMAGES))][:, :, None]
    noisy = clean + NOISE * rng.normal(size=clean.shape)
    taps = np.ones((tasks, 3))
    taps[:, ::2] = rng.uniform(0.5, 1.5, (tasks, 1))
    density = (taps[:, :, None] * taps[:, None, :])[:, None, None]
    start = rng.normal(size=(tasks, 4, 1, 3, 3)) / 3, rng.normal(size=(tasks, 1, 4, 3, 3)) / 6
    powers = {"one-power": (1, 0), "one-more": (2, 2), "plain": (0, 0)}.get(trial.control or "", (2, 1))
    scaled = start if trial.control == "unweighted-start" else tuple(density * kernels for kernels in start)
    one, labels = np.ones_like(density), {"x_label": "weighted", "y_label": "plain, other rates"}
    factors = np.stack([density**power for power in powers])
    weighted, plain = _train(start, density, one, noisy, clean), _train(scaled, one, factors, noisy, clean)
    first = start[0][0]
    return {
        "operator": Sides(
            _weighted_sum(noisy[0], first, density[0]),
            _convolve(noisy[0], density[0] * first),
            x_label="sum of weighted pixels",
            y_label="convolution",
        ),
        "descent": Sides(weighted[0][0], plain[0][0], **labels),
        "adam": Sides(weighted[0][1], plain[0][1], **labels),
        "losses": Sides(weighted[1], plain[1], **labels),
    }


def _weighted_sum(
    x: Float[np.ndarray, "n c h w"], kernel: Float[np.ndarray, "m c 3 3"], density: Float[np.ndarray, "1 1 3 3"]
) -> Float[np.ndarray, "n m h w"]:
    """The weighted convolution as it is defined: pixels weighted by their place in the window, then by the kernel."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3)) * density[0, 0]
    return np.asarray(np.einsum("nchwij,mcij->nmhw", windows, kernel))


def _convolve(x: Float[Array, "n c h w"], kernel: Float[Array, "m c 3 3"]) -> Float[Array, "n m h w"]:
    return jax.lax.conv(x, kernel, (1, 1), "SAME", precision="highest")


def _train(
    kernels: tuple[np.ndarray, ...],
    density: Float[np.ndarray, "tasks 1 1 3 3"],
    factors: Float[np.ndarray, "*methods tasks 1 1 3 3"],
    noisy: Float[np.ndarray, "tasks n 1 h w"],
    clean: Float[np.ndarray, "tasks n 1 h w"],
) -> tuple[Float[np.ndarray, "2 tasks steps 72"], Float[np.ndarray, "2 tasks steps"]]:
    """Effective kernels after, and losses before each step of descent and of Adam, with rates multiplied by the factors."""
    factors = np.broadcast_to(factors, (2, *density.shape))
    path, losses = _path(kernels, density, factors, noisy, clean, np.array([False, True]))
    return np.asarray(path), np.asarray(losses)


@jax.jit
@partial(jax.vmap, in_axes=(None, None, 0, None, None, 0))
@partial(jax.vmap, in_axes=(0, 0, 0, 0, 0, None))
def _path(
    kernels: Kernels,
    density: Float[Array, "1 1 3 3"],
    factors: Float[Array, "1 1 3 3"],
    noisy: Float[Array, "n 1 h w"],
    clean: Float[Array, "n 1 h w"],
    adam: Bool[Array, ""],
) -> tuple[Float[Array, "steps 72"], Float[Array, " steps"]]:
    def loss(kernels: Kernels) -> Float[Array, ""]:
        hidden = jnp.tanh(_convolve(noisy, density * kernels[0]))
        return ((_convolve(hidden, density * kernels[1]) - clean) ** 2).mean()

    def step(state: tuple[Kernels, Kernels, Kernels], t: Array) -> tuple[tuple[Kernels, Kernels, Kernels], tuple[Array, Array]]:
        kernels, first, second = state
        value, slopes = jax.value_and_grad(loss)(kernels)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, second, slopes)
        correction = jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        moves = jax.tree.map(
            lambda g, m, v: jnp.where(adam, RATES[1] * correction * m / jnp.sqrt(v), RATES[0] * g), slopes, first, second
        )
        kernels = jax.tree.map(lambda k, move: k - factors * move, kernels, moves)
        return (kernels, first, second), (jnp.concatenate([(density * k).ravel() for k in kernels]), value)

    zeros = jax.tree.map(jnp.zeros_like, kernels)
    return jax.lax.scan(step, (kernels, zeros, zeros), jnp.arange(1.0, STEPS + 1))[1]
