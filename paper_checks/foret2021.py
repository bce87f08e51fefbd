"""Foret, Kleiner, Mobahi, Neyshabur (2021). How good is one step of ascent for the largest loss in a ball?"""

import jax
import jax.numpy as jnp
import numpy as np
from _landscapes import Layers, cross_entropy, descended, digit_data, perceptron
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from ntkit.claims import All, Control, Identity, Paper, Series, Sides, Slope, Trial

paper = Paper(
    key="foret2021",
    title="Sharpness-Aware Minimization for Efficiently Improving Generalization",
    authors="Pierre Foret, Ariel Kleiner, Hossein Mobahi, Behnam Neyshabur",
    year=2021,
    arxiv="2010.01412",
)

Vector = Float[Array, " params"]

WIDTHS = (16, 20, 10)  # 550 parameters, digits of 4 x 4 pixels
RADII = np.geomspace(1e-3, 1e-1, 7)
ROUNDS = 100  # of the fixed point, far more than it takes: a round shrinks errors by about radius |H| / |g|


@paper.claim(
    "first-order-inner-max",
    where="derivation of the update, equations 2 and 3; orders of the remainders are ours",
    kind="theorem",
    checked="memory",
    statement=r"\max_{\|e\| \le \rho} L(\theta + e) - L(\theta) = \rho \|g\| + \tfrac{\rho^2}{2} u^\top H u + O(\rho^3), \quad"
    r" u = g / \|g\|, \quad \text{of which } e = \rho u \text{ loses } O(\rho^3), \text{ at a relative distance } O(\rho)",
    # Next orders bend slopes by a few percent over two decades; the coefficient at 1e-3 is off by about 1e-3.
    rule=All(rise=Slope(tol=0.1), lost=Slope(tol=0.15), turned=Slope(tol=0.1), curvature=Identity(rtol=0.02, refute=10.0)),
    controls={
        "random": Control("a random direction in the place of u", parts=("rise", "lost")),
        "second-order": Control("one step loses O(rho^2)", parts=("lost",)),
        "without-half": Control("the coefficient of rho^2 is u^T H u", parts=("curvature",)),
    },
)
def first_order_inner_max(trial: Trial) -> dict[str, Series | Sides]:
    """Largest losses in balls of seven radii around tanh networks 16-20-10 after 20 steps of gradient descent.

    There the gradient is not small; near a minimum the expansion is not valid, and the largest loss grows with the top
    eigenvalue. On the sphere the largest loss is where e is parallel to its own gradient, found as a fixed point. float64: a
    remainder of order rho^3 is lost in the rounding of float32.
    """
    networks = trial.repeats(quick=4, full=24)
    rises, lost, turned = (np.empty((networks, len(RADII))) for _ in range(3))
    coefficients, predicted = np.empty(networks), np.empty(networks)
    x, labels = digit_data(pooled=True)
    for i, key in enumerate(trial.progress(jax.random.split(trial.key, networks))):
        start_key, way_key = jax.random.split(key)
        params = descended(perceptron(start_key, WIDTHS), x, labels, jnp.tanh, 0.1, 20)
        way = jax.random.normal(way_key, (ravel_pytree(params)[0].size,)) if trial.control == "random" else None
        found = [np.asarray(one) for one in _in_balls(params, x, labels, way)]
        length, along, curved, largest, stepped, turned[i], moved = found
        if not moved.max() <= 1e-9:
            trial.unmet("the fixed point was not reached")
        rises[i], lost[i] = np.abs(largest - RADII * along), largest - stepped
        coefficients[i] = (largest[0] - RADII[0] * length) / RADII[0] ** 2
        predicted[i] = curved if trial.control == "without-half" else curved / 2

    def series(y: np.ndarray, slope: float, y_label: str) -> Series:
        return Series(RADII, y, slope, reduce="geometric", x_label="radius rho", y_label=y_label)

    return {
        "rise": series(rises, 2.0, "largest rise less its first order"),
        "lost": series(lost, 2.0 if trial.control == "second-order" else 3.0, "what one step loses"),
        "turned": series(turned, 1.0, "distance of directions"),
        "curvature": Sides(coefficients, predicted, x_label="network", y_label="coefficient of rho^2"),
    }


@jax.jit
def _in_balls(layers: Layers, x: Array, labels: Array, way: Vector | None) -> tuple[Array, ...]:
    """What is known of balls around a network, u being the gradient's direction, or that of `way`.

    Returns:
        |g|, g . u, the curvature along g; and for each radius the largest rise, that after one step along u, the distance of
        their directions, and how far the last round still moved.
    """
    flat, unravel = ravel_pytree(layers)

    def loss(at: Vector) -> Float[Array, ""]:
        return cross_entropy(unravel(at), x, labels, jnp.tanh)

    before, slope = jax.value_and_grad(loss)(flat)
    length = jnp.linalg.norm(slope)
    step = slope / length if way is None else way / jnp.linalg.norm(way)

    def in_ball(radius: Float[Array, ""]) -> tuple[Array, ...]:
        def once(_: Array, state: tuple[Vector, Array]) -> tuple[Vector, Array]:
            uphill = jax.grad(loss)(flat + radius * state[0])
            after = uphill / jnp.linalg.norm(uphill)
            return after, jnp.linalg.norm(after - state[0])

        direction, moved = jax.lax.fori_loop(0, ROUNDS, once, (slope / length, jnp.ones(())))
        largest, stepped = (loss(flat + radius * one) - before for one in (direction, step))
        return largest, stepped, jnp.linalg.norm(direction - step), moved

    curved = jnp.vdot(slope, jax.jvp(jax.grad(loss), (flat,), (slope,))[1]) / length**2
    return length, jnp.vdot(slope, step), curved, *jax.lax.map(in_ball, jnp.asarray(RADII))
