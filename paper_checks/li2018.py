"""Li, Xu, Taylor, Studer, Goldstein (NeurIPS 2018). What do slices through the loss of a network show?"""

from functools import partial
from math import pi

import jax
import jax.numpy as jnp
import numpy as np
from _landscapes import Layers, cross_entropy, descended, digit_data, logits, matrix, normalised, perceptron
from scipy.special import gammaln

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Identity, Inequality, Paper, Series, Sides, Slope, Trial
from ntkit.landscape import filter_normalized, gaussian, layer_normalized, slice_1d

paper = Paper(
    key="li2018",
    title="Visualizing the Loss Landscape of Neural Nets",
    authors="Hao Li, Zheng Xu, Gavin Taylor, Christoph Studer, Tom Goldstein",
    year=2018,
    arxiv="1712.09913",
)

WIDTHS, RATE, STEPS = (64, 32, 32, 10), 0.1, 200
SCALES = (10.0, 0.01, 10.0)  # of the layers; their product is 1
SPREAD = 1.0  # standard deviation of the logarithms of the units' factors
GRID = np.linspace(-1, 1, 21)
NORMALIZED = {None: filter_normalized, "unnormalised": gaussian, "layer-normalised": layer_normalized}


@paper.claim(
    "filter-norm-invariance",
    where="filter-wise normalisation: it removes the scale invariance of networks from pictures (section number unconfirmed)",
    kind="reading",
    checked="memory",
    statement=r"f_{\theta'} = f_\theta \;\Rightarrow\; L(\theta + a D(\theta)) = L(\theta' + a D(\theta')),"
    r" \quad D(\theta)_f = d_f \frac{\|w_f\|}{\|d_f\|}",
    rule=Identity(rtol=1e-9),  # 21 sums over 1797 digits in float64, conditioned by factors up to e^3 of units
    recorded="refuted",
    because="in a ReLU network each unit may be scaled by a factor of its own, which the next layer takes back; then the "
    "weights that feed one unit of the next layer change unevenly, and a filter's norm does not tell by how much each",
    repaired="theta' scales whole layers of a ReLU network, with biases, or single filters before batch normalisation with the "
    "statistics of the batch",
    controls={
        "unnormalised": "the repaired rescalings, with Gaussian directions as they are",
        "layer-normalised": "filters before batch normalisation scaled, with directions normalised by layers, not filters",
    },
)
def filter_norm_invariance(trial: Trial) -> Sides:
    """Curves along a random direction before and after a rescaling that leaves the function as it is, relative to each other.

    Networks 64-32-32-10 on all digits after 200 steps of gradient descent, 21 points from -1 to 1; both directions are made
    from the same Gaussian numbers and are zero on biases. Factors of units are lognormal, those of layers 10, 1/100, 10. That
    the function stays as it is is checked first, to 1e-10 of the largest output.
    """
    x, labels = digit_data()
    normalise = NORMALIZED.get(trial.control, filter_normalized)
    cases = {None: ["units"], "layer-normalised": ["filters"]}.get(trial.control, ["layers", "filters"])
    before, after = [], []
    for key in trial.progress(jax.random.split(trial.key, trial.scale(quick=2, full=20))):
        for case in cases:
            hidden = batch_normalised if case == "filters" else jax.nn.relu
            network_key, scale_key, direction_key = jax.random.split(key, 3)
            params = descended(perceptron(network_key, WIDTHS), x, labels, hidden, RATE, STEPS)
            scaled = rescaled(params, case, np.random.default_rng(np.asarray(jax.random.key_data(scale_key))))
            outputs = [np.asarray(logits(one, x, hidden)) for one in (params, scaled)]
            if not np.abs(outputs[0] - outputs[1]).max() <= 1e-10 * np.abs(outputs[0]).max():
                trial.unmet("the rescaled network is another function")
            loss = partial(cross_entropy, x=x, labels=labels, hidden=hidden)
            curves = [slice_1d(loss, one, normalise(direction_key, one), GRID).values for one in (params, scaled)]
            before.append(curves[0])
            after.append(curves[1])
    return Sides(lhs=np.stack(before), rhs=np.stack(after), x_label="point of the grid", y_label="loss")


def batch_normalised(z: jax.Array) -> jax.Array:
    """Batch normalisation, then ReLU."""
    return jax.nn.relu(normalised(z))


def rescaled(layers: Layers, case: str, rng: np.random.Generator) -> Layers:
    """The same function with other weights.

    Args:
        layers: of a ReLU network, or one with batch normalisation.
        case: "layers": each scaled as a whole; "units": each hidden unit by a factor of its own, taken back in the next layer;
            "filters": each hidden unit likewise, not taken back, as batch normalisation does that.
        rng: of the units' factors.
    """
    factors = [np.exp(SPREAD * rng.normal(size=layer["bias"].size)) for layer in layers[:-1]] + [
        np.ones(layers[-1]["bias"].size)
    ]
    made, before = [], np.ones(layers[0]["weights"].shape[0])
    for layer, own, scale, past in zip(layers, factors, SCALES, np.cumprod(SCALES), strict=True):
        if case == "layers":
            made.append({"weights": scale * layer["weights"], "bias": past * layer["bias"]})
            continue
        back = before if case == "units" else np.ones_like(before)
        made.append({"weights": layer["weights"] * own[None] / back[:, None], "bias": layer["bias"] * own})
        before = own
    return made


SMALL = (16, 8, 10)  # 226 parameters: the Hessian is written down


@paper.claim(
    "slice-curvature-mean",
    where="convexity of projected surfaces: their curvatures are weighted averages of the full one's, with chi-square weights",
    kind="theorem",
    checked="memory",
    statement=r"\mathbb{E}\, \delta^\top H \delta = \mathrm{tr}\, H \ (\delta \sim N(0, I)), \quad"
    r" \mathbb{E}\, D^\top H D = \sum_f \frac{\|w_f\|^2}{n_f} \mathrm{tr}\, H_{ff}, \quad"
    r" \lambda_{\min}(H) \le \lambda(Q^\top H Q) \le \lambda_{\max}(H)",
    # 20,000 directions: relative standard errors of 0.3 to 0.7 %, intervals of 2 of them.
    rule=All(gaussian=Agreement(rtol=0.03), filtered=Agreement(rtol=0.03), interlacing=Inequality(rtol=1e-9, atol=1e-10)),
    controls={
        "norms-forgotten": Control("the mean along filter-normalised directions is the trace", parts=("filtered",)),
        "blocks-ignored": Control("it is the trace times the mean of |w_f|^2 / n_f", parts=("filtered",)),
        "not-normalised": Control("the two axes of a slice keep their Gaussian lengths", parts=("interlacing",)),
    },
)
def slice_curvature_mean(trial: Trial) -> dict[str, Estimates | Bounds]:
    """Curvatures along random directions of tanh networks, whose whole Hessian is known.

    Networks 16-8-10 on digits of 4 x 4 pixels after 200 steps of gradient descent. The second formula is ours: each part of a
    filter-normalised direction is uniform on a sphere of radius |w_f| in n_f dimensions, and parts are independent. A slice
    whose axes are orthonormal shows curvatures within the spectrum, so one that is not convex proves that the loss is not; one
    that looks convex proves nothing.
    """
    x, labels = digit_data(pooled=True)
    networks, count = trial.scale(quick=(1, 20_000), full=(3, 400_000))
    means: dict[str, list[tuple[float, float, float]]] = {"gaussian": [], "filtered": []}
    values, ends = [], []
    for key in trial.progress(jax.random.split(trial.key, networks)):
        network_key, direction_key, pair_key = jax.random.split(key, 3)
        params = descended(perceptron(network_key, SMALL), x, labels, jnp.tanh, RATE, STEPS)
        loss = partial(cross_entropy, x=x, labels=labels, hidden=jnp.tanh)
        hessian = matrix(jax.jit(jax.hessian(loss))(params), params)
        for name, make in (("gaussian", gaussian), ("filtered", filter_normalized)):
            keys = jax.random.split(jax.random.fold_in(direction_key, len(name)), count)
            trees = jax.jit(jax.vmap(lambda one, make=make, params=params: make(one, params).tree))(keys)
            rows = np.concatenate([np.asarray(leaf).reshape(count, -1) for leaf in jax.tree.leaves(trees)], axis=1)
            curvatures = np.einsum("ij,ij->i", rows @ hessian, rows)
            predicted = np.trace(hessian) if name == "gaussian" else filtered_mean(params, hessian, trial.control)
            means[name].append((curvatures.mean(), curvatures.std(ddof=1) / count**0.5, predicted))
        pairs = np.random.default_rng(np.asarray(jax.random.key_data(pair_key))).normal(size=(500, len(hessian), 2))
        if trial.control != "not-normalised":
            pairs = np.linalg.qr(pairs)[0]
        values.append(np.linalg.eigvalsh(np.swapaxes(pairs, 1, 2) @ hessian @ pairs))
        ends.append(np.linalg.eigvalsh(hessian)[[0, -1]])
    low, high = (np.asarray(ends)[:, i, None, None] for i in (0, 1))
    estimates = {
        name: Estimates(mean, stderr, predicted, repeats=count, x_label="network", y_label="mean curvature")
        for name, (mean, stderr, predicted) in ((name, np.asarray(found).T) for name, found in means.items())
    }
    slices = Bounds(np.stack(values), lower=low, upper=high, x_label="network", y_label="curvatures of a slice")
    return {**estimates, "interlacing": slices}


def filtered_mean(layers: Layers, hessian: np.ndarray, control: str | None) -> float:
    """The mean of the curvature along filter-normalised directions."""
    shares = []  # of each parameter's second derivative
    for leaf in jax.tree.leaves(layers):
        norms = np.asarray((leaf**2).sum(axis=0, keepdims=True)) / leaf.shape[0] if leaf.ndim > 1 else np.zeros(1)
        shares.append(np.broadcast_to(norms, leaf.shape).ravel())
    row = np.concatenate(shares)
    if control == "norms-forgotten":
        row = np.ones_like(row)
    if control == "blocks-ignored":
        row = np.full_like(row, row[row > 0].mean())
    return float(row @ np.diag(hessian))


DIMS = (10, 100, 1000, 10000)


@paper.claim(
    "random-cosine",
    where="random directions in high dimensions: the expected cosine is about sqrt(2 / (pi n))",
    kind="theorem",
    checked="memory",
    statement=r"\mathbb{E} |\cos(u, v)| = \frac{\Gamma(n/2)}{\sqrt{\pi}\, \Gamma((n+1)/2)} \sim \sqrt{\frac{2}{\pi n}},"
    r" \quad u, v \sim N(0, I_n)",
    # 450,000 pairs: a relative standard error of 0.11 %. The asymptotic form is 2.5 % off at n = 10.
    rule=All(law=Agreement(rtol=0.008), rate=Slope(tol=0.02)),
    controls={
        "asymptotic": Control("the asymptotic form at every n", parts=("law",)),
        "third": Control("a rate of -1/3", parts=("rate",)),
        "common-mean": "both vectors have a common mean of 1 in every coordinate",
    },
)
def random_cosine(trial: Trial) -> dict[str, Estimates | Series]:
    """Cosines between two sets of 150 Gaussian vectors, all pairs, in 20 blocks.

    Two cosines that share a vector are independent, as the law of a cosine is the same whatever one of the vectors is.
    """
    blocks, size = trial.repeats(quick=20, full=200), 150
    rng = trial.rng()
    mean = 1.0 if trial.control == "common-mean" else 0.0
    found = np.empty((blocks, len(DIMS)))
    for j, n in enumerate(DIMS):
        for i in trial.progress(range(blocks)):
            u, v = rng.normal(mean, 1.0, size=(2, size, n))
            lengths = np.linalg.norm(u, axis=1)[:, None] * np.linalg.norm(v, axis=1)
            found[i, j] = np.abs(u @ v.T / lengths).mean()
    dims = np.asarray(DIMS, float)
    law = np.exp(gammaln(dims / 2) - gammaln((dims + 1) / 2)) / pi**0.5
    if trial.control == "asymptotic":
        law = np.sqrt(2 / (pi * dims))
    rate = -1 / 3 if trial.control == "third" else -0.5
    return {
        "law": Estimates.from_samples(found, law, x_label="n = 10, 100, 1000, 10000", y_label="mean |cos|"),
        "rate": Series(dims, found, rate, x_label="dimension n", y_label="mean |cos|"),
    }
