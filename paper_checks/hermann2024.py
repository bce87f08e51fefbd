"""Hermann et al. (2024): networks lean on what is easily available, linear models do not."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ntkit.claims import All, Control, Identity, Ordering, Pairs, Paper, Sides, Trial
from ntkit.kernels import Dense, Relu, serial

paper = Paper(
    key="hermann2024",
    title="On the Foundations of Shortcut Learning",
    authors="Katherine L. Hermann, Hossein Mobahi, Thomas Fel, Michael C. Mozer",
    year=2024,
    arxiv="2310.16228",
)

Floats = Float[np.ndarray, "..."]

AMPLITUDES = (0.1, 0.3, 1.0, 3.0, 10.0)  # of the shortcut
AGREE = (0.85, 0.90)  # how often shortcut and core have the sign of the label
NOISE = 0.3  # added to features of size 1
SAMPLES, PROBES = 8, 100
RIDGE = 0.01  # in a control
NETWORK = serial(Dense(), Relu(), Dense(2**0.5))


@paper.claim(
    "availability",
    where="theory of two features, linear and ReLU; task, measure, number of samples and margin are ours",
    kind="reading",
    checked="memory",
    statement=r"x = (a s, c),\ s \text{ less predictive of the label than } c,\ 8 \text{ samples. Least squares: predictions "
    r"do not depend on } a. \text{ Interpolation with the tangent kernel of a ReLU network: the share } r(a) \text{ of probes "
    r"with } s c < 0 \text{ that are classified by } s \text{ rises with } a,\ r(10) - r(0.1) > 0.1",
    rule=All(
        linear=Identity(rtol=1e-9, atol=1e-9),  # rounding, times conditions below 1e5
        ends=Ordering(margin=0.1),
        rises=Ordering(margin=0.0),
    ),
    controls={
        "ridge": Control("the linear model with a ridge of 0.01, which shrinks small features", parts=("linear",)),
        "least-squares": Control("least squares in place of the tangent kernel", parts=("ends",)),
        "standardised": Control("features divided by their root mean squares", parts=("ends",)),
        "core": Control("the more predictive feature is the one amplified", parts=("ends", "rises")),
        "many-samples": Control("48 samples in place of 8", parts=("ends",)),
    },
)
def availability(trial: Trial) -> dict[str, Sides | Pairs]:
    """One hidden layer; s and c: the label's sign with probability 0.85 and 0.9, plus Gaussian noise of deviation 0.3.

    Least squares commutes with every scaling of the inputs: its predictions stay the same. The tangent kernel is one of
    angles, and few samples leave it a choice between functions of s and functions of c, which the scale decides. The predictor
    interpolates, so that scales alone are compared: under a given ridge an amplified feature also makes the kernel larger and
    the ridge weaker, and that by itself moves the shares.

    It is a claim about few samples. Labels that features contradict are fitted, too, and with many of them on all sides the
    choice is no longer the kernel's: 8 samples show a rise of a quarter, 48 one below 0.01 (a control).
    """
    draws = trial.repeats(quick=400, full=2000) // (4 if trial.control else 1)
    samples = 48 if trial.control == "many-samples" else SAMPLES
    random = trial.rng()
    labels = random.choice([-1.0, 1.0], (draws, samples, 1))
    signs = np.where(random.random((draws, samples, 2)) < AGREE, labels, -labels)
    points = signs + NOISE * random.normal(size=signs.shape)
    side = random.choice([-1.0, 1.0], (draws, PROBES, 1))
    probes = side * np.array([1.0, -1.0]) + NOISE * random.normal(size=(draws, PROBES, 2))
    linear, shares = [], []
    for amplitude in trial.progress(AMPLITUDES):
        scale = np.array([1.0, amplitude] if trial.control == "core" else [amplitude, 1.0])
        x, z = points * scale, probes * scale
        linear.append(_least_squares(x, labels, z, ridge=RIDGE if trial.control == "ridge" else 0.0))
        if trial.control == "standardised":
            size = np.sqrt((x**2).mean(axis=1, keepdims=True))
            x, z = x / size, z / size
        found = linear[-1] if trial.control == "least-squares" else _interpolation(x, labels, z)
        shares.append((found * side > 0).mean(axis=(1, 2)))
    share, plain = np.stack(shares, axis=1), linear[AMPLITUDES.index(1.0)]
    return {
        "linear": Sides(linear, [plain] * len(linear), x_label="prediction", y_label="prediction at a = 1"),
        "ends": Pairs(share[:, -1], share[:, 0], x_label="draw", y_label="share by the shortcut, a = 10 and 0.1"),
        "rises": Pairs(share[:, 1:], share[:, :-1], x_label="a = 0.3, 1, 3, 10", y_label="share by the shortcut"),
    }


def _least_squares(x: Floats, labels: Floats, z: Floats, ridge: float) -> Floats:
    """Predictions at z of linear models without a constant, one for each draw."""
    if ridge:
        covariance = x.transpose(0, 2, 1) @ x + ridge * np.eye(2)
        return np.asarray(z @ np.linalg.solve(covariance, x.transpose(0, 2, 1) @ labels))
    return np.asarray(z @ (np.linalg.pinv(x) @ labels))


def _interpolation(x: Floats, labels: Floats, z: Floats) -> Floats:
    """Predictions at z of the functions of least norm through all labels."""
    rows = np.asarray(_tangent(jnp.asarray(np.concatenate([x, z], axis=1)), jnp.asarray(x)))
    return np.asarray(rows[:, x.shape[1] :] @ np.linalg.solve(rows[:, : x.shape[1]], labels))


@jax.jit
@jax.vmap
def _tangent(x: jax.Array, z: jax.Array) -> jax.Array:
    return NETWORK.ntk(x, z)
