"""Abad Rocamora, Liu, Chrysos, Olmos, Cevher (2024): the error of linear interpolation in a ball, as a regulariser."""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Series, Sides, Slope, Trial

paper = Paper(
    key="abadrocamora2024",
    title="Efficient local linearity regularization to overcome catastrophic overfitting",
    authors="Elias Abad Rocamora, Fanghui Liu, Grigorios G. Chrysos, Pablo M. Olmos, Volkan Cevher",
    year=2024,
    arxiv="2401.11618",
)

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Function = Callable[[Floats], Floats]

WIDTH = 32
TRIPLETS = 2000
SIZES = (1, 2, 3, 4, 6)  # of inputs
WITHIN = (0.5, 0.9, 0.999)  # radii, in units of the distance to the nearest kink
BEYOND = (1.5, 2.0, 4.0)
# Three values of a sum of WIDTH terms, each of a sum of at most 6: 3 (WIDTH + 8) units of rounding are 1.3e-14 of its scale.
ROUNDING = 2e-14
SEEN = 1000 * ROUNDING  # an error that is none of rounding
RADII = (0.01, 0.02, 0.04, 0.08)


class Net(NamedTuple):
    """x -> a . s(w x + b)."""

    w: Floats
    b: Floats
    a: Floats


@paper.claim(
    "zero-iff-affine",
    where="definition of the error, as in the authors' code; the radius is ours",
    kind="derived",
    checked="code",
    statement=r"E(h, x, \epsilon) = \mathbb{E} (h(x_c) - (1 - \alpha) h(x_a) - \alpha h(x_b))^2, "
    r"\ x_c = (1 - \alpha) x_a + \alpha x_b \text{ in } \| x - \cdot \|_\infty \le \epsilon: "
    r"\text{ for } h = \sum_i a_i \max(z_i, 0), \ z = W x + b, "
    r"\text{ in general position, } E = 0 \iff \epsilon \le \min_i \frac{|z_i|}{\| w_i \|_1}",
    rule=All(inside=Inequality(rtol=0, atol=ROUNDING), beyond=Inequality()),
    controls={
        "euclidean-distance": Control("the distance to the nearest kink in the 2-norm, |z| / ||w||_2", parts=("inside",)),
        "tanh": Control("tanh in place of max(z, 0)", parts=("inside",)),
        "second-kink": Control("the distance to the second nearest kink", parts=("inside",)),
        "opposite-pair": Control(
            "the nearest kink taken back by a unit of opposite w, b and a, which leaves z", parts=("beyond",)
        ),
    },
)
def zero_iff_affine(trial: Trial) -> dict[str, Bounds]:
    """One hidden layer of 32 units, 1, 2, 3, 4 and 6 inputs, 8 networks of each (full: 80); 2000 triplets for each radius.

    Both directions need an error of one triplet only, so the largest is taken, in units of the sum of |a_i| (||w_i||_1
    (||x||_inf + eps) + |b_i|), which no value exceeds. `inside`: at 0.5, 0.9 and 0.999 of the radius it is rounding. `beyond`:
    at 1.5, 2 and 4 radii it is at least a thousand times that; nearer to the radius the corner of the ball that the kink cuts
    off is too small for 2000 triplets to find. In general position no two kinks are one, as those of the control
    `opposite-pair` are: a kink that meets the ball is then not enough.
    """
    random = trial.rng()
    count = trial.scale(quick=8, full=80)
    inside: list[float] = []
    beyond: list[float] = []
    for d, _ in trial.progress(list(product(SIZES, range(count)))):
        net, x = _network(random, d), random.normal(size=d)
        distances = _kink_distances(net, x, order=2 if trial.control == "euclidean-distance" else 1)
        radius = np.partition(distances, 1)[1 if trial.control == "second-kink" else 0]
        if trial.control == "opposite-pair":
            net = _with_opposite(net, int(distances.argmin()))
        activation = np.tanh if trial.control == "tanh" else relu
        corners, alpha = random.uniform(-1, 1, (2, TRIPLETS, d)), random.uniform(size=TRIPLETS)
        for found, factors in ((inside, WITHIN), (beyond, BEYOND)):
            for factor in factors:
                eps = factor * radius
                scale = np.abs(net.a) @ (np.abs(net.w).sum(axis=1) * (np.abs(x).max() + eps) + np.abs(net.b))
                errors = interpolation_errors(lambda y: value(net, y, activation), x + eps * corners, alpha)  # noqa: B023
                found.append(np.abs(errors).max() / scale)
    labels = {"y_label": "largest error, over the scale of h"}
    return {
        "inside": Bounds(np.reshape(inside, (-1, len(WITHIN))), upper=0.0, x_label="network, radius", **labels),
        "beyond": Bounds(np.reshape(beyond, (-1, len(BEYOND))), lower=SEEN, x_label="network, radius", **labels),
    }


@paper.claim(
    "curvature-closed-form",
    where="abstract: the error is linked to the curvature of the loss; closed form and exponents are ours",
    kind="derived",
    checked="code",
    statement=r"h = \frac{1}{2} x^T H x + g^T x + c: \ E(h, x, \epsilon) = E_H(\epsilon) = \frac{\epsilon^4}{120} "
    r"\left( \frac{4}{9} ((\operatorname{tr} H)^2 + 2 \| H \|_F^2) - \frac{4}{15} \sum_i H_{ii}^2 \right); \ h \in C^4: \ "
    r"E(h, x, \epsilon) = E_H(\epsilon) + O(\epsilon^6), \ H = \nabla^2 h(x); \ "
    r"h \text{ positively homogeneous about } x: \ E \propto \epsilon^2",
    rule=All(
        quadratic=Identity(rtol=1e-11),  # of squares of differences of values that cancel to about 1e-2 of their size
        # Of next order: terms are smaller by 2 to 10 eps^2, so that slopes between 0.01 and 0.08 are off by up to 0.02.
        rate=Slope(tol=0.05),
        excess=Slope(tol=0.15),
        kink=Slope(tol=1e-6),
    ),
    controls={
        "fourth-moment": Control("without the term of H_ii^2, as if the differences were Gaussian", parts=("quadratic",)),
        "fixed-middle": Control("alpha = 1/2 in place of uniform", parts=("quadratic",)),
        "euclidean-ball": Control("points in the ball of the 2-norm", parts=("quadratic",)),
        "hessian-at-a-corner": Control("the Hessian at x + eps 1 in place of x", parts=("excess",)),
        "kink": Control("kinks through x in place of a smooth function", parts=("rate",)),
        "rounded-kink": Control("log(1 + exp(20 z)) / 20 in place of max(z, 0)", parts=("kink",)),
    },
)
def curvature_closed_form(trial: Trial) -> dict[str, Sides | Series]:
    """Expectations by Gauss-Legendre nodes, exact for polynomials, in place of the sampled triplets of training.

    The error of a quadratic is alpha (1 - alpha) d^T H d / 2 with d = x_b - x_a. E alpha^2 (1 - alpha)^2 = 1/30, and entries of
    d / eps are independent with E t^2 = 2/3 and E t^4 = 16/15, less than the 4/3 of a Gaussian; the rest is Wick's formula with
    that difference. Odd orders of a smooth h cancel, as the ball is symmetric about x.

    `quadratic`: 3 nodes for each coordinate and alpha, 1 to 3 inputs (full: 4), 10 matrices of each. `rate` and `excess`: 12
    tanh networks with 2 inputs and 32 units (full: 240), 5 nodes, radii 0.01 to 0.08; the mean of E over networks and the root
    mean square of E - E_H, whose slopes are 4 and 6; no network's ratio E / E_H, since E_H may happen to be small. Nothing but
    the networks is random, so that slopes have no interval. `kink`: the same with sums of kinks through x, where nodes are no
    longer exact, but a sum over them is homogeneous all the same, so that its slope is 2 up to rounding. The paper's h is the
    loss of an example; of the loss only smoothness matters here.
    """
    random = trial.rng()
    left, right = [], []
    sizes = range(1, trial.scale(quick=3, full=4) + 1)
    for d, _ in product(sizes, range(10)):
        found, predicted = _quadratic(random, d, trial.control)
        left.append(found)
        right.append(predicted)
    count = trial.scale(quick=12, full=240)
    errors, excess, kinks = (np.empty((count, len(RADII))) for _ in range(3))
    points, alpha, weight = nodes(2, 5)
    sharp = _softplus if trial.control == "rounded-kink" else relu
    for i in trial.progress(range(count)):
        net, x = _network(random, 2), random.normal(size=2)
        through = net._replace(b=-net.w @ x)  # all kinks at x
        smooth, s = (through, relu) if trial.control == "kink" else (net, np.tanh)
        for j, eps in enumerate(RADII):
            at = x + eps if trial.control == "hessian-at-a-corner" else x
            errors[i, j] = weight @ interpolation_errors(lambda y: value(smooth, y, s), x + eps * points, alpha) ** 2  # noqa: B023
            excess[i, j] = errors[i, j] - closed_form(_hessian(net, at), eps)
            kinks[i, j] = weight @ interpolation_errors(lambda y: value(through, y, sharp), x + eps * points, alpha) ** 2  # noqa: B023
    return {
        "quadratic": Sides(left, right, x_label="error over nodes", y_label="closed form"),
        "rate": Series(RADII, errors.mean(axis=0), 4.0, x_label="radius eps", y_label="E of a smooth h"),
        "excess": Series(RADII, np.sqrt((excess**2).mean(axis=0)), 6.0, x_label="radius eps", y_label="E - E_H"),
        "kink": Series(RADII, kinks.mean(axis=0), 2.0, x_label="radius eps", y_label="E at a kink"),
    }


def interpolation_errors(h: Function, ends: Floats, alpha: Floats) -> Floats:
    """h(x_c) - (1 - alpha) h(x_a) - alpha h(x_b) for ends x_a, x_b of shape (2, n, d) and alpha of shape (n,); shape (n,)."""
    a, b = ends
    middle = (1 - alpha)[:, None] * a + alpha[:, None] * b
    return np.asarray(h(middle) - (1 - alpha) * h(a) - alpha * h(b))


def closed_form(hessian: Floats, eps: float) -> float:
    """The mean square error of x^T H x / 2 in the ball of radius eps of the maximum norm."""
    trace, square, diagonal = np.trace(hessian), (hessian**2).sum(), (np.diag(hessian) ** 2).sum()
    return float(eps**4 / 120 * (4 / 9 * (trace**2 + 2 * square) - 4 / 15 * diagonal))


def nodes(d: int, order: int) -> tuple[Floats, Floats, Floats]:
    """Gauss-Legendre nodes of x_a and x_b in the unit ball, (2, n, d), of alpha, (n,), and weights of sum 1, (n,)."""
    x, w = np.polynomial.legendre.leggauss(order)
    axes = np.meshgrid(*[x] * (2 * d + 1), indexing="ij")
    weights = np.prod(np.meshgrid(*[w / 2] * (2 * d + 1), indexing="ij"), axis=0).ravel()
    flat = np.stack([axis.ravel() for axis in axes], axis=-1)
    ends = np.moveaxis(flat[:, :-1].reshape(-1, 2, d), 1, 0)
    return ends, (flat[:, -1] + 1) / 2, weights


def value(net: Net, x: Floats, activation: Function) -> Floats:
    """The network at x, shape (n, d); shape (n,)."""
    return np.asarray(activation(x @ net.w.T + net.b) @ net.a)


def relu(z: Floats) -> Floats:
    """max(z, 0)."""
    return np.maximum(z, 0)


def _softplus(z: Floats) -> Floats:
    return np.logaddexp(0, 20 * z) / 20


def _network(random: np.random.Generator, d: int) -> Net:
    return Net(random.normal(size=(WIDTH, d)), random.normal(size=WIDTH), random.normal(size=WIDTH) / WIDTH**0.5)


def _kink_distances(net: Net, x: Floats, order: int) -> Floats:
    """Distance of x to each kink in the maximum norm (order 1, its dual), or in the Euclidean norm (order 2)."""
    return np.asarray(np.abs(net.w @ x + net.b) / np.linalg.norm(net.w, order, axis=1))


def _with_opposite(net: Net, unit: int) -> Net:
    """One unit more: a max(z, 0) - a max(-z, 0) = a z."""
    w, b, a = net.w[unit], net.b[unit], net.a[unit]
    return Net(np.vstack([net.w, -w]), np.append(net.b, -b), np.append(net.a, -a))


def _hessian(net: Net, x: Floats) -> Floats:
    """Of the tanh network at x."""
    t = np.tanh(net.w @ x + net.b)
    return np.asarray(net.w.T @ ((net.a * -2 * t * (1 - t**2))[:, None] * net.w))


def _quadratic(random: np.random.Generator, d: int, control: str | None) -> tuple[float, float]:
    """The mean square error of a random quadratic about a random point, over nodes, and its closed form."""
    square, slope, x, eps = random.normal(size=(d, d)), random.normal(size=d), random.normal(size=d), random.uniform(0.1, 1)
    hessian = (square + square.T) / 2
    ends, alpha, weight = nodes(d, 3)
    if control == "fixed-middle":
        alpha = np.full_like(alpha, 0.5)
    if control == "euclidean-ball":
        ends = ends / np.maximum(1, np.linalg.norm(ends, axis=-1, keepdims=True))

    def h(y: Floats) -> Floats:
        return np.asarray(((y @ hessian) * y).sum(axis=-1) / 2 + y @ slope)

    found = float(weight @ interpolation_errors(h, x + eps * ends, alpha) ** 2)
    predicted = closed_form(hessian, eps)
    if control == "fourth-moment":
        predicted += eps**4 / 120 * 4 / 15 * float((np.diag(hessian) ** 2).sum())
    return found, predicted
