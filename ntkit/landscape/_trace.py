"""Traces of a loss's Hessian and of its square, by random signs until they are known well enough.

Source: Hutchinson (1989); the stopping rule is that of `ntkit.landscape._sequential`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.landscape._curvature import Flat
from ntkit.landscape._loss import Loss, Params
from ntkit.landscape._sequential import FIRST, mean

MOST = 4096  # probes, unless asked for
Whole = Callable[[np.ndarray], tuple[np.ndarray, float]]


@dataclass(frozen=True)
class Trace:
    """A trace.

    Attributes:
        value, stderr: an estimate and its standard error, 0 if all of the matrix was computed.
        interval: that holds the trace with at least 95 %, widened by the rounding of sums; if all of the matrix was computed,
            by that alone, which is read off how far the matrix is from symmetric.
        probes: products with the matrix that were taken.
        converged: whether half of the interval's width reached the accuracy that was asked for.
        exact: whether all of the matrix was computed.
    """

    value: float
    stderr: float
    interval: tuple[float, float]
    probes: int
    converged: bool
    exact: bool


def trace(
    loss: Loss, params: Params, *, key: PRNGKeyArray, rtol: float = 0.05, atol: float = 0.0, max_probes: int = MOST
) -> Trace:
    """The trace of a loss's Hessian, or of another `Curvature`.

    Probes are vectors v of signs, and v^T H v has the trace as its mean. The interval is 95 % at whatever number of probes the
    rule stops. Where P parameters are no more than the probes that it would take, all of the matrix is computed instead.

    Args:
        loss: as for `top_eigenpairs`.
        params: likewise.
        key: of the probes.
        rtol: half of the interval's width is to be at most max(rtol |trace|, atol).
        atol: see `rtol`; a trace near 0 needs it.
        max_probes: after which to stop in any case, at least 2.

    Raises:
        ValueError: `rtol` or `atol` is negative or both are 0, `max_probes` is too small, or see `slice_1d` for `loss` and
            `params`.

    Example:
        >>> found = trace(lambda w: (w**2).sum(), jnp.zeros(5), key=jax.random.key(0))
        >>> round(found.value, 6), found.exact, found.probes
        (10.0, True, 5)
    """
    return _estimated(loss, params, key, rtol, atol, max_probes, jnp.vdot, _diagonal)


def trace_squared(
    loss: Loss, params: Params, *, key: PRNGKeyArray, rtol: float = 0.05, atol: float = 0.0, max_probes: int = MOST
) -> Trace:
    """The trace of the square of a loss's Hessian, which is the sum of squares of its eigenvalues; see `trace`.

    Example:
        >>> found = trace_squared(lambda w: (w**2).sum(), jnp.zeros(5), key=jax.random.key(0))
        >>> round(found.value, 6)
        20.0
    """
    return _estimated(loss, params, key, rtol, atol, max_probes, lambda v, image: jnp.vdot(image, image), _squares)


def _estimated(
    loss: Loss,
    params: Params,
    key: PRNGKeyArray,
    rtol: float,
    atol: float,
    most: int,
    sample: Callable[[Array, Array], Array],
    whole: Whole,
) -> Trace:
    for name, number in (("rtol", rtol), ("atol", atol)):
        if not 0 <= number < inf:
            raise ValueError(f"{name} must be at least 0 and finite, got {number}")
    if rtol == 0 and atol == 0:
        raise ValueError("rtol or atol must be above 0, got 0 for both")
    if most < 2:
        raise ValueError(f"max_probes must be at least 2, got {most}")
    flat = Flat(loss, params)

    @jax.jit
    def probed(params: Params, keys: Array) -> Float[Array, " probes"]:
        def one(key: PRNGKeyArray) -> Array:
            v = jax.random.rademacher(key, (flat.size,), flat.dtype)
            return sample(v, flat.traced(params, v))

        found: Array = jax.lax.map(one, keys)
        return found

    taken = 0

    def samples(start: int, stop: int) -> Float[np.ndarray, " samples"]:
        nonlocal taken
        taken = stop
        numbers = jnp.arange(start, stop)
        return np.asarray(probed(params, jax.vmap(lambda i: jax.random.fold_in(key, i))(numbers)), float)

    if flat.size <= min(FIRST, most):
        return _exact(flat, whole, rtol, atol, 0)
    found = mean(samples, rtol, atol, min(most, flat.size))
    if flat.size <= most and not found.converged:
        return _exact(flat, whole, rtol, atol, taken)
    reach = flat.size * float(np.finfo(flat.dtype).eps) * abs(found.value)  # a diagonal matrix has samples without spread
    low, high = found.interval
    return Trace(found.value, found.stderr, (low - reach, high + reach), found.probes, found.converged, exact=False)


def _exact(flat: Flat, whole: Whole, rtol: float, atol: float, before: int) -> Trace:
    matrix = np.asarray(flat.rows(jnp.eye(flat.size, dtype=flat.dtype)), float)
    terms, sensitivity = whole(matrix)
    value = float(terms.sum())
    # What entries are off by: at least a rounding, and as much as keeps the matrix from being symmetric.
    off = max(float(abs(matrix - matrix.T).max()), float(np.finfo(flat.dtype).eps) * float(abs(matrix).max()))
    reach = sensitivity * off + terms.size * float(np.finfo(float).eps) * float(abs(terms).sum())
    converged = reach <= max(rtol * abs(value), atol)
    return Trace(value, 0.0, (value - reach, value + reach), before + flat.size, converged, exact=True)


def _diagonal(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """What the trace adds up, and how much it changes if every entry does so by 1."""
    return np.diag(matrix), float(len(matrix))


def _squares(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """What the trace of the square of a symmetric matrix adds up, and how much it changes if entries do."""
    return (matrix**2).ravel(), 2 * float(abs(matrix).sum())
