"""The command of this package: a bound on a ball, with what is attained there."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ntkit.lipschitz._backward import METHODS
from ntkit.lipschitz._ball import ball_rows, check_ball
from ntkit.lipschitz._bound import Bound
from ntkit.lipschitz._branch import Closing, Stop, branch, met
from ntkit.lipschitz._core import bounds
from ntkit.lipschitz._door import Ask, ask, check
from ntkit.lipschitz._exact import exact_rows
from ntkit.lipschitz._forward import FORWARDS, SLOPES, Forward, Slopes
from ntkit.lipschitz._large import is_large, step_by_step
from ntkit.lipschitz._linear import Numbers
from ntkit.lipschitz._lower import attained
from ntkit.lipschitz._network import Network
from ntkit.lipschitz._product import products
from ntkit.lipschitz._rounding import Arithmetic, Rounding

MET = 1e-6  # relative difference of an exact bound and what is attained
TOGETHER = 8  # inputs of a batch
SOLVER = "float64, solver tolerance 1e-7"
Method = Literal["product", "absolute", "ibp", "recurjac", "lirpa", "coupled", "best", "bab", "exact"]


def local_lipschitz(
    net: Network,
    x0: Numbers,
    radius: Numbers,
    *,
    method: Method = "lirpa",
    forward: Forward = "both",
    slopes: Slopes = "adaptive",
    norm: float | int = np.inf,
    out_norm: float | int = np.inf,
    outputs: Sequence[int] | None = None,
    clip: Sequence[float | int] | None = None,
    arithmetic: Arithmetic = "float64+outward",
    closing: Closing = "rows",
    nodes: int | None = None,
    deadline: float | int | None = None,
    key: PRNGKeyArray | None = None,
) -> Bound:
    """How much outputs can change on a ball, for a change of the input by 1: an upper bound, and one that is attained.

    Every difference quotient of the network on the ball is at most `rows`; some derivative at a point of the ball is `lower`.

    | method | what it is | norms of the input |
    | --- | --- | --- |
    | product | product of operator norms, on all inputs | inf, 2, 1 |
    | absolute | product of matrices of absolute values, on all inputs | inf |
    | ibp | interval arithmetic for the Jacobian | inf, 2, 1, boxes |
    | recurjac | linear bounds, intervals where a derivative may have both signs | inf, 2, 1, boxes |
    | lirpa | linear bounds | inf, 2, 1, boxes |
    | coupled | lirpa, with slopes of smooth activations as functions of the input: better on small balls | inf, 2, 1, boxes |
    | best | the least of all that apply, for each output | inf, 2, 1, boxes |
    | bab | branch and bound, for small piecewise linear networks | inf, boxes |
    | exact | integer programming, for small piecewise linear networks; up to a relative 1e-7 | inf, boxes |

    "bab" and "exact" are for out_norm=inf. With outward rounding "bab" leaves out only what is proved to be empty, and is a
    certified upper bound whenever it stops; with arithmetic="float64" it trusts linear programs, for which parts thinner than
    1e-7 of the ball are empty. The tolerance of integer programs is 1e-7 of the optimum and, for constraints, more.

    Args:
        net: the network.
        x0: the centre, in the shape of an input or flat; or a batch of these.
        radius: of the ball, at least 0; or half widths of a box, in the shape of an input or flat.
        method: as above.
        forward: intervals of what goes into activations: "crown", by pulling each back to the ball, "ibp", by interval
            arithmetic, or "both", their intersection.
        slopes: lower lines of piecewise linear activations in "crown" and "both": "adaptive", "zero" or "optimised": found by
            gradient for each end of each interval, never looser than "adaptive", and some two to four times slower; not for
            networks so large that their rows are taken in parts, each of which compiles anew.
        norm: of the ball and of changes of the input: inf, 2 or 1.
        out_norm: of changes of the outputs: inf, 2 or 1.
        outputs: which of them; None for all.
        clip: the range of the data, to which the ball is cut; of the l_inf norm only.
        arithmetic: of `rows`, see `Bound`; "float32+outward" is for float32 weights. For "exact" that of the solver.
            "ball" (the extra `exact`) is for small networks, of up to 1024 inputs, units and outputs, whose activations are
            piecewise linear, tanh, sigmoid or softplus, for norm=inf and the methods from "product" to "lirpa".
        closing: what "bab" works for: "rows", until every output's bound is met, or "value", until the largest is.
        nodes: about how many parts of balls "bab" looks at before it gives what it has.
        deadline: seconds for "bab" and "exact", after which they give what they have: for each output no more than "lirpa".
        key: of a search for the lower bound; without one it is taken at the centre and next to it.

    Raises:
        ValueError: an argument has a wrong shape, dtype or value, or a combination is not supported: the message says what is.
        ImportError: arithmetic="ball" without python-flint, the extra `exact`.

    Example:
        >>> net = Network.sequential([([[1.0], [-1.0]], None), ([[2.0, 1.0]], None)])  # 2 max(x, 0) + max(-x, 0)
        >>> [float(local_lipschitz(net, [1.0], radius).value.round(6)) for radius in (0.5, 1.5)]
        [2.0, 2.0]
        >>> float(local_lipschitz(net, [-1.0], 0.5).value.round(6))
        1.0

    Source: Shi, Wang, Zhang, Kolter, Hsieh (2022), arXiv 2210.07394; Zhang, Zhang, Hsieh (2019) for "recurjac".
    """
    begun = time.perf_counter()
    asked = ask(net, x0, radius, norm, out_norm, outputs, clip, arithmetic)
    check("method", method, ("product", "absolute", *METHODS, "best", "bab", "exact"))
    check("forward", forward, FORWARDS)
    check("slopes", slopes, SLOPES)
    if method == "absolute" and norm != np.inf:
        raise ValueError(f"norm must be inf for method='absolute', got {norm!r}")
    check("closing", closing, ("rows", "value"))
    _check_searching(net, method, closing, norm, out_norm, arithmetic, {"deadline": deadline, "nodes": nodes})
    if arithmetic == "ball":
        check_ball(asked, method, slopes)
    chosen = np.arange(net.outputs) if outputs is None else np.asarray(outputs)
    lower = np.asarray(attained(asked, key))[:, chosen]
    closed, seen = False, 0
    if method == "exact":
        rows, found, closed = exact_rows(asked, chosen, deadline)
        lower = np.maximum(lower, found)
    elif method == "bab":
        rows, lower, seen, closed = branch(asked, chosen, lower, forward, slopes, Stop(closing, deadline, nodes))
    elif arithmetic == "ball":
        rows = ball_rows(asked, chosen, method, forward, slopes)
    else:
        rows = np.asarray(_rows(asked, chosen, method, forward, slopes))
    rows, lower = rows.astype(asked.centres.dtype), lower.astype(asked.centres.dtype)
    rows = np.where(np.isnan(rows), np.inf, rows)  # what overflows on the way is not known to be finite
    done = closed and bool(_all_met(lower, rows, closing))
    shape = (*asked.batch, -1)
    rows, lower = rows.reshape(shape), lower.reshape(shape)
    return Bound(
        rows=rows,
        value=_total(rows, out_norm, asked.rounding),
        lower=lower,
        side="exact" if done and not (method == "bab" and asked.rounding.outward) else "upper",
        method=method,
        forward=None if method in ("product", "absolute", "exact") else forward,
        arithmetic=SOLVER if method == "exact" or (method == "bab" and not asked.rounding.outward) else arithmetic,
        closed=done,
        nodes=seen,
        status=_status(method, closed, done),
        box=tuple(np.asarray(end).reshape(*asked.batch, *net.input_shape) for end in asked.box),  # type: ignore[arg-type]
        seconds=time.perf_counter() - begun,
    )


def _rows(
    asked: Ask, outputs: Int[np.ndarray, " outputs"], method: Method, forward: Forward, slopes: Slopes
) -> Float[Array, "batch outputs"]:
    if method in ("product", "absolute"):
        same = products(asked.net, method, asked.norm, asked.rounding)[outputs]
        return jnp.broadcast_to(same, (len(asked.centres), len(same)))
    if method != "best":
        if is_large(asked.net, asked.centres.dtype):
            return step_by_step(asked, outputs, method, forward, slopes)  # type: ignore[arg-type]
        every = _compiled(method, forward, slopes, asked.norm, asked.rounding.outward)
        return every(asked.net, asked.centres, asked.radii)[:, outputs]
    # With the same intervals "lirpa" is never above "recurjac" and "ibp", and with "both" never above with "ibp".
    lines: tuple[Method, ...] = ("lirpa",) if asked.net.piecewise else ("lirpa", "coupled")
    found = [_rows(asked, outputs, one, which, slopes) for one in lines for which in ("crown", "both")]
    everywhere: tuple[Method, ...] = ("product", "absolute") if asked.norm == np.inf else ("product",)
    found += [_rows(asked, outputs, one, forward, slopes) for one in everywhere]
    return jnp.stack(found).min(axis=0)


@cache
def _compiled(
    method: str, forward: str, slopes: str, norm: float | int, outward: bool
) -> Callable[[Network, Array, Array], Array]:
    one = partial(_norms, method=method, forward=forward, slopes=slopes, norm=norm, outward=outward)

    def every(net: Network, centres: Array, radii: Array) -> Array:
        found: Array = jax.lax.map(lambda ball: one(net, *ball), (centres, radii), batch_size=TOGETHER)  # to stay in cache
        return found

    return jax.jit(every)


def _norms(net: Network, x0: Array, radius: Array, **options) -> Array:  # type: ignore[no-untyped-def]
    return bounds(net, x0, radius, **options).norm


def _check_searching(
    net: Network,
    method: Method,
    closing: Closing,
    norm: float | int,
    out_norm: float | int,
    arithmetic: Arithmetic,
    limits: Mapping[str, float | int | None],
) -> None:
    """Refuse what the methods that search cannot do, and limits of a search for those that do not."""
    for name, limit in limits.items():
        if limit is not None and not limit >= 0:
            raise ValueError(f"{name} must be at least 0, or None for no limit, got {limit!r}")
        can = ("bab",) if name == "nodes" else ("bab", "exact")
        if limit is not None and method not in can:
            raise ValueError(
                f"{name} must be None unless method is {' or '.join(map(repr, can))}, got {limit!r} for {method!r}"
            )
    if method != "bab" and closing != "rows":
        raise ValueError(f"closing must be 'rows' unless method is 'bab', got {closing!r} for {method!r}")
    if method not in ("bab", "exact"):
        return
    if not net.piecewise or norm != np.inf or out_norm != np.inf:
        raise ValueError(
            f"method {method!r} must have a piecewise linear network and norm=out_norm=inf; others are bounded by "
            f"'lirpa' or 'best', got {norm!r} and {out_norm!r} for {net!r}"
        )
    if method == "exact" and arithmetic == "float32+outward":
        raise ValueError(f"arithmetic must be a float64 one for method 'exact', got {arithmetic!r}")


def _all_met(lower: np.ndarray, rows: np.ndarray, closing: Closing) -> np.bool_:
    """Whether bounds are attained up to the solver's tolerance."""
    if closing == "value":
        lower, rows = lower.max(axis=-1), rows.max(axis=-1)
    return met(lower, rows, MET).all()


def _status(method: Method, closed: bool, met: bool) -> str:
    if method not in ("bab", "exact"):
        return "computed"
    if not closed:
        return "stopped at the limit"
    return "upper and lower bound met" if met else "searched to the end, but not attained, as where kinks meet"


def _total(rows: np.ndarray, out_norm: float | int, rounding: Rounding) -> np.ndarray:
    total = np.linalg.norm(rows, ord=out_norm, axis=-1)
    return np.asarray(total if out_norm == np.inf else rounding.up(jnp.asarray(total), jnp.asarray(total), rows.shape[-1]))
