"""Li, Xu, Taylor, Studer, Goldstein (NeurIPS 2018). Paths of training in a plane, and what skip connections change."""

from functools import partial
from math import log

import jax
import jax.numpy as jnp
import numpy as np
from _landscapes import batch_loss, digit_data, perceptron
from _skips import LOSSES, Params, moved, top_eigenvalues, trained
from jaxtyping import Array, Float

from ntkit.claims import All, Control, Identity, Ordering, Pairs, Paper, Sides, Trial
from ntkit.landscape import Descent, direction_pair, filter_normalized, slice_2d, train, trajectory

paper = Paper(
    key="li2018paths",
    title="Visualizing the Loss Landscape of Neural Nets",
    authors="Hao Li, Zheng Xu, Gavin Taylor, Christoph Studer, Tom Goldstein",
    year=2018,
    arxiv="1712.09913",
)

CHECKPOINTS, APART = 100, 20  # and steps between them
WALKS = 20  # random ones for each run
SHARE = 0.4  # of the variance, which the paper's figures exceed


@paper.claim(
    "pca-trajectory",
    where="optimisation trajectories: two principal components hold 40 to 90 % of the variation (numbers from memory)",
    kind="trend",
    checked="memory",
    statement=r"\text{of 100 checkpoints, PC1 and PC2 hold more of the variance than those of each of 20 random walks as long,}"
    r" \text{ and more than 0.4}",
    # Pilots: 0.98 against 0.77 for the largest of 20 walks, whose limit is 6 / pi^2 (1 + 1/4) = 0.76.
    rule=All(walks=Ordering(), share=Ordering()),
    controls={"points": Control("100 independent Gaussian points in the place of checkpoints", parts=("walks", "share"))},
)
def pca_trajectory(trial: Trial) -> dict[str, Pairs]:
    """Networks 64-32-10 of ReLUs on the digits, 2000 steps of stochastic gradient descent, rate 0.1, batches of 64, four runs.

    Components are those of the differences from the mean. That two of them hold more than 40 % says nothing by itself: the
    components of a random walk hold 6 / (pi k)^2 each as it gets long (Antognini and Sohl-Dickstein, 2018), which is why
    training is compared with walks. A walk itself, the null, is no control: it may lie above the largest of 20 others.
    """
    runs = trial.repeats(quick=4, full=20)
    x, labels = digit_data()
    data = (x.astype(jnp.float32), labels)
    rng = trial.rng()
    found, null = np.empty(runs), np.empty(runs)
    for run, key in enumerate(trial.progress(jax.random.split(trial.key, runs))):
        start = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), perceptron(key, (64, 32, 10)))
        size = sum(leaf.size for leaf in jax.tree.leaves(start))
        null[run] = max(_share(rng.normal(size=(CHECKPOINTS, size)).cumsum(axis=0)) for _ in range(WALKS))
        if trial.control is None:
            steps, loss = (CHECKPOINTS - 1) * APART, batch_loss(jax.nn.relu)
            points = train(loss, start, Descent(0.1), steps, data=data, batch=64, key=key, keep=APART).points
            found[run] = trajectory(points).shares[:2].sum()
        else:
            found[run] = _share(rng.normal(size=(CHECKPOINTS, size)))
    return {
        "walks": Pairs(found, null, x_label="run", y_label="share of two components: training, largest of 20 walks"),
        "share": Pairs(found, np.full(runs, SHARE), x_label="run", y_label="share of two components, and 0.4"),
    }


def _share(points: np.ndarray) -> float:
    return float(trajectory(jnp.asarray(points)).shares[:2].sum())


SHALLOW, DEEP = 2, 12
RADIUS, DIRECTIONS = 0.25, 6
POINTS, FEW, LARGEST = 13, 128, 10  # of the pictures: points on a side, digits, eigenvalues


@paper.claim(
    "skip-depth-sharpness",
    where="skip connections: without them landscapes of deep networks are chaotic, with them benign (thresholds ours)",
    kind="trend",
    checked="memory",
    statement=r"M = \text{mean of } L(\theta + 0.25\, D) \text{ over filter-normalised } D: \quad"
    r" M_{\text{plain}}(12) > 5 M_{\text{skip}}(12), \quad M_{\text{plain}}(12) > M_{\text{plain}}(2), \quad"
    r" M_{\text{skip}}(12) < 4 M_{\text{skip}}(2)",
    # Logarithms, over networks. Pilots: 6.4 to 7.9 against 0.28 to 0.46 at depth 12, 0.4 and 0.2 at depth 2. The pictures are
    # computed twice in float64; vectors of eigenvalues are found to 1e-4.
    rule=All(
        ratio=Ordering(margin=log(5)),
        deeper=Ordering(),
        flat=Ordering(margin=-log(4)),
        surface=Identity(rtol=1e-9),
        eigenvalues=Identity(rtol=1e-3),
    ),
    controls={
        "exchanged": Control("the two families exchanged", parts=("ratio", "flat")),
        "both-plain": Control("plain networks with another seed in the place of those with skips", parts=("ratio", "flat")),
        "falls": Control("plain networks are claimed to have the larger losses at depth 2", parts=("deeper",)),
    },
)
def skip_depth_sharpness(trial: Trial) -> dict[str, Pairs | Sides]:
    """Networks of width 32 with 2 and 12 square layers on the digits, 1000 steps of Adam, six of each, six directions each.

    Controls have three of each. Residual branches are multiplied by 0.5 / sqrt(depth), which is part of the effect. Deep
    networks end at losses below 0.03: none may exceed 0.2, which plain ones of 20 layers sometimes do. For the figure, one deep
    network of each family on the plane of two directions and its ten largest eigenvalues, on 128 digits; on the plane by
    `slice_2d` and point by point.
    """
    count = trial.repeats(quick=6 if trial.control is None else 3, full=12)
    x, labels = digit_data()
    keys = jax.random.split(trial.key, count)
    losses = np.empty((2, 2, count))  # family, depth, network
    example: dict[bool, Params] = {}
    for i, family, depth in trial.progress([(i, family, depth) for i in range(count) for family in (0, 1) for depth in (0, 1)]):
        skips = bool(family) != (trial.control == "exchanged") and trial.control != "both-plain"
        key = jax.random.fold_in(keys[i], family) if trial.control == "both-plain" else keys[i]
        params = trained(key, (SHALLOW, DEEP)[depth], skips)
        ways = [filter_normalized(one, params).tree for one in jax.random.split(key, DIRECTIONS)]
        ways = jax.tree.map(lambda *leaves: jnp.stack([jnp.zeros_like(leaves[0]), *leaves]), *ways)
        sizes = jnp.full(DIRECTIONS + 1, RADIUS, jnp.float32)
        found = np.asarray(moved(params, ways, sizes, (x.astype(jnp.float32), labels), skips))
        if not found[0] < 0.2:
            trial.unmet("a network's training loss is above 0.2")
        losses[family, depth, i] = np.log(found[1:].mean())
        if depth and not i:
            example[skips] = params
    (plain, plain_deep), (skip, skip_deep) = losses
    both = (plain_deep, plain) if trial.control != "falls" else (plain, plain_deep)
    surfaces, eigenvalues = _pictures(trial, example)
    return {
        "ratio": Pairs(plain_deep, skip_deep, x_label="network", y_label="log M at depth 12: plain, skips"),
        "deeper": Pairs(*both, x_label="network", y_label="log M of plain networks: depth 12, depth 2"),
        "flat": Pairs(skip, skip_deep, x_label="network", y_label="log M with skips: depth 2, depth 12"),
        "surface": Sides(*surfaces, x_label="family, point of the plane", y_label="loss"),
        "eigenvalues": Sides(*eigenvalues, x_label="family, number", y_label="eigenvalue, and |H v|"),
    }


def _pictures(trial: Trial, example: dict[bool, Params]) -> tuple[np.ndarray, np.ndarray]:
    """Planes, twice, and largest eigenvalues with |H v|, of the plain network and that with skips."""
    x, labels = digit_data()
    data = (x[:FEW], labels[:FEW])
    grid = np.linspace(-1, 1, POINTS)
    surfaces, eigenvalues = [], []
    for skips, params in sorted(example.items()):
        exact = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), params)
        pair = direction_pair(trial.key, exact)
        ways = jax.tree.map(lambda one, two: _combinations(grid, one, two), pair.first.tree, pair.second.tree)
        directly = moved(exact, ways, jnp.ones(POINTS**2), data, skips)
        plane = slice_2d(partial(LOSSES[skips], data=data), exact, pair.first, pair.second, grid, grid)
        surfaces.append((plane.values.ravel(), np.asarray(directly)))
        eigenvalues.append(top_eigenvalues(exact, data, skips, LARGEST, trial.rng()))
    return np.stack(surfaces, axis=1), np.stack(eigenvalues, axis=1)


def _combinations(grid: np.ndarray, first: Array, second: Array) -> Float[Array, "points ..."]:
    """Of two directions, at all points of a plane."""
    shares = (jnp.asarray(np.repeat(grid, len(grid))), jnp.asarray(np.tile(grid, len(grid))))
    one, two = (jnp.tensordot(share, way, axes=0) for share, way in zip(shares, (first, second), strict=True))
    return one + two
