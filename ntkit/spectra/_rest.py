"""What may have been missed: a bound, with a known probability, of the eigenvalues beyond those that were found."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator

from ntkit.spectra._krylov import next_block
from ntkit.spectra._symmetric import SLACK, UNIT, Products, Seed, check_integer, generator
from ntkit.spectra._top import Eigenpairs


def rest_bound(
    matrix: ArrayLike | LinearOperator,
    pairs: Eigenpairs,
    *,
    seed: Seed = 1,
    failure: float = 1e-9,
    steps: int = 10,
    block: int = 16,
    rounding: float | None = None,
) -> float:
    """A bound of all eigenvalues of a positive semidefinite matrix orthogonally to the vectors found; true with a probability.

    The largest eigenvalue of B, the matrix restricted to what is orthogonal to `pairs.vectors`, exceeds its estimate t by
    `steps` steps of Lanczos from a random start by more than a factor 1 / (1 - e) with a probability of at most
    1.648 sqrt(n) exp(-sqrt(e) (2 steps - 1)), whatever the spectrum. The block holds so many independent starts.

    Args:
        matrix: positive semidefinite; as for `top_eigenpairs`.
        pairs: what was found.
        seed: of the random block: another one than before, since the bound holds for vectors that do not depend on it.
        failure: the probability that the bound is too low, over seeds.
        steps: products. More tighten the bound, whose relative excess is of the order of (log(n) / steps)^2.
        block: vectors that are multiplied at once.
        rounding: as for `top_eigenpairs`.

    Returns:
        t / (1 - e), for `Eigenpairs.with_rest`: indices of all eigenvalues above it are then certain with probability
        1 - failure.

    Raises:
        ValueError: an argument out of range, a matrix of another size, or too few steps for any bound.

    Example:
        >>> from ntkit.spectra import top_eigenpairs
        >>> matrix = np.diag(0.5 ** np.arange(300))
        >>> top = top_eigenpairs(matrix, 5)
        >>> bool(2**-5 <= rest_bound(matrix, top, steps=20) < 2**-4.5)
        True

    Source: Kuczynski and Wozniakowski (1992), theorem 4.2 (from memory).
    """
    products = Products(matrix, rounding)
    n, k = pairs.vectors.shape
    if products.size != n:
        raise ValueError(f"pairs must belong to the matrix of size {products.size}, got vectors of length {n}")
    if not 0 < failure < 1:
        raise ValueError(f"failure must lie in (0, 1), got {failure}")
    check_integer("block", block, 1, n)
    check_integer("steps", steps, 1, 10**6)
    room = n - k
    if room == 0:
        return -np.inf
    root = np.log(1.648 * np.sqrt(room) * failure ** (-1 / min(block, room))) / (2 * steps - 1)
    if not root < 1:
        raise ValueError(f"steps must be above {steps * root + 0.5:.0f} for failure {failure} and block {block}, got {steps}")
    largest = _largest(products, pairs.vectors, steps, min(block, room), generator(seed))
    return float(
        SLACK * (max(largest, 0.0) + (steps * block) ** 0.5 * products.error + n * UNIT * products.norm) / (1 - root**2)
    )


def _largest(
    products: Products, vectors: Float[np.ndarray, "n k"], steps: int, block: int, generator: np.random.Generator
) -> float:
    """The largest Ritz value of a block Krylov space of what is orthogonal to the vectors."""
    n, k = vectors.shape
    basis, image, new = vectors, np.zeros((n, 0)), generator.standard_normal((n, block))
    for _ in range(steps):
        for _ in range(2):
            new -= basis @ (basis.T @ new)
        new, _ = next_block(new[:, : n - basis.shape[1]], basis, 4 * n * UNIT * products.norm, generator)
        if new.shape[1] == 0:
            break
        basis, new = np.hstack([basis, new]), products(new)
        image = np.hstack([image, new])
    projected = basis[:, k:].T @ image
    return float(np.linalg.eigvalsh((projected + projected.T) / 2)[-1])
