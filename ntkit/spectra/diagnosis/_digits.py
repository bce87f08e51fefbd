"""What the spectrum says where no entry is to blame: a rank, a smooth decay into rounding, a dtype with too few digits."""

import numpy as np

from ntkit.spectra.diagnosis._ends import Ends
from ntkit.spectra.diagnosis._finding import Finding, counted
from ntkit.spectra.diagnosis._gram import FORMATS, Gram
from ntkit.spectra.diagnosis._jitter import Jitter

_GAP = 1000.0  # between two eigenvalues, from which on what is below counts as zero


def noise(gram: Gram) -> float:
    """What independent rounding errors of all entries do to eigenvalues, as a rule: they have a norm like sqrt(n) epsilon."""
    return 4 * gram.unit * float(np.sqrt(len(gram.names))) * float(np.abs(gram.entries.diagonal()).max())


def spectral(gram: Gram, found: Ends, moved: Jitter | None, mended: bool) -> list[Finding]:
    """What is wrong with the spectrum of a matrix in which no entry is; `mended` if equal and zero inputs explain it."""
    if moved is None:
        return []
    if found.definite:
        return [_few_digits(gram, found, moved)] if moved.tried != 0 else []
    return [] if mended else [_rank(gram, found) or _lost(gram, found)]


def _rank(gram: Gram, found: Ends) -> Finding | None:
    """A rank with a gap below it."""
    if found.every is None:
        return None
    width = found.every.upper[-1] - found.every.lower[-1]
    rank = found.every.rank(max(noise(gram), 2 * float(width)))
    n = len(gram.names)
    if rank.certain is None or rank.certain in (0, n) or rank.above < _GAP * rank.level:
        return None
    sentence = (
        f"the rank is {rank.certain} of {n} as far as rounding can tell: {rank.certain} eigenvalues are certainly above "
        f"{rank.above:.3g}, all others below {rank.below:.2g}, so that inputs have no more than {rank.certain} features"
    )
    remedy = (
        "no dtype changes a rank: add a jitter (a ridge), or solve with the features themselves, if it is a linear kernel or "
        "one with a narrow layer"
    )
    return Finding("rank", sentence, remedy, False)


def _lost(gram: Gram, found: Ends) -> Finding:
    """Eigenvalues that fall below rounding without a gap."""
    level = noise(gram)
    many = ""
    if found.every is not None:
        count = int((found.every.values <= level).sum())
        many = f", as {counted(count, 'eigenvalue')} of {len(gram.names)} are" if count > 1 else ""
    sentence = (
        f"the smallest eigenvalue, at most {found.smallest[1]:.2g}, is not told from 0 by entries in {gram.precision.name}, "
        f"whose rounding moves it by about {level:.2g}{many}: smooth kernels of close inputs do that, no entry is to blame"
    )
    remedy = "compute it in float64 (a cast is not enough), or add a jitter"
    if gram.precision == FORMATS[-1]:
        remedy = "add a jitter, or take fewer or other inputs, or a rougher kernel"
    return Finding("rounding", sentence, remedy, False)


def _few_digits(gram: Gram, found: Ends, moved: Jitter) -> Finding:
    """A definite matrix which its own dtype cannot factorise."""
    sentence = (
        f"a Cholesky factorisation in {moved.dtype} fails by its own rounding: as it is, the matrix is positive definite, with "
        f"a smallest eigenvalue of at most {found.smallest[1]:.2g} beside a largest one of {found.largest[1]:.3g}"
    )
    remedy = "factorise it in float64 (a cast is enough for that), or add the jitter"
    if found.smallest[1] < noise(gram):
        remedy += "; that eigenvalue is below what rounding of the entries does to it, so what it says of small ones is noise"
    return Finding("digits", sentence, remedy, True)
