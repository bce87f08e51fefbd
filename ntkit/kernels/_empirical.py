"""The tangent kernel of one finite network."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ntkit.kernels._door import as_pair

Apply = Callable[[Any, Array], Array]


def empirical_ntk(apply: Apply, params: Any, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array, "n m"]:
    """<df(x)/dparams, df(z)/dparams>, averaged over the outputs of f.

    All Jacobians are held in memory: (n + m) x outputs x parameters numbers. A `Network` has a method of this name that
    needs neither them nor their time.

    Args:
        apply: (params, x of shape (batch, ...)) -> shape (batch, outputs), acting on each row by itself.
        params: a pytree of floating-point arrays.
        x1: inputs, shape (n, ...).
        x2: inputs, shape (m, ...); None stands for x1.

    Returns:
        Shape (n, m). In the limit of infinite width, the `ntk` of the architecture.

    Raises:
        ValueError: wrong shape or dtype of the inputs, no parameters, or outputs that are not of shape (batch, outputs).

    Example:
        >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
        >>> empirical_ntk(lambda w, x: x @ w, x[:, :1], x).tolist()  # a linear model has x x^T
        [[5.0, 11.0], [11.0, 25.0]]

    Source: Jacot, Gabriel, Hongler (2018), definition of the NTK. Averaging over outputs: neural-tangents' convention.
    """
    first, second = as_pair(x1, x2)
    if not jax.tree.leaves(params):
        raise ValueError("params must hold at least one array, got none")
    shape = jax.eval_shape(apply, params, first).shape
    if len(shape) != 2 or shape[0] != len(first):
        raise ValueError(f"apply must map shape {first.shape} to ({len(first)}, outputs), got {shape}")

    def jacobian(x: Array) -> Any:
        return jax.vmap(lambda row: jax.jacrev(lambda p: apply(p, row[None, :])[0])(params))(x)

    jacobian1 = jacobian(first)
    jacobian2 = jacobian1 if x2 is None else jacobian(second)

    def contract(j1: Array, j2: Array) -> Array:
        """Sum over outputs and all axes of one parameter array."""
        return j1.reshape(len(j1), -1) @ j2.reshape(len(j2), -1).T

    total: Array = jax.tree.reduce(jnp.add, jax.tree.map(contract, jacobian1, jacobian2))
    return total / float(shape[1])
