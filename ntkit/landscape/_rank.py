"""How many eigenvalues of a loss's Hessian are not zero, and how clearly."""

from dataclasses import dataclass
from math import inf

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ntkit.landscape._curvature import Flat
from ntkit.landscape._loss import Loss, Params

MOST = 4096  # parameters of which the matrix is written down
CLEAR = 100.0  # how many times the smallest eigenvalue that counts is to exceed what does not


@dataclass(frozen=True, eq=False)
class Rank:
    """The rank of a symmetric matrix, by a gap in its spectrum.

    Attributes:
        value: how many eigenvalues exceed `noise`. By Weyl's inequality at least so many of the true matrix are not zero, if
            the entries are off by no more than is read off them; that the others are zero no computation with rounding shows.
        noise: what the computed matrix may be off by, in the 2-norm.
        above: the smallest absolute eigenvalue that counts; infinity if none does.
        below: the largest one that does not; 0 if all count.
        clear: whether `above` is 100 times `noise` and 100 times `below`, so that any cut between gives this rank.
        eigenvalues: all, falling.
    """

    value: int
    noise: float
    above: float
    below: float
    clear: bool
    eigenvalues: Float[np.ndarray, " params"]


def rank(loss: Loss, params: Params) -> Rank:
    """The rank of a loss's Hessian, or of another `Curvature`, of up to 4096 parameters, from the whole matrix.

    In float64: what float32 rounds, about 1e-7 of the largest eigenvalue, hides small ones.

    Raises:
        ValueError: there are more parameters, second derivatives are not finite, or see `slice_1d` for `loss` and `params`.

    Example:
        >>> found = rank(lambda w: (w[0] + w[1]) ** 2 - w[2] ** 2, jnp.zeros(4))
        >>> found.value, found.clear
        (2, True)
    """
    flat = Flat(loss, params)
    if flat.size > MOST:
        raise ValueError(f"params must have at most {MOST} numbers, whose matrix is written down, got {flat.size}")
    matrix: np.ndarray = np.asarray(flat.rows(jnp.eye(flat.size, dtype=flat.dtype)), float)
    if not np.isfinite(matrix).all():
        raise ValueError("loss must have finite second derivatives at params, got NaN or infinity")
    scale = float(abs(matrix).max()) or 1.0
    matrix = matrix / scale  # so that no square under- or overflows
    # Entries are off by a rounding of sums over the data at least, and by as much as keeps the matrix from being symmetric.
    rounding = float(np.finfo(flat.dtype).eps)
    off = max(float(np.linalg.norm(matrix - matrix.T)), rounding * float(np.linalg.norm(matrix)))
    noise = flat.size**0.5 * off
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)[::-1]
    sizes = np.abs(values)
    counted = sizes > noise
    above = float(sizes[counted].min()) if counted.any() else inf
    below = float(sizes[~counted].max()) if not counted.all() else 0.0
    clear = bool(above > CLEAR * max(noise, below)) if counted.any() else True
    return Rank(int(counted.sum()), scale * noise, scale * above, scale * below, clear, scale * values)
