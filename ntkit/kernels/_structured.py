"""The tangent kernel of one finite chain of layers, without the Jacobians of its dense layers."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.kernels._chain import Branches
from ntkit.kernels._conv import Conv
from ntkit.kernels._layer import Layer, Params, Weights


class _Factors(NamedTuple):
    """What a weight's gradient is made of: a sum over pixels of outer products of a patch and an output's gradient."""

    patches: Float[Array, "n pixels fan_in"]
    gradients: Float[Array, "outputs n pixels fan_out"]


def has_structure(layers: Sequence[Layer]) -> bool:
    """Whether all weights lie in one chain, without branches."""
    return not any(isinstance(layer, Branches) for layer in layers)


def structured_ntk(
    layers: Sequence[Layer], params: Sequence[Params], x1: Float[Array, "n ..."], x2: Float[Array, "m ..."]
) -> Float[Array, "n m"]:
    """Inner products of gradients, averaged over outputs."""
    first = _factors(layers, params, x1)
    second = first if x2 is x1 else _factors(layers, params, x2)
    weights = [own for layer, own in zip(layers, params, strict=True) if layer.weighted]
    terms = [_term(own, a, b) for own, a, b in zip(weights, first, second, strict=True)]
    total: Array = jax.tree.reduce(jnp.add, terms)
    return total


def _term(own: Weights, a: _Factors, b: _Factors) -> Float[Array, "n m"]:
    """What one layer's weights and bias add."""
    outputs, _, pixels, _ = a.gradients.shape
    if pixels == 1:  # the product of two Gram matrices
        grams = jnp.einsum("onpc,ompc->nm", a.gradients, b.gradients)
        weights = (a.patches[:, 0] @ b.patches[:, 0].T) * grams
    else:
        weights = _jacobian(a) @ _jacobian(b).T
    total = own.w_scale**2 * weights
    if own.b is not None:
        total = total + own.b_scale**2 * jnp.einsum("onc,omc->nm", a.gradients.sum(2), b.gradients.sum(2))
    return total / float(outputs)


def _jacobian(side: _Factors) -> Float[Array, "n parameters"]:
    """All outputs' gradients in the weights, one row per input."""
    return jnp.einsum("npf,onpc->nofc", side.patches, side.gradients).reshape(len(side.patches), -1)


def _factors(layers: Sequence[Layer], params: Sequence[Params], x: Float[Array, "n ..."]) -> list[_Factors]:
    """For each layer with weights, its patches and the gradients of all outputs at its outputs."""

    def forward(shifts: list[Array]) -> tuple[Array, list[Array]]:
        out, patches = x, []
        for layer, own in zip(layers, params, strict=True):
            if layer.weighted:
                seen = layer.patches(out) if isinstance(layer, Conv) else out
                patches.append(seen.reshape(len(x), -1, seen.shape[-1]))
            out = layer.apply(own, out)
            if layer.weighted:
                out = out + shifts[len(patches) - 1]
        return out, patches

    shapes, out = [], jax.eval_shape(lambda x: x, x)
    for layer, own in zip(layers, params, strict=True):
        out = jax.eval_shape(layer.apply, own, out)
        if layer.weighted:
            shapes.append(out.shape)
    if len(out.shape) != 2:
        raise ValueError(f"outputs must have shape (n, outputs), got {out.shape}; end with Flatten() or GlobalAvgPool()")
    out, pull_back, patches = jax.vjp(forward, [jnp.zeros(shape, x.dtype) for shape in shapes], has_aux=True)
    # Rows do not mix, so one pull-back of a column of ones gives the gradient of that output at every row.
    columns = jnp.broadcast_to(jnp.eye(out.shape[1], dtype=out.dtype)[:, None, :], (out.shape[1], *out.shape))
    (gradients,) = jax.vmap(pull_back)(columns)
    flat = [g.reshape(*g.shape[:2], math.prod(g.shape[2:-1]), g.shape[-1]) for g in gradients]
    return [_Factors(*pair) for pair in zip(patches, flat, strict=True)]
