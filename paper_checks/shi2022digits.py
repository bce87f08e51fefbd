"""Shi et al. (2022), second part: local Lipschitz constants of networks trained on digits."""

import jax
import jax.numpy as jnp
import numpy as np
from _lipschitz import Blunted, Floats, bounded, jacobians, points_in, stacked
from _lipschitz_digits import attacked, classifiers

from ntkit.claims import All, Bounds, Control, Counts, Inequality, Paper, Proportion, Series, Slope, Trial
from ntkit.lipschitz import Network, Sigmoid, Tanh, certified_radius, local_lipschitz

paper = Paper(
    key="shi2022digits",
    title="Efficiently Computing Local Lipschitz Constants of Neural Networks via Bound Propagation",
    authors="Zhouxing Shi, Yihan Wang, Huan Zhang, J. Zico Kolter, Cho-Jui Hsieh",
    year=2022,
    arxiv="2210.07394",
)

IMAGES = 40  # that are attacked, for each network


@paper.claim(
    "certificate-is-safe",
    where="in words: robustness from local constants; the margin form is standard",
    kind="corollary",
    checked="memory",
    statement=r"g_j = f_y - f_j,\ \epsilon\, \mathrm{LiRPA}(g_j; \epsilon) < g_j(x_0) \text{ for all } j \Rightarrow "
    r"\text{ no } x \text{ with } \|x - x_0\|_\infty \le \epsilon \text{ has another class than } y",
    rule=All(
        inside=Inequality(),
        power=Proportion(at_least=0.5),  # of attacks at 4 times the radius: else they would show nothing
    ),
    controls={
        "gradient": Control("the norm of the derivative at the centre in place of the bound", parts=("inside",)),
    },
)
def certificate_is_safe(trial: Trial) -> dict[str, Bounds | Counts]:
    """A network 64-16-16-10 trained on digits (full: 8), 40 new images each that it classifies rightly; `certified_radius`.

    Attacks: 16 random starts, 25 steps of a sixth of the radius along the sign of the margin's derivative. `inside`: the least
    margin that they find on certified balls. `power`: how often the class is changed on balls of 4 times the radius. Radii are
    rounded outward in the full tier only, since that takes long to compile.
    """
    nets = trial.repeats(quick=1, full=8)
    found = classifiers(trial, nets)
    arithmetic = trial.scale(quick="float64", full="float64+outward")
    inside, broken, rng = [], 0, trial.rng()
    for number in trial.progress(range(nets)):
        net = stacked(found.layers).network(number)
        own = [(weights[[number]], biases[[number]]) for weights, biases in found.layers]
        x0 = found.images[np.flatnonzero(found.right[number])[:IMAGES]]
        safe = certified_radius(net, x0, arithmetic=arithmetic)  # type: ignore[arg-type]
        radius = _linear_radii(net, x0) if trial.control == "gradient" else safe.radius
        inside.append(attacked(own, x0, safe.label, radius, rng))
        broken += int((attacked(own, x0, safe.label, 4 * radius, rng) < 0).sum())
    return {
        "inside": Bounds(np.stack(inside), lower=0.0, x_label="image", y_label="least margin found"),
        "power": Counts(broken, nets * IMAGES, x_label="images", y_label="classes changed at 4 times the radius"),
    }


def _linear_radii(net: Network, x0: Floats) -> Floats:
    """Where the class would change if the network were linear."""
    values, slopes = np.asarray(net(jnp.asarray(x0))), np.asarray(jax.vmap(net.jacobian)(jnp.asarray(x0)))
    each, label = np.arange(len(values)), values.argmax(axis=1)
    margins = values[each, label][:, None] - values
    norms = np.abs(slopes[each, label][:, None] - slopes).sum(axis=-1)
    return np.asarray(np.divide(margins, norms, out=np.full(margins.shape, np.inf), where=norms > 0).min(axis=1))


SMOOTH = {"tanh": Tanh(), "sigmoid": Sigmoid()}
CASES = 3  # images for each network
SIZES = (0.01, 0.05, 0.1, 0.25)  # radii; pixels are from 0 to 1
TINY = np.array([1e-5, 1e-4, 1e-3])


@paper.claim(
    "smooth-activations",
    where="not in the main text, which is on ReLU: ours",
    kind="derived",
    checked="memory",
    statement=r"s \in [\min_{[l, u]} \sigma', \max_{[l, u]} \sigma'],\ h = s v \text{ between the chords of } \max(s v) "
    r"\text{ and } \min(s v): \text{ the bound holds for tanh and the logistic function, is no more than IBP's, and exceeds } "
    r"\|J_c(x_0)\|_1 \text{ by } O(\epsilon)",
    rule=All(
        sound=Inequality(),
        ibp=Inequality(strict=(0.01, 0.5)),
        centre=Slope(tol=0.2),
    ),
    controls={
        "blunted": Control("tanh, whose derivative is said to peak at 0.5", parts=("sound",)),
        "frozen": Control("the derivatives at the centre on the whole ball", parts=("sound",)),
    },
)
def smooth_activations(trial: Trial) -> dict[str, Bounds | Series]:
    """4 networks 64-16-16-10 trained on digits for each activation (full: 20), 3 new images each, 4 radii from 0.01 to 0.25.

    `sound`: the largest row norm at 200 points of each ball, its centre among them. `ibp`: with the same bounds of z. `centre`:
    the bound minus the norm at the centre, mean over rows, at radii from 10^-5 to 10^-3.
    """
    nets = trial.repeats(quick=4, full=20)
    rng = np.random.default_rng(trial.rng().integers(2**32))
    seen, bound, wide, gaps = [], [], [], []
    for name, activation in SMOOTH.items():
        found = classifiers(trial, nets, name)
        layers = [(np.repeat(weights, CASES, axis=0), np.repeat(biases, CASES, axis=0)) for weights, biases in found.layers]
        x0 = found.images[rng.integers(0, len(found.images), nets * CASES)]
        net = stacked(layers, activation)
        known = stacked(layers, Blunted()) if trial.control == "blunted" and name == "tanh" else net
        at = np.abs(jacobians(net, x0[:, None])[:, 0]).sum(axis=-1)
        for size in SIZES:
            radius = np.full(len(x0), size)
            points = points_in(rng, x0, radius, 200)
            points[:, 0] = x0
            seen.append(np.abs(jacobians(net, points)).sum(axis=-1).max(axis=1))
            bound.append(bounded(known, x0, radius * (trial.control != "frozen")).norm)
            wide.append(bounded(net, x0, radius, "ibp").norm)
        gaps.append(np.stack([(bounded(net, x0, np.full(len(x0), size)).norm - at).mean(axis=1) for size in TINY], axis=1))
    return {
        "sound": Bounds(np.stack(seen), upper=np.stack(bound), x_label="bound", y_label="attained"),
        "ibp": Bounds(np.stack(bound), upper=np.stack(wide), x_label="IBP", y_label="LiRPA"),
        "centre": Series(TINY, np.concatenate(gaps), 1.0, "geometric", x_label="radius", y_label="bound minus norm at centre"),
    }


@paper.claim(
    "tightness-grows-with-eps",
    where="experiments, in words",
    kind="trend",
    checked="memory",
    statement=r"\text{trained ReLU networks: the median of } \mathrm{LiRPA}(\epsilon) / \max_x \|J_c(x)\|_1 \text{ rises "
    r"with } \epsilon, \text{ and that of IBP throughout over LiRPA is } 1.1 \text{ at least}",
    rule=All(rising=Inequality(), ibp=Inequality()),
    controls={"norm-product": Control("the product of norms in place of LiRPA", parts=("rising",))},
)
def tightness_grows_with_eps(trial: Trial) -> dict[str, Bounds]:
    """A network 64-16-16-10 trained on digits (full: 10), 4 new images each, radii 0.01 to 0.25; the largest of all rows.

    What is attained comes from branch and bound for the largest row, 600 parts for the 4 images of a network: exact at 0.01 and
    mostly at 0.05, a lower bound beyond, where the true ratios are smaller.
    """
    nets = trial.repeats(quick=1, full=10)
    found, rng = classifiers(trial, nets), np.random.default_rng(trial.rng().integers(2**32))
    ratios, gains = [], []
    for number in trial.progress(range(nets)):
        net, x0 = stacked(found.layers).network(number), found.images[rng.integers(0, len(found.images), 4)]
        for size in SIZES:
            best = local_lipschitz(net, x0, size, method="bab", closing="value", arithmetic="float64", nodes=600)
            lirpa = local_lipschitz(net, x0, size, arithmetic="float64").value
            ibp = local_lipschitz(net, x0, size, method="ibp", forward="ibp", arithmetic="float64").value
            top = local_lipschitz(net, x0, size, method="product").value if trial.control == "norm-product" else lirpa
            ratios.append(top / best.lower.max(axis=1))
            gains.append(ibp / lirpa)
    medians, gain = (np.median(np.reshape(rows, (nets, len(SIZES), 4)), axis=(0, 2)) for rows in (ratios, gains))
    return {
        "rising": Bounds(medians[:-1], upper=medians[1:], x_label="median ratio at the next radius", y_label="median ratio"),
        "ibp": Bounds(gain, lower=1.1, x_label="radius", y_label="median of IBP / LiRPA"),
    }
