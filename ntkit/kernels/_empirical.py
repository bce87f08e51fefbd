"""The tangent kernel of one finite network, of any function with parameters."""

from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ntkit.kernels._function import Apply, as_problem, check_choice, check_count
from ntkit.kernels._jacobian import jacobian_rows
from ntkit.kernels._memory import Plan, Sizes, plan_contraction
from ntkit.kernels._ntvp import contract_products
from ntkit.kernels._products import with_products
from ntkit.kernels._triangle import tiled


def empirical_ntk(
    apply: Apply,
    params: Any,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    trace_axes: tuple[int, ...] = (-1,),
    implementation: str = "jacobian",
    memory: int = 2**30,
) -> Float[Array, "n m"] | Float[Array, "n m k k"]:
    """<df(x)/dparams, df(z)/dparams>, averaged over the outputs of f, or for each pair of outputs.

    Two implementations of one definition. "jacobian" makes rows of the Jacobian and multiplies them: the time of k
    backward passes for each sample, and of n m k p (k for the full kernel) multiplications. "ntvp" multiplies the kernel by
    unit vectors, one backward and n forward passes for each: slower unless parameters are very many, but no row of the
    Jacobian stays. Convolutions run as matrix products where that is faster. A `Network` has a method of this name that is
    faster still.

    Args:
        apply: (params, x) -> shape (batch, k), k outputs, acting on each row by itself. The compiled kernel is kept with
            it: pass the same object again, not a new lambda.
        params: a pytree of floating-point arrays of one dtype.
        x1: inputs, floating point, shape (n, ...).
        x2: inputs, shape (m, ...), of the dtype of x1; None stands for x1: one triangle is computed, the result is exactly
            symmetric.
        trace_axes: (-1,) averages over the outputs, () does not.
        implementation: "jacobian" or "ntvp".
        memory: bytes that may be used besides the arguments, the result, and what JAX itself takes for the program. Jacobian
            rows that do not fit are made again for each tile of the kernel, or group by group of the parameter arrays
            (that takes three more results), whichever takes fewer passes.

    Returns:
        Shape (n, m), or (n, m, k, k) without trace, in the dtype of the parameters. In the limit of infinite width, the
        `ntk` of the architecture (times the identity of k outputs). As an approximation T of the full kernel by
        T (x) I, the average over outputs is the best in Frobenius norm; its largest eigenvalue is never above that of
        the full kernel, its smallest never below.

    Raises:
        ValueError: params, x1 or x2 are not finite, real, floating, non-empty arrays (values are seen only outside of
            `jax.jit`), apply does not return (batch, k) or mixes rows (the first is tried beside two others, outside of
            `jax.jit`), an option is unknown, or the memory is too small: the message has the smallest that is not.

    Example:
        >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
        >>> empirical_ntk(lambda w, x: x @ w, x[:, :1], x).tolist()  # a linear model has x x^T
        [[5.0, 11.0], [11.0, 25.0]]
        >>> empirical_ntk(lambda w, x: x @ w, x, x, trace_axes=()).shape  # here with two outputs: x x^T for equal ones
        (2, 2, 2, 2)

    Source: Jacot, Gabriel, Hongler (2018), definition of the NTK; both implementations: Novak, Sohl-Dickstein, Schoenholz
    (2022). Averaging over outputs: neural-tangents' convention.
    """
    check_choice("trace_axes", tuple(trace_axes), ((-1,), ()))
    check_choice("implementation", implementation, ("jacobian", "ntvp"))
    check_count("memory", memory)
    problem = as_problem(apply, params, x1, x2)
    contract = contract_jacobian if implementation == "jacobian" else contract_products
    kernel: Array = contract(problem.apply, bool(trace_axes), memory, problem.outputs, problem.params, problem.x1, problem.x2)
    return kernel


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def contract_jacobian(
    apply: Apply, traced: bool, memory: int, k: int, params: Any, x1: Float[Array, "n ..."], x2: Float[Array, "m ..."] | None
) -> Float[Array, "n m ..."]:
    """Jacobian rows, times Jacobian rows; planned when it is compiled."""
    leaves = jax.tree.leaves(params)
    m = None if x2 is None else len(x2)
    sizes = Sizes(len(x1), m, k, tuple(leaf.size for leaf in leaves), leaves[0].dtype.itemsize, traced)
    function, plan = plan_contraction((with_products(apply), apply), params, x1, sizes, memory)
    parts = [_one_group(function, traced, k, params, x1, x2, plan, group) for group in plan.groups]
    return reduce(jnp.add, parts)


def _one_group(
    apply: Apply, traced: bool, k: int, params: Any, x1: Array, x2: Array | None, plan: Plan, group: tuple[int, ...]
) -> Array:
    """What a group of parameter arrays adds to the kernel."""
    dtype = jax.tree.leaves(params)[0].dtype

    def rows(x: Array) -> Array:
        return jacobian_rows(apply, params, group, x, min(plan.samples, len(x)), plan.outputs)

    def side(x: Array, size: int) -> Any:
        kept = rows(x) if plan.keep else None

        def tile(start: Array) -> Array:
            if kept is None:
                return rows(lax.dynamic_slice_in_dim(x, start, size))
            return kept if size == len(x) else lax.dynamic_slice_in_dim(kept, start, size)

        return tile

    def block(rows1: Array, rows2: Array) -> Array:
        if traced:
            return rows1.reshape(len(rows1), -1) @ rows2.reshape(len(rows2), -1).T / k
        product = rows1.reshape(-1, rows1.shape[-1]) @ rows2.reshape(-1, rows2.shape[-1]).T
        return jnp.swapaxes(product.reshape(len(rows1), k, len(rows2), k), 1, 2)

    out = jnp.zeros((len(x1), len(x1 if x2 is None else x2), *(() if traced else (k, k))), dtype)
    right = None if x2 is None else side(x2, plan.tile[1])
    return tiled(side(x1, plan.tile[0]), right, block, out, plan.tile)
