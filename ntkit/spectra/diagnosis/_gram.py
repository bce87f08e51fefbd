"""What is looked at: the numbers in float64, which inputs they belong to, and the digits that they came with."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ntkit.spectra.diagnosis._finding import Finding


@dataclass(frozen=True)
class Precision:
    """A format of floating point numbers.

    Attributes:
        name: as NumPy has it.
        eps: from 1 to the next number; a correctly rounded number is wrong by half of it, relatively.
        largest: finite number.
        least: positive number.
    """

    name: str
    eps: float
    largest: float
    least: float


BFLOAT16 = Precision("bfloat16", 2.0**-7, (2 - 2.0**-7) * 2.0**127, 2.0**-133)
FORMATS = (  # the fewest digits first
    BFLOAT16,
    *(
        Precision(kind.__name__, float(np.finfo(kind).eps), float(np.finfo(kind).max), float(np.finfo(kind).smallest_subnormal))
        for kind in (np.float16, np.float32, np.float64)
    ),
)


@dataclass(frozen=True, eq=False)
class Gram:
    """A finite symmetric matrix.

    Attributes:
        entries: shape (n, n).
        names: the number of each input in the matrix that was given.
        precision: of the numbers that were given; float64 for integers.
    """

    entries: Float[np.ndarray, "n n"]
    names: Int[np.ndarray, " n"]
    precision: Precision

    @cached_property
    def scale(self) -> Float[np.ndarray, " n"]:
        """The length of each input's features; 0 where the diagonal is negative."""
        return np.asarray(np.sqrt(np.maximum(self.entries.diagonal(), 0.0)))

    @cached_property
    def unit(self) -> float:
        """A unit of rounding, relative to K_ii: eps, or more where the smallest ones have lost digits to underflow."""
        positive = self.scale[self.scale > 0]
        return (
            max(self.precision.eps, self.precision.least / float(positive.min()) ** 2) if positive.size else self.precision.eps
        )

    def only(self, places: Int[np.ndarray, " k"]) -> "Gram":
        """The matrix of some of the inputs."""
        return Gram(self.entries[np.ix_(places, places)], self.names[places], self.precision)

    def without(self, places: Int[np.ndarray, " k"]) -> "Gram":
        """The matrix of all other inputs."""
        return self.only(np.setdiff1d(np.arange(len(self.names)), places))

    def pair(self, i: int | np.integer, j: int | np.integer) -> tuple[int, int]:
        """Two inputs by their numbers, the smaller one first."""
        one, other = sorted((int(self.names[i]), int(self.names[j])))
        return one, other


def as_numbers(matrix: ArrayLike) -> tuple[Float[np.ndarray, "n m"], Precision] | Finding:
    """A square matrix in float64, with the format that its numbers came in; or why it is none."""
    given = np.asarray(matrix)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or given.size == 0:
        remedy = "give K(x, x) of all pairs of one set of inputs, of shape (n, n)"
        if given.ndim == 2 and given.size:
            remedy = f"a block K(x1, x2) of two sets has no eigenvalues; {remedy}"
        return Finding("shape", f"the array has shape {given.shape}, a Gram matrix is square", remedy, True)
    if given.dtype.kind == "V" and given.dtype.names is None and given.dtype.itemsize == 2:  # .npy knows bfloat16 as 2 bytes
        wide = np.ascontiguousarray(given).view(np.uint16).astype(np.uint32) << 16
        return wide.view(np.float32).astype(np.float64), BFLOAT16
    if given.dtype.kind == "c":
        some = "are all 0: take the real part" if not given.imag.any() else "are not all 0: a kernel's values are real"
        return Finding("dtype", f"the numbers are complex; their imaginary parts {some}", "save its .real part", True)
    if given.dtype.kind not in "biuf" or given.dtype.itemsize > 8:
        sentence = f"the array has dtype {given.dtype}, a Gram matrix has real numbers of at most 64 bits"
        return Finding("dtype", sentence, "save it as float64", True)
    precision = next((known for known in FORMATS if known.name == given.dtype.name), FORMATS[-1])
    return given.astype(np.float64), precision
