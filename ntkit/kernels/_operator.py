"""The tangent kernel as a linear operator: its products with vectors, without the kernel."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from scipy.sparse.linalg import LinearOperator

from ntkit.kernels._function import Apply, as_problem, check_choice, check_count


def ntk_operator(
    apply: Apply, params: Any, x: ArrayLike, *, trace_axes: tuple[int, ...] = (-1,), batch: int = 64
) -> LinearOperator:
    """The symmetric `empirical_ntk` of some samples as an operator, for its spectrum when it is too large to write down.

    A product J (J^T v) takes one backward and one forward pass over all samples, k of each for the kernel that is averaged
    over k outputs. Memory: a few times the parameters, n k numbers, and the activations of one batch.

    Args:
        apply: (params, x) -> shape (batch, k), acting on each row by itself.
        params: a pytree of floating-point arrays of one dtype.
        x: inputs, floating point, shape (n, ...).
        trace_axes: (-1,) for the (n, n) kernel averaged over the outputs; () for the full one as an (n k, n k) matrix, row
            i k + o for output o of sample i.
        batch: samples that are passed through the function at once.

    Returns:
        A `scipy.sparse.linalg.LinearOperator` on NumPy vectors, of the dtype of the parameters, for `eigsh` and others.
        Its products are J J^T v up to rounding, so that no eigenvalue lies below zero by more than that.

    Raises:
        ValueError: as for `empirical_ntk`, or batch is not a positive integer.

    Example:
        >>> from scipy.sparse.linalg import eigsh
        >>> x = jnp.eye(4) * jnp.array([[1.0], [2.0], [3.0], [4.0]])
        >>> linear = ntk_operator(lambda w, x: x @ w, jnp.ones((4, 1)), x)  # the kernel x x^T
        >>> eigsh(linear, k=2, return_eigenvectors=False).round(3).tolist()
        [9.0, 16.0]

    Source: NTK-vector products: Novak, Sohl-Dickstein, Schoenholz (2022).
    """
    check_choice("trace_axes", tuple(trace_axes), ((-1,), ()))
    check_count("batch", batch)
    problem = as_problem(apply, params, x)
    k, inputs, traced = problem.outputs, problem.x1, bool(trace_axes)
    dtype = jax.tree.leaves(problem.params)[0].dtype
    size = len(inputs) * (1 if traced else k)

    def product(v: np.ndarray) -> np.ndarray:
        found = _product(problem.apply, min(batch, len(inputs)), k, traced, problem.params, inputs, jnp.asarray(v, dtype))
        return np.asarray(found)

    def products(vectors: np.ndarray) -> np.ndarray:
        return np.stack([product(v) for v in vectors.T], axis=1)

    return LinearOperator((size, size), matvec=product, rmatvec=product, matmat=products, rmatmat=products, dtype=dtype)


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _product(apply: Apply, batch: int, k: int, traced: bool, params: Any, x: Float[Array, "n ..."], v: Array) -> Array:
    """The kernel times a vector."""
    if not traced:
        return _full_product(apply, batch, params, x, v.reshape(len(x), k)).reshape(-1)

    def one_output(o: Array) -> Array:
        return _full_product(apply, batch, params, x, v.reshape(-1, 1) * jax.nn.one_hot(o, k, dtype=v.dtype)[None])[:, o]

    return jnp.asarray(lax.map(one_output, jnp.arange(k))).mean(0)


def _full_product(apply: Apply, batch: int, params: Any, x: Float[Array, "n ..."], v: Float[Array, "n k"]) -> Array:
    count = -(-len(x) // batch)
    inputs = _padded(x, count * batch).reshape(count, batch, *x.shape[1:])
    weights = jnp.zeros((count * batch, v.shape[1]), v.dtype).at[: len(x)].set(v).reshape(count, batch, -1)

    def backward(total: Any, step: tuple[Array, Array]) -> tuple[Any, None]:
        some, weight = step
        y, back = jax.vjp(lambda p: apply(p, some), params)
        return jax.tree.map(jnp.add, total, back(weight.astype(y.dtype))[0]), None

    direction, _ = lax.scan(backward, jax.tree.map(jnp.zeros_like, params), (inputs, weights))
    forward = lax.map(lambda some: jax.jvp(lambda p: apply(p, some), (params,), (direction,))[1], inputs)
    return jnp.asarray(forward).reshape(count * batch, -1)[: len(x)]


def _padded(x: Array, size: int) -> Array:
    """Repeat the first sample until there are so many."""
    return jnp.concatenate([x, jnp.broadcast_to(x[:1], (size - len(x), *x.shape[1:]))])
