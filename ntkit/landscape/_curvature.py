"""Products of a loss's curvature with directions: the Hessian, its Gauss-Newton part, the Fisher matrix of the data.

Source: forward over reverse, Pearlmutter (1994); Gauss-Newton, Schraudolph (2002).
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from ntkit.landscape._loss import Loss, Params, SumOfParts, check_direction, check_loss, check_params

Vector = Float[Array, " params"]


@runtime_checkable
class Curvature(Protocol):
    """A symmetric matrix at every point, known by its products, and the loss that it belongs to."""

    def __call__(self, params: Params) -> Float[Array, ""]:
        """The loss."""

    def product(self, params: Params, v: Params) -> Params:
        """The matrix at `params` times a direction."""


class GaussNewton:
    """The part J^T (d^2 loss / d outputs^2) J of the Hessian, J being the derivative of the outputs.

    Positive semidefinite if the loss is convex in the outputs; the Fisher matrix of the model if it is the log loss of a
    family in natural parameters (Martens 2020), such as cross-entropy of logits. Takes the place of a loss wherever a spectrum
    is asked for.

    Args:
        outputs: of the parameters, a pytree of arrays.
        loss: of the outputs, a number.

    Example:
        >>> squared = GaussNewton(lambda w: w**2, lambda y: 0.5 * y**2)  # the Hessian at 3 is 6 * 9, of which J^2 = 36 is this
        >>> float(squared.product(jnp.array(3.0), jnp.array(1.0)))
        36.0
    """

    def __init__(self, outputs: Callable[[Params], PyTree[Array]], loss: Callable[[Any], Float[Array, ""]]) -> None:
        self.outputs, self.loss = outputs, loss

    def __call__(self, params: Params) -> Float[Array, ""]:
        return self.loss(self.outputs(params))

    def product(self, params: Params, v: Params) -> Params:
        made, back = jax.vjp(self.outputs, params)
        moved = jax.jvp(self.outputs, (params,), (v,))[1]
        return back(jax.jvp(jax.grad(self.loss), (made,), (moved,))[1])[0]


class EmpiricalFisher:
    """The mean of g g^T over the gradients g of the losses of all samples.

    Not the Fisher matrix of the model, which takes labels from the model; see Kunstner, Balles, Hennig (2019).

    Args:
        losses: of the parameters, one number for each sample, shape (samples,).

    Example:
        >>> fisher = EmpiricalFisher(lambda w: jnp.array([1.0, 3.0]) * w)
        >>> float(fisher.product(jnp.array(0.0), jnp.array(1.0)))
        5.0
    """

    def __init__(self, losses: Callable[[Params], Float[Array, " samples"]]) -> None:
        self.losses = losses

    def __call__(self, params: Params) -> Float[Array, ""]:
        return self.losses(params).mean()

    def product(self, params: Params, v: Params) -> Params:
        made, back = jax.vjp(self.losses, params)
        return back(jax.jvp(self.losses, (params,), (v,))[1] / made.size)[0]


def hvp(loss: Loss, params: Params, v: Params) -> Params:
    """The Hessian of a loss, or the matrix of a `Curvature`, times a direction.

    Traced: it works under jit and vmap over `v`. A `SumOfParts` is taken part by part.

    Raises:
        ValueError: `params` are no floating point arrays, or `v` differs from them in structure, shapes or dtype.

    Example:
        >>> hvp(lambda w: w[0] ** 2 * w[1], jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0])).tolist()
        [4.0, 2.0]
    """
    if not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((params, v))):
        check_params(params)
        check_direction("v", v, params)
    return product(loss, params, v)


def product(loss: Loss | Curvature, params: Params, v: Params) -> Params:
    """The same, unchecked."""
    if isinstance(loss, Curvature):
        return loss.product(params, v)
    if isinstance(loss, SumOfParts):
        return loss.added(lambda part: product(lambda own: loss.part_loss(own, part), params, v))
    return jax.jvp(jax.grad(loss), (params,), (v,))[1]


class Flat:
    """A loss's curvature at a point as products with vectors, compiled once.

    Attributes:
        size: the number of parameters.
        dtype: of all.
        products: how many have been taken.
    """

    def __init__(self, loss: Loss, params: Params) -> None:
        check_loss(loss, params)
        point, self._unravel = ravel_pytree(params)
        self.size, self.dtype, self.products = point.size, point.dtype, 0
        self._params = params
        self.traced: Callable[[Params, Vector], Vector] = lambda params, v: ravel_pytree(
            product(loss, params, self._unravel(v))
        )[0]
        self._one = jax.jit(self.traced)
        self._many = jax.jit(lambda params, rows: jax.lax.map(lambda v: self.traced(params, v), rows))

    def __call__(self, v: Vector) -> Vector:
        """The matrix times a vector."""
        self.products += 1
        image: Vector = self._one(self._params, v)
        return image

    def rows(self, rows: Float[Array, "rows params"]) -> Float[Array, "rows params"]:
        """The matrix times many vectors, one after another."""
        self.products += len(rows)
        images: Array = self._many(self._params, rows)
        return images

    def dense(self) -> Float[Array, "params params"]:
        """The whole matrix, symmetrised."""
        whole = self.rows(jnp.eye(self.size, dtype=self.dtype))
        return (whole + whole.T) / 2

    def tree(self, vectors: Float[Array, "*rows params"]) -> Params:
        """As pytrees like the parameters, with the leading axes of the vectors in front."""
        return self._unravel(vectors) if vectors.ndim == 1 else jax.vmap(self._unravel)(vectors)

    @property
    def params(self) -> Params:
        """The point."""
        return self._params
