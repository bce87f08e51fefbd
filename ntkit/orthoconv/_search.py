"""A numerical search for an orthogonal layer, where no theory decides or as a check of it."""

from dataclasses import dataclass
from math import prod, sqrt

import jax
import numpy as np
import scipy.optimize
import scipy.sparse
from jaxtyping import Float, PRNGKeyArray

from ntkit.orthoconv._architecture import Architecture, Padding, Shape, Sizes, at_least_one, check_key, check_padding, per_axis
from ntkit.orthoconv._construct import gaussian_kernel
from ntkit.orthoconv._matrix import entries

MOST_ENTRIES = 2**18  # of the layer matrix, which is dense here: 2 MiB
_STEPS, _MEMORY, _FLAT, _SMALL = 3000, 30, 1e-10, 1e-6


@dataclass(frozen=True)
class Search:
    """The best of several descents.

    Attributes:
        kernel: with the least error found, float64.
        frobenius_error: its err_F. An upper bound of the least error of all kernels: descent may end in local minima.
        errors: err_F at the end of each start.
        converged: whether the best descent came to rest, rather than out of steps: no entry of the gradient of err_F^2 is
            above 1e-6 there. Of some other start, or of a global minimum, it says nothing.
    """

    kernel: Float[np.ndarray, "M C *taps"]
    frobenius_error: float
    errors: Float[np.ndarray, " starts"]
    converged: bool


def search_orthogonal(
    key: PRNGKeyArray,
    *,
    out_channels: int,
    in_channels: int,
    kernel_size: Sizes,
    stride: Sizes = 1,
    padding: Padding = "circular",
    size: Sizes,
    ndim: int | None = None,
    starts: int = 5,
) -> Search:
    """Minimise err_F, ||A A^T - I||_F or ||A^T A - I||_F as for `frobenius_error`, by L-BFGS from random kernels.

    For small layers: the matrix is dense. Where an orthogonal layer exists, err_F mostly ends between 1e-12 and some 1e-7,
    since a minimum of err_F^2 may be flat to fourth order, as those of "same" layers are. A larger error proves nothing by
    itself, but if most starts agree on it, it is likely the least: there are local minima, more of them where A is square or
    nearly so; take more starts.

    Args:
        key: JAX PRNG key, of the starts.
        out_channels: M.
        in_channels: C.
        kernel_size: taps along each axis, a number or one for each.
        stride: along each axis.
        padding: as for `layer_matrix`.
        size: N, output points along each axis.
        ndim: number of axes, where neither kernel_size nor stride tells it.
        starts: how many; each takes at most 3000 steps.

    Raises:
        ValueError: a number below 1, axes that do not go together, an unknown padding, or a matrix of more than 2^18 entries.

    Example:
        >>> found = search_orthogonal(
        ...     jax.random.key(0), out_channels=2, in_channels=1, kernel_size=2, padding="valid", size=5
        ... )
        >>> round(found.frobenius_error, 8), found.converged  # no such layer is orthogonal; the least error is 2/3
        (0.66666667, True)
    """
    check_padding(padding)
    check_key(key)
    layer = Architecture(out_channels, in_channels, kernel_size, stride, ndim)
    sizes = per_axis("size", size, layer.ndim)
    rows, columns = layer.out_channels * prod(sizes), layer.in_channels * prod(layer.input_size(sizes, padding))
    if rows * columns > MOST_ENTRIES:
        raise ValueError(
            f"size must keep the layer matrix within {MOST_ENTRIES} entries, got {rows} x {columns} for size {size!r}; "
            "for large circular layers there is train_orthogonal"
        )
    loss = _Loss(layer, sizes, padding)
    # Rows of norm 1 or, where columns are to be orthonormal, about such columns.
    scale = sqrt(min(1.0, columns / rows))
    descents = [
        scipy.optimize.minimize(
            loss, scale * gaussian_kernel(jax.random.fold_in(key, start), layer).ravel(), jac=True, method="L-BFGS-B",
            options={"maxiter": _STEPS, "maxfun": 2 * _STEPS, "maxcor": _MEMORY, "ftol": 0.0, "gtol": _FLAT},
        )
        for start in range(at_least_one("starts", starts))
    ]  # fmt: skip
    errors = np.sqrt([descent.fun for descent in descents])
    best = descents[int(errors.argmin())]
    return Search(
        kernel=best.x.reshape(layer.shape),
        frobenius_error=float(errors.min()),
        errors=errors,
        converged=bool(np.abs(best.jac).max() <= _SMALL),
    )


class _Loss:
    """err_F^2 and its gradient, as functions of the flat kernel.

    A is linear in the kernel, vec A = P vec K with a sparse P of zeros and ones, so that the gradient is P^T times that with
    respect to A, 4 (A A^T - I) A.
    """

    def __init__(self, layer: Architecture, sizes: Shape, padding: Padding) -> None:
        points, sides = prod(sizes), prod(layer.input_size(sizes, padding))
        self.rows, self.columns = layer.out_channels * points, layer.in_channels * sides
        outputs, inputs, taps = entries(layer, sizes, padding)
        m, c = np.indices(layer.shape[:2])[..., None]
        places = (m * points + outputs) * self.columns + c * sides + inputs
        weights = (m * layer.in_channels + c) * prod(layer.kernel_size) + taps
        where, shape = (places.ravel(), weights.ravel()), (self.rows * self.columns, prod(layer.shape))
        self.spread = scipy.sparse.csr_array((np.ones(weights.size), where), shape)
        self.gather = self.spread.T.tocsr()

    def __call__(self, kernel: Float[np.ndarray, " weights"]) -> tuple[float, Float[np.ndarray, " weights"]]:
        matrix = (self.spread @ kernel).reshape(self.rows, self.columns)
        small = matrix if self.rows <= self.columns else matrix.T
        gram = small @ small.T
        gram.flat[:: len(gram) + 1] -= 1
        slope = gram @ small
        if self.rows > self.columns:
            slope = slope.T
        return float((gram**2).sum()), 4 * (self.gather @ slope.ravel())
