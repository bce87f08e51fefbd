"""Pan and Li (2023). Does the loss curve less along the steps of Adam than along the gradient's?"""

from functools import partial
from math import log

import jax
import jax.numpy as jnp
import numpy as np
from _landscapes import Layers, batch_loss, digit_data, perceptron
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from ntkit.claims import Ordering, Pairs, Paper, Trial
from ntkit.landscape import Adam

paper = Paper(
    key="pan2023",
    title="Toward Understanding Why Adam Converges Faster Than SGD for Transformers",
    authors="Yan Pan, Yuanzhi Li",
    year=2023,
    arxiv="2306.00204",
)

WIDTHS, BATCH = (64, 64, 64, 10), 64
EVERY, LOOKS = 25, 8  # steps between checkpoints, and how many
CLIPPED = 0.1  # of the coordinates
METHOD = Adam(1e-3)

Vector = Float[Array, " params"]


@paper.claim(
    "directional-sharpness",
    where="abstract: directional sharpness of the steps of SGD and Adam, and clipping (of transformers; here of a perceptron)",
    kind="trend",
    checked="memory",
    statement=r"s(v) = \frac{v^\top H v}{\|v\|^2}: \quad s(\text{gradient}) > 2\, s(\text{step of Adam})",
    # Means over the checkpoints of a run, in logarithms. Pilots: ratios of 2 to 12.
    rule=Ordering(margin=log(2)),
    controls={
        "another-batch": "the gradient of another batch in the place of Adam's step",
        "clipped": "the gradient with its largest tenth of coordinates clipped, in the place of Adam's step",
    },
)
def directional_sharpness(trial: Trial) -> Pairs:
    """Curvatures of the loss on all digits along steps taken at the same points, 8 on the way of an Adam run of 200 steps.

    A tanh network 64-64-64-10, batches of 64, rate 1e-3, six runs (full: 24). A small curvature along a step is no progress by
    itself: along a random direction it is a hundredth of the gradient's. That clipping the largest tenth of the coordinates
    helps is not claimed here: it lowers the gradient's curvature by some 10 %, but doubling them does so too (by 4 %), so that
    on this network it is no matter of a few coordinates.
    """
    runs = trial.repeats(quick=6, full=24)
    x, labels = digit_data()
    data = (x, labels)
    gradient, other = np.empty((runs, LOOKS)), np.empty((runs, LOOKS))
    for run, key in enumerate(trial.progress(jax.random.split(trial.key, runs))):
        start_key, order_key = jax.random.split(key)
        params = perceptron(start_key, WIDTHS)
        order = jax.vmap(lambda one: jax.random.permutation(one, len(x))[: 2 * BATCH])(
            jax.random.split(order_key, EVERY * LOOKS)
        )
        gradient[run], other[run] = np.log(np.asarray(_run(params, data, order, trial.control or ""))).T
    return Pairs(gradient.mean(axis=1), other.mean(axis=1), x_label="run", y_label="mean log s: gradient, step of Adam")


@partial(jax.jit, static_argnames="control")
def _run(
    layers: Layers, data: tuple[Array, Array], order: Int[Array, "steps twice_batch"], control: str
) -> Float[Array, "looks three"]:
    """S of the gradient, of Adam's step and of the clipped gradient, before every 25th step."""
    loss = batch_loss(jnp.tanh)

    def slope(now: Layers, rows: Int[Array, " batch"]) -> Layers:
        way: Layers = jax.grad(loss)(now, (data[0][rows], data[1][rows]))
        return way

    def sharpness(now: Layers, way: Layers) -> Float[Array, ""]:
        image = jax.jvp(lambda at: jax.grad(loss)(at, data), (now,), (way,))[1]
        v, hv = ravel_pytree(way)[0], ravel_pytree(image)[0]
        return jnp.vdot(v, hv) / jnp.vdot(v, v)

    def step(state: tuple[Layers, Layers], at: tuple[Array, Array]) -> tuple[tuple[Layers, Layers], None]:
        (now, remembered), (number, rows) = state, at
        now, remembered = METHOD.step(now, slope(now, rows[:BATCH]), remembered, number)
        return (now, remembered), None

    def look(state: tuple[Layers, Layers], at: tuple[Array, Array]) -> tuple[tuple[Layers, Layers], Array]:
        (now, remembered), (numbers, rows) = state, at
        way = slope(now, rows[0, :BATCH])
        second: Layers = METHOD.update(way, remembered, numbers[0])[0]
        if control == "clipped":
            second = clipped(way)
        if control == "another-batch":
            second = slope(now, rows[0, BATCH:])
        found = jnp.stack([sharpness(now, one) for one in (way, second)])
        return jax.lax.scan(step, state, at)[0], found

    numbers = jnp.arange(1, EVERY * LOOKS + 1).reshape(LOOKS, EVERY)
    start = (layers, METHOD.start(layers))
    found: Array = jax.lax.scan(look, start, (numbers, order.reshape(LOOKS, EVERY, -1)))[1]
    return found


def clipped(way: Layers) -> Layers:
    """The largest tenth of all entries, cut to the size of the largest of the others."""
    flat, unravel = ravel_pytree(way)
    edge = jnp.quantile(jnp.abs(flat), 1 - CLIPPED, method="lower")
    made: Layers = unravel(jnp.clip(flat, -edge, edge))
    return made
