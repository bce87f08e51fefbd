"""A diagnosis, and how it says what it is."""

from dataclasses import dataclass

from ntkit.spectra.diagnosis._finding import ROUGH, Finding, counted, listed, wrong_by
from ntkit.spectra.diagnosis._gram import FORMATS
from ntkit.spectra.diagnosis._jitter import Jitter

_NAMES = [known.name for known in FORMATS]


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a Gram matrix; `print` says it in words.

    Attributes:
        size: inputs, or rows of an array that is no square matrix.
        dtype: of its numbers.
        verdict: "positive definite", "singular" (certainly not definite), "not positive semidefinite", all three certain, of
            the mean of the matrix and its transpose; "undecided", zero as far as float64 can tell; or "none" if it was not
            asked, where there is no finite matrix.
        findings: what is wrong, causes before their effects; empty if nothing is.
        inputs: which the verdict and all that follows is about: those whose entries are finite with each other.
        asymmetry: the largest |K_ij - K_ji|, in units of rounding.
        smallest: an interval that certainly holds the smallest eigenvalue; None for an end that is not known.
        largest: likewise the largest one.
        negative: so many eigenvalues are certainly negative, at least.
        error: relative to sqrt(K_ii K_jj), what some entry K_ij is certainly wrong by at least if the matrix is to be a Gram
            matrix; 0 if nothing proves an error.
        unit: of rounding, likewise: epsilon, or more where diagonal entries are subnormal.
        explained: whether there certainly is a Gram matrix within correct rounding of the entries; None if not known.
        jitter: what it takes, or None.
        condition: the largest over the smallest eigenvalue, at most; None if that is not bounded.
        resolved_in: the formats in which n epsilon times the condition number is below 1.
    """

    size: int
    dtype: str
    verdict: str
    findings: tuple[Finding, ...]
    inputs: int = 0
    asymmetry: float = 0.0
    smallest: tuple[float | None, float | None] = (None, None)
    largest: tuple[float | None, float | None] = (None, None)
    negative: int = 0
    error: float = 0.0
    unit: float = 0.0
    explained: bool | None = None
    jitter: Jitter | None = None
    condition: float | None = None
    resolved_in: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong: proved positive definite, and factorised in its own dtype."""
        return not self.findings

    @property
    def rough(self) -> bool:
        """Whether some entry is certainly wrong by more than 64 units of rounding, and so by more than computing it can do."""
        return self.error > ROUGH * self.unit

    def lines(self) -> list[tuple[str, str]]:
        """Labels and sentences: what was looked at, the verdict, causes with remedies, jitter and dtype."""
        lines = [("matrix", _matrix(self)), ("verdict", _verdict(self))]
        for finding in self.findings:
            sure = "certain" if finding.certain else "likely"
            lines += [("cause", f"{finding.cause} ({sure}): {finding.sentence}"), ("remedy", finding.remedy)]
        if self.verdict != "none":
            lines += [("jitter", _jitter(self)), ("dtype", _dtype(self))]
        return lines

    def __str__(self) -> str:
        """One sentence a line."""
        return "\n".join(f"{label:<9}{sentence}" for label, sentence in self.lines())


def _matrix(found: Diagnosis) -> str:
    if found.verdict == "none":
        return f"{counted(found.size, 'row')}, {found.dtype}"
    words = f"{found.size} x {found.size}, {found.dtype}"
    if found.inputs < found.size:
        words += f", of which {counted(found.inputs, 'input')} with finite entries are judged"
    if found.asymmetry > 0 and not any(finding.cause == "asymmetry" for finding in found.findings):
        words += f", symmetric up to {found.asymmetry:.2g} units of rounding"
    return f"{words}; the largest eigenvalue {_interval(*found.largest)}"


def _verdict(found: Diagnosis) -> str:
    if found.verdict == "none":
        kind = {finding.cause for finding in found.findings}
        return "no Gram matrix" if kind & {"shape", "dtype"} else "no finite entries to judge"
    proof = "" if found.verdict == "undecided" else " (proved)"
    words = f"{found.verdict}{proof}: the smallest eigenvalue {_interval(*found.smallest)}"
    if found.verdict == "undecided":
        words += ", which is 0 as far as float64 can tell" if found.smallest[0] is not None else ", and may be negative"
    if found.negative > 1:
        words += f"; at least {found.negative} are negative"
    if found.verdict == "not positive semidefinite":
        off = wrong_by(found.error, found.unit)
        if found.explained:
            words += "; rounding the entries of a Gram matrix can do that (proved)"
        elif found.explained is False:
            words += "; no Gram matrix rounds to it (proved)"
            words += "" if found.rough else f", as some entry is off by {off} or more"
        elif found.error:
            words += f"; that proves no entry to be off by more than {off}"
    if any(finding.cause == "asymmetry" for finding in found.findings):
        words += "; this is said of the mean with its transpose"
    return words


def _jitter(found: Diagnosis) -> str:
    moved = found.jitter
    if moved is None:
        return "any, as the matrix is 0"
    if moved.proved == 0 and moved.tried == 0:
        return f"none is needed: a Cholesky factorisation in {moved.dtype} succeeds"
    words = [_enough(moved)]
    if moved.needed > 0:
        words.append(f"none below {moved.needed:.2g} can do")
    if moved.relative is not None:
        cost = f"it is {moved.relative:.2g} of the mean diagonal"
        if moved.below is not None:
            cost += f", and {moved.below} of {counted(found.inputs, 'eigenvalue')} are smaller"
        words.append(cost)
    if _wrong(found):
        words.append("it hides a wrong entry and does not mend it")
    return "; ".join(words)


def _enough(moved: Jitter) -> str:
    """What the two kinds of jitter do."""
    sure = (
        "no jitter in its range is proved to do"
        if moved.proved is None
        else f"{moved.proved:g} makes it positive definite (proved)"
    )
    done = f"Cholesky in {moved.dtype} succeeds (tried)"
    if moved.tried is None:
        return f"{sure}; with none in the range of the dtype does Cholesky in {moved.dtype} succeed (tried)"
    if moved.proved == 0:
        return f"none is needed in float64; with {moved.tried:g} {done}"
    return f"{sure}; {'without one' if moved.tried == 0 else f'with {moved.tried:g}'} {done}"


def _dtype(found: Diagnosis) -> str:
    if _wrong(found):
        wraps = found.dtype in ("int8", "int16", "int32", "uint8", "uint16", "uint32")
        return f"{found.dtype} wraps around: compute it in float64" if wraps else "no dtype mends a wrong entry"
    if found.condition is not None:
        names, known = list(found.resolved_in), f"the condition number is at most {found.condition:.3g}: "
        if not names:
            return (
                f"{known}n epsilon is above its inverse in every format, so that the smallest eigenvalue has no certain digit"
            )
        known += f"{listed(names)} {'tell' if len(names) > 1 else 'tells'} the smallest eigenvalue from 0"
        anew = found.dtype in _NAMES and found.dtype not in names and not found.healthy
        return f"{known}, if it is computed in that (a cast brings no digits back)" if anew else known
    causes = [finding.cause for finding in found.findings if finding.certain or finding.cause == "rank"]
    if {"rank", "zero input", "equal inputs"} & set(causes):
        return "none changes that: the matrix is singular, not imprecise"
    top = found.largest[1] or 0.0
    floors = {known.name: f"{known.eps * found.inputs * top:.1g}" for known in FORMATS}
    own = found.dtype if found.dtype in floors else "float64"
    if own == "float64":
        return f"float64 shows eigenvalues from about {floors[own]} on, and no format here has more digits"
    return f"{own} shows eigenvalues from about {floors[own]} on, float64, if it is computed in that, from {floors['float64']}"


def _wrong(found: Diagnosis) -> bool:
    """Whether some entry is wrong beyond rounding."""
    return found.rough or any(finding.cause in ("asymmetry", "diagonal") for finding in found.findings)


def _interval(low: float | None, high: float | None) -> str:
    """Where a number is: one number where both ends print alike."""
    if low is None:
        return f"is at most {high:.3g}"
    return f"is {low:.6g}" if f"{low:.6g}" == f"{high:.6g}" else f"lies in [{low:.3g}, {high:.3g}]"
