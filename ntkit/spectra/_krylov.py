"""Block Krylov spaces with thick restarts: the largest eigenvalues of a symmetric matrix that only knows products."""

import numpy as np
from jaxtyping import Float
from scipy.linalg import qr

from ntkit.spectra._symmetric import UNIT, Products

_LOOK = 3  # products with a new random block before it is believed that nothing was missed


def leading_space(
    products: Products, k: int, block: int, room: int, tolerance: float, most: int, generator: np.random.Generator
) -> tuple[Float[np.ndarray, "n k"], float]:
    """Orthonormal Ritz vectors of the k largest eigenvalues, and the norm of the matrix as far as it was seen.

    Block Lanczos with full orthogonalisation: the projected matrix is computed, not assumed to be banded, so that a
    restart is nothing but a change of basis. A direction that vanishes is replaced by a random one. A Krylov space holds at
    most `block` copies of an eigenvalue: where so many are found, a new random block looks for more.

    Args:
        products: the matrix.
        k: how many.
        block: vectors that are multiplied at once.
        room: vectors in the basis, at least k + 2 block, below n.
        tolerance: of residuals, relative to the largest Ritz value in absolute value.
        most: products.
        generator: of the random start.
    """
    n = products.size
    basis = np.zeros((n, room), order="F")
    projected = np.zeros((room, room))
    new, _ = next_block(generator.standard_normal((n, block)), basis[:, :0], 0.0, generator)
    size, found, pause = 0, -np.inf, 0
    while True:
        end, pause = size + block, pause - 1
        basis[:, size:end] = new
        image = products(new)
        if size == 0:
            products.check_symmetric(new, image)
        part = np.zeros((end, block))
        for _ in range(2):  # twice is enough
            more = basis[:, :end].T @ image
            image -= basis[:, :end] @ more
            part += more
        projected[:end, size:end], projected[size:end, :end] = part, part.T
        middle = projected[size:end, size:end]
        projected[size:end, size:end] = (middle + middle.T) / 2
        size = end
        ritz, rotation = np.linalg.eigh(projected[:size, :size])
        ritz, rotation = ritz[::-1], rotation[:, ::-1]
        scale = max(float(np.abs(ritz[[0, -1]]).max()), np.finfo(float).tiny)
        new, coupling = next_block(image, basis[:, :size], 4 * n * UNIT * scale, generator)
        residuals = np.linalg.norm(coupling @ rotation[-block:, :k], axis=0)
        top, spread = ritz[:k], tolerance * scale
        converged = size >= k and pause < 0 and residuals.max() <= spread
        again = converged and _crowded(top, block, spread) and top.sum() > found + spread
        if (converged and not again) or products.calls >= most:
            return basis[:, :size] @ rotation[:, :k], scale
        if again or size + block > room:
            size = k if again else min(k + (room - k) // 2, room - block)
            basis[:, :size] = basis[:, :end] @ rotation[:, :size]
            projected[:size, :size] = np.diag(ritz[:size])
        if again:
            found, pause = float(top.sum()), _LOOK
            new, _ = next_block(np.zeros((n, block)), basis[:, :size], 0.0, generator)


def _crowded(values: Float[np.ndarray, " k"], block: int, spread: float) -> bool:
    """Whether there are as many copies of a value as the Krylov space of a block can hold."""
    return len(values) >= block and bool((values[: len(values) - block + 1] - values[block - 1 :] <= spread).any())


def next_block(
    image: Float[np.ndarray, "n b"], basis: Float[np.ndarray, "n m"], negligible: float, generator: np.random.Generator
) -> tuple[Float[np.ndarray, "n b"], Float[np.ndarray, "b b"]]:
    """Orthonormal columns that, with those of the basis, span the image, and its coefficients in them.

    The image is orthogonal to the basis already, up to rounding of its former size; what is negligible is filled up.
    """
    new, triangle, order = qr(image, mode="economic", pivoting=True)
    coupling = np.zeros_like(triangle)
    coupling[:, order] = triangle
    lost = np.abs(np.diag(triangle)) <= negligible
    if lost.any():
        new[:, lost] = generator.standard_normal((len(new), int(lost.sum())))
        coupling[lost] = 0.0
    for _ in range(2):
        new -= basis @ (basis.T @ new)
        new, change = np.linalg.qr(new)
        new *= np.where(np.diag(change) < 0, -1.0, 1.0)
    return new, coupling
