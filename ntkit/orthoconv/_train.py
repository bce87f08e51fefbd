"""Gradient descent on L_orth, many kernels at once."""

from functools import partial
from math import inf
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.orthoconv._architecture import Sizes, at_least_one, check_array, of_kernel, per_axis
from ntkit.orthoconv._regulariser import l_orth

_MEAN, _SQUARE, _FLOOR = 0.9, 0.999, 1e-8  # Adam's usual constants


class Trained(NamedTuple):
    """Kernels after descent.

    Attributes:
        kernels: one for each start.
        l_orth: of each.
    """

    kernels: Float[Array, "starts M C *taps"]
    l_orth: Float[Array, " starts"]


def train_orthogonal(
    kernels: Float[Array, "starts M C *taps"], stride: Sizes = 1, *, steps: int = 1500, rate: float = 0.03
) -> Trained:
    """Minimise L_orth from each start by itself: Adam, its rate falling to 0 along a cosine.

    Where an orthogonal layer exists and M differs from C prod S, every start that we have seen gets below 1e-3; much closer is
    slow, since the minimum is flat to fourth order for some layers. Where M = C prod S in two dimensions and S = 1, many get
    stuck. `construct` gives exactly orthogonal kernels, `nearest` almost exactly orthogonal ones near a given one.

    Args:
        kernels: starts, shape (starts, M, C, k_1, .., k_d), floating point.
        stride: S.
        steps: of Adam.
        rate: of the first step.

    Raises:
        ValueError: wrong shape, dtype, stride, steps or rate, or entries that are not finite.
        FloatingPointError: a start ends in numbers that are not finite.

    Example:
        >>> starts = jax.random.normal(jax.random.key(0), (4, 3, 2, 2), dtype=float)
        >>> bool((train_orthogonal(starts).l_orth < 1e-3).all())
        True
    """
    check_array("kernels", kernels)
    if not 4 <= kernels.ndim <= 6 or 0 in kernels.shape:
        raise ValueError(f"kernels must have shape (starts, M, C, k_1, .., k_d), nothing empty, got {kernels.shape}")
    of_kernel(kernels.reshape((-1, *kernels.shape[2:])), stride)  # all starts at once: one by one takes longer than descent
    if not isinstance(rate, float | int) or isinstance(rate, bool) or not 0 < rate < inf:
        raise ValueError(f"rate must be a positive, finite number, got {rate!r}")
    strides = per_axis("stride", stride, kernels.ndim - 3)
    trained = _descend(jnp.asarray(kernels), strides, at_least_one("steps", steps), jnp.asarray(rate, kernels.dtype))
    if not isinstance(trained[1], jax.core.Tracer) and not jnp.isfinite(trained[1]).all():
        bad = int((~jnp.isfinite(trained[1])).sum())
        raise FloatingPointError(f"descent of {bad} of {len(kernels)} starts left the finite numbers, at the rate {rate!r}")
    return Trained(*trained)


@partial(jax.jit, static_argnames=("stride", "steps"))
def _descend(
    kernels: Float[Array, "starts M C *taps"], stride: tuple[int, ...], steps: int, rate: Float[Array, ""]
) -> tuple[Float[Array, "starts M C *taps"], Float[Array, " starts"]]:
    def losses(k: Array) -> Array:
        return jax.vmap(lambda kernel: jnp.asarray(l_orth(kernel, stride)))(k)

    gradient = jax.grad(lambda k: losses(k).sum())  # the kernels do not interact: the sum's gradient is everyone's own

    def step(i: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        k, mean, square = state
        g = gradient(k)
        mean, square = _MEAN * mean + (1 - _MEAN) * g, _SQUARE * square + (1 - _SQUARE) * g**2
        t = i + 1.0
        scale = rate * (1 + jnp.cos(jnp.pi * i / steps)) / 2 / (1 - _MEAN**t)
        return k - scale * mean / (jnp.sqrt(square / (1 - _SQUARE**t)) + _FLOOR), mean, square

    start = (kernels, jnp.zeros_like(kernels), jnp.zeros_like(kernels))
    trained = jax.lax.fori_loop(0, steps, step, start)[0]
    return trained, losses(trained)
