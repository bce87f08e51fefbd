"""Small trainers with fixed semantics: (stochastic) gradient descent with momentum, Adam, and either with sharpness in mind.

Source: Adam, Kingma and Ba (2015), algorithm 1; sharpness-aware steps, Foret, Kleiner, Mobahi, Neyshabur (2021).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from ntkit.landscape._ascent import ascent
from ntkit.landscape._loss import Params, check_params

State = Any  # what a method remembers: a pytree
Scalar = float | Float[Array, ""]  # traced in a compiled training, so that another rate compiles nothing


@partial(jax.tree_util.register_dataclass, data_fields=["rate", "momentum", "decay"], meta_fields=[])
@dataclass(frozen=True)
class Descent:
    """Gradient descent: v <- momentum v + gradient + decay params, params <- params - rate v.

    Args:
        rate: of learning.
        momentum: at least 0 and below 1; heavy ball, without Nesterov's correction.
        decay: of weights, added to the gradient.
    """

    rate: Scalar
    momentum: Scalar = field(default=0.0, kw_only=True)
    decay: Scalar = field(default=0.0, kw_only=True)

    def start(self, params: Params) -> State:
        """Nothing is remembered before the first step."""
        return jax.tree.map(jnp.zeros_like, params)

    def step(self, params: Params, gradient: Params, state: State, number: Int[Array, ""]) -> tuple[Params, State]:
        """Parameters and what is remembered after step `number`, counted from 1."""
        state = jax.tree.map(lambda v, g, w: self.momentum * v + g + self.decay * w, state, gradient, params)
        return jax.tree.map(lambda w, v: w - self.rate * v, params, state), state


@partial(jax.tree_util.register_dataclass, data_fields=["rate", "beta1", "beta2", "epsilon"], meta_fields=[])
@dataclass(frozen=True)
class Adam:
    """Adam with corrected biases: params <- params - rate m / (sqrt(v) + epsilon).

    Args:
        rate: of learning.
        beta1, beta2: with which the means m and v of gradients and their squares forget.
        epsilon: added to the square root.
    """

    rate: Scalar = 1e-3
    beta1: Scalar = field(default=0.9, kw_only=True)
    beta2: Scalar = field(default=0.999, kw_only=True)
    epsilon: Scalar = field(default=1e-8, kw_only=True)

    def start(self, params: Params) -> State:
        """Both means are 0 before the first step."""
        return (jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params))

    def update(self, gradient: Params, state: State, number: Int[Array, ""]) -> tuple[Params, State]:
        """What step `number`, counted from 1, subtracts, and both means after it."""
        first = jax.tree.map(lambda m, g: self.beta1 * m + (1 - self.beta1) * g, state[0], gradient)
        second = jax.tree.map(lambda v, g: self.beta2 * v + (1 - self.beta2) * g**2, state[1], gradient)

        def way(m: Array, v: Array) -> Array:
            past = number.astype(m.dtype)
            m, v = m / (1 - self.beta1**past), v / (1 - self.beta2**past)
            return self.rate * m / (jnp.sqrt(v) + self.epsilon)

        return jax.tree.map(way, first, second), (first, second)

    def step(self, params: Params, gradient: Params, state: State, number: Int[Array, ""]) -> tuple[Params, State]:
        """Parameters and both means after step `number`, counted from 1."""
        way, state = self.update(gradient, state, number)
        return jax.tree.map(jnp.subtract, params, way), state


@dataclass(frozen=True, eq=False)
class Training:
    """What training led to.

    Attributes:
        params: at the end.
        losses: of what each step saw, before it, shape (steps,). NaN and infinity are kept.
        points: the start, the parameters after every `keep` steps, and so the end, with an axis in front; None unless asked.
    """

    params: Params
    losses: Float[np.ndarray, " steps"]
    points: Params | None

    @property
    def diverged(self) -> bool:
        """Whether a loss was NaN or infinite, or the parameters are at the end."""
        leaves = [self.losses, *map(np.asarray, jax.tree.leaves(self.params))]
        return not all(np.isfinite(leaf).all() for leaf in leaves)


def train(
    loss: Callable[..., Float[Array, ""]],
    params: Params,
    method: Descent | Adam,
    steps: int,
    *,
    data: PyTree[Array] | None = None,
    batch: int | None = None,
    key: PRNGKeyArray | None = None,
    radius: float = 0.0,
    keep: int | None = None,
) -> Training:
    """Parameters after so many steps.

    Batches: every epoch puts the data in a new random order and takes them from the front, `batch` at a time; what is left over
    at an epoch's end, fewer than a batch, is left out. It is compiled once for a loss, the same function object, and shapes.

    Args:
        loss: of the parameters; with `data`, of parameters and data.
        params: where to start, a pytree of floating point arrays of one dtype.
        method: `Descent` or `Adam`.
        steps: how many.
        data: a pytree of arrays with the samples along axis 0.
        batch: samples that a step sees; None for all.
        key: of the order of samples; needed with `batch`.
        radius: of sharpness-aware minimisation: gradients are taken at params + radius g / |g|, g the gradient of the same
            samples. 0 for none.
        keep: steps between the points that are kept, a divisor of `steps`; None to keep none.

    Raises:
        ValueError: a number is out of range, a batch has no data or no key, the loss is no number, or see `slice_1d` for
            `params`.

    Example:
        >>> found = train(lambda w: 0.5 * w**2, jnp.array(1.0), Descent(0.5), 2, keep=1)
        >>> float(found.params), found.losses.tolist(), found.points.tolist()
        (0.25, [0.5, 0.125], [1.0, 0.5, 0.25])
    """
    check_params(params)
    method, radius = _checked(method), float(radius)
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if keep is not None and (keep < 1 or steps % keep):
        raise ValueError(f"keep must divide steps, {steps}, got {keep}")
    if not 0 <= radius < np.inf:
        raise ValueError(f"radius must be at least 0 and finite, got {radius}")
    orders = None if batch is None else _orders(data, batch, key, steps)
    every = steps if keep is None else keep
    seen = () if data is None else (data if orders is None else jax.tree.map(lambda leaf: leaf[orders[0]], data),)
    shape = jax.eval_shape(loss, params, *seen)
    if getattr(shape, "shape", None) != () or not jnp.issubdtype(shape.dtype, jnp.floating):
        raise ValueError(f"loss must return one floating point number, got {shape}")
    end, losses, points = _trained(loss, params, method, data, orders, radius, steps, every, radius > 0)
    if keep is None:
        points = None
    return Training(end, np.asarray(losses).reshape(-1), points)


def _checked(method: Descent | Adam) -> Descent | Adam:
    """Python's numbers, in range, which leave the parameters' dtype as it is."""
    numbers = {own.name: float(getattr(method, own.name)) for own in fields(method)}
    for name, number in numbers.items():
        most = 1.0 if name in ("momentum", "beta1", "beta2") else np.inf
        if not 0 <= number < most:
            limit = "finite" if most == np.inf else "below 1"
            raise ValueError(f"{name} of {type(method).__name__} must be at least 0 and {limit}, got {number}")
    return type(method)(**numbers)


def _orders(data: PyTree[Array] | None, batch: int, key: PRNGKeyArray | None, steps: int) -> Int[Array, "steps batch"]:
    """The samples of every step."""
    counts = sorted({len(leaf) if np.ndim(leaf) else 0 for leaf in jax.tree.leaves(data)})
    if len(counts) != 1:
        raise ValueError(f"data must be arrays with the same number of samples along axis 0 for batches, got {counts}")
    if not 1 <= batch <= counts[0]:
        raise ValueError(f"batch must be from 1 to the number of samples, {counts[0]}, got {batch}")
    if key is None:
        raise ValueError("key must be given for batches, got None")
    each = counts[0] // batch
    keys = jax.random.split(key, -(-steps // each))
    orders = jax.vmap(lambda one: jax.random.permutation(one, counts[0])[: each * batch])(keys)
    return orders.reshape(-1, batch)[:steps]


@partial(jax.jit, static_argnames=("loss", "steps", "every", "aware"))
def _trained(
    loss: Callable[..., Float[Array, ""]],
    params: Params,
    method: Descent | Adam,
    data: PyTree[Array] | None,
    orders: Int[Array, "steps batch"] | None,
    radius: Scalar,
    steps: int,
    every: int,
    aware: bool,
) -> tuple[Params, Array, Params]:
    def step(state: tuple[Params, State], at: tuple[Array, Array | None]) -> tuple[tuple[Params, State], Array]:
        (now, remembered), (number, rows) = state, at
        seen = () if data is None else (data if rows is None else jax.tree.map(lambda leaf: leaf[rows], data),)
        value, gradient = jax.value_and_grad(loss)(now, *seen)
        if aware:
            up = jax.tree.map(jnp.add, now, ascent(gradient, radius))
            gradient = jax.grad(loss)(up, *seen)
        return method.step(now, gradient, remembered, number), value

    def block(state: tuple[Params, State], at: tuple[Array, Array | None]) -> tuple[tuple[Params, State], Any]:
        state, values = jax.lax.scan(step, state, at)
        return state, (values, state[0])

    numbers = jnp.arange(1, steps + 1).reshape(-1, every)
    rows = None if orders is None else orders.reshape(*numbers.shape, -1)
    (end, _), (values, points) = jax.lax.scan(block, (params, method.start(params)), (numbers, rows))
    points = jax.tree.map(lambda first, others: jnp.concatenate([first[None], others]), params, points)
    return end, values, points
