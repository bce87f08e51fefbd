"""The tangent kernel of one finite chain of layers, from small Gram matrices in place of Jacobians."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ntkit.kernels._dense import Dense
from ntkit.kernels._layer import Layer, Params
from ntkit.kernels._shape import Flatten


def is_dense_chain(layers: Sequence[Layer], x: Float[Array, "n ..."]) -> bool:
    """Whether all weights are dense layers' that see vectors."""
    vectors = x.ndim == 2 or isinstance(layers[0], Flatten)
    return vectors and all(isinstance(layer, Dense) or not layer.weighted for layer in layers)


def structured_ntk(
    layers: Sequence[Layer], params: Sequence[Params], x1: Float[Array, "n d"], x2: Float[Array, "m d"]
) -> Float[Array, "n m"]:
    """Inner products of gradients: over dense layers, Gram matrix of inputs times Gram matrix of output gradients."""
    inputs1, gradients1 = _gradients(layers, params, x1)
    inputs2, gradients2 = (inputs1, gradients1) if x2 is x1 else _gradients(layers, params, x2)
    weights = [own for layer, own in zip(layers, params, strict=True) if isinstance(layer, Dense)]
    terms = [
        (own.w_scale**2 * (h1 @ h2.T) + (0.0 if own.b is None else own.b_scale**2))
        * jnp.einsum("onw,omw->nm", g1, g2)
        / len(g1)
        for own, h1, h2, g1, g2 in zip(weights, inputs1, inputs2, gradients1, gradients2, strict=True)
    ]
    total: Array = jax.tree.reduce(jnp.add, terms)
    return total


def _gradients(layers: Sequence[Layer], params: Sequence[Params], x: Float[Array, "n d"]) -> tuple[list[Array], list[Array]]:
    """For each dense layer its inputs, (n, fan_in), and the outputs' gradients at its outputs, (outputs, n, fan_out)."""

    def forward(shifts: list[Array]) -> tuple[Array, list[Array]]:
        out, inputs = x, []
        for layer, own in zip(layers, params, strict=True):
            if layer.weighted:
                inputs.append(out)
            out = layer.apply(own, out)
            if layer.weighted:
                out = out + shifts[len(inputs) - 1]
        return out, inputs

    widths = [own.w.shape[1] for layer, own in zip(layers, params, strict=True) if layer.weighted]
    shifts = [jnp.zeros((len(x), width), x.dtype) for width in widths]
    out, pull_back, inputs = jax.vjp(forward, shifts, has_aux=True)
    # Rows do not mix, so one pull-back of a column of ones gives the gradient of that output at every row.
    columns = jnp.broadcast_to(jnp.eye(out.shape[1], dtype=out.dtype)[:, None, :], (out.shape[1], *out.shape))
    (gradients,) = jax.vmap(pull_back)(columns)
    return inputs, gradients
