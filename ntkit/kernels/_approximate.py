"""Cheaper stand-ins for the tangent kernel, each with what is known about its error.

The average over outputs, `empirical_ntk` with its trace, is one of them: see there.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float, PRNGKeyArray

from ntkit.kernels._empirical import empirical_ntk
from ntkit.kernels._function import Apply, as_problem, check_choice, check_count


def pseudo_ntk(
    apply: Apply,
    params: Any,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    implementation: str = "jacobian",
    memory: int = 2**30,
) -> Float[Array, "n m"]:
    """The pseudo-NTK: the tangent kernel of the sum of all k outputs over sqrt(k), at the cost of a single output.

    Its error as an approximation P of the full kernel Theta by P (x) I:

    - P = (1/k) sum_{o,o'} Theta_{o,o'} is the quadratic form of Theta at the unit vector (1, ..., 1) / sqrt(k) of outputs.
      Hence, for x2=None, its largest eigenvalue errs low and its smallest errs high, always; it is positive semi-definite.
    - P minus the average over outputs is the mean of Theta_{o,o'} over pairs o != o', times k - 1. With readout rows that
      are independent and of mean zero given the rest of the network (at random initialisation), that is zero on average;
      for width n it is of order n^{-1/2}. After training nothing keeps the outputs apart: compare with a few entries of
      the full kernel.
    - The average over outputs is never farther from Theta in Frobenius norm.

    Args:
        apply: as for `empirical_ntk`, and so all others.
        params: its parameters.
        x1: inputs, shape (n, ...).
        x2: inputs, shape (m, ...); None stands for x1.
        implementation: "jacobian" or "ntvp".
        memory: bytes that may be used besides arguments and result.

    Returns:
        Shape (n, m), in the dtype of the parameters; exactly symmetric for x2=None.

    Raises:
        ValueError: as for `empirical_ntk`.

    Example:
        >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
        >>> pseudo_ntk(lambda w, x: x @ w, jnp.ones((2, 4)), x).tolist()  # a linear model: exact, x x^T
        [[5.0, 11.0], [11.0, 25.0]]

    Source: Mohamadi, Bae, Sutherland (2023), definition of the pNTK.
    """
    check_choice("implementation", implementation, ("jacobian", "ntvp"))
    problem = as_problem(apply, params, x1, x2)
    return empirical_ntk(
        _SumOfOutputs(problem.apply), problem.params, problem.x1, problem.x2, implementation=implementation, memory=memory
    )


@dataclass(frozen=True)
class _SumOfOutputs:
    """Equal for equal functions, so that what is compiled is found again."""

    apply: Apply

    def __call__(self, params: Any, x: Array) -> Float[Array, "n 1"]:
        y = self.apply(params, x)
        scaled: Array = y.sum(1, keepdims=True) / y.shape[1] ** 0.5
        return scaled


class ProjectedNtk(NamedTuple):
    """An unbiased estimate of the tangent kernel.

    Attributes:
        value: the estimate, positive semi-definite for x2=None.
        stderr: the standard error of each entry, estimated from the same projections (relative error (2 m)^{-1/2} if the
            samples were normal; they have heavier tails: for m >= 100, value +- 2 stderr covers about 95 %).
    """

    value: Float[Array, "n m ..."]
    stderr: Float[Array, "n m ..."]


def projected_ntk(
    key: PRNGKeyArray,
    apply: Apply,
    params: Any,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    projections: int = 128,
    trace_axes: tuple[int, ...] = (-1,),
    batch: int = 64,
) -> ProjectedNtk:
    """The tangent kernel from random projections of the gradients, by forward passes only.

    Each of m projections draws u from N(0, I) over the parameters and multiplies the derivatives along it: J1 u (J2 u)^T has
    the kernel as its mean. Errors, for one output or the full kernel Theta:

    - unbiased, with variance (Theta_ii Theta_jj + Theta_ij^2) / m: on the diagonal a relative variance of 2 / m, and for
      gradients at right angles an absolute error of the size of the diagonal over sqrt(m), whatever the number of parameters;
    - averaged over outputs: (1 / (m k^2)) sum_{o,o'} (Theta_ii,oo' Theta_jj,oo' + Theta_ij,oo' Theta_ij,o'o), less by up to k;
    - eigenvalues are biased: the largest errs high, the smallest low on average, and with m < n k many are zero.

    Args:
        key: JAX PRNG key.
        apply: as for `empirical_ntk`, and so the four that follow.
        params: its parameters.
        x1: inputs, shape (n, ...).
        x2: inputs, shape (m, ...); None stands for x1.
        trace_axes: (-1,) or ().
        projections: m, at least 2; time and variance go as m and 1 / m.
        batch: samples that are passed through the function at once.

    Returns:
        Value and standard error, each of shape (n, m), or (n, m, k, k) without trace. Exactly symmetric for x2=None.

    Raises:
        ValueError: as for `empirical_ntk`, or projections is below 2, or batch below 1.

    Example:
        >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
        >>> found = projected_ntk(jax.random.key(0), lambda w, x: x @ w, jnp.ones((2, 1)), x, projections=1000)
        >>> bool((jnp.abs(found.value - x @ x.T) < 4 * found.stderr).all())
        True

    Source: Johnson, Lindenstrauss (1984); the variance is that of a product of two Gaussians (Isserlis).
    """
    check_choice("trace_axes", tuple(trace_axes), ((-1,), ()))
    check_count("projections", projections, least=2)
    check_count("batch", batch)
    problem = as_problem(apply, params, x1, x2)
    found = _project(problem.apply, bool(trace_axes), projections, batch, key, problem.params, problem.x1, problem.x2)
    return ProjectedNtk(*found)


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _project(
    apply: Apply, traced: bool, projections: int, batch: int, key: Array, params: Any, x1: Array, x2: Array | None
) -> tuple[Array, Array]:
    flat, unravel = jax.flatten_util.ravel_pytree(params)

    def sample(index: Array) -> Array:
        direction = unravel(jax.random.normal(jax.random.fold_in(key, index), flat.shape, flat.dtype))

        def along(x: Array) -> Array:
            def one(row: Array) -> Array:
                return jnp.asarray(jax.jvp(lambda p: apply(p, row[None])[0], (params,), (direction,))[1])

            return jnp.asarray(lax.map(one, x, batch_size=min(batch, len(x))))

        first = along(x1)
        second = first if x2 is None else along(x2)
        if traced:
            return jnp.asarray((first[:, None, :] * second[None, :, :]).mean(-1))
        return jnp.asarray(first[:, None, :, None] * second[None, :, None, :])

    def step(i: Array, moments: tuple[Array, Array]) -> tuple[Array, Array]:
        """Welford's update: float32 would lose a variance that is small beside the square of the mean."""
        mean, squares = moments
        found = sample(i)
        change = found - mean
        mean = mean + change / (i + 1).astype(change.dtype)
        return mean, squares + change * (found - mean)

    start = jnp.zeros_like(jax.eval_shape(sample, jnp.int32(0)))
    mean, squares = lax.fori_loop(jnp.int32(0), jnp.int32(projections), step, (start, start))
    return mean, jnp.sqrt(squares / (projections * (projections - 1)))
