"""The largest loss in a ball around the parameters: of its linearisation in closed form, of itself by ascent.

Source: Foret, Kleiner, Mobahi, Neyshabur (2021), equation 2, for the linearisation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.landscape._eigen import top_eigenpairs
from ntkit.landscape._loss import Loss, Params, check_loss

Vector = Float[Array, " params"]


def ascent(gradient: Params, radius: float | Float[Array, ""], *, p: float = 2.0) -> Params:
    """The step of l_p norm at most `radius` along which a linear loss rises most, by radius times the l_q norm of its gradient.

    For p = 2, radius g / |g|: the ascent of sharpness-aware minimisation. Traced: it works under jit. A gradient of zero gives
    zero; for p = 1 the first of the largest entries takes all.

    Args:
        gradient: a pytree of arrays of one dtype.
        radius: at least 0.
        p: of the norm, at least 1; `math.inf` for the largest entry.

    Raises:
        ValueError: `p` is less than 1, `radius` is negative, or the gradient has no floating point numbers.

    Example:
        >>> ascent(jnp.array([3.0, -4.0]), 10.0).round(9).tolist(), ascent(jnp.array([3.0, -4.0]), 1.0, p=inf).tolist()
        ([6.0, -8.0], [1.0, -1.0])
    """
    if not p >= 1:
        raise ValueError(f"p must be at least 1, got {p}")
    if not isinstance(radius, jax.core.Tracer) and not radius >= 0:
        raise ValueError(f"radius must be at least 0, got {radius}")
    flat, unravel = ravel_pytree(gradient)
    if not flat.size or not jnp.issubdtype(flat.dtype, jnp.floating):
        raise ValueError(f"gradient must have at least one floating point number, got {gradient!r}")
    size = jnp.abs(flat).max()
    share = jnp.abs(flat) / jnp.where(size > 0, size, 1)  # no power under- or overflows where it matters
    if p == 2:
        heights = share / jnp.linalg.norm(share)
    elif p == 1:
        heights = (jnp.arange(flat.size) == jnp.argmax(share)).astype(flat.dtype)
    elif p == inf:
        heights = jnp.ones_like(flat)
    else:
        heights = share ** (1 / (p - 1))  # q - 1
        heights = heights / (heights**p).sum() ** (1 / p)
    return unravel(jnp.where(size > 0, radius * jnp.sign(flat) * heights, 0).astype(flat.dtype))


@dataclass(frozen=True, eq=False)
class InnerMaximum:
    """The largest rise of a loss in a ball that ascent found.

    Attributes:
        value: loss(params + step) - loss(params): attained, so no more than the largest rise.
        step: where, a pytree like the parameters.
        gap: how much more the linearisation at the step promises within the ball; 0 at a stationary point, up to rounding.
            Where the loss is concave, no step rises by more than value + gap.
        found: the rises that all starts led to; that they agree says that there are few maxima, not that there is one.
    """

    value: float
    step: Params
    gap: float
    found: Float[np.ndarray, " starts"]


def inner_maximum(
    loss: Loss, params: Params, radius: float, *, key: PRNGKeyArray, starts: int = 4, steps: int = 200
) -> InnerMaximum:
    """The largest rise of a loss within an l_2 ball around the parameters, by projected ascent from several starts.

    Starts are the centre, the gradient's direction, both ways along the top eigenvector of the Hessian, and random directions.
    Steps are as long as the loss keeps rising. For small networks: each step takes a gradient on all data.

    Args:
        loss: of the parameters.
        params: a pytree of floating point arrays of one dtype.
        radius: of the ball, above 0.
        key: of the random starts.
        starts: how many of them.
        steps: of ascent, from each start.

    Raises:
        ValueError: `radius`, `starts` or `steps` is out of range, the loss is not finite at the parameters, or see `slice_1d`
            for `loss` and `params`.

    Example:
        >>> found = inner_maximum(lambda w: (w * jnp.array([1.0, 3.0]) * w).sum(), jnp.zeros(2), 2.0, key=jax.random.key(0))
        >>> round(found.value, 5), abs(found.step).round(5).tolist()
        (12.0, [0.0, 2.0])
    """
    if not 0 < radius < inf:
        raise ValueError(f"radius must be above 0 and finite, got {radius}")
    if starts < 0 or steps < 1:
        raise ValueError(f"starts must be at least 0 and steps at least 1, got {starts} and {steps}")
    radius, before = float(radius), check_loss(loss, params)
    if not isfinite(before):
        raise ValueError(f"loss must be finite at params, got {before}")
    flat, unravel = ravel_pytree(params)

    def rise(step: Vector) -> Float[Array, ""]:
        above: Array = loss(unravel(flat + step)) - jnp.asarray(before, flat.dtype)
        return above

    top = ravel_pytree(jax.tree.map(lambda leaf: leaf[0], top_eigenpairs(loss, params, 1, key=key, rtol=1e-2).vectors))[0]
    slope = ravel_pytree(jax.grad(loss)(params))[0]
    ways = jnp.stack([slope, top, -top, *jax.random.normal(key, (starts, flat.size), flat.dtype)])
    rises, found, gaps = climbed(rise, ways, radius, steps)
    best = int(np.argmax(rises))
    return InnerMaximum(float(rises[best]), unravel(found[best]), float(gaps[best]), rises)


def climbed(
    rise: Callable[[Vector], Float[Array, ""]], ways: Float[Array, "starts params"], radius: float, steps: int
) -> tuple[Float[np.ndarray, " starts+1"], Float[Array, "starts+1 params"], Float[np.ndarray, " starts+1"]]:
    """Rises, steps and gaps after projected ascent from the centre and from the sphere, one start after another."""

    def onto(way: Vector) -> Vector:
        step: Vector = ascent(way, radius)
        return step

    def into(step: Vector) -> Vector:
        inside: Vector = jnp.where(jnp.linalg.norm(step) > radius, onto(step), step)
        return inside

    both = jax.value_and_grad(rise)

    def once(_: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        step, value, slope, pace = state
        new = into(step + pace * onto(slope))
        new_value, new_slope = both(new)
        better = new_value > value
        kept = [jnp.where(better, one, other) for one, other in ((new, step), (new_value, value), (new_slope, slope))]
        return (*kept, jnp.where(better, 2 * pace, pace / 2).clip(1e-9, 1e9))

    def climb(way: Vector) -> tuple[Array, Array, Array]:
        start = onto(way)
        state = (start, *both(start), jnp.ones((), way.dtype))
        step, value, slope, _ = jax.lax.fori_loop(0, steps, once, state)
        return value, step, jnp.vdot(slope, onto(slope) - step)

    ways = jnp.concatenate([jnp.zeros_like(ways[:1]), ways])  # the centre rises by 0, so that no maximum is below that
    rises, found, gaps = jax.jit(lambda ways: jax.lax.map(climb, ways))(ways)
    rises = np.asarray(rises)
    return np.where(np.isnan(rises), -inf, rises), found, np.asarray(gaps)
