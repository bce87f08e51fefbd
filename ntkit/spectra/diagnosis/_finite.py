"""NaN and infinite entries: which inputs or pairs they come from, and what that says of their cause."""

import numpy as np
from jaxtyping import Bool, Float, Int

from ntkit.spectra.diagnosis._finding import Finding, counted, inputs_word, listed
from ntkit.spectra.diagnosis._gram import Precision

_NEARLY = 2**-4  # of the largest number, from which on an overflow nearby is likely


def not_finite(a: Float[np.ndarray, "n n"], precision: Precision) -> tuple[list[Finding], Int[np.ndarray, " k"]]:
    """What NaN and infinite entries say, and the inputs whose matrix has none."""
    bad = ~np.isfinite(a)
    if not bad.any():
        return [], np.arange(len(a))
    inputs, pairs, kept = _blamed(bad | bad.T)
    findings = [finding for finding in (_overflow(a, precision, inputs, pairs), _nan(a, precision, inputs, pairs)) if finding]
    return findings, kept


def _blamed(bad: Bool[np.ndarray, "n n"]) -> tuple[list[int], list[tuple[int, int]], Int[np.ndarray, " k"]]:
    """Inputs more than half of whose entries are bad, what pairs there are without them, and the inputs that are left."""
    left, n = bad.copy(), len(bad)
    counts = left.sum(1)
    inputs: list[int] = []
    pairs: list[tuple[int, int]] = []
    dropped: list[int] = []
    while counts.any():
        worst = int(counts.argmax())
        others = np.flatnonzero(left[worst])
        if len(others) > (n - len(inputs)) / 2:
            inputs.append(worst)
        else:
            pairs += [(min(worst, int(other)), max(worst, int(other))) for other in others]
        dropped.append(worst)
        counts[others] -= 1
        counts[worst] = 0
        left[worst] = left[:, worst] = False
    return sorted(inputs), sorted(pairs), np.setdiff1d(np.arange(n), dropped)


def _overflow(
    a: Float[np.ndarray, "n n"], precision: Precision, inputs: list[int], pairs: list[tuple[int, int]]
) -> Finding | None:
    """Infinite entries, or NaN beside entries that are nearly as large as numbers get."""
    infinite = int(np.isinf(a).sum())
    largest = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
    near = largest > _NEARLY * precision.largest
    if not infinite and not near:
        return None
    what = f"{counted(infinite, 'entry')} {'is' if infinite == 1 else 'are'} infinite" if infinite else "NaN"
    beside = f"the largest finite entry is {largest:.3g}, the largest number of {precision.name} {precision.largest:.3g}"
    cause = "an overflow" if near else "an overflow in an intermediate step, or a division by zero"
    marked = np.isinf(a) if infinite else np.isnan(a)
    marked = marked | marked.T
    return Finding(
        "overflow",
        f"{what}{_where(inputs, pairs, marked)}; {beside}: {cause}",
        "compute it in a dtype of a wider range (bfloat16 and float32 reach 3e38, float64 1e308), or scale the inputs down",
        bool(infinite),
        tuple(_rows(inputs, marked)),
        tuple(pair for pair in pairs if marked[pair]),
    )


def _nan(a: Float[np.ndarray, "n n"], precision: Precision, inputs: list[int], pairs: list[tuple[int, int]]) -> Finding | None:
    """NaN entries: inputs that are NaN themselves, or single pairs."""
    marked = np.isnan(a)
    if not marked.any():
        return None
    count = int(marked.sum())
    marked |= marked.T
    here = [pair for pair in pairs if marked[pair]]
    rows = _rows(inputs, marked)
    cause, remedy = [], []
    if len(rows) == len(a):
        cause.append("every input has them: something that all share is NaN, such as a weight, a mean or a width")
        remedy.append("look for NaN in what the kernel is computed from")
    elif rows:
        share, whose = "all" if marked[rows].all() else "most", "its row" if len(rows) == 1 else "their rows"
        cause.append(f"{share} of {whose}, so that the input itself is NaN or overflows")
        remedy.append(f"look at {inputs_word(rows)}: NaN, infinite, or zero where it is divided by its length")
    if here:
        along = [pair for pair in here if _parallel(a, *pair, precision.eps)]
        if along:
            where = "there" if len(along) == len(here) and not rows else _places(along)
            cause.append(f"{where} cosines are about 1, by the other entries, and may be rounded beyond, where arccos is NaN")
            remedy.append("clip cosines to [-1, 1], or compute with distances, as ntkit.kernels does")
        if len(along) < len(here):
            cause.append(f"{'the others have' if along else 'there is'} no cosine of about 1, and the inputs are finite")
            remedy.append("compute these pairs alone, with NumPy's errstate(all='raise') or JAX's jax_debug_nans")
    sentence = f"{counted(count, 'entry')} {'is' if count == 1 else 'are'} NaN{_where(rows, here, marked)}; {'; '.join(cause)}"
    return Finding("not finite", sentence, "; ".join(remedy), True, tuple(rows), tuple(here))


def _rows(inputs: list[int], marked: Bool[np.ndarray, "n n"]) -> list[int]:
    """The inputs to blame whose rows are marked, not only crossed by a marked one."""
    return [i for i in inputs if marked[i].sum() > (len(marked) - len(inputs)) / 2]


def _where(inputs: list[int], pairs: list[tuple[int, int]], marked: Bool[np.ndarray, "n n"]) -> str:
    """Which inputs and pairs, in words."""
    rows = _rows(inputs, marked)
    here = [pair for pair in pairs if marked[pair]]
    if len(rows) == len(marked):
        return ""
    words = [f"in {inputs_word(rows)}"] if rows else []
    words += [_places(here)] if here else []
    return f", {' and '.join(words)}" if words else ""


def _places(pairs: list[tuple[int, int]]) -> str:
    """Where pairs of inputs are, those of one input with itself apart.

    Example:
        >>> _places([(0, 0), (0, 3), (2, 2)])
        'on the diagonal at inputs 0 and 2 and at the pair (0, 3)'
    """
    own, others = [i for i, j in pairs if i == j], [(i, j) for i, j in pairs if i != j]
    words = [f"on the diagonal at {inputs_word(own)}"] if own else []
    words += [f"at the {'pair' if len(others) == 1 else 'pairs'} {listed(others)}"] if others else []
    return " and ".join(words)


def _parallel(a: Float[np.ndarray, "n n"], i: int, j: int, eps: float) -> bool:
    """Whether the entries of two inputs with all others are proportional, as those of (nearly) parallel inputs are.

    Inputs at a distance d on the unit sphere have a cosine of 1 - d^2 / 2, and entries that differ by d at most.
    """
    if i == j:
        return True
    both = np.isfinite(a[i]) & np.isfinite(a[j])
    both[[i, j]] = False
    rows = a[[i, j]][:, both]
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if both.sum() < 2 or not lengths.all():
        return False
    one, other = rows / lengths
    return bool(min(np.abs(one - other).max(), np.abs(one + other).max()) <= (8 * eps) ** 0.5)
