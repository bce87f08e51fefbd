"""Fournier, Rivaud, Belilovsky, Eickenberg, Oyallon (ICML 2023). How good a gradient does one forward derivative make?"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ntkit.claims import Agreement, All, Control, Estimates, Identity, Paper, Sides, Trial

paper = Paper(
    key="fournier2023",
    title="Can Forward Gradient Match Backpropagation?",
    authors="Louis Fournier, Stéphane Rivaud, Eugene Belilovsky, Michael Eickenberg, Edouard Oyallon",
    year=2023,
    arxiv="2306.06968",
)

Floats = NDArray[np.float64]

INPUTS, EXAMPLES = 4, 16
UNITS = (1, 2, 6)  # of networks with 5, 10 and 30 parameters
LAWS = ("gaussian", "rademacher")
BLOCK = 2500


@paper.claim(
    "forward-gradient",
    where="background: the forward gradient is unbiased, with a variance that grows with the dimension (moments re-derived)",
    kind="theorem",
    checked="memory",
    statement=r"\hat g = (g^\top v)\, v,\ \mathbb{E}\, v v^\top = I: \quad \mathbb{E}\, \hat g = g, \quad \mathbb{E} |\hat g -"
    r" g|^2 = (d+1) |g|^2 \ (v \text{ Gaussian}), \ (d-1) |g|^2 \ (v \text{ Rademacher}), \quad \mathbb{E} \cos^2(\hat g, g)"
    r" = \tfrac1d, \quad \cos(\hat g, g) = |\cos(v, g)|",
    # Products of at most 30 numbers, relative to their norms: 1e-14. 250,000 guesses: standard errors of 0.45 % at most.
    rule=All(
        derivative=Identity(rtol=0.0, atol=1e-12),
        guess=Identity(rtol=0.0, atol=1e-12),
        mean=Agreement(atol=0.03),
        variance=Agreement(rtol=0.03),
        cosine=Agreement(rtol=0.03),
    ),
    controls={
        "signed": Control("the cosine of the guess with its sign", parts=("guess",)),
        "swapped": Control("d - 1 for Gaussian guesses, d + 1 for Rademacher's", parts=("variance",)),
        "unit-length": Control("guesses of length 1, whose covariance is I/d", parts=("mean", "variance")),
        "correlated": Control("Gaussian guesses whose coordinates have correlations of 0.3", parts=("mean",)),
        "mean-cosine": Control("2/(pi d), the square of the mean of |cos|, for the mean of cos^2", parts=("cosine",)),
    },
)
def forward_gradient(trial: Trial) -> dict[str, Sides | Estimates]:
    """Derivatives along guesses by forward differentiation of a small network's loss, against its gradient by backpropagation.

    One hidden layer of 1, 2 or 6 tanh units on 16 random examples, d = 5, 10, 30 parameters. Moments are taken over 250,000
    guesses: the mean along g and along a unit vector orthogonal to it, relative to |g|, the variance relative to |g|^2, and d
    times the mean of the squared cosine. From d = 100 on, the two variances differ by less than the tolerance.
    """
    rng, repeats, trials = trial.rng(), trial.repeats(quick=100, full=1000), 200
    forward, guessed = [], []
    means, variances, cosines = (np.empty((repeats, len(UNITS) * len(LAWS) * (2 if i == 0 else 1))) for i in range(3))
    expected = []
    for i, units in enumerate(trial.progress(UNITS)):
        theta, x, y = (rng.normal(size=shape) for shape in ((INPUTS + 1) * units, (EXAMPLES, INPUTS), EXAMPLES))
        d = theta.size
        guesses = rng.normal(size=(trials, d))
        gradient, slopes = (np.asarray(a) for a in derivatives()(theta, x, y, guesses))
        length = np.linalg.norm(gradient)
        lengths = length * np.linalg.norm(guesses, axis=1)
        forward.append(np.stack([slopes, guesses @ gradient]) / lengths)
        made = slopes[:, None] * guesses
        cosine = made @ gradient / (np.linalg.norm(made, axis=1) * length)
        along = guesses @ gradient / lengths
        guessed.append(np.stack([cosine, along if trial.control == "signed" else np.abs(along)]))
        other = rng.normal(size=d)
        other -= (other @ gradient) * gradient / length**2
        for j, law in enumerate(LAWS):
            cell = len(LAWS) * i + j
            for repeat in range(repeats):
                v = draw(rng, law, BLOCK, d, trial.control)
                made = (v @ gradient)[:, None] * v
                means[repeat, 2 * cell] = (made @ gradient).mean() / length**2
                means[repeat, 2 * cell + 1] = (made @ other).mean() / (length * np.linalg.norm(other))
                variances[repeat, cell] = ((made - gradient) ** 2).sum(1).mean() / length**2
                squares = (v @ gradient) ** 2 / ((v**2).sum(1) * length**2)
                cosines[repeat, cell] = d * squares.mean()
            expected.append(d + 1 if (law == "gaussian") != (trial.control == "swapped") else d - 1)
    target = 2 / np.pi if trial.control == "mean-cosine" else 1.0
    cells = "d = 5, 10, 30, Gaussian and Rademacher"
    return {
        "derivative": _sides(forward, "forward derivative / (|g| |v|)", "g.v / (|g| |v|)"),
        "guess": _sides(guessed, "cos of forward gradient and gradient", "|cos| of guess and gradient"),
        "mean": Estimates.from_samples(means, np.tile([1.0, 0.0], means.shape[1] // 2), x_label=cells, y_label="mean"),
        "variance": Estimates.from_samples(variances, expected, x_label=cells, y_label="variance / |g|^2"),
        "cosine": Estimates.from_samples(cosines, target, x_label=cells, y_label="d times mean cos^2"),
    }


def _sides(pairs: list[Floats], left: str, right: str) -> Sides:
    lhs, rhs = np.concatenate(pairs, axis=1)
    return Sides(lhs, rhs, x_label=left, y_label=right)


def network_loss(theta: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """Half the mean square error of sum_j a_j tanh(w_j.x); theta holds all w_j, then all a_j."""
    units = theta.size // (x.shape[1] + 1)
    weights = theta[: units * x.shape[1]].reshape(x.shape[1], units)
    return jnp.asarray(0.5 * ((jnp.tanh(x @ weights) @ theta[-units:] - y) ** 2).mean())


@cache
def derivatives() -> jax.stages.Wrapped:
    """The compiled map from (theta, x, y, guesses) to the gradient and to forward derivatives along each guess."""

    def both(theta: jax.Array, x: jax.Array, y: jax.Array, guesses: jax.Array) -> tuple[jax.Array, jax.Array]:
        def along(v: jax.Array) -> jax.Array:
            slope: jax.Array = jax.jvp(lambda t: network_loss(t, x, y), (theta,), (v,))[1]
            return slope

        return jax.grad(network_loss)(theta, x, y), jax.vmap(along)(guesses)

    return jax.jit(both)


def draw(rng: np.random.Generator, law: str, count: int, d: int, control: str | None = None) -> Floats:
    """Guesses, as rows."""
    if law == "rademacher" and control != "unit-length":
        return np.asarray(2.0 * rng.integers(0, 2, size=(count, d)) - 1)
    v = rng.normal(size=(count, d))
    if control == "unit-length":
        return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True))
    if control == "correlated":
        return np.asarray(0.7**0.5 * v + 0.3**0.5 * rng.normal(size=(count, 1)))
    return np.asarray(v)
