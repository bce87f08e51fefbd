"""Convolutions as matrix products: the same function, whose gradients by weights are matrix products too.

The gradient of each sample's outputs by a convolution's weights is a convolution that shares nothing between samples: XLA
runs it as a grouped convolution, several times slower than the product of patches and gradients that it is.
"""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var
from jaxtyping import Array

from ntkit.kernels._function import Apply


def with_products(apply: Apply) -> Apply:
    """The function with its plain convolutions written as products of patches and weights, up to the order of sums.

    Convolutions with groups or dilated inputs, and those inside loops, branches or functions with derivatives of their
    own, stay as they are.
    """

    def rewritten(params: Any, x: Array) -> Array:
        closed = jax.make_jaxpr(apply)(params, x)
        if not _has_plain_convolution(closed.jaxpr):
            return apply(params, x)
        return jnp.asarray(_run(closed.jaxpr, closed.consts, jax.tree.leaves((params, x)))[0])

    return rewritten


def _has_plain_convolution(jaxpr: Jaxpr) -> bool:
    return any(_is_plain(e) or (_is_call(e) and _has_plain_convolution(e.params["jaxpr"].jaxpr)) for e in jaxpr.eqns)


def _is_call(equation: JaxprEqn) -> bool:
    return equation.primitive.name in ("jit", "pjit")


def _is_plain(equation: JaxprEqn) -> bool:
    own = equation.params
    return (
        equation.primitive is lax.conv_general_dilated_p
        and own["feature_group_count"] == own["batch_group_count"] == 1
        and set(own["lhs_dilation"]) <= {1}
    )


def _run(jaxpr: Jaxpr, consts: list[Any], arguments: list[Any]) -> list[Any]:
    """Evaluate a jaxpr, equation by equation."""
    values: dict[Var, Any] = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *arguments), strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else values[atom]

    for equation in jaxpr.eqns:
        given = [read(atom) for atom in equation.invars]
        if _is_call(equation):
            inner = equation.params["jaxpr"]
            found = _run(inner.jaxpr, inner.consts, given)
        elif _is_plain(equation):
            found = [_convolve(*given, **equation.params)]
        else:
            primitive: Any = equation.primitive
            result = primitive.bind(*given, **primitive.get_bind_params(equation.params))
            found = result if primitive.multiple_results else [result]
        values.update(zip(equation.outvars, found, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _convolve(x: Array, w: Array, **options: Any) -> Array:
    """`lax.conv_general_dilated` as one matrix product, (samples and places, taps and channels) by (..., outputs)."""
    layout = options["dimension_numbers"]
    inputs = jnp.transpose(x, _channels_last(layout.lhs_spec))
    inputs = lax.pad(inputs, jnp.zeros((), x.dtype), [(0, 0, 0), *((*ends, 0) for ends in options["padding"]), (0, 0, 0)])
    weights = jnp.transpose(w, (*layout.rhs_spec[2:], layout.rhs_spec[1], layout.rhs_spec[0]))
    taps, strides, dilation = weights.shape[:-2], options["window_strides"], options["rhs_dilation"]
    reach = [(k - 1) * d for k, d in zip(taps, dilation, strict=True)]
    places = [(n - r - 1) // s + 1 for n, r, s in zip(inputs.shape[1:-1], reach, strides, strict=True)]

    def seen_by(tap: tuple[int, ...]) -> Array:
        """What one tap meets, at all places."""
        low = [t * d for t, d in zip(tap, dilation, strict=True)]
        high = [a + (n - 1) * s + 1 for a, n, s in zip(low, places, strides, strict=True)]
        return lax.slice(inputs, (0, *low, 0), (len(inputs), *high, inputs.shape[-1]), (1, *strides, 1))

    patches = jnp.concatenate([seen_by(tap) for tap in itertools.product(*map(range, taps))], axis=-1)
    out = lax.dot_general(
        patches.reshape(-1, patches.shape[-1]),
        weights.reshape(-1, weights.shape[-1]),
        (((1,), (0,)), ((), ())),
        precision=options["precision"],
        preferred_element_type=options["preferred_element_type"],
    )
    target = _channels_last(layout.out_spec)
    return jnp.transpose(out.reshape(len(inputs), *places, -1), [target.index(axis) for axis in range(len(target))])


def _channels_last(spec: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that brings (batch, channels, ...) at the axes of `spec` into the order batch, ..., channels."""
    return (spec[0], *spec[2:], spec[1])
