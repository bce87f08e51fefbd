"""Small blocks of a matrix that certainly are no Gram matrices, up to rounding."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import eigh

from ntkit.spectra._symmetric import SLACK, UNIT
from ntkit.spectra.diagnosis._ends import smallest_vector
from ntkit.spectra.diagnosis._finding import ROUGH
from ntkit.spectra.diagnosis._gram import Gram

BLOCKS = 5  # disjoint ones that are looked for
_PRUNED = 64  # inputs of a block from which single ones are left out


@dataclass(frozen=True, eq=False)
class Block:
    """Inputs whose own matrix is certainly no rounded Gram matrix.

    Attributes:
        places: of the inputs in the matrix.
        weights: of a combination of their features, each scaled to length 1, whose squared length would be negative.
        value: that squared length; certainly not above.
        error: some entry K_ij of the block is certainly wrong by so much of sqrt(K_ii K_jj).
    """

    places: Int[np.ndarray, " k"]
    weights: Float[np.ndarray, " k"]
    value: float
    error: float

    @property
    def heaviest(self) -> Int[np.ndarray, " k"]:
        """The places, those of the largest weights first."""
        return np.asarray(self.places[np.argsort(-np.abs(self.weights), kind="stable")])


def error_shown(gram: Gram, places: Int[np.ndarray, " k"], weights: Float[np.ndarray, " k"] | None = None) -> Block:
    """What a combination of features proves, by default that of the smallest eigenvalue of the block's cosines.

    If G is a Gram matrix and |K_ij - G_ij| <= e s_i s_j with s_i^2 = K_ii > 0, then for v_i = w_i / s_i
    0 <= v^T G v <= v^T K v + e (sum |w_i|)^2.
    """
    block, scale, k = gram.entries[np.ix_(places, places)], gram.scale[places], len(places)
    if weights is None:
        weights = np.asarray(eigh(block / scale / scale[:, None], subset_by_index=[0, 0])[1][:, 0])
    v = weights / scale
    size = np.abs(v)
    rounding = (2 * k + 4) * UNIT * SLACK * (size @ (np.abs(block) @ size))
    value = float(v @ (block @ v) + rounding)
    spread = float((1 + (2 * k + 8) * 2 * UNIT) * (scale @ size) ** 2)
    return Block(places, weights, value, max(-value / spread, 0.0))


def inconsistent_blocks(gram: Gram, dense: int) -> tuple[list[Block], float]:
    """Disjoint blocks that are certainly wrong beyond rounding, each without inputs that it does not need.

    Inputs whose diagonal is not positive are left out.

    Returns:
        The blocks, and the largest error that is proved of any entry, rounding or not.
    """
    blocks: list[Block] = []
    left, error = np.flatnonzero(gram.scale > 0), 0.0
    while len(left) and len(blocks) < BLOCKS:
        weights = smallest_vector(gram.only(left), dense)
        whole = error_shown(gram, left, weights)
        block = _small_block(gram, whole.heaviest)
        error = max(error, whole.error, block.error if block else 0.0)
        if block is None:
            break
        blocks.append(block)
        left = np.setdiff1d(left, block.places)
    return blocks, error


def _small_block(gram: Gram, order: Int[np.ndarray, " n"]) -> Block | None:
    """The first inputs in an order whose block shows more than rounding, without those that it does not need."""
    count, level = 2, ROUGH * gram.unit
    while (found := error_shown(gram, order[:count])).error <= level:
        if count >= len(order):
            return None
        count *= 2
    if len(found.places) > _PRUNED:
        return found
    for place in found.places[::-1]:
        fewer = found.places[found.places != place]
        if fewer.size and (smaller := error_shown(gram, fewer)).error > level:
            found = smaller
    return found
