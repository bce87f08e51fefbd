"""Which input, or which entry, of an inconsistent block is to blame, and what the others allow in its place."""

from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import LinAlgError, cho_factor, cho_solve, inv

from ntkit.spectra._definite import cholesky_proves
from ntkit.spectra._symmetric import UNIT
from ntkit.spectra.diagnosis._blocks import BLOCKS, Block
from ntkit.spectra.diagnosis._finding import NAMED, Finding, counted, inputs_word, listed, wrong_by
from ntkit.spectra.diagnosis._gram import Gram

_SUSPECTS = 8  # inputs of which it is tried to prove that the matrix is in order without them
_PAIRS = 6  # of which the values are computed that the others allow


def inconsistent(gram: Gram, blocks: list[Block]) -> list[Finding]:
    """Blocks as findings: whose entries are wrong, and, if one entry explains it, what the others allow in its place."""
    if len(blocks) == BLOCKS:
        inputs = tuple(sorted(int(gram.names[place]) for block in blocks for place in block.places))
        sentence = f"{_said(gram, blocks[0])[1]}; so are entries of at least {counted(BLOCKS - 1, 'other group')} of inputs"
        remedy = "see whether the function is a kernel, or most of it miscomputed"
        return [Finding("inconsistent", sentence, remedy, True, inputs)]
    every = np.concatenate([block.places for block in blocks] or [np.zeros(0, np.int64)])
    return [_one(gram, block, gram.without(np.setdiff1d(every, block.places)), len(blocks) > 1) for block in blocks]


def _one(whole: Gram, block: Block, gram: Gram, others: bool) -> Finding:
    """A block in a matrix without the inputs of all other blocks."""
    cause, sentence = _said(whole, block)
    alone = _replaceable(gram, np.searchsorted(gram.names, whole.names[block.heaviest]))
    if not alone.size:
        remedy = "see whether the function is a kernel: no single one of these inputs is proved to be at fault"
        return Finding(cause, sentence, remedy, True, tuple(sorted(whole.names[block.places].tolist())))
    who = tuple(sorted(gram.names[alone].tolist()))
    also = ", beside the other groups," if others else ""
    sentence += f"; leaving out{also} input {' or '.join(map(str, who))} mends it (proved, up to rounding)"
    allowed = _allowed(gram, alone)
    if not allowed:
        least = f"{_least_square(gram, int(alone[0])):.6g}, not {gram.entries[alone[0], alone[0]]:.6g}"
        remedy = (
            f"compute the row of {inputs_word(who)} again; with the others, K[{who[0]}, {who[0]}] has to be at least {least}"
        )
        return Finding(cause, sentence, remedy, True, who)
    pair, low, high = allowed[0]
    remedy = f"compute K{list(pair)} again: the other entries allow {low:.6g} to {high:.6g}"
    return Finding(cause, sentence, remedy, True, who, tuple(pair for pair, _, _ in allowed))


def _said(gram: Gram, block: Block) -> tuple[str, str]:
    """The name of what is wrong with a block, and a sentence."""
    wrong = f"one entry at least is wrong by {wrong_by(block.error, gram.unit)} or more"
    if len(block.places) == 2:
        i, j = block.places
        entry, root = f"K{list(gram.pair(i, j))} = {gram.entries[i, j]:.6g}", gram.scale[i] * gram.scale[j]
        return "Cauchy-Schwarz", f"{entry} exceeds sqrt(K_ii K_jj) = {root:.6g} in size, so that {wrong}"
    names = gram.names[block.heaviest].tolist()
    whose = inputs_word(sorted(names))
    if len(names) > NAMED:
        whose = f"{len(names)} inputs, {listed(sorted(names[:NAMED]))} above all,"
    return "inconsistent", (
        f"the entries of {whose} do not go together: a combination of their features of length 1 would have the squared length "
        f"{block.value:.3g}, so that {wrong}"
    )


def _level(gram: Gram) -> float:
    """What rounding, here and before, can take from an eigenvalue."""
    return float((16 * gram.unit + 16 * len(gram.names) * UNIT) * (gram.scale @ gram.scale))


def _raised(gram: Gram, places: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k k"]:
    """The matrix of some inputs, positive in spite of rounding."""
    return np.asarray(gram.entries[np.ix_(places, places)] + _level(gram) * np.eye(len(places)))


def _replaceable(gram: Gram, places: Int[np.ndarray, " k"]) -> Int[np.ndarray, " m"]:
    """Those without which the matrix is proved to have no negative eigenvalue but by rounding.

    Each of them is in every inconsistent block. Where one eigenvalue is negative, they are those with a negative entry on the
    diagonal of the inverse, as that is the determinant without them over that of all; these are tried, the lowest first.
    """
    every = np.arange(len(gram.names))
    try:
        inverse = inv(_raised(gram, every)).diagonal()[places]
    except LinAlgError:  # singular to the last bit
        return np.zeros(0, np.int64)
    suspects = places[np.argsort(inverse, kind="stable")][: min(int((inverse < 0).sum()), _SUSPECTS)]
    good = [cholesky_proves(gram.entries[np.ix_(every != i, every != i)], -_level(gram)) for i in suspects]
    return np.asarray(suspects[np.array(good, bool)])


def _allowed(gram: Gram, alone: Int[np.ndarray, " k"]) -> list[tuple[tuple[int, int], float, float]]:
    """Pairs of which another value makes the matrix positive semidefinite, with the interval of values; the least change first.

    A matrix with one entry missing has a positive semidefinite completion exactly if it is so without either input: the
    entry lies within sqrt(S_ii S_jj) of K_iR K_RR^-1 K_Rj, S the Schur complement of all others, R.
    """
    found = []
    for i, j in list(combinations(alone.tolist(), 2))[:_PAIRS]:
        rest = np.setdiff1d(np.arange(len(gram.names)), [i, j])
        sides = gram.entries[np.ix_(rest, [i, j])]
        part = sides.T @ cho_solve(cho_factor(_raised(gram, rest)), sides) if rest.size else np.zeros((2, 2))
        left = np.maximum(gram.entries[[i, j], [i, j]] - part.diagonal(), 0.0)
        middle, half = float(part[0, 1]), float(np.sqrt(left).prod())
        change = float((abs(gram.entries[i, j] - middle) - half) / gram.scale[i] / gram.scale[j])
        found.append((change, gram.pair(i, j), middle - half, middle + half))
    return [(pair, low, high) for _, pair, low, high in sorted(found)]


def _least_square(gram: Gram, i: int) -> float:
    """The smallest K_ii with which all other entries go together."""
    rest = np.setdiff1d(np.arange(len(gram.names)), [i])
    side = gram.entries[rest, i]
    return float(side @ cho_solve(cho_factor(_raised(gram, rest)), side))
