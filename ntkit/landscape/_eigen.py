"""Eigenvalues at the ends of a loss's spectrum, with their residuals."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.linalg
from jaxtyping import Float, PRNGKeyArray

from ntkit.landscape._curvature import Flat
from ntkit.landscape._lanczos import Lanczos, ritz
from ntkit.landscape._loss import Loss, Params

DENSE = 64  # parameters up to which the matrix is written down


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """Eigenvalues of a symmetric matrix, the algebraically largest first.

    Attributes:
        values: shape (count,). Estimates from below; some eigenvalue lies within `residuals[i]` of `values[i]`.
        vectors: pytrees like the parameters, of norm 1, with an axis of length count in front.
        residuals: |A v - value v|, shape (count,).
        hvps: products with the matrix that were taken.
    """

    values: Float[np.ndarray, " count"]
    vectors: Params
    residuals: Float[np.ndarray, " count"]
    hvps: int


@dataclass(frozen=True, eq=False)
class Smallest:
    """The smallest eigenvalue of a symmetric matrix.

    Attributes:
        value: no less than the smallest eigenvalue but for rounding: an estimate from above.
        vector: a pytree like the parameters, of norm 1.
        residual: |A v - value v|: some eigenvalue lies within this of the value.
        hvps: products with the matrix that were taken.
    """

    value: float
    vector: Params
    residual: float
    hvps: int


def top_eigenpairs(loss: Loss, params: Params, count: int, *, key: PRNGKeyArray, rtol: float = 1e-6) -> Eigenpairs:
    """The largest eigenvalues of a loss's Hessian, by implicitly restarted Lanczos iterations (ARPACK).

    Args:
        loss: of the parameters; a `SumOfParts` is taken part by part, of a `GaussNewton` or another `Curvature` that matrix.
        params: a pytree of floating point arrays of one dtype.
        count: how many, at least 1 and at most the number of parameters.
        key: of the vector that iterations start from.
        rtol: the residuals that are aimed at, relative to each eigenvalue. 1e-6 takes 3 to 5 products for each of 10 pairs.

    Raises:
        ValueError: `count` is out of range, second derivatives are not finite, or see `slice_1d` for `loss` and `params`.
        scipy.sparse.linalg.ArpackNoConvergence: eigenvalues are so close together that iterations found too few of them.

    Example:
        >>> found = top_eigenpairs(lambda w: w[0] ** 2 - w[1] ** 2, jnp.zeros(2), 2, key=jax.random.key(0))
        >>> found.values.tolist(), found.hvps
        ([2.0, -2.0], 2)
    """
    flat = Flat(loss, params)
    if not 1 <= count <= flat.size:
        raise ValueError(f"count must be from 1 to the number of parameters, {flat.size}, got {count}")
    if flat.size <= DENSE or count > flat.size // 2:
        matrix = np.asarray(flat.dense())
        _check_finite(matrix)
        values, columns = np.linalg.eigh(matrix)
        values, columns = values[::-1][:count], columns[:, ::-1][:, :count]
        residuals = np.linalg.norm(matrix @ columns - columns * values, axis=0)
    else:
        start = np.asarray(jax.random.normal(key, (flat.size,), flat.dtype))
        operator = scipy.sparse.linalg.LinearOperator(
            (flat.size, flat.size), matvec=lambda v: np.asarray(flat(jnp.asarray(v.reshape(-1), flat.dtype))), dtype=flat.dtype
        )
        image = np.asarray(flat(jnp.asarray(start)))
        _check_finite(image)
        if not image.any():  # ARPACK refuses a matrix that is zero
            values, columns = np.zeros(count, flat.dtype), np.eye(flat.size, count, dtype=flat.dtype)
        else:
            values, columns = scipy.sparse.linalg.eigsh(operator, count, which="LA", v0=start, tol=rtol)
        order = np.argsort(values)[::-1]
        values, columns = values[order], columns[:, order]
        images = np.asarray(flat.rows(jnp.asarray(columns.T)))
        residuals = np.linalg.norm(images - columns.T * values[:, None], axis=1)
    return Eigenpairs(values, flat.tree(jnp.asarray(columns.T, flat.dtype)), residuals, flat.products)


def _check_finite(found: np.ndarray) -> None:
    if not np.isfinite(found).all():
        raise ValueError("loss must have finite second derivatives at params, got NaN or infinity")


def smallest_eigenvalue(loss: Loss, params: Params, *, key: PRNGKeyArray, steps: int = 60) -> Smallest:
    """The smallest eigenvalue of a loss's Hessian, by Lanczos steps with full reorthogonalisation.

    At that end eigenvalues often crowd at 0, where iterations for a given accuracy take hundreds of products; so many steps
    give what they give, and `residual` says how good it is.

    Raises:
        ValueError: `steps` is less than 1, or see `slice_1d` for `loss` and `params`.

    Example:
        >>> found = smallest_eigenvalue(lambda w: w[0] ** 2 - w[1] ** 2, jnp.zeros(2), key=jax.random.key(0))
        >>> round(found.value, 6), found.hvps
        (-2.0, 3)
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    flat = Flat(loss, params)
    found = Lanczos(flat, steps)(jax.random.normal(key, (flat.size,), flat.dtype))
    _, columns = ritz(found)
    vector = jnp.asarray(columns[:, 0], flat.dtype) @ found.basis[: found.steps]
    vector = vector / jnp.linalg.norm(vector)
    image = flat(vector)
    value = float(jnp.vdot(vector, image))
    residual = float(jnp.linalg.norm(image - value * vector))
    return Smallest(value, flat.tree(vector), residual, flat.products)
