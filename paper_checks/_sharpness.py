"""Two-layer ReLU networks on corners of the cube: gradients, curvatures, and sharpness-aware descent of many at once."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Net = tuple[Floats, Floats]  # hidden weights (units, d + 1), the bias last; output weights (units,)

RATE = 0.005  # of descent


def cube(numbers: NDArray[np.int64], d: int) -> Floats:
    """Corners (count, d + 1) of the cube by their numbers below 2^d, with a 1 at the end for the bias."""
    signs = 2.0 * (numbers[:, None] >> np.arange(d) & 1) - 1
    return np.concatenate([signs, np.ones((len(numbers), 1))], axis=1)


def output(net: Net, x: Floats) -> Floats:
    """The network's outputs."""
    return np.asarray(np.maximum(x @ net[0].T, 0) @ net[1])


def squared_gradients(net: Net, x: Floats) -> Floats:
    """The squared norm of the gradient of the output in all parameters, at each input."""
    before = x @ net[0].T
    return np.asarray((np.maximum(before, 0) ** 2).sum(1) + (x**2).sum(1) * (net[1] ** 2 * (before > 0)).sum(1))


def second_differences(net: Net, x: Floats, y: Floats, step: float = 0.25) -> Floats:
    """The diagonal of the loss's Hessian, exact where no unit switches within the step."""
    flat, size = np.concatenate([part.ravel() for part in net]), net[0].size
    found = np.empty(flat.size)
    for i in range(flat.size):
        losses = []
        for move in (step, 0.0, -step):
            moved = flat.copy()
            moved[i] += move
            losses.append(((output((moved[:size].reshape(net[0].shape), moved[size:]), x) - y) ** 2).mean())
        found[i] = (losses[0] - 2 * losses[1] + losses[2]) / step**2
    return found


@jax.jit
def descend(
    key: Array,
    hidden: Float[Array, "run inputs width"],
    outer: Float[Array, "run width"],
    x: Float[Array, "run n inputs"],
    radius: Float[Array, ""],
    steps: Int[Array, ""],
) -> tuple[Float[Array, "run inputs width"], Float[Array, "run width"]]:
    """Stochastic gradient descent at single samples, gradients taken `radius` up the normalised gradient; many runs at once."""
    y, runs = x[:, :, 0] * x[:, :, 1], jnp.arange(len(x))

    def gradients(before: Array, outer: Array, y: Array) -> tuple[Array, Array]:
        """In the units' inputs and in the output weights, of (f - y)^2."""
        after = jax.nn.relu(before)
        error = 2 * ((outer * after).sum(axis=1) - y)[:, None]
        return error * jnp.where(before > 0, outer, 0), error * after

    def step(i: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        hidden, outer = now
        chosen = jax.random.randint(jax.random.fold_in(key, i), runs.shape, 0, x.shape[1])
        own, label = x[runs, chosen], y[runs, chosen]
        square = (own**2).sum(axis=1)[:, None]
        before = jnp.einsum("rd,rdw->rw", own, hidden)
        inner, last = gradients(before, outer, label)
        # Hidden weights move along `own` alone, so that the ascent is known from what it does to the units' inputs.
        norm = jnp.sqrt((square * inner**2 + last**2).sum(axis=1))[:, None]
        size = radius / jnp.maximum(norm, 1e-12)
        inner, last = gradients(before + size * square * inner, outer + size * last, label)
        return hidden - RATE * own[:, :, None] * inner[:, None], outer - RATE * last

    found: tuple[Array, Array] = jax.lax.fori_loop(0, steps, step, (hidden, outer))
    return found
