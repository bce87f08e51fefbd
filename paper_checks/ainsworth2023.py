"""Ainsworth, Hayase, Srinivasa (2023). Are two networks connected once their units are put in the same order?"""

from collections.abc import Sequence
from itertools import pairwise, permutations
from math import log
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _landscapes import Layers, batch_loss, digit_data, perceptron
from jaxtyping import Array, Float
from numpy.typing import NDArray

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Ordering, Pairs, Paper, Sides, Trial
from ntkit.landscape import Adam, chain, match, permuted, train

paper = Paper(
    key="ainsworth2023",
    title="Git Re-Basin: Merging Models modulo Permutation Symmetries",
    authors="Samuel K. Ainsworth, Jonathan Hayase, Siddhartha Srinivasa",
    year=2023,
    arxiv="2209.04836",
)

Floats = NDArray[np.float64]


@paper.claim(
    "permutation-exact",
    where="section on permutation symmetries, and the algorithm that matches weights by coordinate descent",
    kind="theorem",
    checked="code",
    statement=r"f_{\pi(\theta)} = f_\theta; \quad \langle \theta_A, \pi(\theta_B) \rangle \text{ never falls under linear"
    r" assignments of one layer}, \text{ which for one hidden layer reach the maximum over all } \pi",
    # Sums of at most 64 products in float64, relative to their scale.
    rule=All(
        function=Identity(rtol=0.0, atol=1e-10),
        steps=Inequality(rtol=0.0, atol=1e-9),
        best=Identity(rtol=1e-10),
        fixed=Identity(rtol=1e-10),
    ),
    controls={
        "outgoing-only": Control("only the weights that leave the units are permuted", parts=("function",)),
        "greedy": Control("the largest gains are taken first, in place of the best assignment", parts=("best",)),
    },
)
def permutation_exact(trial: Trial) -> dict[str, Sides | Bounds]:
    """Random ReLU networks with one to four hidden layers of 2 to 32 units; all permutations of up to 6 units tried.

    `function`: outputs before and after a random permutation, relative to the largest. `steps`: gains of single assignments
    between independent networks. `best`: one hidden layer against all permutations. `fixed`: a network matched with itself.
    """
    rng = trial.rng()
    apart, gains, best, fixed = [], [], [], []
    for key in trial.progress(jax.random.split(trial.key, trial.scale(quick=30, full=1000))):
        hidden = rng.integers(2, 33, rng.integers(1, 5))
        first, second = (_random(rng, (8, *hidden, 4)) for _ in range(2))
        symmetry = chain(first)
        orders = {f"units{i}": rng.permutation(size) for i, size in enumerate(hidden)}
        moved = permuted(first, symmetry, orders)
        if trial.control == "outgoing-only":
            moved = [{**layer, "bias": old["bias"]} for layer, old in zip(moved, first, strict=True)]
            moved[0] = first[0]
        x = rng.normal(size=(10, 8))
        before, after = (_outputs(one, x) for one in (first, moved))
        apart.append(np.abs(after - before).max() / np.abs(before).max())
        found = match(first, second, symmetry, key=key)
        gains.append(np.diff(found.objective) / np.abs(found.objective).max())
        fixed.append((_inner(first, match(first, first, symmetry, key=key).params), _inner(first, first)))
        small = (8, int(rng.integers(2, 7)), 4)
        one, other = (_random(rng, small) for _ in range(2))
        found = match(one, other, chain(one), key=key)
        reached = _greedy(one, other) if trial.control == "greedy" else _inner(one, found.params)
        best.append((reached, max(_orders(one, other))))
    return {
        "function": Sides(np.array(apart), np.zeros(len(apart)), x_label="network", y_label="change of the outputs"),
        "steps": Bounds(np.concatenate(gains), lower=0.0, x_label="assignment", y_label="relative gain"),
        "best": Sides(*np.array(best).T, x_label="network", y_label="objective"),
        "fixed": Sides(*np.array(fixed).T, x_label="network", y_label="objective"),
    }


def _random(rng: np.random.Generator, widths: tuple[int, ...]) -> list[dict[str, Floats]]:
    """Layers with biases."""
    return [
        {"weights": rng.normal(size=(n, m)) * (2 / n) ** 0.5, "bias": 0.3 * rng.normal(size=m)} for n, m in pairwise(widths)
    ]


def _outputs(layers: Sequence[Any], x: Floats) -> Floats:
    for layer in layers[:-1]:
        x = np.maximum(x @ np.asarray(layer["weights"]) + np.asarray(layer["bias"]), 0)
    return np.asarray(x @ np.asarray(layers[-1]["weights"]) + np.asarray(layers[-1]["bias"]))


def _inner(first: Sequence[Any], second: Sequence[Any]) -> float:
    return float(sum(np.vdot(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)))


def _orders(first: Sequence[Any], second: Sequence[Any]) -> list[float]:
    """The objective of every permutation of the one hidden layer."""
    gains, rest = _gains(first, second)
    units = np.arange(len(gains))
    return [float(gains[units, list(order)].sum()) + rest for order in permutations(range(len(gains)))]


def _greedy(first: Sequence[Any], second: Sequence[Any]) -> float:
    gains, total = _gains(first, second)
    for _ in range(len(gains)):
        row, column = np.unravel_index(gains.argmax(), gains.shape)
        total += float(gains[row, column])
        gains[row], gains[:, column] = -np.inf, -np.inf
    return total


def _gains(first: Sequence[Any], second: Sequence[Any]) -> tuple[Floats, float]:
    """What each pair of units adds, for one hidden layer, and what no permutation changes."""
    rows = [
        np.concatenate([layers[0]["weights"], layers[0]["bias"][None], layers[1]["weights"].T]).T for layers in (first, second)
    ]
    return rows[0] @ rows[1].T, float(np.vdot(first[1]["bias"], second[1]["bias"]))


@paper.claim(
    "barrier-vs-width",
    where="figure on the width of networks",
    kind="trend",
    checked="memory",
    statement=r"\max_a L(\theta_a) - [(1 - a) L_A + a L_B] \text{ is, after matching, below half of what it is before, at every"
    r" width, and falls with width}",
    # Logarithms. Pilots: ratios of 0.18 at width 24 and 0.11 at 128, with spreads of 0.5 in the logarithm; matched barriers of
    # 0.28 and 0.07. Ten pairs then leave an interval of half the distance to the edge.
    rule=All(half=Ordering(margin=log(2)), falls=Ordering()),
    controls={
        "random": Control("a random permutation in the place of the matched one", parts=("half",)),
        "narrower": Control("the barrier is claimed to rise with width", parts=("falls",)),
    },
)
def barrier_vs_width(trial: Trial) -> dict[str, Pairs]:
    """Barriers between networks with two hidden layers of ReLUs on the digits, trained independently by Adam.

    Widths 24 and 128, ten pairs each, 400 steps of 64 digits at rate 3e-3 (full: seven widths from 8 to 512, 1200 steps), 25
    points. Naive barriers fall with width too, so that the ratio carries the claim; the matched one does not vanish at these
    sizes. Controls have four pairs.
    """
    widths, steps = trial.scale(quick=((24, 128), 400), full=((8, 16, 32, 64, 128, 256, 512), 1200))
    pairs = trial.repeats(quick=4 if trial.control else 10, full=10)
    x, labels = digit_data()
    data = (x.astype(jnp.float32), labels)
    loss = batch_loss(jax.nn.relu)
    naive, matched = np.empty((pairs, len(widths))), np.empty((pairs, len(widths)))
    for i, width in trial.progress([(i, width) for i in range(pairs) for width in widths]):
        key, j = jax.random.fold_in(jax.random.fold_in(trial.key, i), width), widths.index(width)
        ends = []
        for one in jax.random.split(key):
            start = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), perceptron(one, (64, width, width, 10)))
            ends.append(train(loss, start, Adam(3e-3), steps, data=data, batch=64, key=one).params)
        symmetry = chain(ends[0])
        if trial.control == "random":
            rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
            other = permuted(ends[1], symmetry, {f"units{i}": rng.permutation(width) for i in range(2)})
        else:
            other = match(ends[0], ends[1], symmetry, key=key).params
        for found, end in ((naive, ends[1]), (matched, other)):
            found[i, j] = np.log(float(_barrier(ends[0], end, data)))
    narrow, wide = (matched[:, :1], matched[:, -1:])
    return {
        "half": Pairs(naive, matched, x_label="width " + ", ".join(map(str, widths)), y_label="log barrier, before and after"),
        "falls": Pairs(
            *((wide, narrow) if trial.control == "narrower" else (narrow, wide)), y_label="log matched barrier, narrow and wide"
        ),
    }


@jax.jit
def _barrier(first: Layers, second: Layers, data: tuple[Array, Array]) -> Float[Array, ""]:
    """`ntkit.landscape.barrier`, compiled once for networks of one width."""
    grid = jnp.linspace(0, 1, 25, dtype=jnp.float32)

    def at(a: Float[Array, ""]) -> Float[Array, ""]:
        return batch_loss(jax.nn.relu)(jax.tree.map(lambda one, two: (1 - a) * one + a * two, first, second), data)

    losses = jax.lax.map(at, grid)
    rises: Array = losses - (1 - grid) * losses[0] - grid * losses[-1]
    return rises.max()
