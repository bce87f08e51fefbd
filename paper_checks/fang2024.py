"""Fang, Buchanan, Sulam (2024): gradients of convex networks as proximal operators, and the loss that finds the right one."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from _proximal_training import GAMMAS, NODES, train
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from ntkit.claims import All, Bounds, Control, Exact, Identity, Inequality, Integers, Paper, Series, Sides, Slope, Trial

paper = Paper(
    key="fang2024",
    title="What's in a Prior? Learned Proximal Networks for Inverse Problems",
    authors="Zhenghan Fang, Sam Buchanan, Jeremias Sulam",
    year=2024,
    arxiv="2310.14344",
)

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

INPUTS, WIDTH = 4, 16
CURVATURE = 0.1  # of the quadratic term of a network
BISECTION = 1e-13  # of numbers up to 24 to rounding
COMPLEX_STEP = 1e-30  # of derivatives without cancellation
# Sums of 16 and 4 terms three layers deep, in units of the sum of the absolute terms.
ROUNDING = 1e-13


class Network(NamedTuple):
    """psi(y) = c . s(A s(w y + b) + v y + d) + a |y|^2 / 2 with s(z) = log(1 + e^z), A and c not negative.

    `back` takes the place of w in the gradient: a network whose forward and backward weights are tied has back = w.
    """

    w: Array
    b: Array
    A: Array
    v: Array
    d: Array
    c: Array
    back: Array


@paper.claim(
    "gradient-of-convex-is-prox",
    where="learned proximal networks are exact proximal operators, by the theorem of Gribonval and Nikolova (2020)",
    kind="theorem",
    checked="memory",
    statement=r"\psi \text{ convex}, f = \nabla \psi, \ R(f(y)) = \langle y, f(y) \rangle - \frac{1}{2} \| f(y) \|^2 - "
    r"\psi(y): \ f(y) \text{ minimises } \frac{1}{2} \| y - z \|^2 + R(z) \text{ over } z \text{ in the range of } f; \ "
    r"\psi(y) - \psi(z) - \langle f(z), y - z \rangle \ge \frac{a}{2} \| y - z \|^2, \ \nabla f = \nabla f^T \ge a",
    rule=All(
        prox=Exact(),
        gap=Inequality(rtol=0, atol=ROUNDING),
        symmetric=Identity(rtol=0, atol=ROUNDING),
        positive=Inequality(rtol=0, atol=1e-12),  # of eigenvalues of order 100
    ),
    controls={
        "one-negative-unit": Control("the outgoing weights of one hidden unit of the other sign", parts=("positive",)),
        "even-activation": Control("s(z) + s(-z) in the second layer, convex but not monotone", parts=("positive",)),
        "saturating-activation": Control(
            "1 / (1 + e^-z) in the second layer, monotone but not convex", parts=("gap", "positive")
        ),
        "untied": Control("a first weight matrix of its own in f", parts=("prox", "gap", "symmetric")),
        "half-forgotten": Control("R without its term |f(y)|^2 / 2", parts=("prox",)),
    },
)
def gradient_of_convex_is_prox(trial: Trial) -> dict[str, Integers | Bounds | Sides]:
    """Two layers of 16 units, 4 inputs, a = 0.1; 20 random networks (full: 200), 60 Gaussian points of scale 2 for each.

    `prox`: of the values of f at all points, that at y has the least |y - z|^2 / 2 + R(z). `gap`: all pairs of points, in units
    of the terms of the difference; it is what `prox` comes to, with the curvature a. `symmetric`, `positive`: Jacobians of f by
    complex steps, hence to rounding. f is written down, not differentiated from psi, so that the gap ties the two. First
    weights may have any sign, the later ones not. R need not be convex: f may expand.
    """
    random = trial.rng()
    chosen, differences, floors, left, right, eigenvalues = [], [], [], [], [], []
    for _ in trial.progress(range(trial.scale(quick=20, full=200))):
        net = _network(random, trial.control)
        y = 2 * random.normal(size=(60, INPUTS))
        potential, f = psi(net, y, trial.control), gradient(net, y, trial.control)
        penalty = (y * f).sum(axis=1) - potential - (0.0 if trial.control == "half-forgotten" else 0.5) * (f**2).sum(axis=1)
        objective = ((y[:, None] - f) ** 2).sum(axis=-1) / 2 + penalty
        chosen.append(objective.argmin(axis=1))
        apart = y[:, None] - y
        linear = (f * apart).sum(axis=-1)
        scale = np.abs(potential[:, None]) + np.abs(potential) + np.abs(linear)
        differences.append((potential[:, None] - potential - linear) / scale)
        floors.append(CURVATURE / 2 * (apart**2).sum(axis=-1) / scale)
        jacobian = jacobians(net, y, trial.control)
        size = np.linalg.norm(jacobian, axis=(1, 2), keepdims=True)
        left.append(jacobian / size)
        right.append(jacobian.swapaxes(1, 2) / size)
        eigenvalues.append(np.linalg.eigvalsh((jacobian + jacobian.swapaxes(1, 2)) / 2)[:, 0])
    own = np.broadcast_to(np.arange(60), np.shape(chosen))
    return {
        "prox": Integers(np.stack(chosen), own, x_label="point", y_label="point whose f is the minimiser"),
        "gap": Bounds(
            np.stack(differences), lower=np.stack(floors), x_label="a |y - z|^2 / 2, scaled", y_label="gap of convexity"
        ),
        "symmetric": Sides(np.stack(left), np.stack(right), x_label="Jacobian, scaled", y_label="its transpose"),
        "positive": Bounds(
            np.stack(eigenvalues), lower=CURVATURE, x_label="network, point", y_label="least eigenvalue of the Jacobian"
        ),
    }


@paper.claim(
    "proximal-matching-limit",
    where="proximal matching, as in the authors' code; rates are ours",
    kind="derived",
    checked="code",
    statement=r"y = x + \sigma n,\ x \text{ Laplace of scale } b,\ c_\gamma(y) = \operatorname{argmax}_c "
    r"\mathbb{E} (e^{-(c - x)^2 / \gamma^2} \mid y),\ \tau = \frac{\gamma}{\sqrt{2}},\ \lambda = \frac{\sigma^2}{b}: \ "
    r"c_\gamma \to S_\lambda(y) = \operatorname{sign}(y) \max(|y| - \lambda, 0) "
    r"\text{ uniformly}; \ "
    r"\sup_y |c_\gamma - S_\lambda| \le \tau t,\ \frac{\Phi(-t)}{t} = \frac{\tau b}{2 \sigma^2}, "
    r"\text{ reached at } |y| = \lambda; \ "
    r"|y| < \lambda: \ c_\gamma = \tau \Phi^{-1} \left( \frac{1}{2} + \frac{y}{2 \lambda} \right) + O(\tau^2); \ "
    r"|y| > \lambda: \text{ exponentially small in } \tau^{-2}",
    rule=All(
        uniform=Inequality(tight=0.999),
        below=Slope(tol=0.1),  # of next order tau, up to a tenth of it at the largest gamma
        beyond=Inequality(),
    ),
    controls={
        "mean": Control("the posterior mean, of the square loss", parts=("uniform", "below", "beyond")),
        "median": Control("the posterior median, of the absolute loss", parts=("uniform", "below", "beyond")),
        "wide-kernel": Control("exp(-(c - x)^2 / 2 gamma^2)", parts=("uniform", "below")),
        "standard-deviation": Control("the threshold sigma / b", parts=("uniform", "beyond")),
        "exact-below": Control("no error for |y| < lambda either", parts=("below",)),
    },
)
def proximal_matching_limit(trial: Trial) -> dict[str, Bounds | Series]:
    """Four priors and noise levels (full: 40), 61 values of y up to 3 lambda; gamma = 2^-4 to 2^-12 of the smallest length.

    Times the prior, the likelihood is two halves of Gaussians with means y -+ lambda, and so is its convolution with the kernel
    N(0, tau^2), but for smooth edges: c_gamma is the root of its derivative, by bisection, without a grid. Around a kink of the
    log density with slopes p and -q, which is where x = 0 for |y| < lambda, the root has Phi(c / tau) = p / (p + q). At |y| =
    lambda one slope is 0, and the curvature 1 / sigma^2 of that side decides: hence t, which grows as sqrt(2 log(1 / tau)).
    For |y| > lambda the mode of a Gaussian convolved with a Gaussian stays, and the missing half moves it by no more than
    sqrt(e / 2 pi) S^(3/2) / (sigma tau) exp(-m^2 / 2 v^2), m = |y| - lambda, S = sigma^2 + tau^2, v = sigma tau / sqrt(S),
    where that is at most sqrt(S).

    `uniform`: every y and gamma; that the largest error is below tau t, and not only of its order, is measured. `below`: of
    c_gamma / tau minus its limit, the root mean square over |y| = 0.1, 0.3 and 0.6 lambda and cases, over gamma. `beyond`: y
    from 1.05 lambda, against that bound or 1e-13, the larger.
    """
    random = trial.rng()
    reach = 2.0 ** np.arange(-12, -3)
    found, limits, far, moved = [], [], [], []
    errors = np.empty((trial.scale(quick=4, full=40), len(reach), 3))
    for case in trial.progress(errors):
        sigma, b = random.uniform(0.5, 2.0, 2)
        threshold = sigma**2 / b
        y = threshold * np.linspace(0, 3, 61)  # 1 among them
        assumed = sigma / b if trial.control == "standard-deviation" else threshold
        soft = np.maximum(y - assumed, 0)
        inner = np.array([0.1, 0.3, 0.6])
        for i, gamma in enumerate(reach * min(sigma, b, threshold)):
            tau = gamma / 2**0.5
            kernel = gamma if trial.control == "wide-kernel" else tau
            error = np.abs(_estimate(y, sigma, b, kernel, trial.control) - soft)
            found.append(error)
            limits.append([tau * edge(tau * b / (2 * sigma**2))])
            far.append(error[y > 1.05 * threshold])
            moved.append(_far_bound(y[y > 1.05 * threshold] - threshold, sigma, tau))
            law = 0.0 if trial.control == "exact-below" else ndtri((1 + inner) / 2)
            case[i] = _estimate(inner * threshold, sigma, b, kernel, trial.control) / tau - law
    distance, bound = np.concatenate(far), np.concatenate(moved)
    valid = np.isfinite(bound)
    return {
        "uniform": Bounds(np.stack(found), upper=limits, x_label="tau t", y_label="error over y"),
        "below": Series(
            reach, np.sqrt((errors**2).mean(axis=(0, 2))), 1.0, x_label="gamma, scaled", y_label="c / tau minus its limit"
        ),
        "beyond": Bounds(
            distance[valid], upper=np.maximum(bound[valid], BISECTION), x_label="bound", y_label="error for |y| > lambda"
        ),
    }


@paper.claim(
    "proximal-matching-trained",
    where="proximal matching with gamma ramped down in stages, as in the authors' code; bounds are ours",
    kind="reading",
    checked="code",
    statement=r"\text{a monotone network } f \text{ of one input, trained on } \mathbb{E} (1 - e^{-(f(y) - x)^2 / \gamma^2}) "
    r"\text{ with } \gamma = 2, 1, \dots, \frac{1}{8} \text{ in turn}: "
    r"\ |f - c_\gamma| \le \frac{\gamma}{10} \text{ after each "
    r"stage, so that } |f - S_\lambda| \le \tau t + \frac{\gamma}{10}",
    rule=All(stages=Inequality(), soft=Inequality(tight=0.8)),
    controls={
        "square-loss": "the square loss at every stage",
        "stage-behind": Control("f after the stage before", parts=("stages",)),
        "noise-misjudged": Control("trained with noise 10 % larger", parts=("stages", "soft")),
    },
)
def proximal_matching_trained(trial: Trial) -> dict[str, Bounds]:
    """Six priors of scale 0.7 to 1.5 (full: 60), noise 1, 32 sigmoids of positive height; 800 steps of Adam at each stage.

    f is the derivative of a convex network with one hidden layer, hence a proximal operator. The loss is exact, a sum over 81
    values of y with the weight p(y), where the authors sample x and y; what is trained is thus limited by descent and by the 32
    sigmoids alone. y up to 3. `stages`: a tenth of gamma is asked, pilots reach 0.04 gamma. `soft`: with the bound of
    `proximal-matching-limit`, which it must come near to. That stages are needed is not claimed: with the exact loss and one
    input, training at the last gamma alone reaches 0.05 gamma. Controls take a third of the priors.
    """
    random = trial.rng()
    inside = np.abs(NODES) <= 3
    y, gammas = NODES[inside], np.array(GAMMAS)
    distance, error, limit = [], [], []
    keys = jax.random.split(trial.key, trial.scale(quick=6, full=60) // (3 if trial.control else 1))
    for key, b in trial.progress(list(zip(keys, random.uniform(0.7, 1.5, len(keys)), strict=True))):
        sigma = 1.1 if trial.control == "noise-misjudged" else 1.0
        mean = posterior_mean(NODES, sigma, b)
        found = train(key, *map(jnp.asarray, (sigma, b, mean, trial.control == "square-loss")))
        f = np.asarray(found)[:, inside]
        if trial.control == "stage-behind":
            f = np.vstack([f[:1], f[:-1]])
        distance.append(np.abs(f - np.stack([matched(y, 1.0, b, gamma / 2**0.5) for gamma in gammas])))
        error.append(np.abs(f - np.sign(y) * np.maximum(np.abs(y) - 1 / b, 0)))
        limit.append([gamma / 2**0.5 * edge(gamma / 2**0.5 * b / 2) for gamma in gammas])
    tenth = gammas[:, None] / 10
    return {
        "stages": Bounds(np.stack(distance), upper=tenth, x_label="gamma / 10", y_label="|f - c_gamma|"),
        "soft": Bounds(
            np.stack(error), upper=np.array(limit)[..., None] + tenth, x_label="tau t + gamma / 10", y_label="|f - S_lambda|"
        ),
    }


def softplus(z: Array) -> Array:
    """log(1 + e^z), for complex arguments near the real line, too."""
    positive = z.real > 0
    return np.asarray(np.log1p(np.exp(np.where(positive, -z, z))) + np.where(positive, z, 0))


def sigmoid(z: Array) -> Array:
    """The derivative of softplus."""
    return np.asarray(1 / (1 + np.exp(-z)))


def psi(net: Network, y: Array, control: str | None = None) -> Array:
    """The potential at y, shape (n, 4); shape (n,)."""
    return np.asarray(_second(_inner(net, y), control) @ net.c + CURVATURE / 2 * (y**2).sum(axis=-1))


def gradient(net: Network, y: Array, control: str | None = None) -> Array:
    """The learned proximal network f at y, shape (n, 4), by the chain rule; same shape."""
    outer = net.c * _second_slope(_inner(net, y), control)
    first = sigmoid(y @ net.w.T + net.b) * (outer @ net.A)
    return np.asarray(first @ net.back + outer @ net.v + CURVATURE * y)


def jacobians(net: Network, y: Array, control: str | None = None) -> Array:
    """Of f at y by complex steps, shape (n, 4, 4)."""
    steps = 1j * COMPLEX_STEP * np.eye(INPUTS)
    columns = [gradient(net, y + step, control).imag / COMPLEX_STEP for step in steps]
    return np.stack(columns, axis=-1)


def matched(y: Array, sigma: float, b: float, tau: float) -> Array:
    """The maximiser over c of the posterior density of a Laplace prior, convolved with N(0, tau^2): it lies between 0 and y."""
    low, high = np.minimum(y, 0.0), np.maximum(y, 0.0)
    for _ in range(60):
        middle = (low + high) / 2
        up = _derivative(middle, y, sigma, b, tau) > 0
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return np.asarray((low + high) / 2)


def edge(ratio: float) -> float:
    """The t with Phi(-t) / t = ratio."""
    return float(brentq(lambda t: ndtr(-t) / t - ratio, 1e-9, 30.0, xtol=1e-14))


def _inner(net: Network, y: Array) -> Array:
    return np.asarray(softplus(y @ net.w.T + net.b) @ net.A.T + y @ net.v.T + net.d)


def _second(z: Array, control: str | None) -> Array:
    if control == "even-activation":
        return softplus(z) + softplus(-z)
    return sigmoid(z) if control == "saturating-activation" else softplus(z)


def _second_slope(z: Array, control: str | None) -> Array:
    slope = sigmoid(z)
    if control == "even-activation":
        return slope - sigmoid(-z)
    return slope * (1 - slope) if control == "saturating-activation" else slope


def _network(random: np.random.Generator, control: str | None) -> Network:
    w, v = random.normal(size=(2, WIDTH, INPUTS))
    b, d = random.normal(size=(2, WIDTH))
    hidden, c = np.abs(random.normal(size=(WIDTH, WIDTH))) / WIDTH**0.5, np.abs(random.normal(size=WIDTH))
    d = d - 2 * hidden.sum(axis=1)  # about their means: units of the second layer see both signs
    if control == "one-negative-unit":
        hidden[:, 0] *= -1
    back = random.normal(size=(WIDTH, INPUTS)) if control == "untied" else w
    return Network(w, b, hidden, v, d, c, back)


def _estimate(y: Array, sigma: float, b: float, tau: float, control: str | None) -> Array:
    if control == "mean":
        return posterior_mean(y, sigma, b)
    if control == "median":
        return _posterior_median(y, sigma, b)
    return matched(y, sigma, b, tau)


def _halves(y: Array, sigma: float, b: float) -> tuple[Array, Array, Array]:
    """Means of the two half Gaussians of the posterior, shape (2, n), their signs and their weights, as masses of both."""
    sign = np.array([[1.0], [-1.0]])
    mean = y - sign * sigma**2 / b
    log_weight = mean**2 / (2 * sigma**2)
    return mean, sign, np.asarray(np.exp(log_weight - log_weight.max(axis=0)))


def posterior_mean(y: Array, sigma: float, b: float) -> Array:
    """E(x | y) under the Laplace prior."""
    mean, sign, weight = _halves(y, sigma, b)
    mass = weight * ndtr(sign * mean / sigma)
    first = weight * sign * sigma * np.exp(-((mean / sigma) ** 2) / 2) / (2 * np.pi) ** 0.5
    return np.asarray((mass * mean + first).sum(axis=0) / mass.sum(axis=0))


def _posterior_median(y: Array, sigma: float, b: float) -> Array:
    mean, sign, weight = _halves(y, sigma, b)
    mass = weight * ndtr(sign * mean / sigma)
    half = mass.sum(axis=0) / 2
    above = mass[0] >= half  # the median lies where x > 0
    tail = np.where(above, half / weight[0], half / weight[1])  # the part of a whole Gaussian beyond it, or before it
    return np.asarray(np.where(above, mean[0] - sigma * ndtri(tail), mean[1] + sigma * ndtri(tail)))


def _derivative(c: Array, y: Array, sigma: float, b: float, tau: float) -> Array:
    """Of the convolved posterior density at c, up to a positive factor."""
    spread = sigma**2 + tau**2
    width = sigma * tau / spread**0.5
    mean, sign, _ = _halves(y, sigma, b)
    log_weight = mean**2 / (2 * sigma**2) - (c - mean) ** 2 / (2 * spread)
    place = (c * sigma**2 + mean * tau**2) / (spread * width)
    bell = np.exp(-(place**2) / 2) / (2 * np.pi) ** 0.5
    slope = -(c - mean) / spread * ndtr(sign * place) + sign * bell * sigma**2 / (spread * width)
    return np.asarray((np.exp(log_weight - log_weight.max(axis=0)) * slope).sum(axis=0))


def _far_bound(m: Array, sigma: float, tau: float) -> Array:
    """How far the missing half moves the mode, m beyond the threshold; infinite where the argument says nothing."""
    spread = sigma**2 + tau**2
    width = sigma * tau / spread**0.5
    bound = (np.e / (2 * np.pi)) ** 0.5 * spread**1.5 / (sigma * tau) * np.exp(-((m / width) ** 2) / 2)
    return np.asarray(np.where(bound <= spread**0.5, bound, np.inf))
