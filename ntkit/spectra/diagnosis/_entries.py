"""What single entries, rows and pairs say: asymmetry, the diagonal, Cauchy-Schwarz, inputs that cannot be told apart."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from ntkit.spectra.diagnosis._finding import NAMED, ROUGH, Finding, counted, inputs_word, listed, wrong_by
from ntkit.spectra.diagnosis._gram import Gram, Precision

_DOUBLE = float(np.finfo(np.float64).eps)
_CHUNK = 256  # rows whose cosines are kept at once
_KEEP_DIGITS = (
    "compute it in more digits, or with distances in place of cosines, as ntkit.kernels does (casting brings none back)"
)


def symmetrised(
    a: Float[np.ndarray, "n n"], names: Int[np.ndarray, " n"], precision: Precision
) -> tuple[Gram, list[Finding], float]:
    """The mean of a matrix and its transpose, what is wrong with it, and what both differ by, in units of rounding."""
    if (a == a.T).all():
        return Gram(a, names, precision), [], 0.0
    with np.errstate(over="ignore"):
        apart = np.abs(a - a.T)
    root = np.sqrt(np.abs(a.diagonal()))
    size = np.maximum(np.maximum(np.abs(a), np.abs(a.T)), root[:, None] * root)
    units = np.divide(apart, precision.eps * size, out=np.zeros_like(a), where=apart > 0)
    gram = Gram(a / 2 + a.T / 2, names, precision)
    far = np.argwhere(np.triu(units > ROUGH))
    if not len(far):
        return gram, [], float(units.max())
    far = far[np.argsort(-apart[far[:, 0], far[:, 1]], kind="stable")]
    pairs = tuple(gram.pair(i, j) for i, j in far[:NAMED])
    i, j = far[0]
    rest = "all other pairs agree" if len(far) == 1 else f"so do {counted(len(far) - 1, 'other pair')}"
    one, other = f"K[{names[i]}, {names[j]}] = {a[i, j]:.6g}", f"K[{names[j]}, {names[i]}] = {a[j, i]:.6g}"
    sentence = f"{one} and {other} differ beyond rounding; {rest}"
    remedy = f"compute {'this pair' if len(far) == 1 else 'these pairs'} again: K(x, y) must be K(y, x)"
    if len(far) > len(a):
        remedy = "see that rows and columns are the same inputs in the same order: K(x, y) must be K(y, x)"
    return gram, [Finding("asymmetry", sentence, remedy, True, pairs=pairs)], float(units.max())


def diagonal(gram: Gram) -> tuple[list[Finding], list[Finding]]:
    """Entries of the diagonal that no Gram matrix has; and zeros that are in order, of inputs that are zero."""
    wrong, entries = [], gram.entries.diagonal()
    negative = np.flatnonzero(entries < 0)
    if negative.size:
        negative = negative[np.argsort(entries[negative], kind="stable")]
        inputs = tuple(gram.names[negative].tolist())
        low = f"{entries[negative[0]]:.6g}"
        sentence = f"the diagonal is negative at {inputs_word(inputs)}, down to {low}: K(x, x) is a squared length"
        remedy = f"compute {'this entry' if negative.size == 1 else 'these entries'} again; no Gram matrix has a negative one"
        wrong.append(Finding("diagonal", sentence, remedy, True, inputs))
    zero = entries == 0
    crossed = np.argwhere((gram.entries != 0) & zero[:, None])
    if len(crossed):
        inputs, pairs = tuple(gram.names[np.unique(crossed[:, 0])].tolist()), tuple(gram.pair(i, j) for i, j in crossed[:NAMED])
        sentence = f"the diagonal is 0 at {inputs_word(inputs)}, but K{list(pairs[0])} is not, and no length of 0 allows that"
        wrong.append(Finding("diagonal", sentence, f"compute the rows of {inputs_word(inputs)} again", True, inputs, pairs))
    empty = gram.names[zero & ~(gram.entries != 0).any(1)].tolist()
    if not empty:
        return wrong, []
    sentence = (
        f"the row of {inputs_word(empty)} is 0, the diagonal too: {'they have' if len(empty) > 1 else 'it has'} no features"
    )
    remedy = "leave such inputs out (empty images?), or give the kernel a bias"
    return wrong, [Finding("zero input", sentence, remedy, True, tuple(empty))]


def cosines(gram: Gram) -> Iterator[tuple[int, Float[np.ndarray, "m n"]]]:
    """|K_ij| / sqrt(K_ii K_jj), some rows at a time with the number of the first; 0 where the diagonal is not positive."""
    inverse = np.divide(1.0, gram.scale, out=np.zeros_like(gram.scale), where=gram.scale > 0)
    for start in range(0, len(inverse), _CHUNK):
        rows = slice(start, start + _CHUNK)
        with np.errstate(over="ignore"):
            yield start, np.abs(gram.entries[rows]) * inverse[rows, None] * inverse


def cauchy_schwarz(gram: Gram) -> tuple[list[Finding], Int[np.ndarray, "k 2"]]:
    """Pairs whose |K_ij| is above sqrt(K_ii K_jj) by more than correct rounding of the three can do, the worst first."""
    half = gram.unit / 2
    most = (1 + half) / (1 - half) + 6 * _DOUBLE  # cosines are computed within 3 of them
    places, excess = [np.zeros((0, 2), np.int64)], [np.zeros(0)]
    for start, cosine in cosines(gram):
        above = np.argwhere(cosine > most)
        above = above[above[:, 0] + start < above[:, 1]]
        places.append(above + np.array([start, 0]))
        excess.append(cosine[above[:, 0], above[:, 1]] - 1)
    every, beyond = np.concatenate(places), np.concatenate(excess)
    if not len(every):
        return [], every
    every = every[np.argsort(-beyond, kind="stable")]
    i, j = every[0]
    pairs = tuple(gram.pair(*place) for place in every[:NAMED])
    worst = float(beyond.max())
    others = f"; so do {counted(len(every) - 1, 'other pair')}" if len(every) > 1 else ""
    sentence = (
        f"K{list(pairs[0])} = {gram.entries[i, j]:.9g} exceeds sqrt(K_ii K_jj) = {gram.scale[i] * gram.scale[j]:.9g} in size, "
        f"by {wrong_by(worst, gram.unit)}{others}"
    )
    if worst <= ROUGH * gram.unit:
        return [
            Finding(
                "Cauchy-Schwarz",
                f"{sentence}: cosines near 1 have lost digits, as correct rounding allows one unit",
                _KEEP_DIGITS,
                True,
                (),
                pairs,
            )
        ], every
    remedy = f"compute {listed(pairs)} again: an entry or a diagonal is wrong, no rounding explains it"
    return [Finding("Cauchy-Schwarz", sentence, remedy, True, (), pairs)], every


def equal_inputs(gram: Gram, groups: list[Int[np.ndarray, " k"]], mended: bool) -> list[Finding]:
    """Groups as a finding; `mended` if it is proved that the first ones of each, with all others, are in order."""
    if not groups:
        return []
    a = gram.entries
    same = [all(np.array_equal(a[group[0]], a[other]) for other in group[1:]) for group in groups]
    named = [tuple(gram.names[group].tolist()) for group in groups]
    pairs = tuple((group[0], other) for group in named for other in group[1:])
    opposite = any(a[group[0], other] < 0 for group in groups for other in group[1:])
    sentence = (
        f"{listed([f'({listed(group)})' for group in named])} are equal{' or opposite' if opposite else ''} inputs as far as "
        f"{gram.precision.name} can tell, as 1 - |cosine| is at most two units of rounding"
    )
    if any(same):
        sentence += f"; the rows of {counted(sum(same), 'group')} are equal to the last bit, so that K is certainly singular"
    proved = ", which is proved to be enough" if mended else ""
    remedy = f"keep one of each group (or their mean, with its target){proved}, or add a jitter"
    if not all(same):
        remedy += f"; if they differ, {_KEEP_DIGITS}"
    return [Finding("equal inputs", sentence, remedy, any(same), tuple(sorted(sum(named, ()))), pairs)]


def near_groups(gram: Gram) -> list[Int[np.ndarray, " k"]]:
    """Groups of inputs whose cosines with the first of them differ from 1 or -1 by no more than rounding."""
    scale, n = gram.scale, len(gram.names)
    free, groups = scale > 0, []
    for i in range(n):
        if not free[i]:
            continue
        cosine = np.abs(gram.entries[i]) / scale[i]
        near = free & (cosine >= (1 - 2 * gram.unit) * scale) & (cosine <= (1 + ROUGH * gram.unit) * scale)
        near[i] = True
        free &= ~near
        if near.sum() > 1:
            groups.append(np.flatnonzero(near))
    return groups
