"""What a jitter does: from where on a factorisation succeeds, certainly or in the matrix' own dtype, and what it costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import cholesky

from ntkit.spectra._definite import cholesky_proves
from ntkit.spectra.diagnosis._ends import Ends
from ntkit.spectra.diagnosis._gram import FORMATS, Gram, Precision

_LAPACK = ("float32", "float64")  # what Cholesky factorisations exist in


@dataclass(frozen=True)
class Jitter:
    """Multiples of the identity that make a matrix positive definite.

    Attributes:
        needed: no smaller one does, certainly; 0 for a matrix that may be definite as it is.
        proved: the smallest one of one digit (a power of ten for large matrices) with which definiteness is proved, by a
            Cholesky factorisation in float64 below all its rounding errors; 0 if the matrix is proved definite as it is.
        tried: the smallest one with which a factorisation in `dtype` succeeds, the jitter added and rounded in the matrix' own
            dtype; 0 if it does as it is.
        dtype: of that factorisation: the matrix' own, or float32 for those with fewer digits, for which there is none.
        relative: the larger one of `proved` and `tried` over the mean of the diagonal.
        below: how many eigenvalues are smaller than it, and count for little beside it; None for large matrices.
    """

    needed: float
    proved: float | None
    tried: float | None
    dtype: str
    relative: float | None
    below: int | None

    @property
    def enough(self) -> float | None:
        """The larger one of `proved` and `tried`: it does for both."""
        return None if self.proved is None or self.tried is None else max(self.proved, self.tried)


def jitter(gram: Gram, found: Ends) -> Jitter | None:
    """What jitters do; None for a matrix of zeros."""
    a = gram.entries
    size = float(np.abs(a).max())
    if size == 0:
        return None
    digits = range(1, 10) if found.every is not None else (1,)
    low, high = (int(np.floor(np.log10(size))) + shift for shift in (-19, 2 + int(np.ceil(np.log10(len(a))))))
    sizes = [0.0, *(float(f"{digit}e{power}") for power in range(low, high) for digit in digits)]
    needed = max(-found.smallest[1], 0.0)
    able = [size for size in sizes if size >= needed]
    proved = 0.0 if found.definite else _first(able, lambda level: cholesky_proves(a, -level))
    own = gram.precision.name
    dtype = own if own in _LAPACK else "float32"
    most = gram.precision.largest - float(a.diagonal().max())
    tried = _first([size for size in able if size < most], lambda level: factorises(a, level, gram.precision, dtype))
    enough = None if proved is None or tried is None else max(proved, tried)
    mean = float(a.diagonal().mean())
    relative = enough / mean if enough is not None and mean > 0 else None
    below = None if enough is None or found.every is None else int((found.every.values < enough).sum())
    return Jitter(needed, proved, tried, dtype, relative, below)


def factorises(a: Float[np.ndarray, "n n"], level: float, precision: Precision, dtype: str) -> bool:
    """Whether a Cholesky factorisation of the matrix, with a jitter in its own format, succeeds in a dtype."""
    moved = rounded(a, precision).astype(dtype)
    np.fill_diagonal(moved, rounded(a.diagonal() + level, precision).astype(dtype))
    try:
        return bool(np.isfinite(cholesky(moved, lower=True, check_finite=False)).all())  # NumPy's would go by float64
    except np.linalg.LinAlgError:
        return False


def rounded(a: Float[np.ndarray, "..."], precision: Precision) -> Float[np.ndarray, "..."]:
    """The nearest numbers of a format, in float64 or float32."""
    if precision.name != "bfloat16":
        with np.errstate(over="ignore"):
            return a.astype(precision.name)
    single = a.astype(np.float32)
    bits = np.ascontiguousarray(single).view(np.uint32)
    even = (bits >> 16) & 1
    return ((bits + 0x7FFF + even) & np.uint32(0xFFFF0000)).view(np.float32).reshape(a.shape)


def _first(sizes: Sequence[float], works: Callable[[float], bool]) -> float | None:
    """The first of rising numbers that works, by bisection, where all after it do too; None if the last one does not."""
    low, high = 0, len(sizes) - 1
    if sizes and works(sizes[0]):
        return sizes[0]
    if high < 1 or not works(sizes[high]):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(sizes[middle]) else (middle, high)
    return sizes[high]


def resolving(n: int, condition: float) -> tuple[str, ...]:
    """The formats in which n epsilon times the condition number is below 1: those that know the smallest eigenvalue from 0."""
    return tuple(known.name for known in FORMATS if condition * n * known.eps < 1)
