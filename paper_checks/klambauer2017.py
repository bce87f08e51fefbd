"""Klambauer, Unterthiner, Mayr, Hochreiter (2017): the activation SELU pulls means and variances to 0 and 1."""

import jax
import numpy as np
from _selu import ALPHA, SCALE, Floats, selu_moments

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="klambauer2017",
    title="Self-Normalizing Neural Networks",
    authors="Günter Klambauer, Thomas Unterthiner, Andreas Mayr, Sepp Hochreiter",
    year=2017,
    arxiv="1706.02515",
)

Range = tuple[float, float]

POINTS = (11, 11, 15, 7)  # of the grid over mu, omega, nu, tau
STEP = 1e-6  # of central differences: 1e-10 of rounding, 1e-12 of truncation


@paper.claim(
    "fixed-point-and-contraction",
    where="Theorems 1 to 3 (numbers from memory)",
    kind="theorem",
    checked="memory",
    statement=r"g: (\mu, \nu) \mapsto \text{mean and variance of } \mathrm{selu}(z),\ z \sim N(\mu\omega, \nu\tau):"
    r"\ g(0, 1) = (0, 1) \text{ at } \omega = 0, \tau = 1; \text{ on } |\mu|, |\omega| \le 0.1,\ 0.8 \le \nu \le 1.5,"
    r"\ 0.95 \le \tau \le 1.1 \text{ it contracts and stays inside; }"
    r"\text{variances in } [3, 16] \text{ shrink, in } [0.02, 0.16] \text{ grow}",
    # Moments carry a few epsilon, differences over 2e-6 some 1e-10. Jacobian: half a unit of the fifth decimal.
    rule=All(
        fixed=Identity(rtol=1e-12, atol=1e-12),
        jacobian=Identity(rtol=1e-12, atol=5e-6),
        contraction=Inequality(rtol=1e-9, tight=0.85),
        mean=Inequality(rtol=1e-9),
        variance=Inequality(rtol=1e-9, tight=0.95),
        shrinking=Inequality(rtol=1e-9),
        growing=Inequality(rtol=1e-9),
    ),
    controls={
        "two-decimals": Control("lambda = 1.05, alpha = 1.67", parts=("fixed",)),
        "elu": Control("alpha = 1, as in ELU", parts=("fixed", "jacobian")),
        "heavier-weights": Control("weights of variance tau up to 1.15 in place of 1.1", parts=("variance",)),
        "much-heavier-weights": Control("weights of variance tau up to 1.3 in place of 1.1", parts=("contraction", "variance")),
        "shrinking-from-two": Control("variances from 2 in place of 3 taken to shrink", parts=("shrinking",)),
        "growing-to-a-half": Control("variances up to 0.5 in place of 0.16 taken to grow", parts=("growing",)),
    },
)
def fixed_point_and_contraction(trial: Trial) -> dict[str, Sides | Bounds]:
    """Closed-form moments of SELU, and their derivatives by central differences, on a grid and at random points.

    Pre-activations are taken to be exactly normal; omega and tau are the sum and the sum of squares of a unit's weights. The
    largest singular value of the Jacobian in (mu, nu), below 1 on a convex domain, makes g a contraction in the Euclidean
    norm. The grid has 11 x 11 x 15 x 7 points with all corners, where the extremes lie; 20 000 random points are added.
    A grid is no proof.
    """
    scale, alpha = {"two-decimals": (1.05, 1.67), "elu": (SCALE, 1.0)}.get(trial.control or "", (SCALE, ALPHA))
    heaviest = {"heavier-weights": 1.15, "much-heavier-weights": 1.3}.get(trial.control or "", 1.1)
    shrinking = (2.0 if trial.control == "shrinking-from-two" else 3.0, 16.0)
    growing = (0.02, 0.5 if trial.control == "growing-to-a-half" else 0.16)

    def image(mu: Floats, omega: Floats, nu: Floats, tau: Floats) -> tuple[Floats, Floats]:
        return selu_moments(mu * omega, nu * tau, scale, alpha)

    def jacobian(mu: Floats, omega: Floats, nu: Floats, tau: Floats) -> Floats:
        columns = [
            np.stack(image(mu + a, omega, nu + b, tau)) - np.stack(image(mu - a, omega, nu - b, tau))
            for a, b in ((STEP, 0.0), (0.0, STEP))
        ]
        return np.moveaxis(np.stack(columns, axis=1), -1, 0) / (2 * STEP)

    centre = [np.array([value]) for value in (0.0, 0.0, 1.0, 1.0)]
    count = trial.scale(quick=20_000, full=200_000)
    narrow, keys = (-0.1, 0.1), jax.random.split(trial.key, 3)
    inside = _points(keys[0], (narrow, narrow, (0.8, 1.5), (0.95, heaviest)), count)
    high = _points(keys[1], ((-1.0, 1.0), narrow, shrinking, (0.8, 1.25)), count)
    low = _points(keys[2], (narrow, narrow, growing, (0.8, 1.25)), count)
    mean, variance = image(*inside)
    fixed = np.concatenate(image(*centre))
    singular = np.linalg.norm(jacobian(*inside), 2, axis=(1, 2))
    return {
        "fixed": Sides(fixed, [0.0, 1.0], x_label="g(0, 1)", y_label="(0, 1)"),
        "jacobian": Sides(jacobian(*centre).ravel(), [0.0, 0.08883, 0.0, 0.78265], x_label="entry", y_label="printed"),
        "contraction": Bounds(singular, upper=1.0, x_label="bound", y_label="largest singular value"),
        "mean": Bounds(mean, lower=-0.1, upper=0.1, x_label="point", y_label="new mean"),
        "variance": Bounds(variance, lower=0.8, upper=1.5, x_label="point", y_label="new variance"),
        "shrinking": Bounds(image(*high)[1], upper=high[2], x_label="variance", y_label="new variance"),
        "growing": Bounds(image(*low)[1], lower=low[2], x_label="variance", y_label="new variance"),
    }


def _points(key: jax.Array, box: tuple[Range, Range, Range, Range], count: int) -> list[Floats]:
    """A grid over a box of (mu, omega, nu, tau), corners included, and `count` random points of it: four columns."""
    grids = np.meshgrid(*[np.linspace(*ends, number) for ends, number in zip(box, POINTS, strict=True)], indexing="ij")
    random = np.asarray(jax.random.uniform(key, (4, count)))
    ends = zip(grids, random, box, strict=True)
    return [np.concatenate([grid.ravel(), low + (high - low) * share]) for grid, share, (low, high) in ends]
