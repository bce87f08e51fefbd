"""Adilova, Andriushchenko, Kamp, Fischer, Jaggi (2024). Are two networks connected one layer at a time?"""

from collections.abc import Callable
from itertools import pairwise
from math import log

import jax
import jax.numpy as jnp
import numpy as np
from _landscapes import batch_loss, digit_data, perceptron
from numpy.typing import NDArray

from ntkit.claims import Bounds, Inequality, Ordering, Pairs, Paper, Trial
from ntkit.landscape import Adam, train

paper = Paper(
    key="adilova2024",
    title="Layer-wise Linear Mode Connectivity",
    authors="Linara Adilova, Maksym Andriushchenko, Michael Kamp, Asja Fischer, Martin Jaggi",
    year=2024,
    arxiv="2307.06966",
)

Floats = NDArray[np.float64]


@paper.claim(
    "layerwise-convexity",
    where="deep linear example (theorem number unconfirmed)",
    kind="theorem",
    checked="memory",
    statement=r"L(W_1, \dots, (1 - a) W_l + a V_l, \dots, W_D) \le (1 - a) L(W) + a L(W \text{ with } V_l)"
    r" \text{ for linear layers and a convex loss}",
    rule=Inequality(rtol=1e-9, atol=1e-12),  # sums of at most a few hundred float64 products
    controls={
        "all-at-once": "all layers move together",
        "relu": "ReLUs between the layers, and any layer but the last",
    },
)
def layerwise_convexity(trial: Trial) -> Bounds:
    """Squared losses of random networks with 2 to 4 linear layers of 1 to 5 units, each layer in turn, at random a.

    The loss is convex in each layer by itself, and so it is in the last layer of any network; in all together it is not.
    """
    rng = trial.rng()
    between, chords = [], []
    for _ in trial.progress(range(trial.scale(quick=1000, full=20_000))):
        sizes = rng.integers(1, 6, rng.integers(3, 6))
        first, second = ([rng.normal(size=shape) for shape in pairwise(sizes)] for _ in range(2))
        x, y, a = rng.normal(size=(6, sizes[0])), rng.normal(size=(6, sizes[-1])), rng.uniform()
        hidden = (lambda z: np.maximum(z, 0)) if trial.control == "relu" else (lambda z: z)
        layers = range(len(first) - (trial.control == "relu"))
        for moving in [list(range(len(first)))] if trial.control == "all-at-once" else [[layer] for layer in layers]:
            ends = [
                [other if layer in moving else own for layer, (own, other) in enumerate(zip(first, second, strict=True))]
                for second in (first, second)
            ]
            middle = [(1 - a) * one + a * two for one, two in zip(*ends, strict=True)]
            losses = [((_through(net, x, hidden) - y) ** 2).mean() for net in (*ends, middle)]
            chords.append((1 - a) * losses[0] + a * losses[1])
            between.append(losses[2])
    return Bounds(np.array(between), upper=np.array(chords), x_label="chord", y_label="loss between")


def _through(layers: list[Floats], x: Floats, hidden: Callable[[Floats], Floats]) -> Floats:
    for weights in layers[:-1]:
        x = hidden(x @ weights)
    return x @ layers[-1]


@paper.claim(
    "layerwise-barrier",
    where="experiments: averaging one layer of two networks, against averaging all; thresholds and sizes ours",
    kind="trend",
    checked="memory",
    statement=r"L\left(\tfrac12 (W_l + V_l), \text{ other layers of } W\right) - \tfrac12 (L(W) + L(V)) \text{ is, for every}"
    r" \text{ layer } l, \text{ below half of what averaging all layers gives, at width 512}",
    # Logarithms of ratios. Pilots at width 512: 0.12 to 0.23 for the first layer, 0.03 to 0.06 for others; 0.7 at width 32.
    rule=Ordering(margin=log(2)),
    controls={"all-but-one": "all layers but one are averaged"},
)
def layerwise_barrier(trial: Trial) -> Pairs:
    """Networks 64-512-512-512-10 of ReLUs, trained independently on the digits: 200 steps of Adam, rate 1e-3, batches of 64.

    Five pairs, of controls three; each network in turn keeps its other layers. At the midpoint, above the mean of both
    models' losses. Against the chord of its own ends a layer has no barrier at all, for one of the ends, the first network with
    a foreign layer, has a loss of 3 to 7; that says nothing. At width 32 the first layer's barrier is three quarters of the
    whole one's: the claim is of wide networks.
    """
    pairs = trial.repeats(quick=5 if trial.control is None else 3, full=10)
    width = trial.scale(quick=512, full=1024)
    x, labels = digit_data()
    data = (x.astype(jnp.float32), labels)
    loss = jax.jit(batch_loss(jax.nn.relu))
    single, whole = np.empty((pairs, 4)), np.empty((pairs, 4))
    for row, key in enumerate(trial.progress(jax.random.split(trial.key, pairs))):
        ends = []
        for one in jax.random.split(key):
            start = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), perceptron(one, (64, width, width, width, 10)))
            ends.append(train(batch_loss(jax.nn.relu), start, Adam(1e-3), 200, data=data, batch=64, key=one).params)
        chord = float(loss(ends[0], data) + loss(ends[1], data)) / 2
        middles = [jax.tree.map(lambda one, two: (one + two) / 2, *both) for both in zip(*ends, strict=True)]
        for layer in range(4):
            averaged = {0, 1, 2, 3} - {layer} if trial.control == "all-but-one" else {layer}
            rises = []
            for end in ends:  # either of the two keeps its other layers
                mixed = [middle if i in averaged else own for i, (middle, own) in enumerate(zip(middles, end, strict=True))]
                rises.append(np.log(float(loss(mixed, data)) - chord))
            single[row, layer] = np.mean(rises)
        whole[row] = np.log(float(loss(middles, data)) - chord)
    return Pairs(whole, single, x_label="layer", y_label="log rise of the loss, all layers and one")
