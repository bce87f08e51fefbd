"""Arora, Khandeparkar, Khodak, Plevrakis, Saunshi (2019): a low contrastive loss means that class means classify well."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import Bounds, Control, Inequality, Paper, Trial

paper = Paper(
    key="arora2019",
    title="A Theoretical Analysis of Contrastive Unsupervised Representation Learning",
    authors="Sanjeev Arora, Hrishikesh Khandeparkar, Mikhail Khodak, Orestis Plevrakis, Nikunj Saunshi",
    year=2019,
    arxiv="1902.09229",
)

Floats = NDArray[np.float64]
Loss = Callable[[Floats], Floats]


def hinge(z: Floats) -> Floats:
    """max(0, 1 - z)."""
    return np.maximum(0.0, 1 - z)


def logistic(z: Floats) -> Floats:
    """log_2(1 + exp(-z)), which is 1 at 0."""
    return np.asarray(np.logaddexp(0.0, -z) / np.log(2))


LOSSES: dict[str | None, tuple[Loss, Loss]] = {
    None: (hinge, logistic),
    "natural-logarithm": (hinge, lambda z: np.logaddexp(0.0, -z)),
    "not-convex": (lambda z: np.minimum(hinge(z), 1.5), logistic),
}


@paper.claim(
    "contrastive-bound",
    where="bound of the mean classifier's loss by the contrastive one, one negative (lemma number from memory)",
    kind="theorem",
    checked="memory",
    statement=r"L^\mu_{sup}(f) \le \frac{L_{un}(f) - \tau}{1 - \tau} \text{ for every } f, \quad \tau = \sum_c \rho_c^2, \quad "
    r"L_{un} = \mathbb{E}\, l(f(x) \cdot (f(x^+) - f(x^-))), \quad L^\mu_{sup} = \mathbb{E}_{c \ne c'}\, "
    r"\mathbb{E}_{x \sim D_c}\, l(f(x) \cdot (\mu_c - \mu_{c'})), \quad l \text{ convex}, l(0) = 1",
    # Sums of at most 216 terms, divided by 1 - tau, above 0.05: rounding of 1e-13, relative to the larger of loss and tau.
    rule=Inequality(rtol=1e-11, atol=1e-11, tight=1 - 1e-9),
    controls={
        "undivided": "the bound without the factor 1 / (1 - tau)",
        "natural-logarithm": "the logistic loss with the natural logarithm, which is not 1 at 0",
        "not-convex": "the hinge loss cut off at 3/2, which is not convex",
        "any-two-classes": Control("both classes drawn independently for the supervised loss, in place of two different ones"),
    },
)
def contrastive_bound(trial: Trial) -> Bounds:
    """Every expectation as a sum, for random class probabilities, distributions over 6 points and representations in R^3.

    500 (20,000) problems with 2 to 5 classes, hinge and logistic loss by turns, representations of size 0.1 to 10. x and x+ are
    of one class, x- of an independent one, the same with probability tau. By Jensen's inequality the mean over x+ and x- may be
    taken inside the loss: that leaves 1 - tau times the supervised loss, and tau l(0). One problem in five has classes of a
    single point, where equality holds.
    """
    rng = trial.rng()
    losses = LOSSES.get(trial.control, LOSSES[None])
    supervised, bounds = [], []
    for case in trial.progress(range(trial.scale(quick=500, full=20_000))):
        rho, points, f = random_problem(rng, single=case % 5 == 0)
        loss, tau = losses[case % 2], float((rho**2).sum())
        distinct = trial.control != "any-two-classes"
        supervised.append(mean_classifier_loss(rho, points, f, loss, distinct))
        gap = contrastive_loss(rho, points, f, loss) - tau
        bounds.append(gap if trial.control == "undivided" else gap / (1 - tau))
    return Bounds(supervised, upper=bounds, x_label="(L_un - tau) / (1 - tau)", y_label="loss of the mean classifier")


def random_problem(rng: np.random.Generator, single: bool) -> tuple[Floats, Floats, Floats]:
    """Class probabilities (c,), distributions of classes over points (c, 6), representations of points (6, 3)."""
    classes = int(rng.integers(2, 6))
    # No class has nearly all the weight, so that 1 - tau stays away from 0.
    rho = 0.8 * rng.dirichlet(np.ones(classes)) + 0.2 / classes
    points = rng.dirichlet(np.full(6, 10 ** rng.uniform(-1, 1)), classes)
    if single:
        points = np.eye(6)[rng.integers(0, 6, classes)]
    return rho, points, 10 ** rng.uniform(-1, 1) * rng.normal(size=(6, 3))


def contrastive_loss(rho: Floats, points: Floats, f: Floats, loss: Loss) -> float:
    """The mean over x, x+ of one class and x- of an independent one."""
    products = f @ f.T
    values = loss(products[:, :, None] - products[:, None, :])
    positive = np.einsum("c,ca,cb->ab", rho, points, points)
    return float(np.einsum("ab,d,abd->", positive, rho @ points, values))


def mean_classifier_loss(rho: Floats, points: Floats, f: Floats, loss: Loss, distinct: bool = True) -> float:
    """The mean over x of a class c and another class c', given that they differ, of the loss of f(x) . (mu_c - mu_c')."""
    scores = f @ (points @ f).T  # (point, class)
    values = np.einsum("ca,acd->cd", points, loss(scores[:, :, None] - scores[:, None, :]))
    weights = np.outer(rho, rho)
    if distinct:
        np.fill_diagonal(weights, 0.0)
    return float((weights * values).sum() / weights.sum())
