"""Noci, Meterez, Hofmann, Orvieto (2024): how does the sharpness of wide networks change in training?"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from _parametrizations import Floats, generator, outputs, start
from jaxtyping import Array, Float

from ntkit.claims import All, Control, Ordering, Pairs, Paper, Series, Slope, Trial
from ntkit.kernels import Dense, Elementwise, serial

paper = Paper(
    key="noci2024",
    title="Super Consistency of Neural Network Landscapes and Learning Rate Transfer",
    authors="Lorenzo Noci, Alexandru Meterez, Thomas Hofmann, Antonio Orvieto",
    year=2024,
    arxiv="2402.17457",
)

DIM, POINTS, RATE, STEPS = 5, 8, 0.05, 40
INITIALISATIONS, DATA_SETS = 3, 8  # data sets at a time, the one number of networks for which gradients are compiled
LANCZOS, DIFFERENCE = 20, 1e-5
NET = serial(Dense(DIM**0.5), Elementwise(jnp.tanh), Dense())  # NTK parametrisation: w of both layers from N(0, 1)


@paper.claim(
    "sharpness-invariance",
    where="abstract: sharpness under maximal update is consistent over widths; in the NTK regime learning ceases to change it",
    kind="reading",
    checked="secondary",
    statement=r"\left| \frac{\eta \lambda_{\max}(H_T)}{\eta \lambda_{\max}(H_0)} - 1 \right| \to"
    r" \begin{cases} 0 & \text{NTK parametrisation} \\ c > 0 & \text{maximal update} \end{cases}"
    r" \quad (n \to \infty, \ T \text{ fixed})",
    # 0.3 and -0.35 were set in a pilot of other code. Standard errors of slopes of 32 data sets: 0.06 (difference), 0.04
    # (others); slopes under maximal update were -0.07 on average, see below for why they are not quite 0.
    rule=All(difference=Ordering(margin=0.3), ntk=Slope(tol=(None, 0.15)), mup=Slope(tol=0.3)),
    controls={
        "swapped": "the two parametrisations exchanged",
        "standard": Control(
            "standard parametrisation with learning rate 1/n in place of maximal update", parts=("difference", "mup")
        ),
        "unscaled-rate": Control(
            "the outputs of maximal update, but a learning rate that lacks its factor n", parts=("difference", "mup")
        ),
    },
)
def sharpness_invariance(trial: Trial) -> dict[str, Pairs | Series]:
    r"""Relative change of the sharpness in 40 steps of gradient descent, over widths; data are the same at all widths.

    One hidden tanh layer; f is the difference of two networks that start equal, so that f(0) = 0. Full batch, loss
    1/(2N) sum (f - y)^2 over N = 8 Gaussian inputs in dimension 5 with random labels +-2. H is the Hessian in the coordinates
    in which gradient descent has one learning rate, so that learning rate times sharpness compares parametrisations. Per data
    set, the change is averaged over three initialisations; `difference` is, per data set, its slope over log n under maximal
    update minus that in NTK parametrisation.

    Largest eigenvalues come from 20 Lanczos steps on differences of gradients; their error is far below the spread over
    initialisations.

    The sharpness itself depends on the width under maximal update as long as residuals are large: its eigenvector then belongs
    to residual times second derivative, which acts on every neuron by itself, and the maximum over neurons with Gaussian
    weights grows like sqrt(log n). In a pilot it began at 4.1, 5.3 and 6.3 for n = 64, 256 and 1024, and the Gauss-Newton part
    at 1.1 to 1.2; after 400 steps, with small residuals, it was 2.8, 2.8 and 2.7. The rule therefore judges changes only.
    """
    widths = trial.scale(quick=[64, 128, 256, 512, 1024], full=[64, 128, 256, 512, 1024, 2048])
    second = {"standard": "standard", "unscaled-rate": "unscaled-rate"}.get(trial.control or "", "mup")
    share = {None: 1, "unscaled-rate": 2}.get(trial.control, 4)  # of the data sets; the near control needs more of them
    chunks = trial.repeats(quick=4, full=20) // share
    found: dict[str, list[Floats]] = {"ntk": [], second: []}
    for random in trial.progress(generator(trial.key).spawn(chunks)):
        x = random.standard_normal((DATA_SETS, POINTS, DIM)).repeat(INITIALISATIONS, 0)
        y = 2 * np.sign(random.standard_normal((DATA_SETS, POINTS))).repeat(INITIALISATIONS, 0)
        for name, changes in found.items():
            changes.append(np.stack([_changes(random, x, y, width, name, trial) for width in widths], axis=1))
    ntk, mup = (np.concatenate(changes) for changes in found.values())
    if trial.control == "swapped":
        ntk, mup = mup, ntk
    slopes = [np.polyfit(np.log(widths), np.log(changes).T, 1)[0] for changes in (mup, ntk)]
    curve = partial(Series, x=widths, reduce="geometric", x_label="width n", y_label="relative change of the sharpness")
    return {
        "difference": Pairs(*slopes, x_label="", y_label="slope of the change of sharpness over width"),
        "ntk": curve(y=ntk, expected=-0.5),
        "mup": curve(y=mup, expected=0.0),
    }


def _changes(random: np.random.Generator, x: Floats, y: Floats, width: int, parametrization: str, trial: Trial) -> Floats:
    """|sharpness(T) / sharpness(0) - 1| for each data set, averaged over its initialisations."""
    named = "mup" if parametrization == "unscaled-rate" else parametrization
    weights, scales = start(random, NET, DIM, width, named, len(x))
    half = np.concatenate([w.reshape(len(x), -1) for w in weights], axis=1)
    now = np.concatenate([half, half], axis=1)
    rate = RATE if parametrization == named and named != "standard" else RATE / width

    def gradient(now: Floats) -> Floats:
        return np.asarray(_gradients(now, scales, x, y, width))

    before = _sharpness(gradient, now)
    for _ in range(STEPS):
        now = now - rate * gradient(now)
    after = _sharpness(gradient, now)
    if rate * max(before.max(), after.max()) >= 2:
        trial.unmet("the learning rate exceeds 2 / sharpness: gradient descent is not stable")
    return np.asarray(np.abs(after / before - 1).reshape(DATA_SETS, INITIALISATIONS).mean(1))


@partial(jax.jit, static_argnames="width")
def _gradients(
    flat: Float[Array, "networks p"],
    scales: list[Float[Array, ""]],
    x: Float[Array, "networks n d"],
    y: Float[Array, "networks n"],
    width: int,
) -> Float[Array, "networks p"]:
    def loss(flat: Array, x: Array, y: Array) -> Array:
        halves = [[half[: DIM * width].reshape(DIM, width), half[DIM * width :, None]] for half in jnp.split(flat, 2)]
        plus, minus = (outputs(NET, weights, scales, x) for weights in halves)
        return jnp.mean((plus - minus - y) ** 2) / 2

    return jnp.asarray(jax.vmap(jax.grad(loss))(flat, x, y))


def _sharpness(gradient: Callable[[Floats], Floats], at: Floats) -> Floats:
    """The largest eigenvalue of each network's Hessian, by Lanczos' method from the gradient on."""
    now, last, beta = gradient(at), np.zeros_like(at), np.zeros((len(at), 1))
    now = now / np.linalg.norm(now, axis=1, keepdims=True)
    matrix = np.zeros((len(at), LANCZOS, LANCZOS))
    for i in range(LANCZOS):
        product = (gradient(at + DIFFERENCE * now) - gradient(at - DIFFERENCE * now)) / (2 * DIFFERENCE)
        alpha = (product * now).sum(1, keepdims=True)
        product -= alpha * now + beta * last
        matrix[:, i, i] = alpha[:, 0]
        beta = np.linalg.norm(product, axis=1, keepdims=True)
        if i + 1 < LANCZOS:
            matrix[:, i, i + 1] = matrix[:, i + 1, i] = beta[:, 0]
        last, now = now, product / beta
    return np.asarray(np.linalg.eigvalsh(matrix)[:, -1])
